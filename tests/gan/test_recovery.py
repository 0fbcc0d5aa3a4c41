"""What a run does when things go wrong: no number, a collapse, no memory, a judge that prefers an earlier generator."""

import csv
import signal
import threading
from dataclasses import replace

import pytest
import torch

import muslin.gan.atelier
from muslin.base import parallel
from muslin.base.checkpoint import load_checkpoint, save_checkpoint
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Finished, Saved, Step, Warned
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


def test_a_halved_batch_is_not_forgotten_by_going_back(data, tmp_path, monkeypatch):
    once = []

    def spoil(trainer, seen):
        if seen == 40 and not once:
            once.append(seen)
            raise torch.OutOfMemoryError("CUDA out of memory")

    _spoil(monkeypatch, spoil)
    distances = iter([100.0, 80.0, 500.0, 70.0, 60.0])
    judge = lambda network: {"distance": next(distances), "copies": 0.0}  # noqa: E731
    told = _warned(train(tmp_path / "run", data, CONFIG, "cpu", judge=judge))
    assert len(told) == 2 and "goes on with 4 from 32 images" in told[0] and "collapse" in told[1]
    assert any(isinstance(event, Finished) for event in train(tmp_path / "run", data, CONFIG, "cpu", judge=judge))


def test_pictures_that_do_not_fit_on_the_device_stay(data, monkeypatch):
    def full(self, *_):
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(torch.Tensor, "to", full)
    assert data.to(torch.device("meta")) is data


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

    def spoil(trainer, loss, optimiser):
        descend(trainer, loss, optimiser)
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


def test_what_never_works_is_given_up(data, tmp_path, monkeypatch):
    def spoil(trainer, seen):
        with torch.no_grad():
            trainer.discriminator.score.bias.fill_(float("nan"))

    _spoil(monkeypatch, spoil)
    with pytest.raises(SettingError, match="went back 4 times already: lower `rate`"):
        list(train(tmp_path / "run", data, CONFIG, "cpu"))


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
    assert latest["distance"] == 80.0  # its own
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


def _stopped_at(run, data, config, number, moment):
    """Sends this process a signal once so many images were seen; the images that the state then holds."""
    work = train(run, data, config, "cpu")
    with pytest.raises(KeyboardInterrupt):
        for event in work:
            if isinstance(event, Step) and event.done == moment:
                signal.raise_signal(number)
    return load_checkpoint(run / STATE)[1]["seen"]


@pytest.fixture(autouse=True)
def _heard():
    """Signals as in the foreground: a job in the background ignores ctrl-C, and would hand that on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_a_checkpoint_and_the_run_goes_on_to_the_same_bits(data, tmp_path, number):
    config, handler = replace(CONFIG, save_every=64, judge_every=64), signal.getsignal(number)
    assert _stopped_at(tmp_path / "stopped", data, config, number, 24) == 32
    assert signal.getsignal(number) is handler
    *_, last = train(tmp_path / "stopped", data, config, "cpu")
    *_, last = train(tmp_path / "whole", data, config, "cpu")
    ours, theirs = (load_checkpoint(tmp_path / run / STATE)[0] for run in ("stopped", "whole"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_second_signal_acts_at_once_and_other_threads_change_nothing(data, tmp_path):
    with parallel.heeding_stops(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
        assert parallel.asked_to_stop(torch.device("cpu"))
        signal.raise_signal(signal.SIGINT)
    assert not parallel.asked_to_stop(torch.device("cpu"))
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with parallel.heeding_stops():
        signal.raise_signal(signal.SIGINT)
        assert not parallel.asked_to_stop(torch.device("cpu"))
    signal.signal(signal.SIGINT, handler)
    done = []
    worker = threading.Thread(target=lambda: done.extend(train(tmp_path / "run", data, CONFIG, "cpu")))
    worker.start()
    worker.join()
    assert isinstance(done[-1], Finished)


def test_a_damaged_state_goes_back_to_the_good_one(data, tmp_path):
    run = tmp_path / "run"
    list(train(run, data, replace(CONFIG, images=32), "cpu", judge=lambda network: {"distance": 1.0, "copies": 0.0}))
    (run / STATE).write_bytes((run / STATE).read_bytes()[:5000])
    assert _warned(train(run, data, CONFIG, "cpu")) == [f"{run / STATE} is damaged; goes on from good.safetensors, at 32 images"]
    assert load_checkpoint(run / STATE)[1]["seen"] == 64


def test_a_run_goes_on_with_its_own_pictures_only(data, tmp_path):
    run, others = tmp_path / "run", load_images("starter", 32, 3, ("dress", "shirt"))
    list(train(run, data, replace(CONFIG, images=16), "cpu"))
    with pytest.raises(SettingError, match=r"learns from .* \(59 pictures in 2 classes\), now it would be .* and they are not the same"):
        list(train(run, others, CONFIG, "cpu"))
    renamed = replace(data, name="the same under another name")
    assert isinstance(list(train(run, renamed, CONFIG, "cpu"))[-1], Finished)


def test_the_log_has_the_speed(data, tmp_path):
    list(train(tmp_path / "run", data, CONFIG, "cpu"))
    with (tmp_path / "run" / "log.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["seconds"]]
    seconds = [float(row["seconds"]) for row in rows]
    assert len(rows) == 8 and seconds == sorted(seconds) and all(float(row["images_per_second"]) > 0 for row in rows)


def test_a_lost_state_is_taken_from_the_good_one_and_a_lone_generator_is_kept(data, tmp_path):
    list(train(tmp_path / "run", data, CONFIG, judge=lambda network: {"distance": 1.0, "copies": 0.0}))
    (tmp_path / "run" / STATE).unlink()
    longer = replace(CONFIG, images=72)
    assert "is lost; goes on from good.safetensors, at 64 images" in _warned(train(tmp_path / "run", data, longer))[0]
    for lost in (STATE, "good.safetensors"):
        (tmp_path / "run" / lost).unlink()
    before = (tmp_path / "run" / GENERATOR).read_bytes()
    with pytest.raises(SettingError, match="holds a generator and no state"):
        list(train(tmp_path / "run", data, longer))
    assert (tmp_path / "run" / GENERATOR).read_bytes() == before


def test_a_kill_within_the_first_checkpoint_is_no_obstacle(data, tmp_path):
    for event in train(tmp_path, data, CONFIG):
        if isinstance(event, Saved) and event.path.name == GENERATOR:
            break
    (tmp_path / STATE).unlink(missing_ok=True)
    assert isinstance(list(train(tmp_path, data, CONFIG))[-1], Finished)


def test_a_state_of_another_versions_networks_is_told(data, tmp_path):
    list(train(tmp_path, data, CONFIG))
    tensors, about = load_checkpoint(tmp_path / STATE)
    save_checkpoint(tmp_path / STATE, tensors | {"generator/more": torch.zeros(2)}, about)
    before = (tmp_path / STATE).read_bytes()
    with pytest.raises(InputError, match="holds another generator than this version of muslin makes; train in another folder, with --init"):
        list(train(tmp_path, data, replace(CONFIG, images=72)))
    assert (tmp_path / STATE).read_bytes() == before


def test_a_log_of_somebody_elses_is_told(data, tmp_path):
    (tmp_path / "log.csv").write_text("name;price\ncoat;12\n")
    with pytest.raises(InputError, match="not a log of a training"):
        list(train(tmp_path, data, CONFIG))
