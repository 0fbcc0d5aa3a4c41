"""Training of the fast styler: the optimiser's own losses on garments dressed in styles and in procedural textiles.

An iterator of events; the same call on the same folder goes on. Every batch depends on its number alone, so a resumed run
equals an unbroken one. Departs from the papers: three in four pictures start from cloth laid on the garment (the residual is learned);
an identity term where the style is the content itself.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from muslin.base.config import as_dict
from muslin.base.errors import InputError
from muslin.base.events import Event, Finished, Note, Saved, Step
from muslin.base.files import make_folder
from muslin.features.embedded import embedded
from muslin.style.feedforward import FastConfig, new_styler, save_styler
from muslin.style.losses import Moments, Wasserstein, colour_loss, content_loss, mask_at, moments, style_loss, variation
from muslin.style.running import Running
from muslin.style.samples import Batch, Garments, draw_batch

_FEW = 4  # one picture in so many is its own style, too


@dataclass(frozen=True)
class FastTraining:
    """Settings of a training; the weights of the losses are the optimiser's."""

    batches: int = 3000
    batch: int = 8
    side: int = 192  # pixels
    rate: float = 2e-3
    alpha: float = 0.8
    beta: float = 6.0
    colour: float = 1.0
    smooth: float = 0.3
    identity: float = 5.0
    layers: tuple[str, ...] = ("stem", "1e", "3e", "5e")
    average: float = 0.998  # decay of the weights' moving average, which is what ships
    every: int = 250  # batches between saves
    net: FastConfig = field(default_factory=FastConfig)


def train_styler(run: Path, garments: Garments, styles: list[Tensor], config: FastTraining | None = None) -> Iterator[Event]:
    """Train in the folder `run`: fast-styler.safetensors (ready for use), state.safetensors (to go on).

    Raises InputError when there are no garments or styles, or the folder's state is of other settings.
    """
    config, started = config or FastTraining(), time.monotonic()
    if not len(garments) or not styles:
        raise InputError("training the fast styler needs garments on plain grounds and styles; one of them is empty")
    make_folder(run)
    training = _Training(config, run)
    state = training.state
    yield Note(f"{len(garments)} garments, {len(styles)} styles; {sum(x.numel() for x in state.net.parameters()):,} parameters")
    while state.done < config.batches:
        figures = training.step(draw_batch(garments, styles, config.batch, config.side, state.done))
        if state.done % 10 == 0:
            yield Step("style", state.done, config.batches, figures)
        if state.done % config.every == 0 or state.done == config.batches:
            yield Saved(training.save())
    yield Finished(run / "fast-styler.safetensors", time.monotonic() - started)


class _Training:
    def __init__(self, config: FastTraining, run: Path) -> None:
        self.config, self.encoder = config, embedded()
        self.state = Running(run, "fast-styler-state", config, lambda: new_styler(config.net))

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

    def save(self) -> Path:
        """The state to go on from, then the averaged network, each whole."""
        self.state.save()
        card = {"pictures seen": self.state.done * self.config.batch, "training": as_dict(self.config)}
        return save_styler(self.state.run / "fast-styler.safetensors", self.state.average, card)


def _one(m: Moments, place: int) -> Moments:
    return Moments(m.mean[place : place + 1], m.second[place : place + 1])
