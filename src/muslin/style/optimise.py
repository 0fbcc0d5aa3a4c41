"""Style transfer by optimising the pixels (Gatys et al. 2016), coarse to fine, with Gram statistics inside a mask.

Departs: a pyramid of scales (the picture of one starts the next), losses divided by their targets' energy, a colour
term. `balance=none` with the content as the start is the paper's own. Knows tensors only; not files, not garments.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError, SettingError
from muslin.base.image import resize
from muslin.base.machine import resolve_precision
from muslin.features.backbones import Backbone
from muslin.style.configs import StyleConfig
from muslin.style.losses import colour_loss, colour_moments, content_loss, gram, mask_at, style_loss, total_variation

_EDGE = 16  # the least side that every backbone takes


@dataclass(frozen=True)
class Progress:
    """One step at one scale: which of how many in all, the side in pixels, the losses by name."""

    done: int
    total: int
    side: int
    losses: dict[str, float]


@dataclass
class Problem:
    """What is to be optimised: a start, the content to keep, the styles with their weights, and where."""

    start: Float[Tensor, "3 h w"]
    content: Float[Tensor, "3 h w"]
    styles: list[tuple[Float[Tensor, "3 a b"], float]]
    mask: Float[Tensor, "1 h w"] | None = None


@dataclass(frozen=True)
class StyleTarget:
    """Gram matrices by layer, and colour moments, of one or several styles mixed by weight."""

    grams: dict[str, Tensor]
    colour: tuple[Tensor, Tensor]


def scales(config: StyleConfig, height: int, width: int) -> list[tuple[int, int, int]]:
    """(height, width, steps) from coarse to fine; each twice the one before, ending at the full size."""
    longest, factors = max(height, width), [1.0]
    while longest * factors[0] > config.coarsest * 1.4:
        factors.insert(0, factors[0] / 2)
    plan = []
    for i, factor in enumerate(factors):
        steps = max(4, round(config.steps * config.fewer**i))
        plan.append((max(_EDGE, round(height * factor)), max(_EDGE, round(width * factor)), steps))
    return plan


def optimise(problem: Problem, backbone: Backbone, config: StyleConfig) -> Iterator[tuple[Progress, Float[Tensor, "3 h w"]]]:
    """Yields after each step (progress, picture so far at its scale); the last one is the result at full size.

    The picture is (3, height, width) in [-1, 1]. The same problem, config and number of threads give the same bits.
    Raises InputError on layers that the backbone lacks, SettingError on weights that do not fit the layers.
    """
    _, height, width = problem.content.shape
    plan = scales(config, height, width)
    total, done = sum(steps for _, _, steps in plan), 0
    image, moments, coarse = None, None, problem.start
    for rows, columns, steps in plan:
        start = resize(problem.start, rows, columns)
        # what the coarse scale found, and the start's own detail that it could not see
        image = start if image is None else (resize(image, rows, columns) + start - resize(coarse, rows, columns)).clamp(-1, 1)
        coarse = start
        descent = _Scale(problem, backbone, config, rows, columns)
        for losses, image, moments in descent.run(image, moments, steps):  # noqa: B007, B020 - the last one starts the next scale
            done += 1
            yield Progress(done, total, max(rows, columns), losses), image


class _Scale:
    """The descent at one size: targets are measured once, then the pixels go."""

    def __init__(self, problem: Problem, backbone: Backbone, config: StyleConfig, rows: int, columns: int) -> None:
        self.backbone, self.config = backbone, config
        self.content_layers = config.content_layers or backbone.content_layers
        self.weights = layer_weights(config, backbone)
        precision = resolve_precision(config.precision, torch.device("cpu"))
        share = max(rows, columns) / max(problem.content.shape[1:])
        self.rate = config.rate * (1.0 if share < 1 else 0.6)
        self.bfloat16 = precision == "bfloat16"
        self.mask = None if problem.mask is None else resize(problem.mask * 2 - 1, rows, columns)[None] / 2 + 0.5
        content = resize(problem.content, rows, columns)[None]
        self.ground = content
        with torch.no_grad():
            self.content = {name: x.float() for name, x in self._maps(content, self.content_layers).items()}
            self.style = self._style_target(problem, share)

    def run(
        self, start: Tensor, moments: tuple[Tensor, Tensor, int] | None, steps: int
    ) -> Iterator[tuple[dict[str, float], Tensor, tuple[Tensor, Tensor, int] | None]]:
        """Steps from `start`; yields (losses, clipped picture, Adam's moments to carry to the next scale)."""
        image = start[None].detach().clone().contiguous().requires_grad_(True)
        optimiser = self._optimiser(image, moments)
        for step in range(steps):
            self._calm(optimiser, step / steps)
            losses: dict[str, Tensor] = {}

            def closure(losses: dict[str, Tensor] = losses) -> Tensor:
                optimiser.zero_grad(set_to_none=True)
                losses.update(self.losses(image))
                losses["total"].backward()  # type: ignore[no-untyped-call]
                return losses["total"]

            optimiser.step(closure)  # type: ignore[arg-type]
            with torch.no_grad():
                image.clamp_(-1, 1)
            yield {name: float(value.detach()) for name, value in losses.items()}, image.detach()[0].clone(), _moments(optimiser)

    def _calm(self, optimiser: torch.optim.Optimizer, gone: float) -> None:
        # Adam moves each pixel by about its rate whatever the gradient: without a falling rate the result is speckled
        if self.config.optimiser == "adam":
            optimiser.param_groups[0]["lr"] = self.rate * (1 - 0.9 * gone)

    def losses(self, image: Tensor) -> dict[str, Tensor]:
        """Each loss by name, and `total` = alpha content + beta style + colour + smoothness; the ground is the content's own."""
        if self.mask is not None:
            image = self.ground * (1 - self.mask) + image * self.mask
        config, balance = self.config, self.config.balance == "energy"
        maps = self._maps(image, (*self.content_layers, *self.weights))
        content = torch.zeros(())
        for name in self.content_layers:
            energy = content_loss(self.content[name], torch.zeros_like(self.content[name])).clamp(min=1e-12) if balance else 1.0
            content = content + content_loss(maps[name], self.content[name]) / energy / len(self.content_layers)
        grams = {name: gram(maps[name], mask_at(self.mask, maps[name].shape)) for name in self.weights}
        style = style_loss(grams, self.style.grams, self.weights, balance)
        found = {"content": content, "style": style}
        total = config.alpha * content + config.beta * style
        if config.colour:
            found["colour"] = colour_loss(colour_moments(image, self.mask), self.style.colour)
            total = total + config.colour * found["colour"]
        if config.smooth:
            found["smooth"] = total_variation(image)
            total = total + config.smooth * found["smooth"]
        return found | {"total": total}

    def _maps(self, image: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            return self.backbone(image.contiguous(memory_format=torch.channels_last), layers)

    def _optimiser(self, image: Tensor, moments: tuple[Tensor, Tensor, int] | None) -> torch.optim.Optimizer:
        if self.config.optimiser == "lbfgs":
            return torch.optim.LBFGS([image], max_iter=1, history_size=10)
        adam = torch.optim.Adam([image], self.config.rate, betas=(0.9, 0.99))
        if moments is not None:
            first, second, count = moments
            size = image.shape[2:]
            grown = [F.interpolate(m, size=size, mode="bilinear", align_corners=False) for m in (first, second)]
            adam.state[image] = {"step": torch.tensor(float(count)), "exp_avg": grown[0], "exp_avg_sq": grown[1].clamp(min=0)}
        return adam

    def _style_target(self, problem: Problem, share: float) -> StyleTarget:
        """Statistics of all styles at this scale, mixed by their weights (statistics add)."""
        whole = sum(weight for _, weight in problem.styles)
        if whole <= 0:
            raise SettingError("the styles' weights should sum to more than 0")
        grams: dict[str, Tensor] = {}
        means, spreads = torch.zeros(1, 3, 1), torch.zeros(1, 3, 3)
        for style, weight in problem.styles:
            one, part = self._measure(style, share), weight / whole
            for name, matrix in one.grams.items():
                grams[name] = grams[name] + part * matrix if name in grams else part * matrix
            means, spreads = means + part * one.colour[0], spreads + part * one.colour[1]
        return StyleTarget(grams, (means, spreads))

    def _measure(self, style: Tensor, share: float) -> StyleTarget:
        rows, columns = (max(_EDGE * 2, round(side * share)) for side in style.shape[1:])
        small = resize(style, rows, columns)[None]
        maps = self._maps(small, tuple(self.weights))
        return StyleTarget({name: gram(x) for name, x in maps.items()}, colour_moments(small))


def layer_weights(config: StyleConfig, backbone: Backbone) -> dict[str, float]:
    """w_l by layer name; equal and summing to 1 when none are given. Raises SettingError when their number is off."""
    layers = config.style_layers or backbone.style_layers
    if not config.layer_weights:
        return dict.fromkeys(layers, 1 / len(layers))
    if len(config.layer_weights) != len(layers):
        raise SettingError(f"layer_weights has {len(config.layer_weights)} numbers for the {len(layers)} layers {', '.join(layers)}")
    return dict(zip(layers, config.layer_weights, strict=True))


def check_styles(styles: list[tuple[Tensor, float]]) -> None:
    """Raises InputError for a style too small to have a texture."""
    for style, _ in styles:
        if min(style.shape[1:]) < _EDGE:
            raise InputError(f"a style of {style.shape[2]} x {style.shape[1]} px has no texture; use one of at least {_EDGE} px a side")


def _moments(optimiser: torch.optim.Optimizer) -> tuple[Tensor, Tensor, int] | None:
    state: dict[str, Tensor] = next(iter(optimiser.state.values()), {})
    if "exp_avg" not in state:
        return None
    return state["exp_avg"], state["exp_avg_sq"], int(state["step"])
