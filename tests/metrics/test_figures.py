"""Every figure against an independent way to it: SciPy, plain NumPy from the papers, torch-fidelity; and what must not matter."""

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from muslin.metrics.figures import NAMES, axes_for, differences, measure
from muslin.metrics.frechet import extrapolated, frechet, gaussian, influence, principal_axes
from muslin.metrics.intervals import Figure, intervals, share_bounds
from muslin.metrics.kernel import kernel_distance, kernel_rows
from muslin.metrics.manifold import overlap

few = settings(max_examples=15, deadline=None, derandomize=True)
seeds = st.integers(0, 2**31)


def points(count, seed=0, wide=8, shift=0.0, scale=1.0):
    return torch.randn(count, wide, generator=torch.Generator().manual_seed(seed)) * scale + shift


def correlated(count, seed, wide=48):
    """Like features: not negative, axes of very unlike strength."""
    mix = points(wide, 99, wide) * torch.logspace(0, -2, wide)[:, None]
    return (points(count, seed, wide) @ mix + 0.3).relu()


def plain_frechet(x, y):
    x, y = x.double().numpy(), y.double().numpy()
    c1, c2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(c1 @ c2)
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * np.real(root)))


@pytest.mark.parametrize("wide", [3, 48, 128])
def test_frechet_is_scipys_with_a_matrix_square_root(wide):
    x, y = correlated(900, 0, wide), correlated(700, 1, wide) * 1.1 + 0.02
    assert frechet(x, y) == pytest.approx(plain_frechet(x, y), rel=1e-3)


def test_frechet_is_torch_fidelitys_on_the_same_features():
    fid = pytest.importorskip("torch_fidelity.metric_fid")
    x, y = correlated(900, 0), correlated(700, 1) * 1.1
    theirs = fid.fid_statistics_to_metric(fid.fid_features_to_statistics(x), fid.fid_features_to_statistics(y), verbose=False)
    assert frechet(x, y) == pytest.approx(theirs[fid.KEY_METRIC_FID], rel=1e-3)


def test_fewer_pictures_than_features_give_a_number_and_axes_a_fair_one():
    x, y = points(40, 0, 100), points(40, 1, 100)
    assert np.isfinite(frechet(x, y)) and frechet(x, y) > 50  # the same distribution: all of it bias
    axes, share = principal_axes(y, axes_for(40, 100))
    assert axes.shape == (100, 10) and 0.1 < share < 0.6
    assert frechet(x @ axes, y @ axes) < 0.3 * frechet(x, y)
    assert all(part.isfinite().all() for part in influence(x, y))
    assert [axes_for(rows, 100) for rows in (2, 40, 200, 201, 9000)] == [1, 10, 50, 100, 100]


@few
@given(seeds)
def test_a_rotation_and_shift_of_both_sets_does_not_change_frechet(seed):
    x, y = points(60, seed).double(), points(50, seed + 1, shift=0.4).double()
    turn = torch.linalg.qr(points(8, seed + 2).double()).Q
    assert frechet(x @ turn + 3, y @ turn + 3) == pytest.approx(frechet(x, y), rel=1e-6)


@few
@given(seeds, st.floats(0.1, 10))
def test_frechet_is_zero_on_itself_symmetric_blind_to_order_and_grows_with_the_square_of_the_scale(seed, scale):
    x, y = points(60, seed).double(), points(50, seed + 1, shift=0.4, scale=1.3).double()
    whole = frechet(x, y)
    assert frechet(x, x.flip(0)) == pytest.approx(0, abs=1e-6)
    assert frechet(y, x) == pytest.approx(whole, rel=1e-6)
    assert frechet(x[torch.randperm(60)], y.flip(0)) == pytest.approx(whole, rel=1e-9)
    assert frechet(x * scale, y * scale) == pytest.approx(whole * scale**2, rel=1e-6)


@few
@given(seeds)
def test_precision_of_one_is_recall_of_the_other(seed):
    x, y = points(40, seed), points(50, seed + 1, shift=0.3)
    assert overlap(x, y).precision == overlap(y, x).recall
    assert overlap(x.flip(0) * 4 + 1, y * 4 + 1).precision == pytest.approx(overlap(x, y).precision, abs=0.03)


def test_precision_recall_density_and_coverage_are_the_papers():
    x, y = points(70, 0).numpy(), points(90, 1, shift=0.4).numpy()

    def apart(a, b):
        return np.sqrt(((a[:, None] - b[None]) ** 2).sum(2))

    def reach(a, k):
        return np.sort(apart(a, a), 1)[:, k]

    between = apart(x, y)
    found = overlap(torch.from_numpy(x), torch.from_numpy(y))
    assert found.precision == pytest.approx((between <= reach(y, 3)[None]).any(1).mean())
    assert found.recall == pytest.approx((between <= reach(x, 3)[:, None]).any(0).mean())
    assert found.density == pytest.approx((between <= reach(y, 5)[None]).sum() / (5 * 70))
    assert found.coverage == pytest.approx((between.min(0) <= reach(y, 5)).mean())


def test_precision_and_recall_are_torch_fidelitys():
    prc = pytest.importorskip("torch_fidelity.metric_prc")
    x, y = points(300, 0), points(300, 1, shift=0.4)
    theirs = prc.prc_features_to_metric(x, y, prc_neighborhood=3, prc_batch_size=100, verbose=False)
    assert overlap(x, y).precision == pytest.approx(theirs[prc.KEY_METRIC_PRECISION], abs=0.01)
    assert overlap(x, y).recall == pytest.approx(theirs[prc.KEY_METRIC_RECALL], abs=0.01)


def test_the_kernel_distance_of_all_rows_is_that_of_one_whole_subset_and_torch_fidelitys():
    x, y = points(80, 0), points(80, 1, shift=0.4)
    value = kernel_rows(x, y)[0]
    assert value == pytest.approx(kernel_distance(x, y, subsets=1, size=80), rel=1e-4)
    kid = pytest.importorskip("torch_fidelity.metric_kid")
    theirs = kid.kid_features_to_metric(
        x, y, kid_subsets=1, kid_subset_size=80, kid_kernel="poly", kid_kernel_poly_degree=3, kid_kernel_poly_gamma=None,
        kid_kernel_poly_coef0=1, rng_seed=0, verbose=False,
    )  # fmt: skip
    assert value == pytest.approx(theirs[kid.KEY_METRIC_KID_MEAN], rel=1e-3)


@pytest.mark.parametrize("of", [frechet, lambda x, y: kernel_rows(x, y)[0]], ids=["frechet", "kernel"])
def test_the_influence_is_what_a_little_more_weight_does(of):
    x, y = points(200, 0).double(), points(150, 1, shift=0.4).double()
    moves = (influence(x, y) if of is frechet else kernel_rows(x, y)[1:])[0]
    row = int(moves.abs().argmax())
    heavier = torch.cat([x.repeat(20, 1), x[row : row + 1]])  # a 4001st row: weight + 1 / 4001
    assert (of(heavier, y) - of(x.repeat(20, 1), y)) * 4001 == pytest.approx(float(moves[row]), rel=0.1)


def test_the_intervals_are_as_wide_as_fresh_sets_differ():
    values, wide = [], []
    for seed in range(60):
        x, y = points(400, seed, 12), points(300, seed + 1000, 12, shift=0.3)
        values.append(frechet(x, y))
        figure = intervals(torch.tensor([values[-1]]), [part[:, None] for part in influence(x, y)], 100, seed)[0]
        wide.append((figure.high - figure.low) / 3.92)
    assert np.mean(wide) == pytest.approx(np.std(values), rel=0.25)


def test_extrapolation_takes_most_of_the_bias_away():
    true = 20 * 0.2**2
    plain, mended = [], []
    for seed in range(20):
        x, y = points(200, seed, 20), points(200, seed + 500, 20, shift=0.2)
        plain.append(frechet(x, y))
        mended.append(extrapolated(x, y))
    assert abs(np.mean(mended) - true) < 0.25 * abs(np.mean(plain) - true)


def test_float32_products_are_as_good_as_float64():
    x = correlated(6000, 0, 64)
    one, other = gaussian(x), gaussian(x.double())
    assert torch.allclose(one.cov, other.cov, rtol=1e-4, atol=1e-7)


def test_all_figures_at_once_with_intervals_and_differences():
    wanted = points(300, 1)
    good, poor = measure(points(250, 2), wanted, 0.1), measure(points(250, 3, shift=0.8), wanted, 0.1)
    figures = good.figures(200, 0)
    assert tuple(figures) == NAMES and all(f.low <= f.value <= f.high for f in figures.values())
    assert figures == good.figures(200, 0)
    apart = differences(poor, good, 200, 0)
    assert apart["frechet"].beyond_noise and apart["frechet"].low > 0 and apart["precision"].high < 0
    other = measure(points(250, 4), wanted, 0.1)
    assert not differences(other, good, 200, 0)["kernel"].beyond_noise


def test_a_generator_that_draws_one_picture_only_gets_figures_too():
    found = measure(points(1, 0).expand(40, -1).contiguous(), points(50, 1), 0.1).figures(100, 0)
    assert all(np.isfinite([f.value, f.low, f.high]).all() for f in found.values())
    assert found["recall"].value == 0 and found["coverage"].value < 0.3


def test_where_all_rows_agree_the_rule_of_three_stands_in():
    assert share_bounds(Figure(0.0, 0.0, 0.0), 300) == Figure(0.0, 0.0, 0.01)
    assert share_bounds(Figure(1.0, 1.0, 1.0), 300) == Figure(1.0, 0.99, 1.0)
