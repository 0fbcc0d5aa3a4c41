"""Flat cloth cut in panels: each along its grain, the rest to the bit as before, seams dark, insides in the shade."""

import math
from dataclasses import replace

import torch

from muslin.assets import STARTER, STYLES
from muslin.base.contours import fill
from muslin.base.image import blur, open_image
from muslin.data.ground import shrink
from muslin.data.panels import Panel, find_panels
from muslin.data.sources import open_source
from muslin.style.configs import StyleConfig
from muslin.style.dress import Cloth, lay_only
from muslin.style.enlarge import enlarge
from muslin.style.laying import is_scene, lay, lay_repeat, pieces
from muslin.style.sewing import sewn

SHIRT = [(96, 40), (160, 40), (236, 90), (212, 126), (176, 100), (176, 230), (80, 230), (80, 100), (44, 126), (20, 90)]


def shirt():
    mask = fill([torch.tensor(SHIRT).float()], 256, 256)
    return mask, pieces(find_panels(mask), mask)


def spread(piece):
    """Where a piece lies, on the whole canvas."""
    canvas = torch.zeros(1, 256, 256)
    piece.of(canvas).copy_(piece.area)
    return canvas


def rows(period=16, side=256):
    """Stripes across the cloth."""
    wave = torch.sin(torch.arange(side) * 2 * torch.pi / period)
    return wave[None, :, None].expand(3, side, side).contiguous()


def slant(picture, area):
    """Degrees from upright in which striped cloth runs down: the way in which it changes, by the structure tensor."""
    down, across = torch.gradient(blur(picture[:1], 1.0)[0])
    inside = area[0] > 0.99
    a, b, c = (float((x * y)[inside].sum()) for x, y in ((across, across), (across, down), (down, down)))
    return math.degrees(0.5 * math.atan2(2 * b, c - a))


def test_a_sleeves_cloth_runs_down_the_sleeve():
    mask, cut = shirt()
    for laid in (lay(rows(), mask, 1.0, 0, cut), lay_repeat(rows(), mask, 256.0, cut)):
        for piece in cut:
            assert abs(slant(laid, spread(piece)) - piece.panel.grain) < 5


def test_the_body_stays_to_the_bit():
    mask, cut = shirt()
    body = torch.stack([spread(piece) for piece in cut]).amax(0)[0] == 0
    assert bool((body & (mask[0] == 1)).any())
    for one, other in (
        (lay(rows(), mask, 1.0, 3), lay(rows(), mask, 1.0, 3, cut)),
        (lay_repeat(rows(), mask, 40.0), lay_repeat(rows(), mask, 40.0, cut)),
    ):
        assert torch.equal(one[:, body], other[:, body])
        assert not torch.equal(one, other)


def test_cloth_without_a_pattern_is_the_same_however_it_is_cut():
    mask, cut = shirt()
    plain = torch.full((3, 64, 64), 0.25)
    assert float((lay(plain, mask, 1.0, 0, cut) - lay(plain, mask, 1.0, 0)).abs().max()) < 1e-5


def test_both_sleeves_are_cut_from_the_same_rows():
    """What is across the cloth meets at the same height on either side, as tailors match it."""
    mask, cut = shirt()
    laid = lay(rows(64), mask, 1.0, 0, cut)
    left, right = (laid[:, int(piece.panel.pivot[1]), int(piece.panel.pivot[0])] for piece in cut)
    assert float((left - right).abs().max()) < 0.25


def test_seams_are_dark_and_the_rest_is_as_it_was():
    mask, cut = shirt()
    flat = torch.ones(1, 256, 256)
    shade = sewn(flat, cut)
    x, y = cut[0].panel.seam[8].long().tolist()
    assert float(shade[0, y, x]) < 0.85
    assert float(shade[0, 200, 128]) > 0.99
    assert bool((shade <= flat + 0.3).all())  # and a glint beside them
    assert sewn(flat, []) is flat


def test_a_seam_that_is_dark_already_is_not_darker():
    _, cut = shirt()
    deep = torch.full((1, 256, 256), 0.4)
    assert bool((sewn(deep, cut) >= deep).all())


def test_the_inside_of_a_back_lies_in_the_shade_and_its_label_is_gone():
    mask, _ = shirt()
    curve = torch.tensor([[96.0, 40.0], [128.0, 70.0], [160.0, 40.0]])
    outline = torch.cat([curve, torch.tensor([[160.0, 0.0], [96.0, 0.0]])])
    cut = pieces([Panel("inside", outline, curve, 0.0, curve.mean(0))], mask)
    labelled = torch.ones(1, 256, 256)
    labelled[:, 45:52, 122:134] = 3.0
    shade = sewn(labelled, cut)
    assert float(shade[0, 42:60, 118:138].max()) < 0.7
    assert torch.equal(shade[:, 120:], labelled[:, 120:])


def test_a_panel_that_is_cut_in_strips_has_no_joint():
    """Taller than the strips that are cut at once: no step inside it that is not in the cloth."""
    mask = torch.nn.functional.interpolate(shirt()[0][None], scale_factor=4, mode="bilinear")[0]
    cut = pieces(find_panels(mask), mask)
    laid = lay(rows(256, 512), mask, 1.0, 0, cut)
    within = shrink(torch.nn.functional.pad(cut[0].area, (3, 3, 3, 3)), 6)[0, 3:-3, 3:-3][1:] > 0.999
    assert int(within.any(1).sum()) > 300
    here = cut[0].of(laid)
    assert float((here[:, 1:] - here[:, :-1]).abs().amax(0)[within].max()) < 0.05


def test_paintings_are_scenes_and_cloths_are_not():
    """Of all styles that ship."""
    told = {path.stem: is_scene(open_image(path).pixels) for path in sorted(STYLES.glob("*.jpg"))}
    assert len(told) >= 24
    assert {name for name, scene in told.items() if scene} == {name for name in told if name.startswith("paint")}


def test_a_scene_goes_on_over_the_sleeves():
    """Of a painting the sleeves have what they had in one piece, but for their seams; of a cloth, or of many small paintings, they have not."""
    picture = next(item for item in open_source(STARTER).items if item.name.startswith("t-shirt/6873"))
    pixels, mask = enlarge(open_image(picture.content(), "t-shirt").pixels, 256)
    sleeve = pieces(find_panels(mask), mask)[0]
    deep = shrink(sleeve.area, 8)[0] > 0.99

    def apart(style, **settings):
        config = StyleConfig(size=256, **settings)
        cloth = Cloth(open_image(STYLES / f"{style}.jpg").pixels)
        one, other = (sleeve.of(lay_only(pixels, cloth, replace(config, cut=cut)).pixels) for cut in ("panels", "whole"))
        return float((one - other).abs().mean(0)[deep].mean())

    assert apart("paint_starry_night") < 0.03
    assert apart("weave_ikat") > 0.1
    assert apart("paint_starry_night", zoom=0.2) > 0.1


def test_the_shade_of_a_front_is_deepest_at_the_neck_s_lowest_point():
    """Where an area ends at its own box, too."""
    mask = torch.ones(1, 512, 512)
    across = torch.linspace(-1, 1, 41)
    curve = torch.stack([256 + 90 * across, 40 + 70 * (1 - across.abs() ** 3)], 1)
    outline = torch.cat([curve, torch.tensor([[346.0, -200.0], [166.0, -200.0]])])
    shade = sewn(torch.ones(1, 512, 512), pieces([Panel("inside", outline, curve, 0.0, curve.mean(0))], mask))
    assert 0.49 < float(shade[0, 106, 256]) < 0.54
    assert float(shade[0, 60, 256]) > 0.6
    assert float(shade[0, 130, 256]) == 1


def test_one_colour_is_no_scene():
    assert not is_scene(torch.zeros(3, 40, 60))
