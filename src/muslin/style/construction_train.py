"""Training of the construction network: traced lines and parts of garments found again, beneath their own cloth or another.

An iterator of events; the same call on the same folder goes on. Every batch depends on its number alone, so a resumed run equals an unbroken one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from muslin.base.errors import InputError, SettingError
from muslin.base.events import Event
from muslin.base.image import blur
from muslin.style.construction import KIND, PARTS, new_construction, read_construction, save_construction
from muslin.style.construction_samples import Built, BuiltBatch, draw_built
from muslin.style.relief import FACTOR, ReliefConfig
from muslin.style.running import Running, Schedule

_WELL = 0.95  # of the mask: where a garment is itself
_UNKNOWN = -0.1  # a line's strength: below, it is not known
_SOFT = 0.8  # px: how soft lines are learned
_LINE = 5.0  # by how much more a place on a line counts, and one on a button


@dataclass(frozen=True)
class ConstructionTraining(Schedule):
    """Settings of a training (`side` a multiple of 16); weights of the losses: each pixel, and lines and parts as wholes (Dice)."""

    batches: int = 3200
    side: int = 224
    rate: float = 1.5e-3
    average: float = 0.99
    each: float = 1.0
    whole: float = 0.4
    even: float = 0.0  # share of the samples that are drawn evenly by part
    rare: float = 1.0  # by how much more a place counts that lies on a part
    net: ReliefConfig = field(default_factory=ReliefConfig)


def train_construction(
    run: Path, garments: Sequence[Built], styles: Sequence[Tensor], config: ConstructionTraining | None = None, start: Path | None = None
) -> Iterator[Event]:
    """Train in the folder `run`: construction.safetensors (ready for use), state.safetensors (to go on). `start`: a network to begin with, else `new_construction`.

    Raises InputError when there are no garments or styles, or the folder's state is of other settings; SettingError for such a side.
    """
    config = config or ConstructionTraining()
    if not garments or not styles:
        raise InputError("training the construction network needs traced garments and styles; one of them is empty")
    if config.side < FACTOR or config.side % FACTOR:
        raise SettingError(f"side={config.side}: should be a multiple of {FACTOR}")
    state = Running(run, KIND, config, lambda: new_construction(config.net) if start is None else read_construction(start))

    def step() -> dict[str, float]:
        batch = draw_built(garments, styles, config.batch, config.side, state.done, config.even)
        with torch.autocast("cpu", torch.bfloat16, enabled=state.bfloat16):
            logits = state.net(batch.garment.contiguous(memory_format=torch.channels_last))
        losses = _losses(batch, logits.float(), config.rare)
        state.downhill(config.each * losses["each"] + config.whole * losses["whole"])
        return {name: float(loss.detach()) for name, loss in losses.items()}

    yield from state.steps(KIND, f"{len(garments)} traced garments, {len(styles)} styles", step, save_construction)


def _losses(batch: BuiltBatch, logits: Tensor, rare: float = 1.0) -> dict[str, Tensor]:
    within = (batch.mask > _WELL).float().expand_as(logits).clone()
    within[:, :1] *= (batch.built[:, :1] > _UNKNOWN).amin((1, 2, 3), keepdim=True)  # lines that nobody traced
    soft = (blur(batch.built[:, 0].clamp(min=0), _SOFT)[:, None] / 0.6).clamp(0, 1)
    wanted = torch.cat([soft, batch.built[:, 1:]], 1)
    more = torch.tensor([_LINE, *(_LINE if kind == "button" else rare for kind in PARTS)])[:, None, None]
    weight = (1 + more * wanted) * within
    each = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    found, there = logits.sigmoid() * within, wanted * within
    whole = 1 - 2 * (found * there).sum((0, 2, 3)) / (found.square().sum((0, 2, 3)) + there.square().sum((0, 2, 3)) + 1)
    return {"each": (each * weight).sum() / within[:, 1].sum().clamp(min=1), "whole": whole.sum()}
