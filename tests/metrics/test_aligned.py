import pytest
import torch

from muslin.assets import STARTER
from muslin.base.image import decode, encode_jpeg, from_bytes, resize
from muslin.data.loader import load_images
from muslin.metrics.aligned import detail, on_white, similarity


@pytest.fixture(scope="module")
def garments():
    """Twelve real garments, (3, 128, 128)."""
    return list(from_bytes(load_images(STARTER, 128, 3, ("dress", "shirt")).pixels[::5][:12]))


COPIES = {
    "exact": lambda p: p,
    "flipped": lambda p: p.flip(2),
    "jpeg": lambda p: decode(encode_jpeg(p, 50)),
    "cropped": lambda p: resize(p[:, 12:114, 14:116], 128, 128),
    "in grey": lambda p: p.mean(0, keepdim=True).expand(3, -1, -1),
    "half as light": lambda p: p * 0.5,
    "small": lambda p: resize(p, 48, 48),
    "on another ground": lambda p: torch.where(on_white(p) > 0.97, torch.tensor(0.2), p),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_more_alike_than_any_other_garment(garments, name):
    others = detail(torch.stack([on_white(g) for g in garments]))
    for place, garment in enumerate(garments):
        copy = COPIES[name](garment)
        alike = torch.maximum(similarity(copy, others), similarity(on_white(copy), others))
        assert int(alike.argmax()) == place
        assert alike[place] > 0.85


def test_the_same_picture_is_wholly_alike_and_a_blank_one_not_at_all(garments):
    views = detail(torch.stack(garments))
    assert similarity(garments[0], views)[0] == pytest.approx(1, abs=1e-4)
    assert similarity(torch.ones(3, 64, 64), views).max() == 0
    assert similarity(garments[0], detail(torch.ones(1, 3, 64, 64))).max() == 0


def test_it_does_not_matter_which_of_the_two_is_flipped(garments):
    one, other = garments[0], garments[1]
    there = similarity(one.flip(2), detail(other[None]))
    back = similarity(one, detail(other.flip(2)[None]))
    assert float(there) == pytest.approx(float(back), abs=1e-4)


def test_correlation_by_fourier_transforms_is_the_plain_one(garments):
    one, other = (detail(g[None])[0] for g in garments[:2])
    centred = [x - x.mean() for x in (one, other)]
    plain = float((centred[0] * centred[1]).sum() / (centred[0].norm() * centred[1].norm()))
    assert float(similarity(garments[0], other[None])) >= plain - 1e-4


def test_a_ground_of_another_colour_becomes_white(garments):
    coloured = torch.where(on_white(garments[0]) > 0.97, torch.tensor([0.1, 0.4, -0.2])[:, None, None], garments[0])
    assert float(on_white(coloured)[:, :4].mean()) > 0.95
