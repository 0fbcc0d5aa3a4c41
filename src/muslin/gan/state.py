"""A training run on the disk: all that a resume needs, bit for bit, in one safetensors file. Does not know the loop.

Departs from nothing but care: the same config must come back (a longer run is still the same run), and an optimiser's
moments are laid out in memory as their weights are, which the fused Adam relies on.
"""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from muslin.base.checkpoint import flatten, load_checkpoint, save_checkpoint
from muslin.base.config import as_dict, from_dict
from muslin.base.errors import InputError, SettingError
from muslin.gan.atelier import AtelierTrainer
from muslin.gan.classic import ClassicTrainer
from muslin.gan.configs import FAMILIES, Config

STATE, GOOD = "state.safetensors", "good.safetensors"
_MAY_CHANGE = {"epochs", "images", "save_every", "report_every", "judge_every"}  # a longer run is still the same run

Trainer = ClassicTrainer | AtelierTrainer


@dataclass
class Progress:
    """Where a run stands. `best` are the scores of the best generator so far, `mends` how often it had to go back."""

    seen: int = 0
    seconds: float = 0.0
    mends: int = 0
    best: dict[str, float] = field(default_factory=dict)
    asked_batch: int = 0  # what was asked for, where less had to do
    started_from: str = ""


def save_state(
    path: Path, trainer: Trainer, config: Config, progress: Progress, rng: torch.Generator, made_of: dict[str, Any] | None = None
) -> None:
    """Write the whole state; `made_of` says which pictures it was learned from (`Images.fingerprint`). Raises DiskError."""
    tensors = flatten({name: part.state_dict() for name, part in trainer.parts().items()})
    tensors |= {"rng": rng.get_state(), "strength": trainer.strength, "rate_share": torch.tensor(trainer.rate_share, dtype=torch.float64)}
    about = {"kind": "training state", "family": config.family, "config": as_dict(config), "seen": progress.seen, "data": made_of or {}}
    save_checkpoint(path, tensors, about | {"progress": asdict(progress)})


def read_config(path: Path) -> Config:
    """The config of the run that wrote this state. Raises InputError."""
    about = _read(path)[1]
    config: Config = from_dict(FAMILIES[about["family"]], about["config"])
    return config


def mended(run: Path) -> str:
    """Puts the last good state in the place of a damaged or lost one, and says so; empty where nothing is, or there is no good one."""
    state, good = run / STATE, run / GOOD
    if not good.exists():
        return ""
    try:
        load_checkpoint(state)
    except InputError:
        what = "damaged" if state.exists() else "lost"
        tensors, about = _read(good)
        save_checkpoint(state, tensors, about)
        return f"{state} is {what}; goes on from {GOOD}, at {about['seen']:,} images"
    return ""


def same_run(path: Path, config: Config, made_of: dict[str, Any] | None = None) -> Config:
    """The config to go on with: the one asked for, if it is that of the run at `path` (its batch may have had to shrink).

    Raises SettingError that names the first setting that differs, or the pictures where they are others (`made_of`).
    """
    about = _read(path)[1]
    if about["family"] != config.family:
        raise SettingError(f"{path}: that run is of the family {about['family']}, this is {config.family}; choose another folder")
    if about["config"]["net"]["size"] != config.net.size:  # other sizes are other pictures
        raise SettingError(
            f"{path}: that run has net.size={about['config']['net']['size']}, now it is {config.net.size}; use the old value, or another folder"
        )
    old = about.get("data")
    if old and made_of and old["sha256"] != made_of["sha256"]:
        raise SettingError(
            f"{path}: that run learns from {_pictures(old)}, now it would be {_pictures(made_of)}, and they are not the same; "
            "give it its own data, or start in another folder, with --init for what it has learned"
        )
    if about.get("progress", {}).get("asked_batch") == config.batch:
        config = replace(config, batch=about["config"]["batch"])
    _same_config(path, about["config"], as_dict(config))
    return config


def load_state(path: Path, trainer: Trainer, rng: torch.Generator) -> Progress:
    """Put a state into a trainer of the same config. Raises InputError when the file is not a whole state, or of other networks."""
    tensors, about = _read(path)
    for name, part in trainer.parts().items():
        own = {key.removeprefix(name + "/"): value for key, value in tensors.items() if key.startswith(name + "/")}
        try:
            part.load_state_dict(_optimiser_state(part, own) if isinstance(part, torch.optim.Optimizer) else own)
        except (RuntimeError, KeyError, IndexError) as failure:
            raise InputError(
                f"{path}: holds another {name} than this version of muslin makes; train in another folder, with --init for what it has learned"
            ) from failure
    rng.set_state(tensors["rng"])
    trainer.strength.copy_(tensors["strength"])
    trainer.rate_share = float(tensors.get("rate_share", torch.tensor(1.0)))
    return Progress(**(about.get("progress") or {"seen": int(about["seen"])}))


def _pictures(made_of: dict[str, Any]) -> str:
    return f"{made_of['name']} ({made_of['pictures']:,} pictures in {len(made_of['classes'])} classes)"


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors, about = load_checkpoint(path)
    if about.get("kind") != "training state":
        raise InputError(f"{path}: not a training state; choose another folder for this run")
    return tensors, about


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
        before = old.get(name, value)  # a setting that is newer than the run
        if isinstance(value, dict):
            _same_config(path, before or {}, value, f"{prefix}{name}.")
        elif name not in _MAY_CHANGE and before != value:
            raise SettingError(f"{path}: that run has {prefix}{name}={before}, now it is {value}; use the old value, or another folder")
