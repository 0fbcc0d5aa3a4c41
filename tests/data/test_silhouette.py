"""Silhouettes put right: what is closed, what is not, what sticks out, at any size."""

import pytest
import torch

from muslin.data.silhouette import mended, stuck_out


def _trousers(side):
    """Two legs with a narrow gap between them, and notches (three wide, three deep, by 128) in the outer seams."""
    solid, unit = torch.zeros(side, side, dtype=torch.bool), side // 128
    solid[10 * unit : 118 * unit, 34 * unit : 94 * unit] = True
    solid[50 * unit : 118 * unit, 62 * unit : 65 * unit] = False
    notched = solid.clone()
    for row in range(20 * unit, 110 * unit, 9 * unit):
        notched[row : row + 3 * unit, 34 * unit : 37 * unit] = False
    return solid, notched


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_notches_are_closed_and_the_gap_between_legs_is_not(side):
    solid, notched = _trousers(side)
    assert float((mended(notched) ^ solid).sum()) < 0.25 * float((notched ^ solid).sum())
    assert torch.equal(mended(solid), solid)


@pytest.mark.parametrize("side", [256, 640])
def test_a_hook_sticks_out_and_straps_and_sleeves_do_not(side):
    solid, unit = torch.zeros(side, side, dtype=torch.bool), side / 128

    def put(top, bottom, left, right, value=True):
        solid[round(top * unit) : round(bottom * unit), round(left * unit) : round(right * unit)] = value

    put(40, 120, 40, 90)
    put(40, 60, 20, 40)  # a sleeve
    put(26, 40, 50, 80)
    put(29, 40, 53, 77, value=False)  # a strap with both ends on the garment
    lab = torch.zeros(3, side, side)
    assert not bool(stuck_out(solid, lambda: lab).any())
    bare = solid.clone()
    put(80, 83, 90, 110)  # a thread in another colour
    lab[0, ~bare] = 0.5
    out = stuck_out(solid, lambda: lab)
    assert float((out & ~bare).sum()) > 0.8 * float((solid & ~bare).sum())
    assert not bool((out & bare).any())


def test_nothing_is_as_it_was():
    assert not bool(mended(torch.zeros(64, 64, dtype=torch.bool)).any())
