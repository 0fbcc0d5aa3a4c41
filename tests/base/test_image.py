"""The image door: every form of picture in, limits before decoding, profile and DPI out."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms
from scipy import ndimage

from muslin.base.errors import InputError
from muslin.base.image import SRGB, blur, encode_jpeg, encode_png, from_bytes, open_image, read_text, to_bytes


def _bytes(image, kind="PNG", **more):
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def _ramp(mode="RGB"):
    values = np.zeros((32, 48, 3), np.uint8)
    values[..., 0] = np.arange(48) * 5
    values[..., 1] = np.arange(32)[:, None] * 7
    values[..., 2] = 90
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "CMYK", "LA", "RGBA"])
def test_every_mode_becomes_rgb(mode):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    picture = open_image(_bytes(_ramp(mode), kind))
    assert picture.pixels.shape == (3, 32, 48)
    expected = from_bytes(torch.from_numpy(np.array(_ramp(mode).convert("RGB"))).permute(2, 0, 1))
    assert torch.allclose(picture.pixels, expected, atol=0.03)


def test_sixteen_bits_keep_their_light():
    values = np.linspace(0, 65535, 32 * 48).reshape(32, 48).astype(np.uint16)
    pixels = open_image(_bytes(Image.fromarray(values))).pixels
    assert float(pixels.min()) == -1.0
    assert float(pixels.max()) == 1.0
    assert abs(float(pixels.mean())) < 0.01


def test_orientation_is_followed():
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = open_image(_bytes(_ramp(), "JPEG", exif=exif, quality=95))
    assert picture.pixels.shape == (3, 48, 32)
    assert "turned as EXIF says" in picture.mended


def test_another_colour_profile_is_brought_to_srgb():
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = open_image(_bytes(_ramp(), icc_profile=lab))
    assert torch.equal(same.pixels, open_image(_bytes(_ramp())).pixels)
    broken = open_image(_bytes(_ramp(), icc_profile=b"not a profile"))
    assert "unreadable colour profile ignored" in broken.mended


def test_alpha_is_kept_apart_and_the_picture_lies_on_white():
    image = _ramp("RGBA")
    alpha = np.zeros((32, 48), np.uint8)
    alpha[8:24, 8:40] = 255
    image.putalpha(Image.fromarray(alpha))
    picture = open_image(_bytes(image))
    assert picture.alpha is not None
    assert float(picture.alpha[0, 16, 20]) == 1.0
    assert bool((picture.pixels[:, 0, 0] == 1).all())


def test_dpi_and_profile_and_text_are_written():
    made = encode_png(torch.zeros(3, 20, 30), dpi=300, text={"muslin": "{} 连衣裙"})
    image = Image.open(io.BytesIO(made))
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert "icc_profile" in image.info
    assert read_text(made, "x")["muslin"] == "{} 连衣裙"
    assert open_image(made).dpi == pytest.approx(300, abs=0.1)


def test_the_profile_tells_no_time_so_that_files_are_the_same_tomorrow():
    assert SRGB[24:36] == bytes([7, 234, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])  # 2026-01-01 00:00:00
    assert Image.open(io.BytesIO(encode_png(torch.zeros(3, 9, 9)))).info["icc_profile"] == SRGB
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(SRGB)))


def test_bytes_survive_the_way_out_and_in():
    pixels = torch.randint(0, 256, (3, 17, 23), dtype=torch.uint8)
    assert torch.equal(to_bytes(open_image(encode_png(from_bytes(pixels))).pixels), pixels)
    assert len(encode_jpeg(from_bytes(pixels))) > 100


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"this is a text file, named .jpg", "not a picture"),
        (b"", "not a picture"),
        (_bytes(_ramp())[:-40], "damaged or cut short"),
        (_bytes(_ramp(), "JPEG")[:500], "damaged or cut short"),
    ],
)
def test_bad_files_are_named(content, says):
    with pytest.raises(InputError, match=f"bad.png: .*{says}"):
        open_image(content, "bad.png")


def test_a_pixel_bomb_is_refused_before_it_is_decoded():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    for side in (11_000, 20_000, 60_000):
        head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
        with warnings.catch_warnings(), pytest.raises(InputError, match="bomb.png: .*the limit is 100,000,000"):
            open_image(bomb, "bomb.png")


def test_an_animated_file_gives_its_first_frame():
    frames = [_ramp(), Image.new("RGB", (48, 32), "red")]
    content = _bytes(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert open_image(content).pixels.shape == (3, 32, 48)


@pytest.mark.parametrize(("height", "width", "sigma"), [(64, 50, 2.0), (150, 40, 1.0), (9, 130, 3.0), (90, 90, 0.3)])
def test_a_blur_by_strips_is_that_of_the_whole_picture(height, width, sigma):
    picture = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1
    ours = np.stack([ndimage.gaussian_filter(plane, sigma, mode="nearest", radius=max(1, round(3 * sigma))) for plane in picture.numpy()])
    assert np.abs(blur(picture, sigma).numpy() - ours).max() < 1e-5


def test_a_float_mask_of_0_to_1_keeps_its_light():
    out = io.BytesIO()
    Image.fromarray(np.full((8, 8), 0.75, dtype=np.float32)).save(out, "TIFF")
    assert float(open_image(out.getvalue(), "mask.tif").pixels.mean()) == pytest.approx(0.5, abs=0.01)


def test_damaged_exif_is_no_reason_to_refuse_a_whole_picture():
    plain = _bytes(_ramp(), "JPEG")
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\xff\xff\xff\x7f\0\0"
    hurt = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]
    assert torch.equal(open_image(hurt, "a.jpg").pixels, open_image(plain, "a.jpg").pixels)


def test_grey_tiffs_are_read_the_right_way_round(tmp_path):
    """WhiteIsZero at 16 bits, and floats that go a little over 1."""
    ramp = np.linspace(0, 65535, 40 * 40).reshape(40, 40)
    Image.fromarray(ramp.astype(np.uint16)).save(tmp_path / "black.tif")
    plain = (tmp_path / "black.tif").read_bytes()
    inverted = plain.replace(b"\x06\x01\x03\x00\x01\x00\x00\x00\x01\x00", b"\x06\x01\x03\x00\x01\x00\x00\x00\x00\x00")  # tag 262
    assert inverted != plain
    assert torch.equal(open_image(inverted).pixels, -open_image(plain).pixels)
    Image.fromarray((ramp / 65535 * 1.01).astype(np.float32)).save(tmp_path / "float.tif")
    assert float(open_image(tmp_path / "float.tif").pixels.max()) == 1.0


def _grey_profile(gamma=1.0):
    """The least ICC profile of a grey: a white point and a curve."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    d50 = struct.pack(">3i", 63190, 65536, 54061)
    head = b"\0" * 4 + struct.pack(">I", 0x02400000) + b"mntrGRAYXYZ " + b"\0" * 12 + b"acsp" + b"\0" * 28 + d50
    table = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, 16)
    body = head.ljust(124, b"\0") + table + white + curve
    return struct.pack(">I", len(body) + 4) + body


def test_the_profile_of_a_grey_holds_with_transparency_and_with_16_bits():
    """Half the light is 188 of 255 in sRGB: as 8 bits, with an alpha, and as 16 bits."""
    plain, clear = Image.new("L", (16, 16), 128), Image.new("LA", (16, 16), (128, 255))
    fine = Image.fromarray(np.full((16, 16), 32896, np.uint16))
    for image in (plain, clear, fine):
        picture = open_image(_bytes(image, icc_profile=_grey_profile()))
        assert "colour profile to sRGB" in picture.mended, picture.mended
        assert abs(float(picture.pixels.mean()) - (188 / 127.5 - 1)) < 0.02


def test_16_bits_that_are_stored_by_channel_are_refused_and_not_read_wrongly(tmp_path):
    path = tmp_path / "planar.tif"
    tifffile.imwrite(path, np.full((3, 16, 16), 20000, np.uint16), photometric="rgb", planarconfig="separate")
    with pytest.raises(InputError, match=r"planar\.tif: holds its 16 bits channel by channel; save it with interleaved"):
        open_image(path)
    Image.fromarray(np.full((16, 16), 20000, np.uint16)).save(path, tiffinfo={284: 2})
    with pytest.raises(InputError, match="channel by channel"):
        open_image(path)
    tifffile.imwrite(path, np.full((16, 16, 3), 20000, np.uint16), photometric="rgb")
    assert abs(float(open_image(path).pixels.mean()) - (20000 / 32767.5 - 1)) < 0.01
