"""One silhouette bent onto another: exact for a shift and a stretch, near for a shape, and what lies on it goes along."""

import pytest
import torch

from muslin.data.registration import SIDE, bend, distance


def trousers(waist: float, hem: float, gap: float, left: float = 0.2, size: int = 192) -> torch.Tensor:
    """Two legs: widths as shares of the picture."""
    y, x = torch.meshgrid(torch.linspace(0, 1, size), torch.linspace(0, 1, size), indexing="ij")
    half = (waist + (hem - waist) * (y - 0.1) / 0.8) / 2
    inside = ((x - left - 0.3).abs() < half) & (y > 0.1) & (y < 0.9)
    crotch = (y > 0.4) & ((x - left - 0.3).abs() < gap * (y - 0.4))
    return (inside & ~crotch).float()[None]


def union(one, other):
    return float(torch.minimum(one, other).sum() / torch.maximum(one, other).sum())


def test_the_distance_to_an_edge_is_measured_in_pixels_and_is_positive_within():
    mask = torch.zeros(1, 192, 192)
    mask[:, 48:144, 48:144] = 1
    away = distance(mask)
    assert away.shape == (1, SIDE, SIDE)
    assert float(away[0, 48, 48]) == pytest.approx(24, abs=0.6)
    assert float(away[0, 48, 12]) == pytest.approx(-12, abs=0.6)


def test_what_only_lies_elsewhere_and_is_larger_needs_no_bending():
    small, large = torch.zeros(1, 192, 192), torch.zeros(1, 192, 192)
    small[:, 40:100, 30:90] = 1
    large[:, 60:180, 50:170] = 1
    found = bend(large, [small])[0]
    assert found.cost < 0.02
    assert float(found.shift.abs().max()) < 0.02
    assert union(found.carry(small, 192, 192).clamp(0, 1), large) > 0.97


def test_other_proportions_are_taken_and_a_pocket_goes_along():
    block, draft = trousers(0.3, 0.4, 0.05), trousers(0.36, 0.56, 0.2)
    before = union(block, draft)
    found = bend(draft, [block])[0]
    assert union(found.carry(block, 192, 192).clamp(0, 1), draft) > max(0.9, before + 0.2)
    pocket = torch.zeros(1, 192, 192)
    pocket[:, 40:56, 70:90] = 1  # on the wearer's right hip
    carried = found.carry(pocket, 192, 192)[0]
    down, across = (carried > 0.5).nonzero().float().mean(0).tolist()
    assert 30 < down < 66
    assert 40 < across < 96  # still on that side of the middle


def test_the_nearer_block_costs_less_and_all_at_once_is_as_each_alone():
    draft = trousers(0.36, 0.5, 0.15)
    near, far = trousers(0.34, 0.45, 0.12), torch.zeros(1, 192, 192)
    far[:, 80:110, 20:170] = 1
    together = bend(draft, [near, far])
    assert together[0].cost < 0.1 < 0.3 < together[1].cost
    alone = bend(draft, [near])[0]
    assert torch.allclose(alone.shift, together[0].shift, atol=1e-3)


def test_points_go_where_what_lies_on_them_goes():
    source, target = trousers(0.3, 0.5, 0.2), trousers(0.36, 0.4, 0.15, left=0.24)
    found = bend(target, [source])[0]
    points = torch.tensor([[0.42, 0.2], [0.5, 0.15], [0.6, 0.35], [0.36, 0.8]])
    y, x = torch.meshgrid((torch.arange(192) + 0.5) / 192, (torch.arange(192) + 0.5) / 192, indexing="ij")
    for point, moved in zip(points, found.move(points), strict=True):
        spot = (-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * 0.02**2)).exp()[None]
        there = found.carry(spot, 192, 192)[0]
        row, column = divmod(int(there.argmax()), 192)
        assert abs((column + 0.5) / 192 - float(moved[0])) < 0.008 and abs((row + 0.5) / 192 - float(moved[1])) < 0.008
