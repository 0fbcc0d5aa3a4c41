"""Starting from a trained generator: nothing is forgotten by growing, classes keep what is theirs."""

from dataclasses import replace

import pytest
import torch

from muslin.base.errors import InputError, SettingError
from muslin.data.loader import load_images
from muslin.gan.atelier import AtelierTrainer
from muslin.gan.configs import PRESETS, AtelierConfig, AtelierNet
from muslin.gan.discriminator import Discriminator
from muslin.gan.generators import load_generator, save_generator
from muslin.gan.layers import upsample
from muslin.gan.start import Start, grow_critic, grow_generator
from muslin.gan.synthesis import Generator
from muslin.gan.train import GENERATOR, fit, train

NET = AtelierNet(size=32, z=16, w=32, cbase=256, cmax=16, cmin=8, classes=2)
QUICK = AtelierConfig(net=NET, images=16, batch=8, save_every=16, report_every=8)


@pytest.fixture
def trained(tmp_path):
    torch.manual_seed(3)
    generator, critic = Generator(NET), Discriminator(NET)
    with torch.no_grad():
        for part in (*generator.parameters(), *critic.parameters()):
            part.copy_(part.half())
        critic.rgb.bias.uniform_(-1, 1)
        critic.rgb.bias.copy_(critic.rgb.bias.half())
    path = save_generator(tmp_path / GENERATOR, generator, QUICK, ("dress", "skirt"), {"data": "x"}, critic)
    return path, generator, critic


def test_the_grown_generator_draws_the_old_picture_enlarged(trained):
    _, old, _ = trained
    new = Generator(replace(NET, size=64))
    new.load_state_dict(grow_generator(old.state_dict(), NET))
    z, labels = torch.randn(4, 16), torch.tensor([0, 1, 0, 1])
    assert torch.allclose(new(z, labels), upsample(old(z, labels)), atol=1e-5)


def test_the_grown_discriminator_judges_as_the_old_one_at_half_the_size(trained):
    _, _, old = trained
    new, labels = Discriminator(replace(NET, size=64)), torch.arange(8) % 2
    new.load_state_dict(grow_critic(old.state_dict(), NET))
    pictures = torch.rand(8, 3, 64, 64) * 2 - 1
    small = torch.nn.functional.avg_pool2d(pictures, 2)
    flat = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.allclose(new(flat, labels), old(small, labels), atol=1e-4)
    assert grow_critic({}, NET) == {}
    with pytest.raises(SettingError, match="too narrow to grow"):
        grow_critic(old.state_dict(), replace(NET, cmin=2, cbase=128))


def test_a_run_starts_from_it_with_other_classes_and_twice_the_size(trained, tmp_path):
    path, old, _ = trained
    data = load_images("starter", 64, 3, ("hat", "skirt"))
    wanted = Start(path).fit(replace(QUICK, net=replace(NET, size=64)))
    trainer = AtelierTrainer(fit(wanted, data), torch.device("cpu"))
    before = torch.random.get_rng_state()
    Start(path).into(trainer, data.classes)
    assert torch.equal(before, torch.random.get_rng_state())
    rows, had = trainer.generator.mapping.embed.weight, old.mapping.embed.weight
    assert torch.allclose(rows[0], had.mean(0), atol=1e-6) and torch.equal(rows[1], had[1])  # hat is new, skirt is known
    list(train(tmp_path / "run", data, wanted, "cpu", Start(path)))
    grown = load_generator(tmp_path / "run")
    assert grown.classes == ("hat", "skirt") and grown.network.size == 64
    assert grown.card["started_from"] == tmp_path.name


@pytest.mark.parametrize("cmin", [4, 8, 24])
def test_any_preset_can_grow_it_twice(trained, tmp_path, cmin):
    path, old, critic = trained
    config = Start(path).fit(replace(QUICK, net=replace(NET, size=128, cmin=cmin)))
    trainer = AtelierTrainer(config, torch.device("cpu"))
    Start(path).into(trainer, ("dress", "skirt"))
    z, labels = torch.randn(2, 16), torch.tensor([0, 1])
    assert torch.allclose(trainer.generator(z, labels), upsample(upsample(old(z, labels))), atol=1e-3)


def test_what_cannot_be_started_from_is_named(trained, tmp_path):
    path, *_ = trained
    with pytest.raises(SettingError, match="draws 32 px"):
        Start(path).fit(replace(QUICK, net=replace(NET, size=16)))
    with pytest.raises(InputError, match="only an atelier generator"):
        Start("fashion-mnist-28")
    assert Start(path).fit(PRESETS["atelier-32"]).net.cbase == 256
