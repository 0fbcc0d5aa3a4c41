"""The article's formulas, against the definitions written out."""

import pytest
import torch

from muslin.style.losses import colour_loss, colour_moments, content_loss, gram, style_loss, total_variation


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
    inside = colour_moments(x[:, :3], mask)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(inside, colour_moments(x[:, :3, :, :4]), strict=True))


def test_style_is_the_weighted_sum_over_layers():
    ours = {"a": torch.randn(1, 2, 2), "b": torch.randn(1, 3, 3)}
    wanted = {"a": torch.randn(1, 2, 2), "b": torch.randn(1, 3, 3)}
    weights = {"a": 0.25, "b": 2.0}
    by_hand = 0.25 * (ours["a"] - wanted["a"]).square().sum() + 2 * (ours["b"] - wanted["b"]).square().sum()
    assert torch.allclose(style_loss(ours, wanted, weights, balance=False), by_hand)
    assert float(style_loss(wanted, wanted, weights, balance=True)) == 0.0


def test_balanced_style_does_not_depend_on_the_features_scale():
    ours, wanted = {"a": torch.randn(1, 4, 4)}, {"a": torch.randn(1, 4, 4)}
    scaled = style_loss({"a": 7 * ours["a"]}, {"a": 7 * wanted["a"]}, {"a": 1.0}, balance=True)
    assert torch.allclose(scaled, style_loss(ours, wanted, {"a": 1.0}, balance=True))


def test_equal_colours_cost_nothing_and_flat_pictures_do_not_vary():
    x = torch.rand(1, 3, 8, 8)
    assert float(colour_loss(colour_moments(x), colour_moments(x.flip(3)))) < 1e-9
    assert float(total_variation(torch.full((1, 3, 8, 8), 0.3))) == 0.0
    assert float(total_variation(x)) > 0
