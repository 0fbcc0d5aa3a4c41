"""VGG19 and VGG16 by the layer names of the style literature (relu1_1 ... relu5_4), with torchvision's or Keras's ImageNet weights.

Looked for as a file the user names (.safetensors, or Keras's .h5), in Muslin's cache, as torchvision's own download (checked by its
hash, converted once, cut to the convolutions), then in Keras's cache. Never random weights: where there are none, a line says what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from muslin.base.checkpoint import load_checkpoint, save_checkpoint
from muslin.base.config import as_dict, from_dict
from muslin.base.errors import InputError, nearest
from muslin.base.files import make_folder, sha256_file
from muslin.base.vision import VggName, cache_folder, read_vgg_file, vgg_file, vgg_layout, vgg_url
from muslin.features import keras_vgg

Colour = tuple[float, ...]


@dataclass(frozen=True)
class Preparation:
    """What is done to RGB in [0, 1] before the first convolution: (x - mean) / std. The defaults are torchvision's."""

    mean: Colour = (0.485, 0.456, 0.406)
    std: Colour = (0.229, 0.224, 0.225)


class Vgg(nn.Module):
    """The convolutions of a VGG (Simonyan & Zisserman 2015). Frozen; only as deep as the layers that are asked for."""

    content_layers: tuple[str, ...] = ("relu4_2",)
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

    def __init__(self, name: VggName, tensors: dict[str, Tensor], prepare: Preparation | None = None, called: str = "") -> None:
        super().__init__()
        prepare = prepare or Preparation()
        self.name = called or str(name)
        self.plan = layer_plan(name)
        for layer, shape in expected_shapes(name).items():
            for part, wanted in (("weight", shape), ("bias", shape[:1])):
                key = f"{layer}.{part}"
                if key not in tensors or tuple(tensors[key].shape) != wanted:
                    found = tuple(tensors[key].shape) if key in tensors else "nothing"
                    raise InputError(f"{name}: {key} should be {wanted}, the file has {found}; it is not this network")
                self.register_buffer(key.replace(".", "_"), tensors[key].float(), persistent=False)
        self.register_buffer("mean", torch.tensor(prepare.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(prepare.std).view(3, 1, 1), persistent=False)

    def forward(self, images: Float[Tensor, "b 3 h w"], layers: Sequence[str]) -> dict[str, Tensor]:
        """Maps by name for RGB in [-1, 1], at least 16 px; relu{i}_{j} is (b, channels, h / 2^(i-1), w / 2^(i-1))."""
        self._check(layers)
        x = ((images + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("std")
        found: dict[str, Tensor] = {}
        for name in self.plan:
            if len(found) == len(set(layers)):
                break
            if name == "pool":
                x = F.max_pool2d(x, 2)
                continue
            x = F.relu(F.conv2d(x, self.get_buffer(name + "_weight"), self.get_buffer(name + "_bias"), padding=1))
            if name in layers:
                found[name] = x
        return found

    def reach(self, layers: Sequence[str]) -> int:
        """How many pixels beyond its own place a value of the deepest of these layers sees."""
        self._check(layers)
        seen, stride = 1, 1
        for name in self.plan[: 1 + max(self.plan.index(layer) for layer in layers)]:
            seen, stride = (seen + stride, 2 * stride) if name == "pool" else (seen + 2 * stride, stride)
        return seen // 2 + stride

    def _check(self, layers: Sequence[str]) -> None:
        known = [name for name in self.plan if name != "pool"]
        for name in layers:
            if name not in known:
                raise InputError(f"{self.name} has no layer '{name}'{nearest(name, known)}")


def layer_plan(name: VggName) -> list[str]:
    """relu1_1, relu1_2, pool, relu2_1 ... in the order of the network."""
    plan, block, number = list[str](), 1, 1
    for entry in vgg_layout(name):
        if entry == "M":
            plan.append("pool")
            block, number = block + 1, 1
        else:
            plan.append(f"relu{block}_{number}")
            number += 1
    return plan


def expected_shapes(name: VggName) -> dict[str, tuple[int, ...]]:
    """The shape of each convolution's weight, by layer name."""
    shapes, inputs = dict[str, tuple[int, ...]](), 3
    widths = [entry for entry in vgg_layout(name) if isinstance(entry, int)]
    for layer, width in zip((entry for entry in layer_plan(name) if entry != "pool"), widths, strict=True):
        shapes[layer] = (width, inputs, 3, 3)
        inputs = width
    return shapes


def load_vgg(name: VggName, file: Path | None = None, rgb: bool = False) -> Vgg:
    """The network with real weights. Raises InputError that says where to get them when they are nowhere.

    `rgb`: a file of Keras's form whose first layer takes RGB and not, as Keras's own, BGR.
    """
    if file is not None and file.suffix in (".h5", ".hdf5"):
        return _from_keras(name, file, rgb)
    if rgb:
        raise InputError(f"{file}: rgb: is for Keras's .h5 files; all others are RGB: leave it out")
    if file is not None:  # of somebody's own: which one it was counts in recipes
        return _from_ours(name, file, f"{name} ({file.name} {sha256_file(file)[:8]})")
    cached = cache_folder() / f"{name}-convolutions.safetensors"
    if not cached.exists():
        theirs = vgg_file(name)
        kept = keras_vgg.keras_file(name)
        if not theirs.exists() and kept is not None:
            return _from_keras(name, kept)
        if not theirs.exists():
            raise InputError(
                f"{name}: its weights are not on this machine; `muslin weights {name}` downloads them (once), or put "
                f"{vgg_url(name)} at {theirs}; Keras's own weights serve too, from its cache or as {name}:FILE.h5; "
                "without them leave --backbone out: the embedded encoder is always there"
            )
        convert(name, theirs, cached)
    return _from_ours(name, cached)


def _from_ours(name: VggName, file: Path, told: str = "") -> Vgg:
    tensors, about = load_checkpoint(file)
    return Vgg(name, tensors, from_dict(Preparation, about["prepare"]) if "prepare" in about else None, told or name)


def _from_keras(name: VggName, file: Path, rgb: bool = False) -> Vgg:
    """With Keras's weights the recipes say so: they are other weights than torchvision's, and give other pictures."""
    published = keras_vgg.is_published(name, file)
    if published and rgb:
        raise InputError(f"{file}: byte for byte the file that Keras publishes, which is BGR; leave out rgb:")
    tensors = keras_vgg.read_keras_vgg(name, file, expected_shapes(name), rgb)
    origin = "Keras" if published else f"{file.name}, {'said to be RGB' if rgb else 'taken as BGR'}"
    return Vgg(name, tensors, Preparation(keras_vgg.MEAN, keras_vgg.STD), f"{name} ({origin})")


def convert(name: VggName, theirs: Path, target: Path) -> Path:
    """torchvision's .pth (hash checked, tensors only) to fp16 safetensors of the convolutions by layer name. Raises InputError."""
    state = read_vgg_file(theirs)
    numbers = sorted({int(key.split(".")[1]) for key in state if key.startswith("features.")})
    layers = list(expected_shapes(name))
    if len(numbers) != len(layers):
        raise InputError(f"{theirs}: {len(numbers)} convolutions where {name} has {len(layers)}; it is not this network")
    tensors = {
        f"{layer}.{part}": state[f"features.{number}.{part}"].half()
        for layer, number in zip(layers, numbers, strict=True)
        for part in ("weight", "bias")
    }
    make_folder(target.parent)
    licence = "BSD-3-Clause (torchvision), trained on ImageNet"
    about = {"kind": "encoder", "name": name, "licence": licence, "source": theirs.name, "prepare": as_dict(Preparation())}
    return save_checkpoint(target, tensors, about)
