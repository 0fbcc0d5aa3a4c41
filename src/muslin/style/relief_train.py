"""Training of the relief network: light and lines of plain garments found again beneath known prints.

An iterator of events; the same call on the same folder goes on. Every batch depends on its number alone, so a resumed run equals an unbroken one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError, SettingError
from muslin.base.events import Event
from muslin.base.image import blur
from muslin.style.relief import FACTOR, KIND, SCALE, ReliefConfig, new_relief, save_relief
from muslin.style.relief_samples import Plain, ReliefBatch, draw_reliefs
from muslin.style.running import Running, Schedule

_WELL = 0.95  # of the mask: where a garment is itself
_AROUND, _PEN = 12, 0.8  # px: beyond what is broad light, and how wide lines are learned
_BEND = 0.2  # of the loss: below, squares count, above, amounts


@dataclass(frozen=True)
class ReliefTraining(Schedule):
    """Settings of a training (`side` a multiple of 16); weights of the losses: light, its folds, their slopes, lines (each pixel, and as a whole)."""

    batches: int = 5000
    light: float = 0.5
    folds: float = 1.0
    slopes: float = 2.0
    lines: float = 0.3
    shapes: float = 0.1
    net: ReliefConfig = field(default_factory=ReliefConfig)


def train_relief(run: Path, garments: list[Plain], styles: list[Tensor], config: ReliefTraining | None = None) -> Iterator[Event]:
    """Train in the folder `run`: relief.safetensors (ready for use), state.safetensors (to go on).

    Raises InputError when there are no plain garments or styles, or the folder's state is of other settings; SettingError for such a side.
    """
    config = config or ReliefTraining()
    if not garments or not styles:
        raise InputError("training the relief network needs plain garments and styles; one of them is empty")
    if config.side < FACTOR or config.side % FACTOR:
        raise SettingError(f"side={config.side}: should be a multiple of {FACTOR}")
    kinds = {name: [one for one in garments if one.kind == name] for name in sorted({one.kind for one in garments})}
    state = Running(run, KIND, config, lambda: new_relief(config.net))

    def step() -> dict[str, float]:
        batch = draw_reliefs(kinds, styles, config.batch, config.side, state.done)
        with torch.autocast("cpu", torch.bfloat16, enabled=state.bfloat16):
            lit, lines = state.net(batch.garment.contiguous(memory_format=torch.channels_last))
        losses = _losses(batch, lit.float(), lines.float())
        state.downhill(torch.stack([getattr(config, name) * loss for name, loss in losses.items()]).sum())
        return {name: float(loss.detach()) for name, loss in losses.items()}

    yield from state.steps("relief", f"{len(garments)} plain garments, {len(styles)} styles", step, save_relief)


def _losses(batch: ReliefBatch, lit: Tensor, lines: Tensor) -> dict[str, Tensor]:
    within = (batch.mask > _WELL).float()
    area = within.sum().clamp(min=1)
    wrong = lit - batch.relief * SCALE
    broad = _blurred(wrong * batch.mask, _AROUND) / _blurred(batch.mask, _AROUND).clamp(min=0.02)
    across = (wrong[..., 1:] - wrong[..., :-1]) * within[..., 1:] * within[..., :-1]
    down = (wrong[..., 1:, :] - wrong[..., :-1, :]) * within[..., 1:, :] * within[..., :-1, :]
    drawn = (_blurred(batch.lines, _PEN) / 0.55).clamp(0, 1)
    each = F.binary_cross_entropy_with_logits(lines, drawn, reduction="none") * (1 + 3 * drawn) * within
    found, there = lines.sigmoid() * within, drawn * within
    return {
        "light": (_size(wrong) * within).sum() / area,
        "folds": (_size(wrong - broad) * within).sum() / area,
        "slopes": (_size(across).sum() + _size(down).sum()) / area,
        "lines": each.sum() / area,
        "shapes": 1
        - 2 * (found * there).sum() / (found.square().sum() + there.square().sum() + 1),  # Dice's, as an area counts lines little
    }


def _size(wrong: Tensor) -> Tensor:
    return (wrong.square() + _BEND**2).sqrt() - _BEND


def _blurred(x: Float[Tensor, "b 1 h w"], sigma: float) -> Float[Tensor, "b 1 h w"]:
    return blur(x[:, 0], sigma)[:, None]
