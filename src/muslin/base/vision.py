"""The one door to torchvision: Fashion-MNIST's download and the VGG networks with their weights. Nothing else is used.

Knows where torchvision keeps files and how their hashes are named; says plainly what to do where the net is closed.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from muslin.base.download import fetch_file
from muslin.base.errors import InputError
from muslin.base.files import sha256_file

VggName = Literal["vgg19", "vgg16"]


def cache_folder() -> Path:
    """Where downloads are kept: $MUSLIN_CACHE, else the user's cache folder."""
    given = os.environ.get("MUSLIN_CACHE")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "muslin"


def fetch_fashion_mnist(folder: Path) -> Path:
    """Download through torchvision (which checks MD5) and return the folder of raw files. Raises InputError."""
    from torchvision.datasets import FashionMNIST

    try:
        FashionMNIST(str(folder), download=True)
    except (OSError, RuntimeError) as failure:
        raise InputError(
            f"fashion-mnist: cannot be downloaded ({failure}); put its four .gz files into {folder / 'FashionMNIST' / 'raw'}"
        ) from failure
    return folder / "FashionMNIST" / "raw"


def vgg_url(name: VggName) -> str:
    """Where torchvision gets the ImageNet weights from; the file's name ends in the first 8 digits of its SHA-256."""
    from torchvision.models import VGG16_Weights, VGG19_Weights

    return str({"vgg19": VGG19_Weights, "vgg16": VGG16_Weights}[name].IMAGENET1K_V1.url)


def vgg_file(name: VggName) -> Path:
    """Where torchvision's own download lies, or would lie."""
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / vgg_url(name).rsplit("/", 1)[1]


def download_vgg(name: VggName) -> Iterator[tuple[int, int]]:
    """Fetch torchvision's file to `vgg_file(name)`, checked by its hash, resumed where it was cut; yields (bytes so far, in all).

    Raises InputError with what to do by hand.
    """
    target = vgg_file(name)
    try:
        yield from fetch_file(vgg_url(name), target, hash_prefix(target))
    except InputError as failure:
        raise InputError(
            f"{name}: {failure}; or get it elsewhere and put it at {target}, or leave --backbone out: the embedded encoder needs no download"
        ) from failure


def hash_prefix(path: Path) -> str:
    """The hash digits in a torchvision file's name: `vgg19-dcbb9e9d.pth` -> `dcbb9e9d`. Raises InputError where there are none."""
    found = re.search(r"-([0-9a-f]{8,})\.pth$", path.name)
    if not found:
        raise InputError(f"{path}: torchvision's weights are named like vgg19-dcbb9e9d.pth; pickles of other names are refused")
    return found.group(1)


def read_vgg_file(path: Path) -> dict[str, Any]:
    """The tensors of torchvision's own .pth after its hash was checked; tensors only, no code is run. Raises InputError."""
    import torch

    expected, found = hash_prefix(path), sha256_file(path)
    if not found.startswith(expected):
        raise InputError(f"{path}: its SHA-256 begins {found[:8]}, its name says {expected}; cut short or changed: delete it")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def vgg_layout(name: VggName) -> list[int | str]:
    """Channels of the convolutions and 'M' for pooling, read off torchvision's network (built without weights)."""
    import torch
    import torchvision

    with torch.device("meta"):
        features = getattr(torchvision.models, name)(weights=None).features
    return [
        "M" if type(layer).__name__ == "MaxPool2d" else int(layer.out_channels)
        for layer in features
        if type(layer).__name__ in ("MaxPool2d", "Conv2d")
    ]
