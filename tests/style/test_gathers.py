"""Gathers beneath a dense print: found where cloth is folded, and taken for none where they are the print's own lines."""

import pytest
import torch

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.image import blur
from muslin.base.seeds import seeded
from muslin.style.gathers import gathers
from muslin.style.relief import relative
from muslin.style.shading import plain

SIDE = 192
INSIDE = (slice(40, 152), slice(40, 152))


@pytest.fixture(scope="module")
def mask():
    made = torch.zeros(1, SIDE, SIDE)
    made[:, 24:168, 24:168] = 1
    return made


@pytest.fixture(scope="module")
def folds():
    return 0.15 * torch.sin(torch.arange(SIDE) / 3).expand(1, SIDE, SIDE)


@pytest.fixture(scope="module")
def printed(folds, mask):
    """A scattered print of two colours on cloth in upright folds, on white."""
    scattered = blur(torch.randn(1, SIDE, SIDE, generator=seeded("scattered")), 1.0) > 0.05
    dark, pale = (torch.tensor(ink)[:, None, None] for ink in ((0.45, 0.06, 0.02), (0.65, -0.03, 0.06)))
    lab = torch.where(scattered, dark, pale)
    lit = from_oklab(torch.cat([lab[:1] * (1 + folds), lab[1:] * (1 + folds)]))
    return torch.where(mask > 0, lit, torch.ones(()))


def found_in(picture, mask, folded):
    lab = to_oklab(picture)
    return gathers(relative(lab[:1], mask), lab[1:] / (lab[:1] + 0.1), mask, folded)


def likeness(a, b):
    a, b = (x[0][INSIDE] - x[0][INSIDE].mean() for x in (a, b))
    return float((a * b).mean() / (a.square().mean() * b.square().mean()).sqrt())


def test_folds_are_seen_beneath_a_scattered_print(printed, folds, mask):
    light, sure = found_in(printed, mask, mask)
    assert likeness(light, folds) > 0.65 and float(sure[0][INSIDE].mean()) > 0.7 and not bool(sure[mask < 0.01].any())
    lightness = to_oklab(printed)[:1]
    assert likeness(lightness, folds) < 0.6  # the print hides them
    shade, without = plain(printed, mask, folded=mask)[1], plain(printed, mask)[1]
    assert likeness(shade, folds) > likeness(without, folds) + 0.03


def test_they_run_on_from_where_they_are_seen(printed, mask):
    """A gathered waist: the skirt's folds below it too, and nothing of what lies far off."""
    waist = torch.zeros_like(mask)
    waist[:, 24:64, 24:90] = 1
    sure = found_in(printed, mask, waist)[1][0]
    assert float(sure[90:110, 40:80].mean()) > 0.5 > 10 * float(sure[90:150, 130:160].mean())


def test_stripes_are_no_folds(mask):
    """Those of another hue; black ones on white; and those that the network took for folds, which are no area."""
    upright = torch.sin(torch.arange(SIDE) / 3).expand(1, SIDE, SIDE)
    blue, white = (torch.tensor(ink)[:, None, None] for ink in ((0.45, -0.02, -0.15), (0.9, 0.0, 0.0)))
    striped = torch.where(mask > 0, from_oklab(torch.where(upright > 0, blue, white)), torch.ones(()))
    assert float(found_in(striped, mask, mask)[1][0][INSIDE].mean()) < 0.1
    black = torch.where(mask > 0, 0.9 * torch.sign(upright), torch.ones(())).expand(3, -1, -1)
    assert float(found_in(black, mask, mask)[1][0][INSIDE].mean()) < 0.02
    grey = torch.where(mask > 0, 0.2 * torch.sign(upright), torch.ones(())).expand(3, -1, -1)
    lines = (torch.arange(SIDE) % 9 < 2).float().expand(1, SIDE, SIDE) * mask
    assert not bool(found_in(grey, mask, lines)[1].any())


@pytest.mark.parametrize("share", [0.0, 0.01])
def test_nothing_is_changed_where_little_or_nothing_is_folded(printed, mask, share):
    folded = torch.zeros_like(mask)
    folded[:, 80 : 80 + round(SIDE * share * 6), 80:92] = 1
    light, sure = found_in(printed, mask, folded)
    assert not bool(light.any()) and not bool(sure.any())


def test_any_size_and_shape(printed, mask):
    """A single pixel, a strip, and twice the size: the same folds."""
    for height, width in ((1, 1), (1, 300), (500, 3)):
        pixels, whole = printed[:, :1, :1].expand(3, height, width), torch.ones(1, height, width)
        light, sure = found_in(pixels, whole, whole)
        assert light.shape == sure.shape == whole.shape and bool(light.isfinite().all() & sure.isfinite().all())
    twice = [x.repeat_interleave(2, 1).repeat_interleave(2, 2) for x in (printed, mask)]
    small, large = found_in(printed, mask, mask)[0], found_in(*twice, twice[1])[0]
    assert likeness(small, large[:, ::2, ::2]) > 0.95
