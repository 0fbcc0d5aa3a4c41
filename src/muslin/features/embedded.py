"""The embedded encoder, always there: EfficientNet-Lite0 (Tan & Le 2019; ImageNet weights, Apache-2.0), batch norm folded.

Serves style statistics (expanded, activated maps by name: stem, 1e ... 15e), a GAN's frozen features (block outputs
0 ... 15) and pooled features for metrics. Departs from nothing: verified against reference maps in the tests.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from muslin.assets import ENCODER
from muslin.base.checkpoint import load_checkpoint
from muslin.base.errors import InputError, nearest

# stride and kernel of each block's depthwise convolution
_BLOCKS = ((1, 3), (2, 3), (1, 3), (2, 5), (1, 5), (2, 3), (1, 3), (1, 3), (1, 5), (1, 5), (1, 5), (2, 5), (1, 5), (1, 5), (1, 5), (1, 3))
LAYERS = ("stem", *(f"{i}e" for i in range(1, 16)), *(str(i) for i in range(16)), "pooled")


class EmbeddedEncoder(nn.Module):
    """EfficientNet-Lite0 without its classifier. Frozen: gradients flow to the image, never to the weights."""

    name: str = "efficientnet-lite0"
    content_layers: tuple[str, ...] = ("5e",)
    style_layers: tuple[str, ...] = ("stem", "1e", "3e", "5e", "11e")

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        for key, tensor in tensors.items():
            self.register_buffer(key.replace(".", "_"), tensor.float(), persistent=False)

    def forward(self, images: Float[Tensor, "b 3 h w"], layers: Sequence[str]) -> dict[str, Tensor]:
        """Feature maps by layer name for RGB images in [-1, 1], at least 32 px; runs no further than the last layer asked for.

        `pooled` is (b, 1280), the others (b, channels, h / stride, w / stride). Raises InputError on an unknown layer.
        """
        check_layers(layers)
        found: dict[str, Tensor] = {}
        y = self._conv(images * (127.5 / 128) + (0.5 / 128), "stem", stride=2, kernel=3)
        _keep(found, "stem", y, layers)
        for i, (stride, kernel) in enumerate(_BLOCKS):
            if all(name in found for name in layers):
                return found
            y = self._block(y, i, stride, kernel, found, layers)
        if "pooled" in layers:
            found["pooled"] = self._conv(y, "head").mean((2, 3))
        return found

    def reach(self, layers: Sequence[str]) -> int:
        """How many pixels beyond its own place a value of the deepest of these layers sees."""
        check_layers(layers)
        deepest = max(_depth(name) for name in layers)
        seen, stride = 3, 2
        for step, kernel in _BLOCKS[:deepest]:
            seen, stride = seen + (kernel - 1) * stride, stride * step
        return seen // 2 + stride

    def _block(self, y: Tensor, i: int, stride: int, kernel: int, found: dict[str, Tensor], layers: Sequence[str]) -> Tensor:
        z = y
        if i:
            z = self._conv(z, f"{i}e")
            _keep(found, f"{i}e", z, layers)
        z = self._conv(z, f"{i}d", stride=stride, kernel=kernel, groups=z.shape[1])
        z = F.conv2d(z, self._part(f"{i}p_w"), self._part(f"{i}p_b"))
        y = y + z if stride == 1 and z.shape[1] == y.shape[1] else z
        _keep(found, str(i), y, layers)
        return y

    def _conv(self, x: Tensor, name: str, stride: int = 1, kernel: int = 1, groups: int = 1) -> Tensor:
        if stride == 1:
            return F.relu6(F.conv2d(x, self._part(name + "_w"), self._part(name + "_b"), padding=kernel // 2, groups=groups))
        padded = F.pad(x, _same(x.shape[3], kernel, stride) + _same(x.shape[2], kernel, stride))
        return F.relu6(F.conv2d(padded, self._part(name + "_w"), self._part(name + "_b"), stride=stride, groups=groups))

    def _part(self, name: str) -> Tensor:
        return self.get_buffer(name)


@torch.no_grad()
def pooled(images: Float[Tensor, "b 3 h w"], side: int = 96) -> Float[Tensor, "b 1280"]:
    """Pooled features of pictures of any size, looked at `side` pixels wide: what metrics and choosing go by."""
    small = F.interpolate(images, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    found: Tensor = embedded()(small, ("pooled",))["pooled"]
    return found


def check_layers(layers: Sequence[str]) -> None:
    """Raises InputError when a layer's name is not one of this encoder's."""
    for name in layers:
        if name not in LAYERS:
            raise InputError(f"efficientnet-lite0 has no layer '{name}'{nearest(name, LAYERS)}")


def _depth(layer: str) -> int:
    """How many blocks run before a layer is there: 5e needs blocks 0 to 4, 5 also block 5."""
    if layer in ("stem", "pooled"):
        return 0 if layer == "stem" else len(_BLOCKS)
    return int(layer.removesuffix("e")) + (0 if layer.endswith("e") else 1)


@lru_cache(maxsize=1)
def embedded(path: Path = ENCODER) -> EmbeddedEncoder:
    """The encoder with the weights of the package (or of `path`), float32, on the CPU, frozen. Raises InputError."""
    return EmbeddedEncoder(load_checkpoint(path)[0]).eval()


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    # TensorFlow's 'same' padding, which the weights were trained with
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _keep(found: dict[str, Tensor], name: str, value: Tensor, wanted: Sequence[str]) -> None:
    if name in wanted:
        found[name] = value
