"""Kernel distance, precision and recall, copies: known answers, invariances, and an independent way to the same figure."""

import numpy as np
import pytest
import torch

from muslin.base.errors import InputError
from muslin.metrics.kernel import kernel_distance
from muslin.metrics.manifold import overlap, radii
from muslin.metrics.novelty import copy_rate, copy_threshold, nearest


def _points(count, shift=0.0, seed=0, wide=8):
    return torch.randn(count, wide, generator=torch.Generator().manual_seed(seed)) + shift


def test_kernel_distance_is_binkowskis_estimator():
    x, y = _points(40), _points(40, 0.5, 1)
    a, b = x.double().numpy(), y.double().numpy()
    k = [(u @ v.T / 8 + 1) ** 3 for u, v in ((a, a), (b, b), (a, b))]
    n = 40
    plain = sum((m.sum() - np.trace(m)) / (n * (n - 1)) for m in k[:2]) - 2 * k[2].mean()
    assert kernel_distance(x, y, subsets=1, size=40) == pytest.approx(plain, rel=1e-9)
    assert abs(kernel_distance(_points(900), _points(900, seed=1))) < 0.05 < kernel_distance(_points(900), _points(900, 1.0, 1))
    with pytest.raises(InputError, match="at least 2 each"):
        kernel_distance(x[:1], y)


def test_overlap_of_known_sets():
    same = overlap(_points(300), _points(300, seed=1))
    assert same.precision > 0.8 and same.recall > 0.8 and same.coverage > 0.8 and 0.7 < same.density < 1.3
    apart = overlap(_points(300), _points(300, 20.0, 1))
    assert (apart.precision, apart.recall, apart.density, apart.coverage) == (0, 0, 0, 0)
    narrow = overlap(_points(300) * 0.1, _points(300, seed=1))
    assert narrow.precision > 0.9 > 0.1 > narrow.recall
    with pytest.raises(InputError, match="more than 5"):
        overlap(_points(5), _points(50))


def test_overlap_does_not_depend_on_order_or_blocks():
    x, y = _points(1500), _points(60, 0.3, 1)
    one, other = overlap(x, y), overlap(x.flip(0), y[torch.randperm(60)])
    assert one.precision == pytest.approx(other.precision) and one.coverage == pytest.approx(other.coverage)
    brute = torch.cdist(y, y).sort(1).values[:, 3]
    assert torch.allclose(radii(y, 3), brute, atol=1e-5)


def test_copies_are_found_at_the_stated_false_alarm_rate():
    train, fresh = _points(2000), _points(2000, seed=1)
    threshold = copy_threshold(train, alarm=0.05)
    assert 0.02 < copy_rate(fresh, train, threshold) < 0.09
    planted = torch.cat([fresh[:50], train[:50] + 1e-4])
    assert copy_rate(planted, train, threshold) >= 0.5
    assert nearest(train[:3] + 1e-4, train)[1].tolist() == [0, 1, 2]


def test_twins_do_not_lower_the_threshold():
    train = _points(400)
    assert copy_threshold(torch.cat([train, train[:40]])) == pytest.approx(copy_threshold(train), rel=0.15)
    far = train + 200  # where distances are rounded most
    assert copy_threshold(torch.cat([far, far[:200]])) == pytest.approx(copy_threshold(far), rel=0.15)
