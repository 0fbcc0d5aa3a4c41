"""The distance of two Gaussians, and that it is sensible on garments."""

import pytest
import torch

from muslin.base.errors import InputError
from muslin.data.loader import load_images
from muslin.metrics.frechet import frechet, pooled


def test_known_gaussians():
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(200_000, 3, generator=rng)
    y = torch.randn(200_000, 3, generator=rng) * 2 + torch.tensor([1.0, 0.0, 0.0])
    assert frechet(x, y) == pytest.approx(1 + 3 * (2 - 1) ** 2, rel=0.03)
    assert frechet(x, x) == pytest.approx(0, abs=1e-6)


def test_damage_grows_the_distance_and_halves_are_near():
    pixels = load_images("starter", 64, 3).pixels
    whole = pooled(pixels)
    noise = torch.randint(-40, 41, pixels.shape, generator=torch.Generator().manual_seed(0))
    damaged = pooled((pixels.int() + noise).clamp(0, 255).byte())
    assert frechet(whole[::2], whole[1::2]) < 0.75 * frechet(whole, damaged)
    with pytest.raises(InputError, match="at least 2"):
        frechet(whole[:1], whole)
