"""The training loop of both families: an iterator of events. Resume is the same call again, bit for bit on the CPU.

Knows checkpoints, the images-seen clock and the log; not networks (see `classic`, `atelier`) and not pictures.
"""

import csv
import io
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from muslin.base.checkpoint import flatten, load_checkpoint, save_checkpoint
from muslin.base.config import as_dict
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Event, Finished, Note, Saved, Step
from muslin.base.files import make_folder, write_text
from muslin.base.machine import pick_device, resolve_precision
from muslin.base.seeds import seeded
from muslin.data.images import Images
from muslin.gan.atelier import AtelierTrainer
from muslin.gan.classic import ClassicTrainer
from muslin.gan.configs import AtelierConfig, ClassicConfig, Config
from muslin.gan.generators import save_generator

STATE, GENERATOR, LOG = "state.safetensors", "generator.safetensors", "log.csv"
_MAY_CHANGE = {"epochs", "images", "save_every", "report_every"}  # a longer run is still the same run


Trainer = ClassicTrainer | AtelierTrainer


def train(run: Path, data: Images, config: Config, device: str = "auto") -> Iterator[Event]:
    """Train on `data` in the folder `run`, or go on with what is there.

    Writes `generator.safetensors` (averaged weights, fp16, ready to use), `state.safetensors` (all that a resume needs)
    and `log.csv`. Stop by not asking for more. Raises InputError and SettingError before anything is written.
    """
    started, at = time.monotonic(), pick_device(device)
    config = fit(config, data)
    config = replace(config, precision=resolve_precision(config.precision, at))
    trainer = _trainer(config, data, at)
    rng, log = seeded(config.seed, "train"), _Log(run / LOG)
    seen = _resume(run, trainer, config, rng)
    make_folder(run)
    log.load(seen)
    if seen:
        yield Note(f"goes on at {seen:,} of {trainer.total:,} images")
    autocast = torch.bfloat16 if config.precision == "bfloat16" else None
    while seen < trainer.total:
        before = seen
        figures = trainer.step(data, seen, rng, autocast)
        seen += config.batch
        if _due(config.report_every, before, seen) or seen >= trainer.total:
            plain = {name: round(float(value), 5) for name, value in figures.items()}
            _check_finite(plain, seen, run)
            log.add(seen, plain)
            yield Step("train", min(seen, trainer.total), trainer.total, plain)
        if _due(config.save_every, before, seen) or seen >= trainer.total:
            _save(run, trainer, config, data, seen, rng)
            log.write()
            yield Saved(run / GENERATOR)
    yield Finished(run / GENERATOR, time.monotonic() - started)


def _trainer(config: Config, data: Images, device: torch.device) -> Trainer:
    if isinstance(config, ClassicConfig):
        return ClassicTrainer(config, data, device)
    return AtelierTrainer(config, device)


def fit(config: Config, data: Images) -> Config:
    """The config with the data's classes filled in. Raises InputError when the pictures are not of the network's form."""
    if len(data) < 2:
        raise InputError(f"{data.name}: {len(data)} pictures; training needs at least 2, and some hundreds to be of use")
    channels = 1 if isinstance(config, ClassicConfig) else 3
    wanted = (channels, config.net.size, config.net.size)
    if tuple(data.pixels.shape[1:]) != wanted:
        raise InputError(f"{data.name}: pictures are {tuple(data.pixels.shape[1:])}, this network is made for {wanted}")
    if isinstance(config, AtelierConfig):
        size = config.net.size
        if size < 32 or size & (size - 1):
            raise SettingError(f"net.size={size}: should be 32, 64, 128, 256 or 512")
        return replace(config, net=replace(config.net, classes=len(data.classes)))
    return config


def _due(every: int, before: int, seen: int) -> bool:
    return before // every != seen // every


def _check_finite(figures: dict[str, float], seen: int, run: Path) -> None:
    bad = [name for name, value in figures.items() if not math.isfinite(value)]
    if bad:
        raise SettingError(f"{run}: {bad[0]} is not a number at {seen:,} images; lower `rate` and run again from the last checkpoint")


def _save(run: Path, trainer: Trainer, config: Config, data: Images, seen: int, rng: torch.Generator) -> None:
    tensors = flatten({name: part.state_dict() for name, part in _parts(trainer).items()})
    tensors["rng"] = rng.get_state()
    about = {"kind": "training state", "family": config.family, "config": as_dict(config), "seen": seen}
    save_checkpoint(run / STATE, tensors, about)
    card = {"data": data.name, "data_licence": data.licence, "pictures": len(data), "images_seen": seen}
    save_generator(run / GENERATOR, trainer.average.network, config, data.classes, card)


def _parts(trainer: Trainer) -> dict[str, Any]:
    return {
        "generator": trainer.generator,
        "discriminator": trainer.discriminator,
        "average": trainer.average.network,
        "g_steps": trainer.g_steps,
        "d_steps": trainer.d_steps,
    }


def _resume(run: Path, trainer: Trainer, config: Config, rng: torch.Generator) -> int:
    """Load the last state of `run` into the trainer; the images seen, 0 for a new run."""
    path = run / STATE
    if not path.exists():
        return 0
    tensors, about = load_checkpoint(path)
    if about.get("kind") != "training state":
        raise InputError(f"{path}: not a training state; choose another folder for this run")
    _same_config(path, about["config"], as_dict(config))
    for name, part in _parts(trainer).items():
        own = {key.removeprefix(name + "/"): value for key, value in tensors.items() if key.startswith(name + "/")}
        part.load_state_dict(_optimiser_state(part, own) if isinstance(part, torch.optim.Optimizer) else own)
    rng.set_state(tensors["rng"])
    return int(about["seen"])


def _optimiser_state(optimiser: torch.optim.Optimizer, flat: dict[str, Tensor]) -> dict[str, Any]:
    """The flat state as PyTorch wants it, each moment laid out in memory as its weight is: the fused Adam relies on it."""
    state: dict[int, dict[str, Tensor]] = {}
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    for key, value in flat.items():
        if key.startswith("state/"):
            _, index, name = key.split("/")
            like = weights[int(index)]
            fitted = torch.empty_like(like).copy_(value) if value.shape == like.shape and value.dim() else value
            state.setdefault(int(index), {})[name] = fitted
    return {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}


def _same_config(path: Path, old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> None:
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, dict):
            _same_config(path, before or {}, value, f"{prefix}{name}.")
        elif name not in _MAY_CHANGE and _listed(before) != _listed(value):
            raise SettingError(f"{path}: that run has {prefix}{name}={before}, now it is {value}; use the old value, or another folder")


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


class _Log:
    """`log.csv`: images seen and figures, a row for each report; rewritten whole at each checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, list[dict[str, float]]()

    def load(self, seen: int) -> None:
        if self.path.exists():
            with self.path.open(newline="") as file:
                rows = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
            self.rows = [row | {"images": int(row["images"])} for row in rows if row["images"] <= seen]

    def add(self, seen: int, figures: dict[str, float]) -> None:
        self.rows.append({"images": seen, **figures})

    def write(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(key for row in self.rows for key in row)))
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())
