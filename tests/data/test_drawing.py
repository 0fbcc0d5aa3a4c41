"""Drawings on paper: outlines read, gaps closed, ruled paper cleaned, uneven light taken out, blank pages refused."""

import pytest
import torch

from muslin.base.errors import InputError
from muslin.data.drawing import framed, read_drawing


def page(gap=0, side=256):
    """An ellipse drawn with a pen of 3 px; `gap` px of it left out; and what it encloses."""
    down, across = torch.meshgrid(torch.arange(side) - side / 2, torch.arange(side) - side / 2, indexing="ij")
    radius = ((down / 90).square() + (across / 60).square()).sqrt()
    line = ((radius - 1).abs() < 0.022) & ~((down < 0) & (across.abs() < gap / 2))
    return torch.where(line, -0.9, 1.0).expand(3, -1, -1).contiguous(), (radius < 1).float()


def overlap(drawing, wanted):
    ours = drawing.outline[0] > 0.5
    return float((ours & (wanted > 0.5)).sum() / (ours | (wanted > 0.5)).sum())


@pytest.mark.parametrize("gap", [0, 6])
def test_a_line_drawing_gives_its_silhouette(gap):
    drawn, wanted = page(gap)
    assert overlap(read_drawing(drawn), wanted) > 0.93


def test_a_filled_silhouette_is_its_own_outline():
    _, wanted = page()
    drawing = read_drawing((1 - 1.8 * wanted).expand(3, -1, -1).contiguous())
    assert overlap(drawing, wanted) > 0.95
    assert float(drawing.lines.max()) == 0


def test_ruled_paper_is_cleaned_and_told():
    drawn, wanted = page()
    drawn[:, 10::16] = torch.minimum(drawn[:, 10::16], torch.tensor(0.35))
    drawing = read_drawing(drawn)
    assert overlap(drawing, wanted) > 0.9
    assert any("rul" in text or "line" in text for text in drawing.mended)


def test_uneven_light_is_no_ink():
    drawn, wanted = page()
    lamp = torch.linspace(0, -0.7, 256)[None, None]
    assert overlap(read_drawing((drawn + lamp).clamp(-1, 1)), wanted) > 0.9


def test_a_frame_centres_the_silhouette():
    drawn, _ = page()
    drawing = framed(read_drawing(drawn.roll(20, 2)), 64, 0.05)
    rows, columns = ((drawing.outline[0] > 0.5).any(dim).nonzero()[:, 0] for dim in (1, 0))
    assert drawing.outline.shape == (1, 64, 64)
    assert abs(int(columns[0] + columns[-1]) - 63) <= 2
    assert int(rows[-1] - rows[0]) + 1 == pytest.approx(0.9 * 64, abs=2)


def test_a_blank_page_and_an_open_line_are_refused():
    with pytest.raises(InputError):
        read_drawing(torch.ones(3, 200, 200))
    line = torch.ones(3, 200, 200)
    line[:, 100, 20:120] = -1
    with pytest.raises(InputError):
        read_drawing(line)
