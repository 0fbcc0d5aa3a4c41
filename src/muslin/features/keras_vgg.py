"""VGG19 and VGG16 from the weights file that Keras keeps (`vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5`), as Keras runs them.

These weights were trained in Caffe: BGR, the mean of each channel taken off in 0..255, no division by a spread. Here the first
layer's kernels are turned to RGB, and mean and spread become a `Preparation` that is applied before the first convolution, so that the
zeros of its border mean the mean colour, as there. Kernels go from (rows, columns, in, out) to (out, in, rows, columns).
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.files import read_bytes
from muslin.base.hdf5 import read_hdf5
from muslin.base.vision import VggName

MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)  # RGB, of pictures in [0, 1]
STD = (1 / 255, 1 / 255, 1 / 255)
PUBLISHED = {  # MD5, as Keras checks them
    "vgg19": ("253f8cb515780f3b799900260a226db6", "cbe5617147190e668d6c5d5026f83318"),
    "vgg16": ("6d6bbae143d832006294945121d1f1fc", "64373286793e3c8b2b4e3219cbf3544b"),
}


def keras_file(name: VggName) -> Path | None:
    """The weights in Keras's own cache ($KERAS_HOME, else ~/.keras), without the top layers first; None where there are none."""
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"
    names = [f"{name}_weights_tf_dim_ordering_tf_kernels{top}.h5" for top in ("_notop", "")]
    return next((folder / file for file in names if (folder / file).is_file()), None)


def is_published(name: VggName, path: Path) -> bool:
    """Whether the file is, byte for byte, one that Keras publishes: then its channels are surely BGR. Raises InputError."""
    return hashlib.md5(read_bytes(path), usedforsecurity=False).hexdigest() in PUBLISHED[name]


def read_keras_vgg(name: VggName, path: Path, shapes: Mapping[str, tuple[int, ...]], rgb: bool = False) -> dict[str, Tensor]:
    """`relu1_1.weight`, `relu1_1.bias` ... in torch's order for RGB, from a weights file (or a whole model) of Keras 2 or 3.

    `shapes`: of the kernels by layer. `rgb`: the file's first layer takes RGB already, so it is not turned. Raises InputError: cut short, kernels in Theano's order, another network.
    """
    arrays = read_hdf5(path, str(path)).tensors
    found, count = dict[str, Tensor](), sum(array.ndim == 4 for array in arrays.values())
    if count != len(shapes):
        raise InputError(f"{path}: {count} convolutions where {name} has {len(shapes)}; it is not {name} of Keras")
    for number, (layer, shape) in enumerate(shapes.items()):
        block, place = layer.removeprefix("relu").split("_")
        places = (f"block{block}_conv{place}/", f"layers/conv2d{f'_{number}' if number else ''}/vars/")
        parts = [array for key, array in arrays.items() if any(f"/{key}".find(f"/{at}") >= 0 for at in places)]
        kernel = next((array for array in parts if array.ndim == 4), None)
        bias = next((array for array in parts if array.ndim == 1), None)
        if kernel is None or bias is None:
            raise InputError(f"{path}: has no layer block{block}_conv{place} with kernel and bias; it is not {name} of Keras")
        found[f"{layer}.weight"], found[f"{layer}.bias"] = _turned(kernel, shape, f"block{block}_conv{place}", name, path), bias
    if not rgb:
        first = next(iter(shapes))
        found[f"{first}.weight"] = found[f"{first}.weight"].flip(1)  # BGR to RGB
    return found


def _turned(kernel: Tensor, shape: tuple[int, ...], layer: str, name: str, path: Path) -> Tensor:
    """(rows, columns, in, out) -> (out, in, rows, columns)."""
    if tuple(kernel.shape) == shape:
        raise InputError(
            f"{path}: {layer} has its channels first, {shape}: a file for Theano (th_dim_ordering); take the one named tf_dim_ordering_tf_kernels"
        )
    turned = kernel.permute(3, 2, 0, 1).contiguous()
    if tuple(turned.shape) != shape:
        raise InputError(f"{path}: {layer} has kernels of {tuple(kernel.shape)}; it is not {name} of Keras")
    return turned
