"""The table of backbones for style: the embedded encoder (always there), VGG19, VGG16, or a VGG file that the user names."""

import copy
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from muslin.base.errors import InputError, nearest
from muslin.features.embedded import embedded
from muslin.features.vgg import load_vgg


@runtime_checkable
class Backbone(Protocol):
    """A frozen network that gives maps by layer name; `name` goes into recipes."""

    name: str
    content_layers: tuple[str, ...]
    style_layers: tuple[str, ...]

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Maps by layer name for pictures in [-1, 1]."""
        ...

    def reach(self, layers: Sequence[str]) -> int:
        """How many pixels beyond its own place a value of the deepest of these layers sees."""
        ...


BACKBONES: dict[str, Callable[[], Backbone]] = {
    "embedded": embedded,
    "vgg19": lambda: load_vgg("vgg19"),
    "vgg16": lambda: load_vgg("vgg16"),
}


def load_backbone(which: str = "embedded") -> Backbone:
    """By name, or `vgg19:FILE.safetensors`, `vgg19:FILE.h5` (Keras's, BGR) or `vgg19:rgb:FILE.h5` for weights of one's own.

    Raises InputError.
    """
    kind, file = parted(which)
    if file and kind.removesuffix(":rgb") in ("vgg19", "vgg16"):
        return load_vgg("vgg19" if kind.startswith("vgg19") else "vgg16", Path(file), kind.endswith(":rgb"))
    if which not in BACKBONES:
        raise InputError(f"backbone '{which}': not known{nearest(which, BACKBONES)}")
    return BACKBONES[which]()


def parted(which: str) -> tuple[str, str]:
    """What it is, and the file of one's own or nothing: `vgg19:rgb:FILE.h5` is (vgg19:rgb, FILE.h5)."""
    name, _, rest = which.partition(":")
    return (f"{name}:rgb", rest.removeprefix("rgb:")) if rest.startswith("rgb:") else (name, rest)


def without_folder(which: str) -> str:
    """The backbone as recipes tell of it: a file of one's own by its name alone, since where it lies is nobody's business."""
    kind, file = parted(which)
    return f"{kind}:{Path(file).name}" if file else which


def on_device(backbone: Backbone, device: torch.device) -> Backbone:
    """The backbone there; a copy where that is not the CPU, since metrics go on using the one here."""
    return backbone if device.type == "cpu" or not isinstance(backbone, nn.Module) else _copied(backbone, device)


@lru_cache(maxsize=4)
def _copied(network: nn.Module, device: torch.device) -> Any:
    return copy.deepcopy(network).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
