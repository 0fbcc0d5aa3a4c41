"""Style transfer by optimising the pixels (Gatys et al. 2016), coarse to fine.

Departs: a pyramid of scales (the picture of one starts the next, Adam's moments go along), losses divided by their targets'
energy, a colour term, and steps in a change of the start whose colour is soft (a preconditioner: no coloured speckle, and less loss
after as many steps, docs/LOG.md). `balance=none`, `soft=0` with the content as the start is the paper's own. Knows tensors only.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError, SettingError
from muslin.base.image import blur, resize
from muslin.base.machine import pick_device
from muslin.features.backbones import Backbone, on_device
from muslin.style.configs import StyleConfig
from muslin.style.objective import EDGE, Objective, Problem, at_size

Carried = tuple[Tensor, Tensor, int]  # Adam's two moments and its count of steps
_HISTORY_BYTES = 1_200_000_000
_WORSE = 1.02  # a loss above so many times the best one: the step went too far


@dataclass(frozen=True)
class Progress:
    """One step at one scale: which of how many in all, the side in pixels, the losses by name."""

    done: int
    total: int
    side: int
    losses: dict[str, float]


def scales(config: StyleConfig, height: int, width: int) -> list[tuple[int, int, int]]:
    """(height, width, steps) from coarse to fine; each twice the one before, ending at the full size."""
    longest, factors, most = max(height, width), [1.0], config.steps * 16 ** (config.effort - 0.5)
    # a motif that lies already is smudged where it is too small to be seen (docs/LOG.md)
    lies = config.start == "fast" or (config.start == "overlay" and config.where == "garment")
    coarsest = config.coarsest or (max(256, longest / 2) if lies else 128)
    while longest * factors[0] > coarsest * 1.4:
        factors.insert(0, factors[0] / 2)
    plan = []
    for i, factor in enumerate(factors):
        steps = max(5, round(most * config.fewer**i))
        plan.append((max(EDGE, round(height * factor)), max(EDGE, round(width * factor)), steps))
    return plan


def optimise(problem: Problem, backbone: Backbone, config: StyleConfig) -> Iterator[tuple[Progress, Float[Tensor, "3 h w"]]]:
    """Yields after each step (progress, picture so far at its scale); the last one is the result at full size.

    The picture is (3, height, width) in [-1, 1], on `config.device`. The same problem, config, device and number of threads give
    the same bits. Raises InputError on layers that the backbone lacks, SettingError on weights that do not fit the layers, or no such device.
    """
    device = pick_device(config.device)
    problem, backbone = problem.to(device), on_device(backbone, device)
    _, height, width = problem.content.shape
    plan = scales(config, height, width)
    total, done = sum(steps for _, _, steps in plan), 0
    image, moments, coarse = None, None, problem.start
    for rows, columns, steps in plan:
        start = at_size(problem.start, rows, columns)
        # what the coarse scale found, and the start's own detail that it could not see
        image = start if image is None else (resize(image, rows, columns) + start - resize(coarse, rows, columns)).clamp(-1, 1)
        coarse, finest = start, (rows, columns) == plan[-1][:2]
        descent = _Scale(Objective(problem, backbone, config, rows, columns), config, finest)
        if finest:
            del problem, start, coarse
        for losses, image, moments in descent.run(image, moments, steps):  # noqa: B007, B020 - the last one starts the next scale
            done += 1
            yield Progress(done, total, max(rows, columns), losses), image


class _Scale:
    """The descent at one size."""

    def __init__(self, objective: Objective, config: StyleConfig, finest: bool) -> None:
        self.objective, self.config = objective, config
        self.rate = config.rate * (0.6 if finest else 1.0)

    def run(self, start: Tensor, moments: Carried | None, steps: int) -> Iterator[tuple[dict[str, float], Tensor, Carried | None]]:
        """Steps from `start`; yields (losses, clipped picture, Adam's moments to carry to the next scale)."""
        base, quasi_newton = start[None].detach().contiguous(), self.config.optimiser == "lbfgs"
        change = torch.zeros_like(base).requires_grad_(True)
        optimiser, average = self._optimiser(change, moments), _Average(self.config.average)
        kept: _Kept | None = None
        for step in range(steps):
            self._calm(optimiser, step / steps)
            losses, picture = self._look(base, change)
            if kept is not None and not losses["total"] <= _WORSE * kept.losses["total"]:  # no number is worse, too
                _go_back(optimiser, change)
            elif not math.isfinite(losses["total"]):
                raise SettingError(f"the loss is no number at {max(base.shape[2:])} px; lower --beta or the style_layers' weights")
            else:
                kept = _Kept(losses, picture) if quasi_newton else None
                if not quasi_newton or step + 1 < steps:  # where that would lead is not looked at any more
                    optimiser.step(partial(float, losses["total"]))
            if kept is None:
                yield losses, average.take(self._picture(base, change)[0]), _moments(optimiser)
            else:
                yield kept.losses, average.take(kept.picture), None

    def _look(self, base: Tensor, change: Tensor) -> tuple[dict[str, float], Tensor]:
        """The losses at a change, the picture they are of, and their gradient in `change.grad`."""
        change.grad = None  # a picture less while the losses are taken
        image = self._picture(base, change).requires_grad_(True)
        losses = self.objective.backward(image)
        change.grad = self._softened(image.grad)  # softening is symmetric: its own transpose
        return losses, image.detach()[0]

    def _picture(self, base: Tensor, change: Tensor) -> Tensor:
        return (base + self._softened(change.detach())).clamp(-1, 1)

    def _softened(self, change: Tensor | None) -> Tensor:
        """Lightness as it is, colour blurred over `soft` pixels."""
        assert change is not None
        if not self.config.soft:
            return change
        grey = change.mean(1, keepdim=True)
        return grey + blur((change - grey)[0], self.config.soft)[None]

    def _calm(self, optimiser: torch.optim.Optimizer, gone: float) -> None:
        # Adam moves each pixel by about its rate whatever the gradient: without a falling rate the result is speckled
        if self.config.optimiser == "adam":
            optimiser.param_groups[0]["lr"] = self.rate * (1 - 0.9 * gone)

    def _optimiser(self, image: Tensor, moments: Carried | None) -> torch.optim.Optimizer:
        if self.config.optimiser == "lbfgs":
            # each pair of the history is two pictures: few of them at print size
            history = max(2, min(10, _HISTORY_BYTES // (8 * image.numel())))
            return torch.optim.LBFGS([image], max_iter=1, history_size=history)
        adam = torch.optim.Adam([image], self.config.rate, betas=(0.9, 0.99))
        if moments is not None:
            first, second, count = moments
            size = image.shape[2:]
            grown = [F.interpolate(m, size=size, mode="bilinear", align_corners=False) for m in (first, second)]
            adam.state[image] = {"step": torch.tensor(float(count)), "exp_avg": grown[0], "exp_avg_sq": grown[1].clamp(min=0)}
        return adam


@dataclass(frozen=True)
class _Kept:
    """The last place of L-BFGS that was no worse than the one before: what is shown."""

    losses: dict[str, float]
    picture: Tensor


@torch.no_grad()
def _go_back(optimiser: torch.optim.Optimizer, change: Tensor) -> None:
    """A step that went too far, cut to a quarter: L-BFGS takes steps of length 1, and now and then one lands in noise (docs/LOG.md)."""
    last = optimiser.state[change]
    change.add_(last["d"].view_as(change), alpha=-0.75 * float(last["t"]))
    last["t"] *= 0.25  # the length that its next pair of step and gradients is made from


class _Average:
    """The moving average of the iterates, its start's bias taken out; with a decay of 0 the last one."""

    def __init__(self, decay: float) -> None:
        self.decay, self.seen = decay, 0.0
        self.sum: Tensor | None = None

    def take(self, image: Tensor) -> Tensor:
        if not self.decay:
            return image
        self.sum = (1 - self.decay) * image + (0 if self.sum is None else self.decay * self.sum)
        self.seen = self.decay * self.seen + 1 - self.decay
        return self.sum / self.seen


def check_styles(styles: list[tuple[Tensor, float]]) -> None:
    """Raises InputError for a style too small to have a texture."""
    for style, _ in styles:
        if min(style.shape[1:]) < EDGE:
            raise InputError(f"a style of {style.shape[2]} x {style.shape[1]} px has no texture; use one of at least {EDGE} px a side")


def _moments(optimiser: torch.optim.Optimizer) -> Carried | None:
    state: dict[str, Tensor] = next(iter(optimiser.state.values()), {})
    if "exp_avg" not in state:
        return None
    return state["exp_avg"], state["exp_avg_sq"], int(state["step"])
