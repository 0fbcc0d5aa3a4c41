"""Seams and flaps in the light: shadows fall below a flap, stitching is a fine line with a glint, what lies beneath a pocket is hidden."""

import torch

from muslin.data.traces import from_text, to_panels
from muslin.style.laying import pieces, trims
from muslin.style.sewing import sewn

SIDE = 400


def body() -> torch.Tensor:
    mask = torch.zeros(1, SIDE, SIDE)
    mask[:, 40:360, 80:320] = 1
    return mask


def shade_of(text: str) -> torch.Tensor:
    panels, mask = to_panels(from_text(text), body()), body()
    cut = pieces([panel for panel in panels if panel.kind != "stitch"], mask)
    return sewn(torch.ones(1, SIDE, SIDE), cut, [panel.seam for panel in panels if panel.kind == "stitch"])[0]


def test_a_pockets_shadow_falls_below_it():
    shade = shade_of("pocket 400,400 600,400 600,600 400,600")
    above, within, below, far = (float(shade[row, 190:210].mean()) for row in (154, 200, 244, 300))
    assert below < above - 0.03 and below < 0.93
    assert within > 1.0 and far == 1.0


def test_stitching_is_a_dark_line_with_a_light_one_and_no_shade_far_from_it():
    shade = shade_of("stitch 250,500 750,500")
    column = shade[190:215, 200]
    assert float(column.min()) < 0.85 and float(column.max()) > 1.1
    assert float((column - 1).abs().gt(0.02).sum()) <= 5


def test_a_line_beneath_a_pocket_is_hidden():
    pocket, line = "pocket 400,400 600,400 600,600 400,600", "stitch 500,200 500,800"
    both, alone = shade_of(f"{line}; {pocket}"), shade_of(pocket)
    assert torch.equal(both[185:215, 190:210], alone[185:215, 190:210])
    assert not torch.equal(both[290:300, 190:210], alone[290:300, 190:210])


def test_stitching_on_a_pocket_is_seen_and_none_on_the_inside_of_a_back():
    on = shade_of("pocket 400,400 600,400 600,600 400,600; stitch 410,450 590,450")
    assert float(on[178:183, 190:210].min()) < 0.9
    inside = "inside 300,300 700,300"
    both, alone = (shade_of(text)[75:100, 140:200] for text in (f"{inside}; stitch 310,200 400,290 690,350 690,700", inside))
    assert float((both - alone).abs().max()) < 0.02


def test_a_flap_that_reaches_beyond_the_picture_is_no_trouble():
    shade = shade_of("collar -20,-30 300,-30 300,200 -20,200; cuff 900,900 1050,900 1050,1050 900,1050")
    assert shade.shape == (SIDE, SIDE) and bool(shade.isfinite().all())


def test_ribs_have_the_cloths_dark_colour_and_buttons_one_that_shows():
    stripes = torch.ones(3, SIDE, SIDE)
    for row in range(8):
        stripes[:, row::20] = torch.tensor([-0.8, -0.8, -0.2])[:, None, None]  # two fifths navy on white
    panels, mask = to_panels(from_text("rib 200,800 800,800; button 500,400"), body()), body()
    over = trims([stripes], [1.0], pieces(panels, mask))
    assert over.shape == (4, SIDE, SIDE)
    rib, button = over[:, 345, 200], over[:, 160, 200]
    assert float(rib[3]) == 1 and torch.allclose(rib[:3], torch.tensor([-0.8, -0.8, -0.2]), atol=0.1)
    assert float(button[3]) > 0.9 and float(button[:3].mean()) < -0.4  # dark on a pale cloth
    assert float(over[3, 250, 200]) == 0
    dark = trims([-0.9 * torch.ones(3, SIDE, SIDE)], [1.0], pieces(panels, mask))
    assert float(dark[:3, 160, 200].mean()) > 0.4


def test_a_garment_without_ribs_and_buttons_has_no_trims():
    panels = to_panels(from_text("pocket 400,400 600,400 600,600 400,600"), body())
    assert trims([torch.ones(3, SIDE, SIDE)], [1.0], pieces(panels, body())) is None


def test_of_a_mix_buttons_show_on_what_comes_of_it():
    panels, mask = to_panels(from_text("button 500,400"), body()), body()
    white, black = torch.ones(3, SIDE, SIDE), -torch.ones(3, SIDE, SIDE)
    button = trims([white, black], [0.5, 0.5], pieces(panels, mask))[:3, 160, 200]
    assert float(button.mean().abs()) > 0.3  # neither cloth's, and not the grey that both make


def test_light_beside_a_line_does_not_come_in_at_the_other_border():
    whole = torch.ones(1, SIDE, SIDE)
    panels = to_panels(from_text("pocket 900,300 1000,300 1000,600 900,600; stitch 300,999 900,999"), whole)
    cut = pieces([panel for panel in panels if panel.kind != "stitch"], whole)
    shade = sewn(torch.ones(1, SIDE, SIDE), cut, [panel.seam for panel in panels if panel.kind == "stitch"])[0]
    assert torch.equal(shade[:, :8], torch.ones(SIDE, 8)) and torch.equal(shade[:3], torch.ones(3, SIDE))
