"""The one door to picture files (Pillow): in by `open_image`, out by `encode_png`, `encode_jpeg` and `encode_webp`.

On the way in: limits before decoding, EXIF orientation, ICC profile to sRGB, every mode to RGB, alpha kept apart.
On the way out: sRGB profile, DPI, text, XMP. In memory a picture is float RGB in [-1, 1], (3, height, width).
"""

import io
import math
import re
import struct
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageCms, ImageColor, ImageDraw, ImageFont, ImageOps, PngImagePlugin, UnidentifiedImageError
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.files import read_bytes
from muslin.base.packets import gif_packet

MAX_PIXELS = 100_000_000  # 10,000 x 10,000
MAX_BYTES = 256 * 1024 * 1024
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif"})
XMP = "XML:com.adobe.xmp"  # the name of an XMP packet among text chunks
_MADE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SRGB = _MADE[:24] + b"\x07\xea\0\1\0\1\0\0\0\0\0\0" + _MADE[36:]  # its date is always the same, so that files are
_STRIP = 64  # rows that a blur works on at once: they stay in the cache


@dataclass(frozen=True)
class Picture:
    """`pixels` RGB in [-1, 1]; `alpha` in [0, 1] where the file had one; `dpi` where it said so; `mended`: what was done."""

    pixels: Float[Tensor, "3 h w"]
    alpha: Float[Tensor, "1 h w"] | None = None
    dpi: float | None = None
    mended: tuple[str, ...] = ()


def open_image(source: Path | bytes, name: str = "") -> Picture:
    """Decode a picture file or its bytes.

    Transparent places become white in `pixels`, animated files give their first frame. Raises InputError when a file is missing, no picture, cut short, over MAX_BYTES or MAX_PIXELS.
    """
    name = name or str(source if isinstance(source, Path) else "picture")
    if isinstance(source, Path) and source.exists() and source.stat().st_size > MAX_BYTES:
        raise InputError(f"{name}: {source.stat().st_size / 1e6:.0f} MB; the limit is {MAX_BYTES / 1e6:.0f} MB")
    content = source if isinstance(source, bytes) else read_bytes(source)
    with _opened(content, name) as image:
        return _picture(image, name)


def encode_png(
    pixels: Float[Tensor, "c h w"], alpha: Float[Tensor, "1 h w"] | None = None, dpi: float = 300, text: Mapping[str, str] | None = None
) -> bytes:
    """PNG bytes of a picture in [-1, 1] (1 or 3 channels), with sRGB profile, DPI and international text chunks."""
    info = PngImagePlugin.PngInfo()
    for key, value in (text or {}).items():
        info.add_itxt(key, value, zip=len(value) > 1000 and key != XMP)  # readers of XMP want it plain
    out = io.BytesIO()
    _with_alpha(pixels, alpha).save(out, "PNG", pnginfo=info, dpi=(dpi, dpi), icc_profile=SRGB, compress_level=6)
    return out.getvalue()


def encode_jpeg(pixels: Float[Tensor, "c h w"], quality: int = 90, dpi: float | None = None, xmp: str = "") -> bytes:
    """JPEG bytes of a picture in [-1, 1] (colour not sub-sampled); with `dpi` (whole ones) or `xmp` also the sRGB profile.

    An `xmp` of more than 65,504 bytes does not fit: callers look at `base.packets.JPEG_MOST`.
    """
    out = io.BytesIO()
    more: dict[str, Any] = {"icc_profile": SRGB, "xmp": xmp.encode()} if xmp or dpi else {}
    if dpi:
        more["dpi"] = (round(dpi), round(dpi))
    to_pil(pixels).save(out, "JPEG", quality=quality, subsampling=0, optimize=True, **more)
    return out.getvalue()


def encode_webp(
    pixels: Float[Tensor, "c h w"], alpha: Float[Tensor, "1 h w"] | None = None, quality: int = 90, dpi: float = 300, xmp: str = ""
) -> bytes:
    """WebP bytes (lossy) of a picture in [-1, 1], with sRGB profile and XMP; the DPI as EXIF, because the format has no field for it."""
    exif = Image.Exif()
    exif[0x011A], exif[0x011B], exif[0x0128] = dpi, dpi, 2  # across, down, in inches
    out = io.BytesIO()
    _with_alpha(pixels, alpha).save(out, "WEBP", quality=quality, method=4, icc_profile=SRGB, exif=exif.tobytes(), xmp=xmp.encode())
    return out.getvalue()


def encode_frames(frames: Iterable[Float[Tensor, "3 h w"]], form: str, rate: float, xmp: str = "") -> bytes:
    """An animation of pictures in [-1, 1], all of one size, `rate` a second, for ever: GIF (256 colours of its own each) or WEBP (with XMP)."""
    first, *rest = [to_pil(frame) for frame in frames]
    out = io.BytesIO()
    more = {"quality": 90, "method": 4, "xmp": xmp.encode()} if form == "WEBP" else {"disposal": 1}
    first.save(out, form, save_all=True, append_images=rest, duration=round(1000 / rate), loop=0, **more)
    return out.getvalue()


def decode(content: bytes) -> Float[Tensor, "3 h w"]:
    """A picture of our own making, from bytes; for others, `open_image`."""
    with Image.open(io.BytesIO(content)) as image:
        array = np.asarray(image.convert("RGB"))
    return from_bytes(torch.from_numpy(array.copy()).permute(2, 0, 1))


def read_text(content: bytes, name: str) -> dict[str, str]:
    """The text chunks of a PNG; of a TIFF its `description`; of all (GIF too) the XMP packet, named XMP. Raises InputError as `open_image`."""
    with _opened(content, name) as image:
        chunks = dict(getattr(image, "text", {}))
        if described := getattr(image, "tag_v2", {}).get(270):  # ImageDescription: UTF-8, which Pillow reads as Latin-1
            chunks["description"] = str(described).encode("latin-1", "replace").decode("utf-8", "replace")
        if XMP not in chunks and (packet := image.info.get("xmp") or gif_packet(content)):
            chunks[XMP] = packet.decode("utf-8", "replace") if isinstance(packet, bytes) else packet
    return {str(key): str(value) for key, value in chunks.items()}


def to_bytes(pixels: Float[Tensor, "*b c h w"]) -> UInt8[Tensor, "*b c h w"]:
    """[-1, 1] to 0 ... 255, rounded."""
    return (pixels.detach().float().cpu().clamp(-1, 1) * 127.5 + 127.5).round().byte()


def from_bytes(pixels: UInt8[Tensor, "*b c h w"]) -> Float[Tensor, "*b c h w"]:
    """0 ... 255 to [-1, 1]."""
    return pixels.float() / 127.5 - 1


def to_pil(pixels: Float[Tensor, "c h w"]) -> Image.Image:
    """A Pillow picture, mode L or RGB."""
    array = to_bytes(pixels).permute(1, 2, 0).numpy()
    return Image.fromarray(np.ascontiguousarray(array[..., 0] if array.shape[2] == 1 else array))


def _with_alpha(pixels: Tensor, alpha: Tensor | None) -> Image.Image:
    image = to_pil(pixels)
    if alpha is not None:
        image.putalpha(Image.fromarray((alpha[0].clamp(0, 1) * 255).round().byte().numpy()))
    return image


def resize(pixels: Float[Tensor, "c h w"], height: int, width: int) -> Float[Tensor, "c rows columns"]:
    """Resampled with antialiasing (bicubic; exact on float values, in [-1, 1])."""
    made = torch.nn.functional.interpolate(pixels[None], size=(height, width), mode="bicubic", antialias=True, align_corners=False)
    return made[0].clamp(-1, 1)


def luma(pixels: Float[Tensor, "*b 3 h w"]) -> Float[Tensor, "*b 1 h w"]:
    """Grey by Rec. 601."""
    return (pixels * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(-3, keepdim=True)


def blur(x: Float[Tensor, "c h w"], sigma: float) -> Float[Tensor, "c h w"]:
    """Gaussian, edges repeated; wide ones at a lower resolution."""
    if sigma > 8:
        factor = int(sigma // 4)
        small = torch.nn.functional.interpolate(x[None], size=(max(1, x.shape[1] // factor), max(1, x.shape[2] // factor)), mode="area")[0]
        soft = blur(small, sigma / factor)
        return torch.nn.functional.interpolate(soft[None], size=x.shape[1:], mode="bilinear", align_corners=False)[0]
    radius = max(1, round(3 * sigma))
    taps = [math.exp(-0.5 * (i / max(sigma, 1e-3)) ** 2) for i in range(-radius, radius + 1)]
    weights, height, out = [tap / sum(taps) for tap in taps], x.shape[1], torch.empty_like(x)
    for top in range(0, height, _STRIP):
        rows = torch.arange(top - radius, min(top + _STRIP, height) + radius).clamp(0, height - 1)
        strip = torch.nn.functional.pad(_weighted(x[:, rows], weights, 1)[None], (radius, radius, 0, 0), mode="replicate")[0]
        out[:, top : top + _STRIP] = _weighted(strip, weights, 2)
    return out


def _weighted(x: Tensor, weights: list[float], along: int) -> Tensor:
    """The weighted sum of each place and the next ones: a convolution of one channel, for which torch's takes 18 pictures of memory."""
    length = x.shape[along] - len(weights) + 1
    total = x.narrow(along, 0, length) * weights[0]
    for i, weight in enumerate(weights[1:], 1):
        total.add_(x.narrow(along, i, length), alpha=weight)
    return total


@contextmanager
def _opened(content: bytes, name: str) -> Iterator[Image.Image]:
    """A picture decoded, within the limits; every way in which that fails is an InputError that names it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures, which are looked at below, and of damaged EXIF
            image = Image.open(io.BytesIO(content))
        with image:
            _check_size(image, name)
            image.load()
            yield image
    except UnidentifiedImageError as failure:
        raise InputError(f"{name}: not a picture that can be read; expected {', '.join(sorted(SUFFIXES))}") from failure
    except Image.DecompressionBombError as failure:
        size = f"{int(count.group()):,}" if (count := re.search(r"\d{6,}", str(failure))) else "far too many"
        raise InputError(f"{name}: {size} pixels; the limit is {MAX_PIXELS:,}; make it smaller") from failure
    except (OSError, SyntaxError, ValueError, EOFError, RuntimeError, struct.error) as failure:
        raise InputError(f"{name}: damaged or cut short ({failure}); copy or export it again") from failure


def _check_size(image: Image.Image, name: str) -> None:
    if (width := image.width) * (height := image.height) > MAX_PIXELS:
        raise InputError(f"{name}: {width:,} x {height:,} pixels; the limit is {MAX_PIXELS:,}; make it smaller")
    tags = getattr(image, "tag_v2", {})  # planar, uncompressed, of more than 8 bits: which Pillow reads as if of 8, or not at all
    if (tags.get(284), tags.get(259, 1)) == (2, 1) and max(tags.get(258, (8,))) > 8:
        raise InputError(f"{name}: holds its 16 bits channel by channel; save it with interleaved channels (or as PNG)")


def _picture(image: Image.Image, name: str) -> Picture:
    mended: list[str] = []
    profile = image.info.get("icc_profile")
    turned = _turned(image, mended)
    alpha = _alpha(turned)
    if alpha is not None:
        mended.append("transparency laid on white")
    rgb = _to_rgb(turned, profile, mended, name)
    white_is_zero = getattr(image, "tag_v2", {}).get(262) == 0 and image.mode.startswith("I;16")  # of TIFF; Pillow turns it at 8 bits only
    pixels = from_bytes(torch.from_numpy(np.array(rgb)).permute(2, 0, 1)) * (-1 if white_is_zero else 1)
    if alpha is not None:
        pixels = pixels * alpha + (1 - alpha)
    return Picture(pixels, alpha, _dpi(image), tuple(mended))


def _turned(image: Image.Image, mended: list[str]) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            turned = ImageOps.exif_transpose(image)
            if turned.size != image.size or image.getexif().get(0x0112, 1) != 1:
                mended.append("turned as EXIF says")
    except Exception:  # whatever a damaged EXIF block leads to: the picture itself is whole
        mended.append("unreadable EXIF ignored")
        return image
    return turned


def _dpi(image: Image.Image) -> float | None:
    webp = (image.getexif().get(0x011A),) if image.format == "WEBP" else None  # which has no field of its own
    told = image.info.get("dpi", webp)
    return float(told[0]) if told and isinstance(told[0], Real) and float(told[0]) > 1 else None


def _alpha(image: Image.Image) -> Tensor | None:
    if not (image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info):
        return None
    band = torch.from_numpy(np.array(image.convert("RGBA").getchannel("A"))).float() / 255
    return band[None] if bool((band < 1).any()) else None


def _to_rgb(image: Image.Image, profile: bytes | None, mended: list[str], name: str) -> Image.Image:
    if image.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        mended.append("16 bits to 8")
        values = np.array(image, dtype=np.float64)
        if not np.isfinite(values).all():
            raise InputError(f"{name}: has values that are no numbers (NaN or infinite); export it again, with 8 or 16 bits a channel")
        top = 1.0 if values.max() < 2 and image.mode == "F" else 255.0 if values.max() <= 255 and image.mode in ("I", "F") else 65535.0
        image = Image.fromarray((values / top * 255).clip(0, 255).round().astype(np.uint8))
    elif image.mode != "RGB":
        mended.append(f"mode {image.mode} to RGB")
    if profile:
        base = image if image.mode in ("RGB", "L", "CMYK") else image.convert("L" if image.mode == "LA" else "RGB")
        try:
            return _through_profile(base, profile, mended)
        except (ImageCms.PyCMSError, OSError, ValueError):
            mended.append("unreadable colour profile ignored")
    return image.convert("RGBA").convert("RGB") if image.mode == "P" else image.convert("RGB")


def _through_profile(image: Image.Image, profile: bytes, mended: list[str]) -> Image.Image:
    if profile == SRGB:
        return image.convert("RGB")
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    turned = ImageCms.profileToProfile(image, source, ImageCms.ImageCmsProfile(io.BytesIO(SRGB)), outputMode="RGB")
    if turned is None:
        raise ValueError("no conversion")
    if "srgb" not in ImageCms.getProfileDescription(source).lower():
        mended.append("colour profile to sRGB")
    return turned


def caption(text: str, width: int, height: int) -> Float[Tensor, "3 h w"]:
    """One line of small dark grey text on white, cut to the width with an ellipsis."""
    image = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    while text and draw.textlength(text, font=font) > width - 4:
        text = text[:-2].rstrip(" .…") + "…" if len(text) > 2 else ""
    draw.text((2, (height - 16) // 2), text, fill=(90, 88, 84), font=font)
    return from_bytes(torch.from_numpy(np.array(image)).permute(2, 0, 1))


def colour_names() -> dict[str, tuple[int, int, int]]:
    """The colour names of CSS (W3C, an open list) with their RGB, 0 to 255; one name for each colour."""
    named: dict[tuple[int, int, int], str] = {}
    for name in sorted(ImageColor.colormap):
        red, green, blue = ImageColor.getrgb(name)[:3]
        named.setdefault((red, green, blue), name)
    return {name: colour for colour, name in named.items()}
