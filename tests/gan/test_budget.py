"""A time becomes a capacity and a length; measured on this machine."""

import time
from dataclasses import replace

import pytest
import torch

import muslin.gan.budget
from muslin.base.errors import SettingError
from muslin.data.loader import load_images
from muslin.gan.budget import ENOUGH, Costs, costs, images_per_second, plan
from muslin.gan.configs import AtelierConfig, AtelierNet

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data():
    return load_images("starter", 32, 3, ("dress", "skirt"))


CONFIG = AtelierConfig(net=AtelierNet(size=32, classes=2))


@pytest.fixture(autouse=True)
def nothing_beside_steps(monkeypatch):
    monkeypatch.setattr(muslin.gan.budget, "costs", lambda *_: Costs())


def _speeds(monkeypatch, table):
    monkeypatch.setattr(muslin.gan.budget, "images_per_second", lambda config, data, device: table[config.net.cbase])


@pytest.mark.parametrize(("seconds", "cbase"), [(60, 1024), (4000, 1024), (10_000, 2048), (1_000_000, 16384)])
def test_the_largest_capacity_that_sees_enough_is_taken(data, monkeypatch, seconds, cbase):
    _speeds(monkeypatch, {16384: 1.0, 8192: 4.0, 4096: 15.0, 2048: 50.0, 1024: 100.0})
    config, speed = plan(CONFIG, data, seconds, CPU, fixed=False)
    assert config.net.cbase == cbase
    assert config.images % config.batch == 0
    assert 0.85 * seconds <= config.images / speed <= seconds
    assert cbase == 1024 or config.images >= ENOUGH
    assert config.save_every % config.batch == 0 and config.judge_every <= config.images


def test_a_started_net_keeps_its_capacity(data, monkeypatch):
    _speeds(monkeypatch, {1024: 100.0})
    config, _ = plan(CONFIG, data, 600, CPU, fixed=True)
    assert config.net == CONFIG.net and config.images in (55_168, 55_200)  # planning takes its microseconds
    with pytest.raises(SettingError, match="give it some minutes"):
        plan(CONFIG, data, 1, CPU, fixed=True)


def test_redrawing_keeps_its_share_of_the_time(data, monkeypatch):
    _speeds(monkeypatch, {1024: 100.0})
    config, _ = plan(replace(CONFIG, images=200_000, warm=80_000), data, 600, CPU, fixed=True)
    assert config.warm == pytest.approx(0.4 * config.images, abs=32) and config.warm in (22_048, 22_080)
    assert plan(CONFIG, data, 600, CPU, fixed=True)[0].warm == 0


def test_what_does_not_fit_in_memory_is_not_taken(data, monkeypatch):
    def speed(config, data, device):
        if config.net.cbase > 2048:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 1000.0

    monkeypatch.setattr(muslin.gan.budget, "images_per_second", speed)
    assert plan(CONFIG, data, 3600, CPU, fixed=False)[0].net.cbase == 2048


def test_the_speed_is_measured_with_the_penaltys_share(data, monkeypatch):
    def step(self, data, seen, rng, autocast):
        time.sleep(0.05 if seen else 0.2)  # without and with the penalty

    monkeypatch.setattr(muslin.gan.budget.AtelierTrainer, "step", step)
    small = replace(CONFIG, net=replace(CONFIG.net, z=16, w=32, cbase=256, cmax=16), batch=8, penalty_every=2)
    assert images_per_second(small, data, CPU, steps=1) == pytest.approx(8 / 0.125, rel=0.1)


def test_the_speed_is_measured_with_redrawings_share(data, monkeypatch):
    """Half of the images redrawn in 0.05 s a batch, half in contest at 0.125 s (0.05 and 0.2 in turn)."""
    small = replace(CONFIG, net=replace(CONFIG.net, z=16, w=32, cbase=256, cmax=16), batch=8, penalty_every=2)

    def step(self, data, seen, rng, autocast):
        time.sleep(0.05 if seen or self.config.warm else 0.2)

    monkeypatch.setattr(muslin.gan.budget.AtelierTrainer, "step", step)
    warm = replace(small, warm=small.images // 2)
    assert images_per_second(warm, data, CPU, steps=1) == pytest.approx(8 / (0.5 * 0.05 + 0.5 * 0.125), rel=0.1)


def test_no_memory_at_all_is_told(data, monkeypatch):
    def speed(config, data, device):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(muslin.gan.budget, "images_per_second", speed)
    with pytest.raises(SettingError, match="not even a batch of 4 fits in memory; choose a smaller --size"):
        plan(CONFIG, data, 3600, CPU, fixed=False)
    monkeypatch.setattr(muslin.gan.budget, "images_per_second", lambda config, *_: 50.0 if config.batch <= 8 else speed(config, *_))
    assert plan(CONFIG, data, 3600, CPU, fixed=False)[0].batch == 8


def test_judgements_and_looks_are_paid_out_of_the_budget(data, monkeypatch):
    """20 s a judgement, 5 s a look, in ten minutes at 100 images/s: both come more rarely, and all of it fits."""
    _speeds(monkeypatch, {1024: 100.0})
    monkeypatch.setattr(muslin.gan.budget, "costs", lambda *_: Costs(20.0, 5.0))
    config, speed = plan(replace(CONFIG, images=200_000, warm=100_000), data, 600, CPU, fixed=True)
    judgements, looks = -(-config.images // config.judge_every), config.warm // config.save_every
    assert config.judge_every >= 195 * speed and config.save_every >= 49 * speed
    assert 500 < config.images / speed + 20 * judgements + 5 * (looks + 4) < 600
    with pytest.raises(SettingError, match="give it some minutes"):
        plan(replace(CONFIG, images=200_000, warm=100_000), data, 45, CPU, fixed=True)


def test_what_a_judgement_and_a_look_cost_is_measured(data):
    small = replace(CONFIG, net=replace(CONFIG.net, z=16, w=32, cbase=256, cmax=16), batch=8, warm=48, images=96)
    found = costs(small, data, CPU, lambda network: network.z_size / 4.0)
    assert found.judgement == 4.0
    assert found.look > 0
    assert costs(replace(small, warm=0), data, CPU, None) == Costs()
