"""The data-copying test: copies, fresh samples and poor ones are told apart, and z is SciPy's."""

import pytest
import scipy.stats
import torch

from muslin.base.errors import InputError
from muslin.metrics.copying import authenticity, copying_z, copying_z_by_cells
from muslin.metrics.novelty import nearest


def points(count, seed=0, scale=1.0):
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed)) * scale


def z_of(ours):
    return copying_z(nearest(ours, points(500))[0], nearest(points(400, 1), points(500))[0])


def test_z_is_the_mann_whitney_statistic():
    a, b = points(80, 3)[:, 0].abs(), points(60, 4)[:, 0].abs() + 0.2
    wins = scipy.stats.mannwhitneyu(a.numpy(), b.numpy(), use_continuity=False, method="asymptotic")
    n, m = 80, 60
    assert copying_z(a, b) == pytest.approx((wins.statistic - n * m / 2) / (n * m * (n + m + 1) / 12) ** 0.5)
    assert copying_z(a, a) == 0
    assert copying_z(a, b) == pytest.approx(-copying_z(b, a))


def test_copies_are_far_below_zero_fresh_samples_near_it_and_poor_ones_above():
    assert z_of(points(500)[:300] + 1e-2) < -15
    assert abs(z_of(points(300, 5))) < 3
    assert z_of(points(300, 5, scale=2.0)) > 8


def test_copying_in_one_kind_is_seen_by_cells():
    train, fresh, held = points(500), points(300, 5), points(300, 1)
    ours, kinds = torch.cat([train[:100], fresh[:200]]), torch.tensor([0] * 100 + [1] * 200)
    apart, held_apart = nearest(ours, train)[0], nearest(held, train)[0]
    held_kinds = torch.arange(300) % 2
    by_cells = copying_z_by_cells(apart, held_apart, kinds, held_kinds)
    assert by_cells is not None and by_cells < -4
    assert copying_z(apart[kinds == 0], held_apart[held_kinds == 0]) < -10
    assert copying_z_by_cells(apart[:3], held_apart, kinds[:3], held_kinds) is None


def test_authenticity_is_nothing_for_copies_and_about_half_for_fresh_samples():
    train = points(500)
    assert authenticity(train[:200] + 1e-3, train) < 0.02
    assert 0.4 < authenticity(points(300, 5), train) < 0.65


def test_nothing_to_compare_is_told():
    with pytest.raises(InputError, match="at least 1 each"):
        copying_z(torch.zeros(0), torch.zeros(3))
    with pytest.raises(InputError, match="at least 2"):
        authenticity(points(3), points(1))
