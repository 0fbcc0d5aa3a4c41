"""The article's GAN, on real Fashion-MNIST pictures."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from muslin.base.image import to_bytes
from muslin.data.fashion_mnist import load_fashion_mnist
from muslin.gan.classic import ClassicTrainer, Discriminator, Generator, _cross_entropy
from muslin.gan.configs import PRESETS, ClassicConfig, ClassicNet
from muslin.gan.generators import load_generator
from muslin.gan.train import train
from muslin.metrics.frechet import frechet, pooled

FILES = Path(__file__).parents[1] / "files"


@pytest.fixture(scope="module")
def mnist():
    return load_fashion_mnist(FILES)


def test_the_networks_are_the_articles():
    generator, discriminator = Generator(ClassicNet()), Discriminator(ClassicNet())
    assert [(layer.in_features, layer.out_features) for layer in generator.layers] == [(100, 256), (256, 512), (512, 1024), (1024, 784)]
    assert [(layer.in_features, layer.out_features) for layer in discriminator.layers] == [(784, 1024), (1024, 512), (512, 256), (256, 1)]
    article = PRESETS["article"]
    assert isinstance(article, ClassicConfig)
    assert (article.net.leak, article.net.dropout, article.real_label, article.average_half_life) == (0.0, 0.0, 0.9, 0)


def test_the_loss_is_binary_cross_entropy():
    logits = torch.linspace(-4, 4, 50)
    d = torch.sigmoid(logits)
    for label in (0.9, 0.0, 1.0):
        by_hand = -(label * d.log() + (1 - label) * (1 - d).log()).mean()
        assert torch.allclose(_cross_entropy(logits, label), by_hand, atol=1e-5)


def test_each_step_moves_one_network_and_holds_the_other(mnist):
    trainer = ClassicTrainer(ClassicConfig(precision="float32"), mnist, torch.device("cpu"))
    real, rng = mnist.take(torch.arange(64))[0], torch.Generator().manual_seed(0)
    z = torch.randn(64, 100, generator=rng)

    def weights(network):
        return torch.cat([p.detach().flatten().clone() for p in network.parameters()])

    g, d = weights(trainer.generator), weights(trainer.discriminator)
    trainer._discriminator_step(real, z, rng)
    assert torch.equal(weights(trainer.generator), g)
    assert not torch.equal(weights(trainer.discriminator), d)
    d = weights(trainer.discriminator)
    trainer._generator_step(z, rng)
    assert not torch.equal(weights(trainer.generator), g)
    assert torch.equal(weights(trainer.discriminator), d)


def _drawn(network):
    z = torch.randn(500, 100, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return torch.stack([to_bytes(picture) for picture in network(z)])


def _coarse(pixels):
    return torch.nn.functional.avg_pool2d(pixels.float() / 127.5 - 1, 4).flatten(1)


def test_training_moves_on_real_pictures(mnist, tmp_path):
    """A short run: the distance to held-out pictures falls (on 7 x 7 pixels), D learns to tell and is then held in check."""
    held_out, data = mnist.pixels[1500:], replace(mnist, pixels=mnist.pixels[:1500], labels=mnist.labels[:1500])
    config = replace(PRESETS["classic"], epochs=18, batch=50, report_every=500)
    before = _drawn(ClassicTrainer(config, data, torch.device("cpu")).generator)
    figures = [event.figures for event in train(tmp_path / "run", data, config, "cpu") if hasattr(event, "figures")]
    after = _drawn(load_generator(tmp_path / "run").network)
    first, last = (frechet(_coarse(drawn), _coarse(held_out)) for drawn in (before, after))
    assert last < 0.75 * first
    accuracy = [f["accuracy"] for f in figures]
    assert max(accuracy[:20]) > 0.95
    assert min(accuracy[20:]) < 0.9


def test_the_shipped_generator_is_trained(mnist):
    """Against an untrained one, on the embedded encoder's features and on coarse pixels."""
    config = PRESETS["classic"]
    untrained = _drawn(ClassicTrainer(config, mnist, torch.device("cpu")).generator)
    shipped = _drawn(load_generator("fashion-mnist-28").network)
    assert frechet(pooled(shipped), pooled(mnist.pixels)) < 0.6 * frechet(pooled(untrained), pooled(mnist.pixels))
    assert frechet(_coarse(shipped), _coarse(mnist.pixels)) < 0.1 * frechet(_coarse(untrained), _coarse(mnist.pixels))


def test_two_seeds_give_different_designs_and_one_seed_the_same(mnist, tmp_path):
    list(train(tmp_path / "run", mnist, replace(PRESETS["classic"], epochs=2), "cpu"))
    generator = load_generator(tmp_path / "run")
    assert torch.equal(generator.draw(3), generator.draw(3))
    assert float((generator.draw(3) - generator.draw(4)).abs().mean()) > 0.02
