"""From pixels to lines to curves and back: shapes keep their area, place and corners, with few curves."""

import math

import pytest
import torch

from muslin.base import contours
from muslin.base.curves import fit_curve, flatten


def disc(side: int = 120, radius: float = 40.0, x: float = 60.0, y: float = 55.0) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(side) + 0.5, torch.arange(side) + 0.5, indexing="ij")
    return (radius - torch.hypot(columns - x, rows - y) + 0.5).clamp(0, 1)


def circle(count: int = 400) -> torch.Tensor:
    turn = torch.arange(count) / count * 2 * math.pi
    return torch.stack([60 + 40 * turn.cos(), 55 + 40 * turn.sin()], 1)


def square(side: int = 60) -> torch.Tensor:
    step, zero, full = torch.arange(side).float(), torch.zeros(side), torch.full((side,), float(side))
    sides = [(step, zero), (full, step), (side - step, full), (zero, side - step)]
    return torch.cat([torch.stack(pair, 1) for pair in sides]) + 20


def test_a_discs_contour_is_closed_and_as_large_and_where_it_was():
    (line,) = contours.closed_contours(disc())
    assert abs(contours.area(line)) == pytest.approx(math.pi * 1600, rel=0.01)
    assert float((line[0] - line[-1]).norm()) < 2
    assert torch.allclose(line.mean(0), torch.tensor([60.0, 55.0]), atol=0.5)


def test_a_ring_has_two_contours_the_outer_first_and_a_shape_at_the_edge_is_closed():
    lines = contours.closed_contours(disc() - disc(radius=20))
    assert [round(math.sqrt(abs(contours.area(line)) / math.pi)) for line in lines] == [40, 20]
    (cut,) = contours.closed_contours(torch.ones(10, 20))
    assert abs(contours.area(cut)) == pytest.approx(200, rel=0.02)
    assert contours.closed_contours(torch.zeros(10, 20)) == []


@pytest.mark.parametrize("tolerance", [0.5, 2.0])
def test_a_circle_takes_few_curves_that_stay_within_the_tolerance(tolerance):
    curves = fit_curve(circle(), tolerance, closed=True)
    drawn = flatten(curves)
    assert len(curves) <= 8
    assert float(((drawn - torch.tensor([60.0, 55.0])).norm(dim=1) - 40).abs().max()) < tolerance + 0.3
    assert torch.allclose(curves[0, 0], curves[-1, 3], atol=1e-4)
    assert torch.equal(curves[1:, 0], curves[:-1, 3])


def test_a_squares_corners_stay_sharp():
    curves = fit_curve(square(), 1.0, closed=True, reach=2.0)
    corners = torch.tensor([[20.0, 20], [80, 20], [80, 80], [20, 80]])
    assert len(curves) == 4
    assert float(torch.cdist(corners, curves[:, 0]).amin(1).max()) < 2.5


def test_smoothing_leaves_the_ends_and_a_straight_line_where_they_are():
    line = torch.stack([torch.linspace(3, 50, 20), torch.linspace(5, 30, 20)], 1)
    calm = contours.smooth(line, 4, closed=False)
    assert torch.allclose(calm[[0, -1]], line[[0, -1]], atol=1e-4)
    assert float((calm[:, 1] - (5 + (calm[:, 0] - 3) * 25 / 47)).abs().max()) < 1e-3


def test_a_cross_is_traced_as_four_arms_and_a_loop_ends_where_it_began():
    cross = torch.zeros(21, 21, dtype=torch.bool)
    cross[10], cross[:, 10] = True, True
    arms = contours.trace(cross)
    assert len(arms) == 4
    assert sum(contours.length(arm) for arm in arms) == pytest.approx(40)
    ring = torch.zeros(12, 12, dtype=torch.bool)
    ring[2, 2:10], ring[9, 2:10], ring[2:10, 2], ring[2:10, 9] = True, True, True, True
    (loop,) = contours.trace(ring)
    assert torch.equal(loop[0], loop[-1])
    assert contours.trace(torch.zeros(5, 5, dtype=torch.bool)) == []


def test_weak_lines_stay_only_where_they_hang_on_strong_ones_also_diagonally():
    ridges = torch.zeros(40, 40)
    for step in range(30):
        ridges[5 + step, 5 + step] = 0.9 if step == 15 else 0.4
    ridges[2, 20:38] = 0.4
    (line,) = contours.edge_lines(ridges, 0.2, 0.8)
    assert len(line) == 30


def test_broken_lines_are_joined_across_gaps_and_only_when_they_face_each_other():
    along = torch.arange(20).float()
    left, right = torch.stack([along, torch.full_like(along, 5)], 1), torch.stack([along + 26, torch.full_like(along, 5)], 1)
    beside = torch.stack([along + 24, torch.full_like(along, 17)], 1)
    joined = contours.join([right.flip(0), left, beside], gap=10)
    assert sorted(len(line) for line in joined) == [20, 40]
    assert len(contours.join([left, right], gap=3)) == 2


def test_filled_shapes_keep_area_and_holes():
    full = contours.fill([circle()], 120, 120)
    assert float(full.sum()) == pytest.approx(math.pi * 1600, rel=0.005)
    assert float((full[0] - disc()).abs().mean()) < 0.004
    hole = contours.fill([circle(), (circle() - torch.tensor([60.0, 55.0])) / 2 + torch.tensor([60.0, 55.0])], 120, 120)
    assert float(hole.sum()) == pytest.approx(math.pi * 1200, rel=0.01)


@pytest.mark.parametrize("width", [1.0, 3.0, 6.5])
def test_a_stroke_is_as_wide_as_asked_and_may_leave_the_canvas(width):
    line = torch.tensor([[-30.0, 20.0], [130.0, 20.0]])
    canvas = contours.stroke(line, width, torch.zeros(40, 100))
    assert torch.allclose(canvas.sum(0), torch.full((100,), width), atol=0.12 * width + 0.1)
