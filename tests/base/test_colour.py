"""OKLab there and back."""

import torch

from muslin.base.colour import from_oklab, to_oklab


def test_there_and_back_again():
    pixels = torch.rand(3, 20, 20) * 2 - 1
    assert torch.allclose(from_oklab(to_oklab(pixels)), pixels, atol=2e-3)


def test_white_black_and_the_published_red():
    named = torch.tensor([[1.0, -1.0, 1.0], [1.0, -1.0, -1.0], [1.0, -1.0, -1.0]]).view(3, 1, 3)
    lab = to_oklab(named)[:, 0].T
    assert torch.allclose(lab[0], torch.tensor([1.0, 0.0, 0.0]), atol=1e-3)
    assert torch.allclose(lab[1], torch.zeros(3), atol=1e-3)
    assert torch.allclose(lab[2], torch.tensor([0.628, 0.2249, 0.1258]), atol=1e-3)
