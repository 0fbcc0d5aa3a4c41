"""A training that goes on where it stopped: a network, the moving average of its weights, Adam's moments, and how far it is."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from muslin.base.checkpoint import flatten, load_checkpoint, save_checkpoint
from muslin.base.config import as_dict
from muslin.base.errors import InputError
from muslin.base.events import Event, Finished, Note, Saved, Step
from muslin.base.files import make_folder
from muslin.base.machine import resolve_precision

Net = TypeVar("Net", bound=nn.Module)
_WARM = 50  # steps in which the rate rises


@dataclass(frozen=True)
class Schedule:
    """How long and how fast; a training adds its own settings."""

    batches: int = 3000
    batch: int = 8
    side: int = 192  # pixels
    rate: float = 2e-3
    average: float = 0.998  # decay of the weights' moving average, which is what ships
    every: int = 250  # batches between saves


class Running(Generic[Net]):
    """Network and average as `make` gives them, or as state.safetensors in the folder `run` has them.

    Raises InputError when that state is of other settings.
    """

    def __init__(self, run: Path, kind: str, config: Schedule, make: Callable[[], Net]) -> None:
        make_folder(run)
        self.run, self.kind, self.config, self.done = run, kind, config, 0
        self.net, self.average = make().to(memory_format=torch.channels_last), make()
        self.adam = torch.optim.Adam(self.net.parameters(), config.rate, betas=(0.9, 0.99))
        self.bfloat16 = resolve_precision("auto", torch.device("cpu")) == "bfloat16"
        if (run / "state.safetensors").exists():
            self._load()

    def steps(
        self, work: str, about: str, step: Callable[[], dict[str, float]], ship: Callable[[Path, Net, dict[str, object]], Path]
    ) -> Iterator[Event]:
        """To the last batch: `step` goes downhill once and gives its losses; `ship` writes the averaged network for use, and its card."""
        started, file = time.monotonic(), self.run / f"{self.kind}.safetensors"
        yield Note(f"{about}; {sum(x.numel() for x in self.net.parameters()):,} parameters")
        while self.done < self.config.batches:
            figures = step()
            if self.done % 10 == 0:
                yield Step(work, self.done, self.config.batches, figures)
            if self.done % self.config.every == 0 or self.done == self.config.batches:
                self.save()
                yield Saved(ship(file, self.average, {"pictures seen": self.done * self.config.batch, "training": as_dict(self.config)}))
        yield Finished(file, time.monotonic() - started)

    def downhill(self, loss: Tensor) -> None:
        """One step against the loss's gradient; the rate rises at first, and sinks from three eighths of the way on."""
        for group in self.adam.param_groups:
            group["lr"] = self.config.rate * min(1.0, (self.done + 1) / _WARM, max(0.02, 1.6 * (1 - self.done / self.config.batches)))
        self.adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.adam.step()
        self.done += 1
        with torch.no_grad():
            slow = min(self.config.average, (self.done + 1) / (self.done + 10))
            for ours, theirs in zip(self.average.parameters(), self.net.parameters(), strict=True):
                ours.lerp_(theirs, 1 - slow)

    def save(self) -> Path:
        """The state to go on from, whole."""
        tensors = flatten({"net": self.net.state_dict(), "average": self.average.state_dict(), "adam": self.adam.state_dict()["state"]})
        return save_checkpoint(
            self.run / "state.safetensors", tensors, {"kind": f"{self.kind}-state", "config": as_dict(self.config), "done": self.done}
        )

    def _load(self) -> None:
        tensors, about = load_checkpoint(self.run / "state.safetensors")
        if about.get("config") != as_dict(self.config):
            raise InputError(f"{self.run}: was begun with other settings; take another folder, or the same settings")
        for net, name in ((self.net, "net/"), (self.average, "average/")):
            net.load_state_dict({key.removeprefix(name): x for key, x in tensors.items() if key.startswith(name)})
        whole = self.adam.state_dict()
        for number, parameter in enumerate(self.net.parameters()):
            kept = {key.rsplit("/", 1)[1]: x for key, x in tensors.items() if key.startswith(f"adam/{number}/")}
            laid = {key: x.to(memory_format=torch.channels_last) if x.dim() == 4 else x.float() for key, x in kept.items()}
            whole["state"][number] = laid if parameter.requires_grad else {}
        self.adam.load_state_dict(whole)
        self.done = int(about["done"])
