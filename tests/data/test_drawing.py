"""Drawings read from pages that are uneven, ruled, open or blank."""

import math

import pytest
import torch
import torch.nn.functional as F

from muslin.base.errors import InputError
from muslin.data.drawing import framed, read_drawing
from muslin.data.ground import outline

SIDE = 384


def _grid():
    return torch.meshgrid(torch.arange(SIDE).float(), torch.arange(SIDE).float(), indexing="ij")


def _ellipse():
    y, x = _grid()
    return ((y - 190) / 130) ** 2 + ((x - 200) / 90) ** 2 < 1


def _pen(inside, width=2):
    """The edge of a silhouette as a dark line on white, (1, h, w) of ink."""
    soft = inside.float()[None, None]
    return (F.max_pool2d(soft, 2 * width + 1, 1, width) + F.max_pool2d(-soft, 2 * width + 1, 1, width))[0]


def _page(ink, light=1.0):
    page = (1 - 0.8 * ink) * light * torch.tensor([0.98, 0.97, 0.92])[:, None, None]
    return page.clamp(0, 1) * 2 - 1


def _rules(step, degrees, squared=False):
    y, x = _grid()
    tilt = math.tan(math.radians(degrees))
    lines = (y + x * tilt) % step < 1.5
    if squared:
        lines = lines | ((x - y * tilt) % step < 1.5)
    return lines.float()[None] * 0.35


def _iou(drawing, inside):
    found = drawing.outline[0] > 0.5
    return float((found & inside).sum() / (found | inside).sum())


def test_the_silhouette_and_the_lines_within_are_found():
    inside, ink = _ellipse(), _pen(_ellipse())
    ink[:, 150:240, 198:201] = 1.0
    drawing = read_drawing(_page(ink))
    assert _iou(drawing, inside) > 0.95
    assert drawing.mended == ()
    assert float(drawing.lines[0, 160:230, 199].mean()) > 0.8
    assert float(drawing.lines[0][~inside].sum()) == 0.0
    assert float(drawing.lines[0, 150:240, 210:260].sum()) == 0.0


def test_a_filled_shape_is_its_own_outline():
    drawing = read_drawing(_page(_ellipse().float()[None]))
    assert _iou(drawing, _ellipse()) > 0.97
    assert float(drawing.lines.sum()) == 0.0


def test_a_garments_silhouette_is_read_back(garment):
    inside = F.interpolate(outline(garment)[None, None].float(), size=(SIDE, SIDE))[0, 0] > 0.5
    assert _iou(read_drawing(_page(_pen(inside))), inside) > 0.93


@pytest.mark.parametrize("gap", [4, 12])
def test_a_small_gap_is_closed_and_said(gap):
    ink = _pen(_ellipse())
    ink[:, 190 : 190 + gap, :200] = 0.0
    drawing = read_drawing(_page(ink))
    assert _iou(drawing, _ellipse()) > 0.93
    assert any("gaps" in note for note in drawing.mended)


def test_uneven_light_and_grain_do_not_matter():
    y, x = _grid()
    light = 0.95 - 0.45 * x / SIDE - 0.1 * y / SIDE
    page = _page(_pen(_ellipse()), light)
    page += 0.05 * torch.randn(page.shape, generator=torch.Generator().manual_seed(0))
    drawing = read_drawing(page.clamp(-1, 1))
    assert _iou(drawing, _ellipse()) > 0.95
    assert any("light" in note for note in drawing.mended)


@pytest.mark.parametrize(("squared", "degrees"), [(False, 0.0), (False, 1.5), (True, 0.0), (True, -1.5)])
def test_ruled_and_squared_paper_is_taken_out_and_said(squared, degrees):
    drawing = read_drawing(_page(torch.maximum(_pen(_ellipse()), _rules(24, degrees, squared))))
    assert _iou(drawing, _ellipse()) > 0.93
    assert any(("squared" if squared else "ruled") in note for note in drawing.mended)
    assert float(drawing.lines.mean()) < 0.002


def test_stripes_on_the_garment_are_no_ruled_paper():
    ink = torch.maximum(_pen(_ellipse()), _rules(24, 0.0) * 2 * _ellipse())
    drawing = read_drawing(_page(ink))
    assert not any("paper taken out" in note for note in drawing.mended)
    assert float(drawing.lines.mean()) > 0.005


def test_chalk_on_a_dark_board_is_read_too():
    drawing = read_drawing(-_page(_pen(_ellipse())))
    assert _iou(drawing, _ellipse()) > 0.95
    assert any("dark" in note for note in drawing.mended)


def test_a_blank_page_and_an_open_scribble_are_refused():
    grain = 0.03 * torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    with pytest.raises(InputError, match="nothing is drawn"):
        read_drawing((_page(torch.zeros(1, SIDE, SIDE)) + grain).clamp(-1, 1))
    with pytest.raises(InputError, match="no closed outline"):
        ink = torch.zeros(1, SIDE, SIDE)
        ink[:, 100:103, 60:300] = 1.0
        read_drawing(_page(ink))


def test_a_framed_drawing_stands_in_the_middle():
    drawing = framed(read_drawing(_page(_pen(_ellipse()))), 64)
    rows, columns = (torch.nonzero(drawing.outline[0].amax(dim) > 0.5)[:, 0] for dim in (1, 0))
    assert drawing.outline.shape == drawing.lines.shape == (1, 64, 64)
    assert abs(int(rows[0]) - (63 - int(rows[-1]))) <= 1 and abs(int(columns[0]) - (63 - int(columns[-1]))) <= 1
    assert 56 <= len(rows) <= 60
