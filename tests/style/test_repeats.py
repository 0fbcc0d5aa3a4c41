"""Repeats: no seam by a measure that knows nothing of how they were made, drops where they should be, light evened."""

import pytest
import torch

from muslin.assets import STYLES
from muslin.base.colour import to_oklab
from muslin.base.errors import SettingError
from muslin.base.image import blur, open_image, resize
from muslin.style.laying import lay_repeat
from muslin.style.repeats import REPEATS as ALL
from muslin.style.repeats import make_tile, proof, resize_unit, seam_score, tiled

REPEATS = [repeat for repeat in ALL if repeat != "as-is"]
CLOTHS = ("weave_ikat", "weave_tartan_red", "weave_houndstooth", "fabric_roses_teal", "fabric_leopard", "fabric_hibiscus_green")


def cloth(name):
    return open_image(STYLES / f"{name}.jpg").pixels


@pytest.mark.parametrize("repeat", REPEATS)
@pytest.mark.parametrize("name", CLOTHS)
def test_no_seam_stands_out(name, repeat):
    tile = make_tile(cloth(name), repeat)
    assert tile.seam <= 1.1
    assert seam_score(tile.pixels) <= 1.1
    assert min(tile.pixels.shape[1:]) >= 64


@pytest.mark.parametrize("name", ["fabric_leopard", "fabric_madras_rainbow", "fabric_polka_teal"])
def test_photographed_cloths_ship_without_pockets_hems_and_dark_middles(name):
    """Broad lightness (OKLab, blurred over a tenth of the side) is the same everywhere: 0.23 to 0.36 apart before they were cut."""
    broad = blur(to_oklab(cloth(name))[:1], 25)
    assert float(broad.max() - broad.min()) < 0.12


def test_the_score_sees_the_seam_of_a_bare_cut():
    bare = [seam_score(cloth(name)) for name in ("fabric_hibiscus_green", "fabric_roses_teal", "paint_starry_night")]
    assert min(bare) > 1.3


def test_a_half_drop_goes_on_half_a_tile_lower():
    unit = make_tile(cloth("fabric_hibiscus_green"), "half-drop")
    height, width = unit.pixels.shape[1:]
    assert unit.across == 2
    assert torch.equal(unit.pixels[:, :, width // 2 :], unit.pixels[:, :, : width // 2].roll(height // 2, 1))
    brick = make_tile(cloth("fabric_hibiscus_green"), "brick")
    assert brick.down == 2
    height, width = brick.pixels.shape[1:]
    assert torch.equal(brick.pixels[:, height // 2 :], brick.pixels[:, : height // 2].roll(width // 2, 2))


def test_a_woven_pattern_keeps_whole_repeats():
    """A check of 24 px cut at 100 px: the tile's sides are multiples of 24, to a pixel."""
    rows = torch.arange(100)[:, None] % 24 < 12
    check = (rows.float() + (torch.arange(100)[None] % 24 < 12).float() - 1).expand(3, -1, -1).contiguous()
    tile = make_tile(check, even=0.0)
    for side in tile.pixels.shape[1:]:
        assert min(side % 24, 24 - side % 24) <= 1


def test_uneven_light_is_taken_out():
    lamp = torch.linspace(-0.5, 0.3, 256)[None, None].expand(3, 256, -1)
    lit = (resize(cloth("weave_denim"), 256, 256) * 0.3 + lamp).clamp(-1, 1)
    drift = [make_tile(lit, even=share).pixels for share in (0.0, 1.0)]
    spread = [float(x.mean((0, 1)).std()) for x in drift]
    assert spread[1] < 0.5 * spread[0]


def test_resizing_keeps_the_seam_closed():
    unit = make_tile(cloth("weave_tartan_red")).pixels
    for rows, columns in ((unit.shape[1] * 3 // 2, unit.shape[2] * 3 // 2), (97, 101)):
        assert seam_score(resize_unit(unit, rows, columns)) <= 1.1
    assert proof(make_tile(cloth("weave_ikat")), 300).shape[1] <= 306


def test_a_pattern_is_laid_at_its_width():
    unit = cloth("weave_ikat")[:, :64, :64]
    laid = lay_repeat(unit, torch.ones(1, 200, 300), 50.0)
    assert laid.shape == (3, 200, 300)
    assert torch.allclose(laid[:, :, :50], laid[:, :, 50:100])
    assert torch.allclose(laid[:, :50], laid[:, 50:100])
    assert torch.equal(tiled(unit, 2, 3)[:, 64:, 128:], unit)


def test_a_tile_that_is_seamless_already_stays_as_it_is():
    made = make_tile(cloth("fabric_hibiscus_green"))
    again = make_tile(made.pixels, "as-is")
    assert torch.equal(again.pixels, made.pixels) and again.seam <= 1.1
    assert not torch.equal(make_tile(made.pixels).pixels, made.pixels)  # what it is for


def windowpane(side: int, period: int, first: int) -> torch.Tensor:
    """Thin lines on a plain ground, (3, side, side)."""
    on = (torch.arange(side) - first) % period < 3
    return torch.where(on[:, None] | on[None], -0.6, 0.8).expand(3, -1, -1).contiguous()


@pytest.mark.parametrize("first", [0, 60])
def test_thin_lines_far_apart_keep_their_rhythm(first):
    tile = make_tile(windowpane(420, 250, first), even=0.0)
    assert tile.pixels.shape[1:] == (250, 250)
    assert tile.seam <= 1.1


def test_a_graphic_tile_whose_edge_is_its_border_has_no_seam():
    stripe = torch.where(torch.arange(256) < 128, -1.0, 1.0).expand(3, 256, 256).contiguous()
    assert make_tile(stripe, "as-is").seam <= 1.1
    assert make_tile(windowpane(250, 250, 0), "as-is").seam <= 1.1


@pytest.mark.parametrize(("side", "wanted"), [(256, 40), (1024, 160), (500, 2362), (384, 96)])
def test_resizing_moves_nothing_at_the_border(side, wanted):
    """Six stripes as a sine, whose phase at the left and right end of the resized tile is compared."""
    wave = torch.sin(2 * torch.pi * 6 * (torch.arange(side) + 0.5) / side).expand(3, 32, -1).contiguous()
    row = resize_unit(wave, 32, wanted)[0, 16]
    right = torch.sin(2 * torch.pi * 6 * (torch.arange(wanted) + 0.5) / wanted)
    assert float((row / row.abs().max() - right).abs().max()) < 0.12


def test_a_repeat_too_large_for_the_memory_is_told():
    with pytest.raises(SettingError, match=r"a repeat of .* px needs about .* GB; lower repeat_cm or size, or raise width_cm"):
        lay_repeat(torch.zeros(3, 64, 64), torch.ones(1, 96, 96), 200_000)
