"""Inks: found, moved and named; a garment's own colours kept."""

import pytest
import torch

from muslin.base.colour import to_oklab
from muslin.base.errors import SettingError
from muslin.style.inks import colourways, find_inks, from_hex, garment_colours, name_of, recolour, to_hex

FLAG = ("#1f2a60", "#c03028", "#f0e8d8")


def flag():
    """Three plain stripes in the inks of FLAG."""
    rgb = torch.tensor([[int(ink[p : p + 2], 16) for p in (1, 3, 5)] for ink in FLAG]).float() / 127.5 - 1
    return rgb.T[:, :, None, None].expand(3, 3, 20, 60).reshape(3, 60, 60).contiguous()


def test_the_inks_of_a_flag_are_found():
    assert float((find_inks(flag(), 3) - from_hex(FLAG)).norm(dim=1).max()) < 0.01


def test_every_ink_goes_to_its_rank_in_the_palette():
    wanted = ("#0b3d2e", "#d98e04", "#fff4e0")
    made = recolour(flag(), from_hex(FLAG), from_hex(wanted))
    for stripe, ink in enumerate(wanted):
        target = from_hex((ink, "#000000"))[1]
        assert float((to_oklab(made)[:, 20 * stripe + 10, 30] - target).norm()) < 0.02


def test_shading_stays_when_inks_move():
    shaded = (flag() * torch.linspace(0.8, 1.0, 60)).clamp(-1, 1)
    made = recolour(shaded, from_hex(FLAG), from_hex(("#103010", "#806020", "#f0f0d0")))
    across = to_oklab(made)[0, 50]
    assert float(across[-1] - across[0]) > 0.02


def test_hex_goes_there_and_back_and_nonsense_is_told():
    assert set(to_hex(from_hex(FLAG))) == set(FLAG)
    with pytest.raises(SettingError, match="write colours as #rrggbb"):
        from_hex(("#12", "red"))
    for wrong in ("#12345", "#1234567"):
        with pytest.raises(SettingError, match="write colours as #rrggbb"):
            from_hex((wrong, "#000000"))


def test_colourways_differ_and_begin_with_the_cloths_own():
    own = from_hex(FLAG)
    ways = colourways(own, 6)
    assert torch.equal(ways[0], own)
    names = {to_hex(way) for way in ways}
    assert len(names) == 6


def test_names_are_the_nearest_open_ones():
    assert name_of(("#dc143c", "#000080")) in ("crimson-navy", "navy-crimson")


def test_a_garments_own_colours_are_kept(garment, ikat):
    from muslin.base.image import resize
    from muslin.data.ground import find_mask

    mask, cloth = find_mask(garment), resize(ikat, 256, 256)
    made = garment_colours(cloth, garment, mask)
    inside = mask[0] > 0.99
    ours, theirs = to_oklab(made)[:, inside], to_oklab(garment)[:, inside]
    assert float((ours[1:] - theirs[1:]).abs().mean()) < 0.02
    assert float(ours[0].mean() - theirs[0].mean()) == pytest.approx(0, abs=0.05)
    assert float(ours[0].std()) > 1.2 * float(theirs[0].std())
