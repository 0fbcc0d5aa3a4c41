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
from muslin.base.errors import SettingError

SMALL = ["--size", "32", "--class", "dress", "--class", "skirt"]
SETTINGS = {"net.cbase": 256, "net.cmax": 16, "batch": 16, "images": 64, "report_every": 16, "save_every": 64, "precision": "float32"}


def _command(run, processes, **more):
    settings = [f"{name}={value}" for name, value in {**SETTINGS, **more}.items()]
    train = ["-m", "muslin", "train", "starter", str(run), *SMALL, *(part for s in settings for part in ("--set", s))]
    several = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return [sys.executable, *(several if processes > 1 else []), *train]


def _environment():
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def _losses(run):
    with (run / "log.csv").open(newline="") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


def test_two_processes_of_eight_train_as_one_of_sixteen(tmp_path):
    for name, processes in (("one", 1), ("two", 2)):
        done = subprocess.run(
            _command(tmp_path / name, processes), capture_output=True, text=True, env=_environment(), timeout=240, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("done") == 1
    one, two = _losses(tmp_path / "one"), _losses(tmp_path / "two")
    assert len(one) == len(two) == 4
    for ours, theirs in zip(one, two, strict=True):
        assert ours == pytest.approx(theirs, rel=0.02, abs=0.02)


def test_all_processes_stop_together_and_go_on(tmp_path):
    run = tmp_path / "run"
    work = subprocess.Popen(
        _command(run, 2, images=1_000_000, save_every=1_000_000),
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not run.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(3)
    os.killpg(work.pid, signal.SIGINT)
    _, told = work.communicate(timeout=90)
    assert "goes on from there" in told
    assert (run / "state.safetensors").exists()


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
