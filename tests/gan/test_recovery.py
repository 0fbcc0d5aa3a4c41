"""What a run does when things go wrong: no number, a collapse, no memory, a judge that prefers an earlier generator."""

from dataclasses import replace

import pytest
import torch

import muslin.gan.atelier
from muslin.base.checkpoint import load_checkpoint
from muslin.base.errors import SettingError
from muslin.base.events import Saved, Warned
from muslin.data.loader import load_images
from muslin.gan.configs import AtelierConfig, AtelierNet
from muslin.gan.generators import load_generator
from muslin.gan.train import GENERATOR, LATEST, STATE, train

CONFIG = AtelierConfig(
    net=AtelierNet(size=32, z=16, w=32, cbase=256, cmax=16), images=64, batch=8, save_every=16, report_every=8, judge_every=16
)


@pytest.fixture(scope="module")
def data():
    return load_images("starter", 32, 3, ("dress", "skirt"))


def _warned(events):
    return [event.text for event in events if isinstance(event, Warned)]


def _spoil(monkeypatch, spoil):
    """Let `spoil(trainer, seen)` act before each step."""
    step = muslin.gan.atelier.AtelierTrainer.step

    def spoiled(self, data, seen, rng, autocast):
        spoil(self, seen)
        return step(self, data, seen, rng, autocast)

    monkeypatch.setattr(muslin.gan.atelier.AtelierTrainer, "step", spoiled)


def test_no_number_goes_back_to_the_last_state_at_half_the_rate(data, tmp_path, monkeypatch):
    once = []

    def spoil(trainer, seen):
        if seen == 40 and not once:
            once.append(seen)
            with torch.no_grad():
                trainer.discriminator.score.bias.fill_(float("nan"))

    _spoil(monkeypatch, spoil)
    told = _warned(train(tmp_path / "run", data, CONFIG, "cpu"))
    assert told == ["discriminator is not a number at 48 images; back to the state at 32 images, at 0.5 of the rate"]
    assert load_checkpoint(tmp_path / "run" / STATE)[1]["seen"] == 64
    assert torch.isfinite(load_generator(tmp_path / "run").draw(0)).all()


def test_a_break_after_going_back_does_not_forget_it(data, tmp_path):
    distances = iter([100.0, 80.0, 500.0])
    work = train(tmp_path / "run", data, CONFIG, "cpu", judge=lambda network: {"distance": next(distances), "copies": 0.0})
    for event in work:
        if isinstance(event, Warned):
            work.close()
    about = load_checkpoint(tmp_path / "run" / STATE)[1]
    assert (about["seen"], about["progress"]["mends"]) == (32, 1)


def test_a_break_at_the_first_file_told_loses_no_best_generator(data, tmp_path):
    judge = lambda network: {"distance": 10.0, "copies": 0.0}  # noqa: E731
    work = train(tmp_path / "run", data, CONFIG, "cpu", judge=judge)
    for event in work:
        if isinstance(event, Saved):
            work.close()
    list(train(tmp_path / "run", data, CONFIG, "cpu", judge=judge))
    list(train(tmp_path / "whole", data, CONFIG, "cpu", judge=judge))
    for name in (STATE, GENERATOR, LATEST):
        broken, whole = (load_checkpoint(tmp_path / run / name)[0] for run in ("run", "whole"))
        assert all(torch.equal(broken[key], whole[key]) for key in whole)


def test_weights_that_are_no_numbers_are_never_saved(data, tmp_path, monkeypatch):
    once = []
    descend = muslin.gan.atelier.AtelierTrainer._descend

    def spoil(trainer, optimiser, loss):
        descend(trainer, optimiser, loss)
        if optimiser is trainer.g_steps and len(once) == 1:
            with torch.no_grad():
                trainer.generator.constant.fill_(float("nan"))
        once.append(1) if optimiser is trainer.g_steps else None

    monkeypatch.setattr(muslin.gan.atelier.AtelierTrainer, "_descend", spoil)
    told = _warned(train(tmp_path / "run", data, CONFIG, "cpu"))
    assert told == ["a weight is not a number at 16 images; back to the state at 0 images, at 0.5 of the rate"]
    rows = (tmp_path / "run" / "log.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == [str(n) for n in range(8, 72, 8)]


def test_too_large_a_batch_after_some_steps_starts_again(data, tmp_path, monkeypatch):
    def spoil(trainer, seen):
        if trainer.config.batch > 8 and seen:
            raise torch.OutOfMemoryError("CUDA out of memory")

    _spoil(monkeypatch, spoil)
    assert _warned(train(tmp_path / "run", data, replace(CONFIG, batch=16, save_every=64, judge_every=64), "cpu"))[0].endswith(
        "from 0 images"
    )


def test_a_rate_that_never_works_is_given_up(data, tmp_path):
    with pytest.raises(SettingError, match="went back 4 times already: lower `rate`"):
        list(train(tmp_path / "run", data, replace(CONFIG, rate=1e18), "cpu"))


def test_a_collapse_goes_back_to_the_best(data, tmp_path):
    distances = iter([100.0, 80.0, 500.0, 70.0, 60.0])
    told = _warned(train(tmp_path / "run", data, CONFIG, "cpu", judge=lambda network: {"distance": next(distances), "copies": 0.0}))
    assert told == ["distance 500 at 48 images, 80 before: collapse; back to the state at 32 images, at 0.5 of the rate"]
    assert load_generator(tmp_path / "run").card["distance"] == 60.0


def test_the_best_generator_is_kept_by_distance_and_copies(data, tmp_path):
    scores = iter([(90.0, 0.0), (50.0, 0.5), (70.0, 0.01), (80.0, 0.0)])
    judge = lambda network: dict(zip(("distance", "copies"), next(scores), strict=True))  # noqa: E731
    list(train(tmp_path / "run", data, CONFIG, "cpu", judge=judge))
    best, latest = (load_checkpoint(tmp_path / "run" / name)[1]["card"] for name in (GENERATOR, LATEST))
    assert (best["distance"], best["images_seen"], latest["images_seen"]) == (70.0, 48, 64)
    assert "distance" in (tmp_path / "run" / "log.csv").read_text().splitlines()[0]


def test_too_large_a_batch_is_halved_once_and_remembered(data, tmp_path, monkeypatch):
    def spoil(trainer, seen):
        if trainer.config.batch > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")

    _spoil(monkeypatch, spoil)
    events = list(train(tmp_path / "run", data, replace(CONFIG, batch=16), "cpu"))
    assert _warned(events) == ["batch=16: out of memory; goes on with 8 from 0 images"]
    more = list(train(tmp_path / "run", data, replace(CONFIG, batch=16, images=80), "cpu"))
    assert not _warned(more)
    with pytest.raises(SettingError, match=r"batch=16: out of memory at 32 px; try --set batch=8"):
        list(train(tmp_path / "other", data, replace(CONFIG, batch=32), "cpu"))


def test_another_failure_is_not_taken_for_memory(data, tmp_path, monkeypatch):
    def spoil(trainer, seen):
        raise RuntimeError("something else")

    _spoil(monkeypatch, spoil)
    with pytest.raises(RuntimeError, match="something else"):
        list(train(tmp_path / "run", data, CONFIG, "cpu"))
