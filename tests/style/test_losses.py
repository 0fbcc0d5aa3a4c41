"""The article's formulas, against the definitions written out."""

import pytest
import torch

from muslin.style.losses import STYLES, Moments, Wasserstein, colour_loss, content_loss, gram, mask_at, moments, style_loss, variation


def test_content_is_half_the_sum_of_squares():
    ours, wanted = torch.randn(1, 4, 5, 6), torch.randn(1, 4, 5, 6)
    by_hand = sum(0.5 * (float(a) - float(b)) ** 2 for a, b in zip(ours.flatten(), wanted.flatten(), strict=True))
    assert float(content_loss(ours, wanted)) == pytest.approx(by_hand, rel=1e-4)


def test_gram_is_the_sum_over_places_by_the_area():
    x = torch.randn(1, 3, 4, 5)
    by_hand = torch.zeros(3, 3)
    for i in range(3):
        for j in range(3):
            by_hand[i, j] = sum(x[0, i, k, n] * x[0, j, k, n] for k in range(4) for n in range(5))
    assert torch.allclose(gram(x)[0], by_hand / 20, atol=1e-5)


def test_where_things_are_does_not_matter_and_neither_does_size():
    x = torch.randn(1, 6, 8, 8)
    moved = x.flatten(2)[:, :, torch.randperm(64)].view(1, 6, 8, 8)
    assert torch.allclose(gram(x), gram(moved), atol=1e-5)
    assert torch.allclose(gram(x), gram(torch.cat([x, x], 3)), atol=1e-5)


def test_a_mask_counts_only_what_is_inside():
    x, mask = torch.randn(1, 6, 8, 8), torch.zeros(1, 1, 8, 8)
    mask[..., :4] = 1
    assert torch.allclose(gram(x, mask), gram(x[..., :4]), atol=1e-5)
    changed = x.clone()
    changed[..., 4:] = 99
    assert torch.equal(gram(x, mask), gram(changed, mask))
    inside, cut = moments(x[:, :3], mask), moments(x[:, :3, :, :4])
    assert torch.allclose(inside.mean, cut.mean, atol=1e-5)
    assert torch.allclose(inside.covariance(), cut.covariance(), atol=1e-5)


def _random_moments(channels, seed=0, count=200, batch=1):
    return moments(torch.randn(batch, channels, 1, count, generator=torch.Generator().manual_seed(seed)) * 0.7 + 0.2)


def test_moments_of_two_halves_add_up():
    x, area = torch.randn(1, 5, 4, 6), torch.tensor([24.0])
    whole, halves = moments(x), moments(x[..., :3], None, area) + moments(x[..., 3:], None, area)
    assert torch.allclose(whole.mean, halves.mean, atol=1e-6)
    assert torch.allclose(whole.second, halves.second, atol=1e-6)


@pytest.mark.parametrize("name", STYLES)
def test_a_style_is_at_no_distance_from_itself_and_at_some_from_others(name):
    ours, other = _random_moments(6), _random_moments(6, seed=1, count=50)
    distance = STYLES[name](ours, True)
    assert float(distance(ours)) == pytest.approx(0, abs=1e-4)
    assert float(distance(other)) > 1e-3


@pytest.mark.parametrize("name", STYLES)
def test_the_gradient_is_that_of_finite_differences(name):
    x = torch.randn(1, 4, 5, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
    distance = STYLES[name](_random_moments(4, seed=2), True)
    distance(moments(x)).sum().backward()
    for place in ((0, 1, 2, 3), (0, 3, 0, 4)):
        step = torch.zeros_like(x)
        step[place] = 1e-2
        with torch.no_grad():
            slope = float(distance(moments(x + step)) - distance(moments(x - step))) / 2e-2
        assert float(x.grad[place]) == pytest.approx(slope, rel=0.05, abs=2e-4)


def test_wasserstein_is_the_closed_form_of_gaussians():
    """Against scipy's matrix square root: |m - m'|^2 + tr(C + C' - 2 (C^1/2 C' C^1/2)^1/2)."""
    from scipy.linalg import sqrtm

    ours, wanted = _random_moments(8), _random_moments(8, seed=3)
    a, b = ours.covariance()[0].double().numpy(), wanted.covariance()[0].double().numpy()
    root = sqrtm(a)
    by_hand = float((ours.mean - wanted.mean).square().sum()) + float((a + b - 2 * sqrtm(root @ b @ root).real).trace())
    assert float(Wasserstein(wanted, False)(ours)) == pytest.approx(by_hand, rel=1e-3)


def test_a_batch_is_measured_picture_by_picture():
    ours, wanted = _random_moments(5, batch=3), _random_moments(5, seed=4, batch=3)
    for kind in STYLES.values():
        together = kind(wanted, True)(ours)
        apart = [
            float(
                kind(Moments(wanted.mean[i : i + 1], wanted.second[i : i + 1]), True)(Moments(ours.mean[i : i + 1], ours.second[i : i + 1]))
            )
            for i in range(3)
        ]
        assert together.tolist() == pytest.approx(apart, rel=1e-4)


def test_style_is_the_weighted_sum_over_layers():
    ours, wanted = {"a": _random_moments(2), "b": _random_moments(3)}, {"a": _random_moments(2, 5), "b": _random_moments(3, 6)}
    distances = {name: STYLES["gram"](target, False) for name, target in wanted.items()}
    by_hand = 0.25 * (ours["a"].second - wanted["a"].second).square().sum() + 2 * (ours["b"].second - wanted["b"].second).square().sum()
    assert float(style_loss(ours, distances, {"a": 0.25, "b": 2.0})) == pytest.approx(float(by_hand), rel=1e-5)


@pytest.mark.parametrize("name", STYLES)
def test_balanced_style_does_not_depend_on_the_features_scale(name):
    x, y = torch.randn(1, 4, 6, 6), torch.randn(1, 4, 6, 6)
    plain, scaled = STYLES[name](moments(y), True)(moments(x)), STYLES[name](moments(7 * y), True)(moments(7 * x))
    assert float(scaled) == pytest.approx(float(plain), rel=1e-3)


def test_equal_colours_cost_nothing_and_flat_pictures_do_not_vary():
    x = torch.rand(1, 3, 8, 8)
    assert float(colour_loss(moments(x), moments(x.flip(3)))) < 1e-9
    assert float(variation(torch.full((1, 3, 8, 8), 0.3)).sum()) == 0.0
    assert float(variation(x).mean()) > 0


def test_a_tiles_mask_is_a_cut_out_of_the_wholes():
    mask = torch.rand(1, 1, 64, 96)
    whole = mask_at(mask, (1, 1, 4, 6))
    assert torch.allclose(mask_at(mask[..., 32:], (1, 1, 4, 4)), whole[..., 2:])
