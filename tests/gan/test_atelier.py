"""The style-based generator and its training step."""

import pytest
import torch

from muslin.base.seeds import seeded
from muslin.data.loader import load_images
from muslin.gan.atelier import AtelierTrainer
from muslin.gan.augment import DRAWS, augment
from muslin.gan.configs import AtelierConfig, AtelierNet, Spans
from muslin.gan.discriminator import Discriminator
from muslin.gan.generators import load_generator, save_generator
from muslin.gan.losses import LOSSES
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
        plain = torch.nn.functional.conv2d(x[i : i + 1], demodulated, padding=1) + layer.bias[:, None, None]
        theirs = torch.nn.functional.leaky_relu(plain, 0.2) * 2**0.5
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
    draws, sure = torch.rand(4, DRAWS, generator=torch.Generator().manual_seed(0)), torch.tensor(1.0)
    made = augment(picture, draws, sure, Spans(cut=0))
    assert torch.allclose(made[:, :, 0, 0], torch.ones(4, 3), atol=1e-5)
    assert not torch.allclose(made[0], made[1], atol=0.1)
    assert torch.allclose(augment(picture, draws, torch.tensor(0.0), Spans()), picture, atol=1e-5)
    draws[:, 9] = 0  # below the strength: each is cut
    dark = augment(torch.full((4, 3, 32, 32), -1.0), draws, sure, Spans(0, 0, 0, cut=0.5))
    cut = (dark > 0.99).float().mean((1, 2, 3))
    assert ((cut > 0) & (cut < 0.27)).all() and float(cut.max()) > 0.1  # a quarter of the picture at most
    night = augment(-picture, draws, sure, Spans(), ground=-1.0)
    assert torch.allclose(night, -augment(picture, draws, sure, Spans()), atol=1e-5)
    assert torch.autograd.gradcheck(
        lambda x: augment(x, draws[:1].double(), sure, Spans()),
        torch.rand(1, 1, 4, 4, dtype=torch.double, requires_grad=True),
        eps=1e-5,
        atol=1e-3,
    )


@pytest.mark.parametrize("name", LOSSES)
def test_each_loss_rewards_telling_apart(name):
    loss, real, fake = LOSSES[name], torch.tensor([2.0, 1.0]), torch.tensor([-2.0, -1.0])
    assert loss.discriminator(real, fake) < loss.discriminator(torch.zeros(2), torch.zeros(2)) < loss.discriminator(fake, real)
    assert loss.generator(real, real) < loss.generator(real, fake)
    assert torch.isfinite(loss.discriminator(real * -1e4, fake * -1e4))
    trainer = AtelierTrainer(AtelierConfig(net=NET, batch=8, loss=name), torch.device("cpu"))
    figures = trainer.step(load_images("starter", 32, 3, ("dress", "hat", "skirt")), 0, seeded(0, "t"), None)
    assert all(torch.isfinite(value) for value in figures.values())


def test_the_augmentation_follows_how_sure_the_discriminator_is():
    trainer = AtelierTrainer(AtelierConfig(net=NET, batch=8, adapt_over=80), torch.device("cpu"))
    for accuracy, expected in ((1.0, 0.3), (0.9, 0.4), (0.5, 0.3)):
        trainer._adapt({"accuracy": torch.tensor(accuracy)})
        assert float(trainer.strength) == pytest.approx(expected)
    for _ in range(20):
        trainer._adapt({"accuracy": torch.tensor(1.0)})
    assert float(trainer.strength) == pytest.approx(0.8)


def test_a_design_has_the_same_bits_in_any_company(tmp_path):
    path = save_generator(tmp_path / "g.safetensors", Generator(NET), AtelierConfig(net=NET), ("a", "b", "c"), {"data": "x"})
    generator = load_generator(path)
    alone = [generator.draw(seed, seed % 3, 0.8)[0] for seed in range(20)]
    company = list(generator.draw_many(range(20), [seed % 3 for seed in range(20)], 0.8))
    backwards = list(generator.draw_many(range(19, -1, -1), [seed % 3 for seed in range(19, -1, -1)], 0.8))[::-1]
    assert all(torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(alone, company, backwards, strict=True))
