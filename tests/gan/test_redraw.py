"""Redrawing: the encoder's shapes, that it is learned, and that a run without it is what it was."""

from dataclasses import replace

import pytest
import torch

from muslin.base.errors import SettingError
from muslin.base.seeds import seeded
from muslin.data.loader import load_images
from muslin.gan.atelier import AtelierTrainer
from muslin.gan.configs import AtelierConfig, AtelierNet, check
from muslin.gan.prior import energy_distance, fit_mapping
from muslin.gan.redraw import Redrawer, apart, see
from muslin.gan.start import Start
from muslin.gan.synthesis import Generator, Mapping

NET = AtelierNet(size=32, z=16, w=32, cbase=512, cmax=32, classes=2)
CPU = torch.device("cpu")


@pytest.mark.parametrize("size", [32, 64, 256])
def test_any_size_is_read_and_compared(size):
    net = AtelierNet(size=size, z=16, w=32, cbase=256, cmax=16, classes=2)
    pictures, labels = torch.rand(4, 3, size, size) * 2 - 1, torch.tensor([0, 1, 0, 1])
    redrawer = Redrawer(net)
    seen = see(pictures)
    w, nats = redrawer.code(seen, labels, torch.randn(4, 32))
    assert w.shape == (4, 32) and nats.dim() == 0 and float(nats.detach()) > 0
    assert float(apart(pictures, seen)) == 0
    drawn = Generator(net).synthesise(w[:, None].expand(-1, Generator(net).layers, -1))
    away = apart(drawn, seen)
    away.backward()
    assert float(away.detach()) > 0.1 and all(weight.grad is not None for weight in redrawer.parameters())


def test_codes_begin_where_the_mapping_draws():
    rng, mapping, redrawer = seeded(0, "test"), Mapping(NET), Redrawer(NET)
    with torch.no_grad():
        mapping.layers[-1].bias.add_(300.0)  # a start's W is anywhere
    redrawer.begin(mapping)
    labels = torch.arange(400) % 2
    code, w = torch.randn(400, NET.w, generator=rng), mapping(torch.randn(400, NET.z, generator=rng), labels).detach()
    placed = redrawer.middle[labels] + code @ redrawer.axes
    assert float(energy_distance(code, w)) > 10
    for label in (0, 1):
        assert float(energy_distance(placed[labels == label], w[labels == label])) < 0.1
    assert set(redrawer.state_dict()) >= {"middle", "axes"}  # a resumed run counts from there too


def test_a_start_is_where_its_own_codes_begin(tmp_path):
    start = Start("garments-64")
    config = start.fit(AtelierConfig(net=replace(NET, size=64), batch=4, warm=64, images=128))
    config = replace(config, net=replace(config.net, classes=2))
    trainer = AtelierTrainer(config, CPU)
    start.into(trainer, ("dress", "skirt"))
    z, labels = torch.randn(200, config.net.z), torch.arange(200) % 2
    before = trainer.generator.mapping(z, labels).detach()
    trainer.step(load_images("starter", 64, 3, ("dress", "skirt")), 0, seeded(0, "test"), None)
    assert trainer.redrawer
    for label in (0, 1):
        off = (trainer.redrawer.middle[label] - before[labels == label].mean(0)).norm() / before.std(0).norm()
        assert float(off) < 0.3


def test_redrawing_is_learned_and_holds_on_to_the_prior():
    data = load_images("starter", 32, 3, ("dress", "skirt"))
    trainer, rng = AtelierTrainer(AtelierConfig(net=NET, batch=16, warm=10_000, images=10_000, decay_last=0.0), CPU), seeded(0, "test")
    before = {name: value.clone() for name, value in trainer.discriminator.state_dict().items()}
    found = [trainer.step(data, 16 * step, rng, None) for step in range(60)]
    first, last = (sum(float(one["redraw"]) for one in part) / 10 for part in (found[:10], found[-10:]))
    assert last < 0.6 * first
    assert 0 < float(found[-1]["nats"]) < 200
    after = trainer.discriminator.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)  # no contest yet
    mean = trainer.generator.mapping.get_buffer("w_mean")
    assert float(mean.abs().sum()) > 0  # truncation has its middle from the start


def test_beside_the_contest_a_quarter_is_redrawn():
    data = load_images("starter", 32, 3, ("dress", "skirt"))
    trainer, rng = AtelierTrainer(AtelierConfig(net=NET, batch=16, warm=16, redraw=1.0), CPU), seeded(0, "test")
    names = [set(trainer.step(data, 16 * step, rng, None)) for step in range(2)]
    assert names[0] == {"redraw", "nats"}
    assert {"redraw", "discriminator", "generator", "accuracy"} <= names[1]


@pytest.mark.parametrize("warm", [16, 10])  # the end of a step, and within one
def test_the_contest_leaves_the_mapping_as_it_was_fitted(warm):
    data = load_images("starter", 32, 3, ("dress", "skirt"))
    trainer, rng = AtelierTrainer(AtelierConfig(net=NET, batch=16, warm=warm, redraw=1.0, discriminator="patch"), CPU), seeded(0, "test")
    trainer.step(data, 0, rng, None)
    before = trainer.generator.mapping.state_dict()["layers.0.weight"].clone()
    trainer.step(data, 16, rng, None)
    fitted = {name: value.clone() for name, value in trainer.generator.mapping.state_dict().items()}
    trainer.step(data, 32, rng, None)
    after = trainer.generator.mapping.state_dict()
    assert not torch.equal(before, fitted["layers.0.weight"])
    assert all(torch.equal(fitted[name], after[name]) for name in fitted)
    assert all(torch.equal(fitted[name], value) for name, value in trainer.average.network.mapping.state_dict().items())


def test_the_mapping_is_fitted_to_codes_class_by_class():
    rng = seeded(0, "test")
    mapping = Mapping(AtelierNet(z=16, w=8, classes=3))
    labels = torch.arange(400) % 2  # the third class has no codes
    codes = torch.where(labels[:, None] == 0, 2.0, 4.0) + 0.5 * torch.randn(400, 8, generator=rng)
    fitted = fit_mapping(mapping, codes, labels, steps=800)
    for label, middle in ((0, 2.0), (1, 4.0)):
        z, asked = torch.randn(300, 16, generator=rng), torch.full((300,), label)
        ours, own = fitted(z, asked).detach(), codes[labels == label]
        assert float(energy_distance(ours, own)) < 0.1 * float(energy_distance(mapping(z, asked).detach(), own))
        assert float(fitted.get_buffer("w_mean")[label].mean()) == pytest.approx(middle, abs=0.15)


def test_codes_far_from_what_the_mapping_draws_are_reached():
    """Codes go where the encoder likes, and with them the colours: drawn w have their spread, but for the thinnest directions."""
    rng = seeded(0, "test")
    mapping = Mapping(AtelierNet(z=16, w=24, classes=2))
    codes = 0.3 + torch.randn(600, 6, generator=rng) @ torch.randn(6, 24, generator=rng)  # six ways to differ, in 24 dimensions
    labels = torch.arange(600) % 2
    drawn = fit_mapping(mapping, codes, labels)(torch.randn(600, 16, generator=rng), labels).detach()
    assert float(energy_distance(drawn, codes)) < 0.02 * float(
        energy_distance(mapping(torch.randn(600, 16, generator=rng), labels).detach(), codes)
    )
    (_, ways, axes) = torch.linalg.svd(codes - codes.mean(0), full_matrices=False)
    spread = ((drawn - drawn.mean(0)) @ axes[:6].T).std(0) / ((codes - codes.mean(0)) @ axes[:6].T).std(0)
    assert float(spread[:4].min()) > 0.8 and float(spread.min()) > 0.3 and float(spread.max()) < 1.25, ways[:6]


def test_drafts_that_are_shown_while_g_learns_to_redraw_are_where_pictures_lie():
    data = load_images("starter", 32, 3, ("dress", "skirt"))
    trainer, rng = AtelierTrainer(AtelierConfig(net=NET, batch=16, images=10_000, warm=5_000), CPU), seeded(0, "test")
    for step in range(20):
        trainer.step(data, 16 * step, rng, None)
    assert trainer.redrawer
    codes, own = trainer.redrawer.code(see(data.pixels / 127.5 - 1), data.labels)[0].detach(), trainer.generator.mapping.state_dict()
    kept = {name: value.clone() for name, value in own.items()}

    def away():
        z = torch.randn(200, NET.z, generator=seeded(0, "away"))
        return float(
            energy_distance(trainer.average.network.mapping(z, data.labels[:1].expand(200)).detach(), codes[data.labels == data.labels[0]])
        )

    before = away()
    trainer.before_showing(data, 320)
    assert away() < 0.2 * before
    assert all(torch.equal(kept[name], value) for name, value in own.items())  # G's own waits for the contest
    shown = away()
    trainer.before_showing(data, 6_000)
    assert away() == shown  # the contest has begun: nothing is fitted again


def test_one_picture_in_a_class_is_no_trouble():
    mapping = Mapping(AtelierNet(z=16, w=8, classes=2))
    fitted = fit_mapping(mapping, torch.ones(1, 8), torch.tensor([1]), steps=3)
    assert torch.equal(fitted.layers[0].weight, mapping.layers[0].weight)
    assert torch.equal(fitted.get_buffer("w_mean")[1], torch.ones(8))


def test_without_it_there_is_no_encoder():
    parts = AtelierTrainer(AtelierConfig(net=NET), CPU).parts()
    assert set(parts) == {"generator", "discriminator", "average", "g_steps", "d_steps"}


@pytest.mark.parametrize("setting", ["warm", "redraw"])
def test_less_than_nothing_is_refused(setting):
    with pytest.raises(SettingError, match=f"{setting}=-1"):
        check(AtelierConfig(**{setting: -1}))
