"""Films in each form, by the path's ending."""

import io

import pytest
import torch
from PIL import Image

from muslin.base.errors import InputError
from muslin.base.film import write_film


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


def test_other_forms_are_told(tmp_path):
    with pytest.raises(InputError, match=r"films are \.gif, \.webp or \.mp4"):
        write_film(tmp_path / "walk.avi", frames())
