"""Several processes: the same losses as one, one writer, and a stop that all of them agree on."""

import csv
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from muslin.base import parallel
from muslin.base.checkpoint import load_checkpoint
from muslin.base.errors import SettingError
from muslin.gan.configs import AtelierConfig, AtelierNet
from muslin.gan.generators import save_generator
from muslin.gan.synthesis import Generator

SMALL = ["--size", "32", "--class", "dress", "--class", "skirt"]
SETTINGS = {"net.cbase": 256, "net.cmax": 16, "batch": 16, "images": 64, "report_every": 16, "save_every": 64, "precision": "float32"}


def _command(run, processes, budget=False, words=SMALL, settings=SETTINGS, **more):
    settings = [] if budget else [f"{name}={value}" for name, value in {**settings, **more}.items()]
    train = ["-m", "muslin", "train", "starter", str(run), *words, *(part for s in settings for part in ("--set", s))]
    several = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return [sys.executable, *(several if processes > 1 else []), *train]


def _environment():
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def _losses(run):
    with (run / "log.csv").open(newline="") as file:
        clock = ("seconds", "images_per_second")
        return [{k: float(v) for k, v in row.items() if v and k not in clock} for row in csv.DictReader(file)]


def _run(command):
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("more", [{}, {"warm": 32, "redraw": 1.0}], ids=["contest", "redrawing"])
def test_two_processes_of_eight_train_as_one_of_sixteen(tmp_path, more):
    for name, processes in (("one", 1), ("two", 2)):
        assert _run(_command(tmp_path / name, processes, **more)).count("done") == 1  # one of them speaks
    one, two = _losses(tmp_path / "one"), _losses(tmp_path / "two")
    assert len(one) == len(two) == 4
    for ours, theirs in zip(one, two, strict=True):
        assert ours == pytest.approx(theirs, rel=0.02, abs=0.02)
    # had the gradients not been averaged, the weights would be apart by some steps of the rate (a few are: Adam divides
    # by a gradient's size, so where it is nearly nothing its sign is rounding)
    one, two = (load_checkpoint(tmp_path / run / "state.safetensors")[0] for run in ("one", "two"))
    kept = [key for key in one if key.startswith(("generator/", "discriminator/"))]
    # what the mapping is fitted to differs by rounding, and its fit by Adam over many steps is not held to that: the first process's is all processes'
    kept = [key for key in kept if not more or "/mapping/" not in key.replace(".", "/")]
    apart = torch.cat([(one[key] - two[key]).abs().flatten() for key in kept])
    assert float(apart.mean()) < 0.0025 / 10


def test_a_finishing_net_trains_in_two_processes_as_in_one(tmp_path):
    net = AtelierNet(size=32, z=16, w=32, cbase=256, cmax=16, classes=1)
    core = save_generator(tmp_path / "core.safetensors", Generator(net), AtelierConfig(net=net), ("dress",), {"data": "x"})
    words = ["--preset", "finish-64", "--init", str(core), "--class", "dress"]
    settings = {name: value for name, value in SETTINGS.items() if not name.startswith("net.")} | {"judge_every": 64}
    for name, processes in (("one", 1), ("two", 2)):
        _run(_command(tmp_path / name, processes, words=words, settings=settings))
    one, two = ([row for row in _losses(tmp_path / name) if "kept" in row] for name in ("one", "two"))
    assert len(one) == len(two) == 4
    for ours, theirs in zip(one, two, strict=True):
        assert {k: v for k, v in ours.items() if k != "accuracy"} == pytest.approx(
            {k: theirs[k] for k in ours if k != "accuracy"}, rel=0.03, abs=0.02
        )


def test_all_processes_stop_together_and_go_on(tmp_path):
    run = tmp_path / "run"
    command = _command(run, 2, images=1_000_000, save_every=1_000_000)
    work = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=_environment(), start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while not run.exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(3)
        os.killpg(work.pid, signal.SIGINT)
        _, told = work.communicate(timeout=90)
    finally:
        if work.poll() is None:
            os.killpg(work.pid, signal.SIGKILL)
    assert "goes on from there" in told
    seen = load_checkpoint(run / "state.safetensors")[1]["seen"]
    assert seen > 0
    assert f"goes on at {seen:,} of" in _run(_command(run, 2, images=seen + 16, save_every=1_000_000))


def test_a_budget_is_agreed_on_by_two_processes(tmp_path):
    told = _run([*_command(tmp_path / "run", 2, budget=True), "--budget", "75s"])
    assert "cbase 1024" in told and told.count("done") == 1


def test_alone_everything_is_free():
    assert (parallel.world(), parallel.rank(), parallel.share(7)) == (1, 0, slice(0, 7))
    value = torch.tensor([1.0, 2.0])
    assert parallel.mean(value) is value and parallel.from_first(value) is value
    assert not parallel.asked_to_stop(torch.device("cpu"))
    with parallel.group(torch.device("cpu")) as device:
        assert device.type == "cpu" and parallel.world() == 1


def test_a_batch_that_cannot_be_shared_is_named(monkeypatch):
    monkeypatch.setattr(parallel, "world", lambda: 3)
    with pytest.raises(SettingError, match="batch=16: cannot be shared by 3 processes"):
        parallel.share(16)
