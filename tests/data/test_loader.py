"""From names and paths to training sets."""

import gzip

import pytest
import torch

from muslin.base.errors import InputError
from muslin.data.fashion_mnist import load_fashion_mnist
from muslin.data.images import Images
from muslin.data.loader import load_images, square


def _idx(shape, values):
    return bytes([0, 0, 8, len(shape)]) + b"".join(s.to_bytes(4, "big") for s in shape) + bytes(values)


@pytest.fixture
def little_mnist(tmp_path):
    pixels = [(i * 7 + k) % 256 for i in range(20) for k in range(784)]
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(_idx((20, 28, 28), pixels)))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(_idx((20,), [i % 10 for i in range(20)])))
    return tmp_path


def test_the_idx_files_are_read(little_mnist):
    images = load_fashion_mnist(little_mnist)
    assert images.pixels.shape == (20, 1, 28, 28)
    assert int(images.pixels[3, 0, 0, 5]) == 26
    assert images.labels.tolist() == [i % 10 for i in range(20)]


@pytest.mark.parametrize(("name", "keep"), [("train-images-idx3-ubyte.gz", 0.5), ("train-labels-idx1-ubyte.gz", 0.5)])
def test_a_cut_file_is_named(little_mnist, name, keep):
    path = little_mnist / name
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(InputError, match=f"{name}: damaged or cut short"):
        load_fashion_mnist(little_mnist)


def test_missing_files_say_what_to_do(tmp_path):
    with pytest.raises(InputError, match="apt install dataset-fashion-mnist"):
        load_fashion_mnist(tmp_path)


def test_the_starter_set_loads_in_both_forms():
    colour = load_images("starter", 32, 3, ("dress", "hat"))
    grey = load_images("starter", 28, 1, ("dress",))
    assert colour.pixels.shape[1:] == (3, 32, 32)
    assert colour.classes == ("dress", "hat")
    assert grey.pixels.shape == (30, 1, 28, 28)
    assert float(colour.pixels[:, :, 0].float().mean()) > 240


def test_bad_files_are_heard_of_and_left_out(archive):
    (archive / "dress" / "bad.jpg").write_text("no")
    heard = []
    images = load_images(archive, 32, 3, refused=lambda name, why: heard.append((name, why)))
    assert len(images) == 6
    assert heard[0][0] == "dress/bad.jpg"


def test_a_wide_picture_is_squared_on_its_ground():
    picture = torch.full((3, 10, 30), 0.25)
    made = square(picture)
    assert made.shape == (3, 30, 30)
    assert torch.equal(made, torch.full((3, 30, 30), 0.25))


def test_even_drawing_gives_rare_classes_their_share():
    labels = torch.tensor([0] * 90 + [2] * 10)
    images = Images(torch.zeros(100, 3, 4, 4, dtype=torch.uint8), labels, ("a", "b", "c"))
    drawn = labels[images.even(4000, torch.Generator().manual_seed(0))]
    assert 0.45 < float((drawn == 2).float().mean()) < 0.55
    assert images.shuffled(1, 0, 0, 100).sort().values.tolist() == list(range(100))
    assert not torch.equal(images.shuffled(1, 0, 0, 100), images.shuffled(1, 1, 0, 100))


def test_the_ground_is_told_from_the_borders():
    assert load_images("starter", 32, 3, ("dress",)).ground == 1.0
    assert Images(torch.zeros(3, 1, 28, 28, dtype=torch.uint8), torch.zeros(3, dtype=torch.long), ("a",)).ground == -1.0
