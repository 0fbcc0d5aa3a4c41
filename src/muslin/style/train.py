"""Training of the fast styler: the optimiser's own losses on garments dressed in styles and in procedural textiles.

An iterator of events; the same call on the same folder goes on. Every batch depends on its number alone, so a resumed run
equals an unbroken one. Departs from the papers: three in four pictures start from cloth laid on the garment (the residual is learned);
an identity term where the style is the content itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.events import Event
from muslin.features.embedded import embedded
from muslin.style.feedforward import KIND, FastConfig, new_styler, save_styler
from muslin.style.losses import Moments, Wasserstein, colour_loss, content_loss, mask_at, moments, style_loss, variation
from muslin.style.running import Running, Schedule
from muslin.style.samples import Batch, Garments, draw_batch

_FEW = 4  # one picture in so many is its own style, too


@dataclass(frozen=True)
class FastTraining(Schedule):
    """Settings of a training; the weights of the losses are the optimiser's."""

    alpha: float = 0.8
    beta: float = 6.0
    colour: float = 1.0
    smooth: float = 0.3
    identity: float = 5.0
    layers: tuple[str, ...] = ("stem", "1e", "3e", "5e")
    net: FastConfig = field(default_factory=FastConfig)


def train_styler(run: Path, garments: Garments, styles: list[Tensor], config: FastTraining | None = None) -> Iterator[Event]:
    """Train in the folder `run`: fast-styler.safetensors (ready for use), state.safetensors (to go on).

    Raises InputError when there are no garments or styles, or the folder's state is of other settings.
    """
    config = config or FastTraining()
    if not len(garments) or not styles:
        raise InputError("training the fast styler needs garments on plain grounds and styles; one of them is empty")
    training = _Training(config, run)
    state = training.state

    def step() -> dict[str, float]:
        return training.step(draw_batch(garments, styles, config.batch, config.side, state.done))

    yield from state.steps("style", f"{len(garments)} garments, {len(styles)} styles", step, save_styler)


class _Training:
    def __init__(self, config: FastTraining, run: Path) -> None:
        self.config, self.encoder = config, embedded()
        self.state = Running(run, KIND, config, lambda: new_styler(config.net))

    def step(self, batch: Batch) -> dict[str, float]:
        """One step downhill; the losses by name, and the style loss of the bare start to compare with."""
        wanted, net = self._targets(batch), self.state.net
        with torch.autocast("cpu", torch.bfloat16, enabled=self.state.bfloat16):
            style = net.measure(batch.cloth)
            made = net(batch.content, batch.start, batch.mask, style)
            few = batch.cloth[::_FEW]
            same = net(few, few, torch.ones_like(few[:, :1]), [(mean[::_FEW], deviation[::_FEW]) for mean, deviation in style])
        losses = self._losses(batch, made, wanted)
        losses["identity"] = (same - few).square().mean()
        total = self.config.alpha * losses["content"] + self.config.beta * losses["style"] + self.config.colour * losses["colour"]
        self.state.downhill(total + self.config.smooth * losses["smooth"] + self.config.identity * losses["identity"])
        return {name: float(value.detach()) for name, value in losses.items()}

    def _targets(self, batch: Batch) -> tuple[dict[str, Wasserstein], Moments, dict[str, Tensor]]:
        with torch.no_grad():
            maps = self._maps(batch.cloth, self.config.layers)
            style = {name: Wasserstein(moments(x), balance=True) for name, x in maps.items()}
            content = self._maps(batch.content, self.encoder.content_layers)
        return style, moments(batch.cloth), content

    def _losses(self, batch: Batch, made: Tensor, wanted: tuple[dict[str, Wasserstein], Moments, dict[str, Tensor]]) -> dict[str, Tensor]:
        style, colour, content = wanted
        image = batch.content * (1 - batch.mask) + made * batch.mask
        maps = self._maps(image, (*self.config.layers, *self.encoder.content_layers))
        found = {name: moments(maps[name], mask_at(batch.mask, maps[name].shape)) for name in self.config.layers}
        weights = dict.fromkeys(self.config.layers, 1 / len(self.config.layers))
        kept = [content_loss(maps[name], x) / content_loss(x, torch.zeros_like(x)) for name, x in content.items()]
        ours = moments(image, batch.mask)
        each = [colour_loss(_one(ours, i), _one(colour, i)) for i in range(len(made))]
        return {
            "content": torch.stack(kept).mean(),
            "style": style_loss(found, style, weights).mean(),
            "colour": torch.stack(each).log1p().mean(),  # a plain cloth on a painting would drown all others
            "smooth": variation(image).mean(),
        }

    def _maps(self, image: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.state.bfloat16):
            return self.encoder.forward(image.contiguous(memory_format=torch.channels_last), layers)


def _one(m: Moments, place: int) -> Moments:
    return Moments(m.mean[place : place + 1], m.second[place : place + 1])
