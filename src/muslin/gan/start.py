"""Starting from what another run has learned: the same net for other pictures, other classes, or twice the size.

Growing forgets nothing: the new generator first draws the old picture enlarged, and the new discriminator first judges a picture
as the old one judged it at half the size (tests hold both to it). Classes keep what classes of the same name had learned.
"""

import math
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from muslin.base.checkpoint import load_checkpoint
from muslin.base.config import from_dict
from muslin.base.errors import InputError, SettingError
from muslin.base.seeds import seeded_weights
from muslin.gan.atelier import AtelierTrainer
from muslin.gan.configs import AtelierConfig, AtelierNet
from muslin.gan.discriminator import Discriminator
from muslin.gan.generators import CRITIC, called, locate
from muslin.gan.synthesis import Generator, width

State = dict[str, Tensor]
_FINISH = "finish."  # how the finishing net's tensors are called
_EMBEDS = ("embed.weight", "embeds.0.weight", "embeds.1.weight")  # a judge's tables of classes


class Start:
    """A trained generator, and its discriminator where the file has it, to begin a run with."""

    def __init__(self, which: str | Path) -> None:
        self.path = locate(which)
        self.name = called(self.path)
        tensors, about = load_checkpoint(self.path)
        if about.get("kind") != "generator" or about.get("family") != "atelier":
            raise InputError(f"{self.path}: only an atelier generator can be started from; `muslin list generators` lists them")
        self.net: AtelierNet = from_dict(AtelierNet, about["net"])
        self.classes: tuple[str, ...] = tuple(about["classes"])
        whole = {name: tensor.float() for name, tensor in tensors.items()}
        self.judged_by = about.get("training", {}).get("discriminator", "residual")
        self.critic = {name.removeprefix(CRITIC): tensor for name, tensor in whole.items() if name.startswith(CRITIC)}
        self.generator = {name: tensor for name, tensor in whole.items() if not name.startswith(CRITIC)}

    def fit(self, config: AtelierConfig) -> AtelierConfig:
        """The config with this start's net at the wanted size. Raises SettingError for a smaller size than the start's.

        A finishing net doubles what the start draws, or goes on with the start's own; for all other trainings the start's is left out.
        """
        if config.net.finish:
            return replace(config, net=self._finished(config.net))
        if self.net.finish:
            self._unfinish()
        if config.net.size < self.net.size:
            raise SettingError(f"net.size={config.net.size}: {self.path} draws {self.net.size} px; choose that size or a multiple of it")
        if config.net.size == self.net.size:
            return replace(config, net=self.net)
        narrowest = min(max(config.net.cmin, self.net.cmin), width(self.net, self.net.size))  # only what is new may be wider
        return replace(config, net=replace(self.net, size=config.net.size, cmin=narrowest))

    @property
    def drawn(self) -> int:
        """The side of what its own networks draw, before a finishing net doubles it."""
        return self.net.size // 2 if self.net.finish else self.net.size

    def _finished(self, net: AtelierNet) -> AtelierNet:
        whole = self.net if self.net.finish else replace(self.net, size=2 * self.net.size, finish=net.finish)
        whole = replace(whole, finish_calm=net.finish_calm)  # shapes no weights
        if whole.size != net.size:
            raise SettingError(
                f"net.size={net.size}: a finishing net for {self.path} draws {whole.size} px; take preset finish-{whole.size}"
            )
        return whole

    def _unfinish(self) -> None:
        self.net, self.critic = replace(self.net, size=self.net.size // 2, finish=0, finish_calm=0.0), {}
        self.generator = {name: tensor for name, tensor in self.generator.items() if not name.startswith(_FINISH)}

    def _borrowed(self, trainer: AtelierTrainer, classes: tuple[str, ...]) -> None:
        """What another finishing net knows of cloth and edges, for a new one. Raises SettingError where it is none of this shape."""
        name, net = trainer.config.finish_from, trainer.config.net
        other = Start(name)
        if (other.net.finish, other.net.size) != (net.finish, net.size) or not other.critic:
            raise SettingError(
                f"finish_from={name}: has no finishing net of width {net.finish} for {net.size} px; set finish_from= to begin anew"
            )
        trainer.generator.load_state_dict({k: v for k, v in other.generator.items() if k.startswith(_FINISH)}, strict=False)
        trainer.discriminator.load_state_dict(_reclass(other.critic, other._rows(classes), _EMBEDS))

    def _rows(self, classes: tuple[str, ...]) -> list[int]:
        return [self.classes.index(name) if name in self.classes else -1 for name in classes]

    def into(self, trainer: AtelierTrainer, classes: tuple[str, ...]) -> None:
        """Load it all into a new trainer of the config that `fit` gave, for `classes`."""
        generator, net = self.generator, replace(self.net, cmin=trainer.config.net.cmin)
        critic = self.critic if self.judged_by == trainer.config.discriminator else {}  # a judge of another kind begins anew
        with seeded_weights(trainer.config.seed, "grow"):
            while net.size < trainer.config.net.size and not trainer.config.net.finish:
                generator, critic, net = grow_generator(generator, net), self._grown(critic, net), replace(net, size=2 * net.size)
        rows = self._rows(classes)
        new = {name: tensor for name, tensor in trainer.generator.state_dict().items() if name.startswith(_FINISH)}
        trainer.generator.load_state_dict(new | _reclass(generator, rows, ("mapping.embed.weight", "mapping.w_mean")))
        if critic:
            trainer.discriminator.load_state_dict(_reclass(critic, rows, _EMBEDS))
        if trainer.config.net.finish and trainer.config.finish_from and not self.net.finish:
            self._borrowed(trainer, classes)
        trainer.average.network.load_state_dict(trainer.generator.state_dict())

    def _grown(self, critic: State, net: AtelierNet) -> State:
        return critic if self.judged_by == "patch" else grow_critic(critic, net)  # patches are as many pixels at any size


def grow_generator(old: State, net: AtelierNet) -> State:
    """The generator at twice the size: one more block, whose share of the picture is nothing yet."""
    new = Generator(replace(net, size=2 * net.size)).state_dict() | old
    last = max(int(name.split(".")[1]) for name in new if name.startswith("blocks."))
    return new | {f"blocks.{last}.rgb.{part}": torch.zeros_like(new[f"blocks.{last}.rgb.{part}"]) for part in ("weight", "bias")}


def grow_critic(old: State, net: AtelierNet) -> State:
    """The discriminator at twice the size: one more step down, which hands on what the old first layer saw.

    Its first six channels carry (colour, -colour): leaky relu of both, subtracted, is linear again. The others start at
    random, unheard. Nothing where there is no old one.
    """
    if not old:
        return {}
    new = Discriminator(replace(net, size=2 * net.size)).state_dict()
    kept = {name: tensor for name, tensor in old.items() if not name.startswith(("rgb.", "downs."))}
    kept |= {_deeper(name): tensor for name, tensor in old.items() if name.startswith("downs.")}
    top = {name: torch.zeros_like(new[name]) if name.startswith("downs.0.") else new[name].clone() for name in new}
    wide, pair = top["rgb.weight"].shape[0], torch.cat([torch.eye(3), -torch.eye(3)])
    if wide < 6:
        raise SettingError(f"net.cmin={net.cmin}: too narrow to grow to {2 * net.size} px; 6 at least")
    top["rgb.weight"][:6, :, 0, 0] = pair * math.sqrt(3 / 2)  # undoes the layer's gain: the colours themselves
    top["rgb.bias"].zero_()
    first = new["downs.0.first.weight"].clone()
    first[:6] = 0
    first[range(6), range(6), 1, 1] = math.sqrt(wide * 9 / 2)
    top["downs.0.first.weight"] = first
    # two leaky relus make c and -c into c and 0.04 c: their difference is 1.04 c
    colours = old["rgb.weight"][:, :, 0, 0] @ (pair.T / (1 + 0.2**2)) * math.sqrt(2 / 3)
    top["downs.0.second.weight"][:, :6, 1, 1] = colours * math.sqrt(wide * 9)
    top["downs.0.second.bias"] = old["rgb.bias"] * math.sqrt(2)
    return top | kept


def _deeper(name: str) -> str:
    _, index, *rest = name.split(".")
    return ".".join(["downs", str(int(index) + 1), *rest])


def _reclass(state: State, rows: list[int], tables: tuple[str, ...]) -> State:
    """Tables with a row for each class, for other classes: the row of the same name, or the mean of all where there is none."""

    def chosen(table: Tensor) -> Tensor:
        return torch.stack([table[row] if row >= 0 else table.mean(0) for row in rows])

    return state | {name: chosen(state[name]) for name in tables if name in state}
