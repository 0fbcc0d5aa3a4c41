"""The style-based generator and its training step."""

import torch

from muslin.data.loader import load_images
from muslin.gan.atelier import AtelierTrainer
from muslin.gan.augment import augment
from muslin.gan.configs import AtelierConfig, AtelierNet
from muslin.gan.discriminator import Discriminator
from muslin.gan.synthesis import Generator, Modulated, resolutions

NET = AtelierNet(size=32, z=16, w=32, cbase=256, cmax=16, classes=3)


def test_pictures_and_scores_have_their_shapes():
    generator, discriminator = Generator(NET), Discriminator(NET)
    pictures = generator(torch.randn(4, 16), torch.tensor([0, 1, 2, 0]))
    assert pictures.shape == (4, 3, 32, 32)
    assert discriminator(pictures, torch.tensor([0, 1, 2, 0])).shape == (4,)
    assert resolutions(64) == [4, 8, 16, 32, 64]


def test_the_unfused_convolution_is_the_papers():
    """conv(x * s) * d equals a convolution whose weights were modulated and demodulated (Karras et al. 2020, eq. 1 to 3)."""
    layer, x, w = Modulated(5, 7, 8), torch.randn(2, 5, 6, 6), torch.randn(2, 8)
    ours = layer(x, w)
    for i in range(2):
        modulated = layer.weight * layer.gain * layer.affine(w)[i][None, :, None, None]
        demodulated = modulated * torch.rsqrt(modulated.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        theirs = torch.nn.functional.conv2d(x[i : i + 1], demodulated, padding=1) + layer.bias[:, None, None]
        assert torch.allclose(ours[i : i + 1], theirs, atol=1e-4)


def test_truncation_draws_towards_the_mean_garment():
    generator = Generator(NET).requires_grad_(False)
    labels = torch.zeros(6, dtype=torch.long)
    spreads = [
        float(generator(torch.randn(6, 16, generator=torch.Generator().manual_seed(0)), labels, psi).var(0).mean())
        for psi in (0.0, 0.5, 1.0)
    ]
    assert spreads[0] < 1e-8
    assert spreads[0] < spreads[1] < spreads[2]


def test_the_penalty_changes_the_discriminators_gradients():
    data, gradients = load_images("starter", 32, 3, ("dress",)), []
    for gamma in (0.0, 10.0):
        trainer = AtelierTrainer(AtelierConfig(net=NET, batch=8, gamma=gamma), torch.device("cpu"))
        real, labels = data.take(torch.arange(8))
        fake = torch.zeros(8, 3, 32, 32)
        trainer._discriminator_step(real, fake, labels, punish=True)
        gradients.append(torch.cat([p.grad.flatten() for p in trainer.discriminator.parameters() if p.grad is not None]))
    assert not torch.allclose(gradients[0], gradients[1], rtol=0.01)


def test_augmentation_keeps_the_ground_white_and_moves_the_garment():
    picture = torch.ones(4, 3, 32, 32)
    picture[:, :, 12:20, 12:20] = -0.5
    rng = torch.Generator().manual_seed(0)
    made = augment(picture, rng, 0.1, 0.1, 0.2)
    assert torch.allclose(made[:, :, 0, 0], torch.ones(4, 3), atol=1e-5)
    assert not torch.allclose(made[0], made[1], atol=0.1)
    assert torch.allclose(augment(picture, rng, 0.0, 0.0, 0.0), picture, atol=1e-5)
    assert torch.autograd.gradcheck(
        lambda x: augment(x, torch.Generator().manual_seed(0), 0.1, 0.1, 0.1),
        torch.rand(1, 1, 4, 4, dtype=torch.double, requires_grad=True),
        eps=1e-5,
        atol=1e-3,
    )
