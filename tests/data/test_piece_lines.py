"""A flat of a garment whose pieces are known: what is on top hides what is below, stitching is dashed, lines end on the silhouette."""

import pytest
import torch

from muslin.data.piece_lines import dashes, piece_lines
from muslin.data.traces import from_text, layout, to_panels
from muslin.export.flat import FlatConfig, draw, make_flat, to_svg

SIDE = 400
POCKET, LINE = "pocket 400,400 600,400 600,600 400,600", "stitch 500,150 500,850"


def body() -> torch.Tensor:
    mask = torch.zeros(1, SIDE, SIDE)
    mask[:, 40:360, 80:320] = 1
    return mask


def lines(text):
    return piece_lines(to_panels(from_text(text), body()), body())


def flat(text, **settings):
    mask = body()
    return make_flat(1 - 1.2 * mask.expand(3, -1, -1), mask, FlatConfig(**settings), built=layout(from_text(text), mask))


def test_a_pocket_is_one_closed_line_and_parts_what_runs_beneath_it():
    pocket, *rest = sorted(lines(f"{LINE}; {POCKET}"), key=lambda line: not line.closed)
    assert pocket.closed and not pocket.fine and len(rest) == 2 and all(one.stitched and one.fine for one in rest)
    assert not any(bool(((one.points[:, 1] > 165) & (one.points[:, 1] < 235)).any()) for one in rest)
    assert len(lines(LINE)) == 1


def test_lines_end_on_the_silhouette_and_do_not_run_along_it():
    (seam,) = lines("waist 230,500 770,500")
    assert float(seam.points[:, 0].min()) == pytest.approx(80, abs=2) and float(seam.points[:, 0].max()) == pytest.approx(320, abs=2)
    cuffs = lines("cuff 190,700 600,700 600,910 190,910")  # two of its sides are the garment's own edge
    assert sum(len(cuff.points) for cuff in cuffs) < 1.1 * (0.4 + 0.2) * SIDE


def test_stitching_that_is_on_a_pocket_is_seen_there():
    assert any(line.stitched for line in lines(f"{POCKET}; stitch 410,450 590,450"))
    assert any(line.stitched for line in lines("cuff 190,700 600,700 600,860 190,860; stitch 250,740 590,740"))


def test_a_line_that_ends_beneath_a_collar_is_not_carried_on_through_it():
    front = next(line for line in lines("front 500,90 500,950; collar 400,80 600,80 600,130 400,130") if float(line.points[:, 0].std()) < 1)
    assert float(front.points[:, 1].min()) > 0.125 * SIDE


def test_a_neckline_beneath_a_collar_is_hidden_though_all_of_it_is_there():
    text = "inside 400,100 450,160 500,180 550,160 600,100; collar 380,80 620,80 640,200 360,200"
    assert len(lines(text)) == len(lines("collar 380,80 620,80 640,200 360,200"))


def test_a_pocket_half_beneath_a_collar_ends_there_wherever_its_line_begins():
    for pocket in ("pocket 500,600 300,600 300,700 500,700", "pocket 300,600 300,700 500,700 500,600"):
        found = min(
            lines(f"{pocket}; collar 250,560 405,560 405,740 250,740"), key=lambda line: float(line.points[:, 0].max()) > 0.45 * SIDE and -1
        )
        assert float(found.points[:, 0].min()) > 0.4 * SIDE


def test_what_is_outside_the_garment_is_not_drawn():
    assert lines("stitch 20,20 150,60; button 50,50") == []


def test_the_flat_is_drawn_from_pieces_and_not_from_the_picture():
    drawing = flat(f"{POCKET}; {LINE}; button 300,300 300,700")
    assert len(drawing.seams) == 1 and len(drawing.details) == 4
    assert [line.dashed for line in drawing.details] == [True, True, False, False]
    assert to_svg(drawing, "a").count("stroke-dasharray") == 2
    assert flat(POCKET, detail=0.0).seams and flat(f"{POCKET}; {LINE}", detail=0.0).details == ()
    assert flat("").seams == flat("").details == ()
    assert torch.equal(draw(flat("")), draw(flat(LINE, detail=0.0)))


def test_dashes_are_of_one_length_with_gaps_between():
    parts = dashes(torch.tensor([[0.0, 0.0], [100.0, 0.0]]), 6, 4)
    assert len(parts) == 10
    for number, part in enumerate(parts):
        assert float(part[0, 0]) == pytest.approx(10 * number, abs=0.6) and float(part[-1, 0] - part[0, 0]) == pytest.approx(6, abs=0.6)
