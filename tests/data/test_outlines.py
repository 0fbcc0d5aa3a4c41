"""What silhouettes are like."""

import pytest
import torch

from muslin.data.outlines import Outlines, framed, known_outlines, lopsided, solidity


def _coat(gap):
    """A body with two sleeves; `gap` px between them and the body."""
    mask = torch.zeros(1, 64, 64)
    mask[:, 8:56, 20:44] = 1
    mask[:, 8:52, 10 - gap : 20 - gap] = 1
    mask[:, 8:52, 44 + gap : 54 + gap] = 1
    mask[:, 8:14, 10 - gap : 54 + gap] = 1
    return mask


def test_how_lopsided_a_silhouette_is():
    square = torch.zeros(1, 32, 32)
    square[:, 8:24, 2:14] = 1  # not in the middle of the picture
    assert lopsided(square) == 0
    square[:, 8:16, 14:20] = 1
    assert 0.1 < lopsided(square) < 0.6
    assert lopsided(torch.zeros(1, 32, 32)) == 1.0


def test_solidity_is_area_by_convex_hull():
    square = torch.zeros(1, 32, 32)
    square[:, 8:24, 2:14] = 1
    assert solidity(square) == pytest.approx(1)
    square[:, 8:16, 8:14] = 0  # an L: of 16 by 12 px a corner of 8 by 6 is gone, and half of it lies within the hull
    assert solidity(square) == pytest.approx(144 / (192 - 24))
    assert solidity(torch.zeros(1, 32, 32)) == 1
    one = torch.zeros(1, 32, 32)
    one[0, 5, 5] = 1
    assert solidity(one) == pytest.approx(1)


def test_solidity_is_that_of_scikit_image():
    measure = pytest.importorskip("skimage.measure")
    for gap in (0, 2, 5):
        region = measure.regionprops((_coat(gap)[0] > 0.5).numpy().astype(int))[0]
        assert solidity(_coat(gap)) == pytest.approx(region.solidity, abs=0.01)


def test_a_coat_without_gaps_is_a_lump_and_only_where_coats_are_known():
    known = Outlines(
        torch.stack([framed(_coat(gap)) for gap in (3, 4, 5)]), ["coat"] * 3, torch.tensor([solidity(_coat(gap)) for gap in (3, 4, 5)])
    )
    assert known.lump(_coat(0), "coat")
    assert not known.lump(_coat(4), "coat")
    assert not known.lump(_coat(0), "tent")
    assert known.covers(_coat(4), "coat") > known.covers(_coat(0), "coat")


def test_a_kind_is_compared_with_its_own():
    full, slim = torch.ones(1, 64, 64), torch.zeros(1, 64, 64)
    slim[:, :, 28:36] = 1
    known = Outlines(torch.stack([framed(full), framed(slim)]), ["skirt", "scarf"], torch.tensor([1.0, 1.0]))
    assert known.covers(full, "skirt") == pytest.approx(1)
    assert known.covers(full, "scarf") < 0.2
    assert known.covers(full, "hat") == pytest.approx((1 + 8 / 64) / 2, abs=0.01)  # nobody's kind: all of them


def test_the_starter_set_is_no_lump():
    known = known_outlines()
    assert len(known.kinds) == len(known.shapes) == len(known.solidity) > 280
    for kind in sorted(set(known.kinds)):
        own = known.solidity[known.of(kind)]
        assert (own > own.quantile(0.95) + 0.02).float().mean() <= 0.05
