"""Panels told from a silhouette: sleeves, legs, nothing where there are none."""

import math

import pytest
import torch

from muslin.assets import STARTER
from muslin.base.contours import fill
from muslin.base.image import from_bytes
from muslin.data.ground import find_mask
from muslin.data.loader import load_images
from muslin.data.panels import find_panels

SHIRT = [(90, 40), (166, 40), (236, 90), (212, 126), (176, 100), (176, 230), (80, 230), (80, 100), (44, 126), (20, 90)]
TROUSERS = [(84, 20), (172, 20), (206, 236), (156, 236), (128, 110), (100, 236), (50, 236)]
SKIRT = [(90, 40), (166, 40), (216, 220), (40, 220)]


def drawn(points, side=256, shift=0):
    return fill([torch.tensor(points).float() * side / 256 + shift], side + shift, side + shift)


@pytest.fixture(scope="module")
def starter():
    """Silhouettes of the starter set's garments, by kind."""
    images = load_images(STARTER, 192, 3)
    masks = dict[str, list[torch.Tensor]]()
    for picture, label in zip(from_bytes(images.pixels), images.labels, strict=True):
        if (mask := find_mask(picture)) is not None:
            masks.setdefault(images.classes[int(label)], []).append(mask)
    return masks


def test_sleeves_run_from_armpit_to_shoulder():
    """Both are found; the cut begins at the armpit, goes up, and the cloth runs down the sleeve."""
    left, right = find_panels(drawn(SHIRT))
    assert [left.kind, right.kind] == ["sleeve", "sleeve"]
    for sleeve, armpit, sign in ((left, (80, 100), -1), (right, (176, 100), 1)):
        assert float((sleeve.seam[0] - torch.tensor(armpit).float()).norm()) < 6
        assert float(sleeve.seam[-1, 1]) < 62
        assert 35 < sign * sleeve.grain < 75
    area = left.area(256, 256)[0]
    assert float(area[100, 50]) == 1
    assert float(area[150, 128]) == 0
    assert abs(float(area.sum() / right.area(256, 256).sum()) - 1) < 0.05


def test_legs_part_at_the_crotch():
    left, right = find_panels(drawn(TROUSERS))
    assert [left.kind, right.kind] == ["leg", "leg"]
    assert float((left.seam[0] - torch.tensor([128.0, 110.0])).norm()) < 6
    assert -18 <= left.grain < -5
    assert abs(left.grain + right.grain) < 2
    whole = (left.area(256, 256) + right.area(256, 256)).clamp(max=1)
    assert float((whole - drawn(TROUSERS)).abs().mean()) < 0.01


@pytest.mark.parametrize("points", [SKIRT, [(40, 40), (216, 40), (216, 216), (40, 216)]])
def test_what_has_neither_is_cut_from_one_piece(points):
    assert find_panels(drawn(points)) == []


@pytest.mark.parametrize(
    "mask",
    [torch.zeros(1, 64, 64), torch.zeros(1, 64, 64).index_fill(2, torch.tensor([5]), 1.0), torch.ones(1, 64, 64), torch.ones(1, 2, 90)],
)
def test_nothing_and_next_to_nothing_have_no_panels(mask):
    assert find_panels(mask) == []


def test_a_larger_mask_has_the_same_panels():
    """Ten times as large, and not in the middle: the same cuts, ten times as large."""
    small, large = find_panels(drawn(SHIRT)), find_panels(drawn(SHIRT, 2560, 200))
    for one, other in zip(small, large, strict=True):
        assert abs(one.grain - other.grain) < 4
        assert float((one.seam[0] * 10 + 200 - other.seam[0]).norm()) < 60


def test_a_sleeve_whose_cuff_touches_the_hip_is_found():
    """The gap beside the body is closed below, a hole in the silhouette."""
    long = [
        (100, 30),
        (156, 30),
        (200, 60),
        (226, 220),
        (190, 226),
        (174, 110),
        (174, 236),
        (82, 236),
        (82, 110),
        (66, 226),
        (30, 220),
        (56, 60),
    ]
    mask = drawn(long)
    mask[:, 212:224, 40:216] = 1
    assert [panel.kind for panel in find_panels(mask)] == ["sleeve", "sleeve"]
    assert math.isclose(find_panels(mask)[0].grain, find_panels(drawn(long))[0].grain, abs_tol=12)


def test_real_garments_are_cut_as_their_kind_is(starter):
    """Of the starter set's silhouettes: legs for nearly all trousers and no top, sleeves for most T-shirts, neither for hats and skirts."""

    def share(kind, panel):
        return sum(any(found.kind == panel for found in find_panels(mask)) for mask in starter[kind]) / len(starter[kind])

    assert share("pants", "leg") >= 0.95
    assert share("t-shirt", "sleeve") >= 0.7
    assert share("longsleeve", "sleeve") >= 0.7
    for kind in ("t-shirt", "longsleeve", "shirt", "dress", "skirt", "hat"):
        assert share(kind, "leg") == 0, kind
    for kind in ("hat", "skirt", "pants"):
        assert share(kind, "sleeve") == 0, kind


def test_neither_the_ground_around_nor_a_mirror_changes_the_panels():
    plain = find_panels(drawn(SHIRT))
    wide = find_panels(torch.nn.functional.pad(drawn(SHIRT), (700, 300, 500, 900)))
    for one, other in zip(plain, wide, strict=True):
        assert abs(one.grain - other.grain) < 2
        assert float((one.seam[0] + torch.tensor([700.0, 500.0]) - other.seam[0]).norm()) < 2
    left, right = find_panels(drawn(SHIRT).flip(2))
    assert abs(left.grain + plain[1].grain) < 3
    assert abs(right.grain + plain[0].grain) < 3
