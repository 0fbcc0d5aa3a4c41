"""Films in each form, by the path's ending."""

import io

import imageio_ffmpeg
import pytest
import torch
from PIL import Image

from muslin.base.errors import InputError
from muslin.base.film import write_film
from muslin.provenance.recipe import read_marks
from muslin.provenance.xmp import Mark, build


def frames():
    return [torch.full((3, 33, 41), value) for value in (-0.5, 0.0, 0.5)]


@pytest.mark.parametrize("form", ["gif", "webp"])
def test_all_frames_are_there_and_go_on_for_ever(tmp_path, form):
    path = write_film(tmp_path / f"walk.{form}", frames(), 10)
    with Image.open(io.BytesIO(path.read_bytes())) as film:
        assert film.n_frames == 3
        assert film.info["loop"] == 0


def test_mp4_is_written_whole(tmp_path):
    path = write_film(tmp_path / "walk.mp4", frames(), 10)
    assert path.read_bytes()[4:8] == b"ftyp"
    assert [p.name for p in tmp_path.iterdir()] == ["walk.mp4"]


@pytest.mark.parametrize("form", ["gif", "webp", "mp4"])
def test_a_packet_goes_along_and_the_film_still_plays(tmp_path, form):
    packet = build(Mark("trainedAlgorithmicMedia", "0.4.0"))
    plain = write_film(tmp_path / f"plain.{form}", frames(), 10).read_bytes()
    content = write_film(tmp_path / f"marked.{form}", frames(), 10, packet).read_bytes()
    assert packet.encode() in content and len(content) > len(plain)
    if form == "mp4":
        assert content.startswith(plain) and content[len(plain) + 4 : len(plain) + 8] == b"uuid"
        assert int.from_bytes(content[len(plain) : len(plain) + 4], "big") == len(content) - len(plain)
        assert imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "marked.mp4"))[0] == 3
        return
    assert read_marks(content, "film")[1] == Mark("trainedAlgorithmicMedia", "0.4.0")
    with Image.open(io.BytesIO(content)) as film, Image.open(io.BytesIO(plain)) as before:
        assert film.n_frames == 3 and film.info["loop"] == 0
        for number in range(3):
            film.seek(number)
            before.seek(number)
            assert film.convert("RGB").tobytes() == before.convert("RGB").tobytes()


def test_other_forms_are_told(tmp_path):
    with pytest.raises(InputError, match=r"films are \.gif, \.webp or \.mp4"):
        write_film(tmp_path / "walk.avi", frames())
