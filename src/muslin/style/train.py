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

from muslin.base.checkpoint import flatten, load_checkpoint, save_checkpoint
from muslin.base.config import as_dict
from muslin.base.errors import InputError
from muslin.base.events import Event, Finished, Note, Saved, Step
from muslin.base.files import make_folder
from muslin.base.machine import resolve_precision
from muslin.features.embedded import embedded
from muslin.style.feedforward import FastConfig, new_styler, save_styler
from muslin.style.losses import Moments, Wasserstein, colour_loss, content_loss, mask_at, moments, style_loss, variation
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
    state = _State(config, run)
    yield Note(f"{len(garments)} garments, {len(styles)} styles; {sum(x.numel() for x in state.net.parameters()):,} parameters")
    while state.done < config.batches:
        figures = state.step(draw_batch(garments, styles, config.batch, config.side, state.done))
        if state.done % 10 == 0:
            yield Step("style", state.done, config.batches, figures)
        if state.done % config.every == 0 or state.done == config.batches:
            yield Saved(state.save())
    yield Finished(run / "fast-styler.safetensors", time.monotonic() - started)


class _State:
    def __init__(self, config: FastTraining, run: Path) -> None:
        self.config, self.run, self.done = config, run, 0
        self.net, self.average = new_styler(config.net), new_styler(config.net)
        self.net.to(memory_format=torch.channels_last)
        self.adam = torch.optim.Adam(self.net.parameters(), config.rate, betas=(0.9, 0.99))
        self.encoder = embedded()
        self.bfloat16 = resolve_precision("auto", torch.device("cpu")) == "bfloat16"
        if (run / "state.safetensors").exists():
            self._load()

    def step(self, batch: Batch) -> dict[str, float]:
        """One step downhill; the losses by name, and the style loss of the bare start to compare with."""
        for group in self.adam.param_groups:
            group["lr"] = self.config.rate * min(1.0, (self.done + 1) / 50, max(0.02, 1.6 * (1 - self.done / self.config.batches)))
        wanted = self._targets(batch)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            style = self.net.measure(batch.cloth)
            made = self.net(batch.content, batch.start, batch.mask, style)
            few = batch.cloth[::_FEW]
            same = self.net(few, few, torch.ones_like(few[:, :1]), [(mean[::_FEW], deviation[::_FEW]) for mean, deviation in style])
        losses = self._losses(batch, made, wanted)
        losses["identity"] = (same - few).square().mean()
        total = self.config.alpha * losses["content"] + self.config.beta * losses["style"] + self.config.colour * losses["colour"]
        total = total + self.config.smooth * losses["smooth"] + self.config.identity * losses["identity"]
        self.adam.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.adam.step()
        self.done += 1
        with torch.no_grad():
            slow = min(self.config.average, (self.done + 1) / (self.done + 10))
            for ours, theirs in zip(self.average.parameters(), self.net.parameters(), strict=True):
                ours.lerp_(theirs, 1 - slow)
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
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            return self.encoder.forward(image.contiguous(memory_format=torch.channels_last), layers)

    def save(self) -> Path:
        """The state to go on from, then the averaged network, each whole."""
        tensors = flatten({"net": self.net.state_dict(), "average": self.average.state_dict(), "adam": self.adam.state_dict()["state"]})
        save_checkpoint(
            self.run / "state.safetensors", tensors, {"kind": "fast-styler-state", "config": as_dict(self.config), "done": self.done}
        )
        card = {"pictures seen": self.done * self.config.batch, "training": as_dict(self.config)}
        return save_styler(self.run / "fast-styler.safetensors", self.average, card)

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


def _one(m: Moments, place: int) -> Moments:
    return Moments(m.mean[place : place + 1], m.second[place : place + 1])
