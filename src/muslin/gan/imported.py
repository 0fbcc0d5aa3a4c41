"""Generators that were trained elsewhere (Keras): a list of plain layers, run here in float32. They draw, and cannot be trained on.

Maps keep Keras's own order inside, (batch, rows, columns, channels), so that reshaping means what it meant there; the picture is turned
to Muslin's form at the end. 'Same' padding is TensorFlow's, which puts the odd pixel at the end. Does not know files.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Kind = Literal["dense", "convolution", "transposed", "scale", "upsample", "reshape", "activation"]
ACTIVATIONS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "linear": lambda x, _: x,
    "relu": lambda x, _: F.relu(x),
    "leaky_relu": lambda x, slope: F.leaky_relu(x, slope),
    "tanh": lambda x, _: torch.tanh(x),
    "sigmoid": lambda x, _: torch.sigmoid(x),
    "elu": lambda x, _: F.elu(x),
    "selu": lambda x, _: F.selu(x),
    "silu": lambda x, _: F.silu(x),
    "gelu": lambda x, _: F.gelu(x),
    "softplus": lambda x, _: F.softplus(x),
}


@dataclass(frozen=True)
class ImportedLayer:
    """One layer. `shape` is, by kind: dense (inputs, outputs); convolution and transposed (rows, columns, inputs, outputs);
    scale (channels,); upsample (rows, columns) as factors; reshape: the new shape, channels last. `name`: of the activation or filter.
    """

    kind: Kind
    shape: tuple[int, ...] = ()
    stride: tuple[int, ...] = (1, 1)
    padding: Literal["same", "valid"] = "same"
    name: str = ""
    slope: float = 0.0


@dataclass(frozen=True)
class ImportedNet:
    """Latent shape, layers in order, the picture's side and channels, and the range [low, high] of what the last layer gives."""

    latent: tuple[int, ...] = (100,)
    size: int = 28
    channels: int = 1
    low: float = -1.0
    high: float = 1.0
    layers: tuple[ImportedLayer, ...] = ()


@dataclass(frozen=True)
class ImportedConfig:
    """What a generator's file says of a network that was not trained here."""

    net: ImportedNet = field(default_factory=ImportedNet)
    family: Literal["imported"] = "imported"


class Generator(nn.Module):
    """The layers of the config in order; there are no classes."""

    def __init__(self, net: ImportedNet) -> None:
        super().__init__()
        self.net = net
        self.z_size, self.channels, self.size, self.classes = math.prod(net.latent), net.channels, net.size, 1
        self.layers = nn.ModuleList(_Layer(layer) for layer in net.layers)

    def forward(self, z: Float[Tensor, "b z"], labels: Tensor | None = None, psi: float = 1.0) -> Float[Tensor, "b c s s"]:
        """Pictures in [-1, 1]. Truncation scales z by `psi`, as in the article's generator."""
        x = self.raw(z * psi).reshape(-1, self.size, self.size, self.channels).permute(0, 3, 1, 2)
        return 2 * (x - self.net.low) / (self.net.high - self.net.low) - 1

    def raw(self, z: Float[Tensor, "b z"]) -> Tensor:
        """What the network gives where it was trained: Keras's order and range."""
        x = z if len(self.net.latent) == 1 else z.reshape(-1, *self.net.latent)  # no length that an export would take for fixed
        for layer in self.layers:
            x = layer(x)
        return x


class _Layer(nn.Module):
    def __init__(self, layer: ImportedLayer) -> None:
        super().__init__()
        self.layer = layer
        for name, shape in weight_shapes(layer).items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))

    def forward(self, x: Tensor) -> Tensor:
        return _RUN[self.layer.kind](self, x)


def weight_shapes(layer: ImportedLayer) -> dict[str, tuple[int, ...]]:
    """Shapes of `weight` and `bias` in torch's order; nothing for layers without."""
    if layer.kind == "dense":
        return {"weight": (layer.shape[1], layer.shape[0]), "bias": layer.shape[1:]}
    if layer.kind == "scale":
        return {"weight": layer.shape, "bias": layer.shape}
    if layer.kind in ("convolution", "transposed"):
        rows, columns, inputs, outputs = layer.shape
        ends = (outputs, inputs) if layer.kind == "convolution" else (inputs, outputs)
        return {"weight": (*ends, rows, columns), "bias": (outputs,)}
    return {}


def shape_after(layer: ImportedLayer, before: tuple[int, ...]) -> tuple[int, ...]:
    """The shape, channels last and without the batch, of what the layer gives. Raises ValueError where it cannot take `before`."""
    if layer.kind == "reshape":
        if math.prod(layer.shape) != math.prod(before):
            raise ValueError
        return layer.shape
    if layer.kind in ("activation", "scale"):
        if layer.kind == "scale" and layer.shape != before[-1:]:
            raise ValueError
        return before
    if layer.kind == "dense":
        if layer.shape[0] != before[-1]:
            raise ValueError
        return (*before[:-1], layer.shape[1])
    rows, columns, channels = before
    if layer.kind == "upsample":
        return rows * layer.shape[0], columns * layer.shape[1], channels
    if layer.shape[2] != channels:
        raise ValueError
    sides = zip((rows, columns), layer.shape, layer.stride, strict=False)
    along = _shrunk if layer.kind == "convolution" else _grown
    return (*(along(side, kernel, stride, layer.padding) for side, kernel, stride in sides), layer.shape[3])


def _shrunk(side: int, kernel: int, stride: int, padding: str) -> int:
    if padding == "same":
        return -(-side // stride)
    if side < kernel:
        raise ValueError
    return (side - kernel) // stride + 1


def _grown(side: int, kernel: int, stride: int, padding: str) -> int:
    return side * stride if padding == "same" else side * stride + max(kernel - stride, 0)


def _dense(module: _Layer, x: Tensor) -> Tensor:
    return F.linear(x, module.get_parameter("weight"), module.get_parameter("bias"))


def _scale(module: _Layer, x: Tensor) -> Tensor:
    return x * module.get_parameter("weight") + module.get_parameter("bias")


def _convolution(module: _Layer, x: Tensor) -> Tensor:
    layer, ends = module.layer, list[int]()
    for side, kernel, stride in reversed(list(zip(x.shape[1:3], layer.shape, layer.stride, strict=False))):
        spare = max((-(-side // stride) - 1) * stride + kernel - side, 0) if layer.padding == "same" else 0
        ends += [spare // 2, spare - spare // 2]
    x = F.pad(x.permute(0, 3, 1, 2), ends)
    return F.conv2d(x, module.get_parameter("weight"), module.get_parameter("bias"), layer.stride).permute(0, 2, 3, 1)


def _transposed(module: _Layer, x: Tensor) -> Tensor:
    """The gradient of a strided convolution, as TensorFlow has it: the whole result, cut (or filled with zeros) to the wanted side."""
    layer, ends = module.layer, list[int]()
    whole = F.conv_transpose2d(x.permute(0, 3, 1, 2), module.get_parameter("weight"), stride=layer.stride)
    for side, made, kernel, stride in reversed(list(zip(x.shape[1:3], whole.shape[2:], layer.shape, layer.stride, strict=False))):
        before = max(kernel - stride, 0) // 2 if layer.padding == "same" else 0
        ends += [-before, _grown(side, kernel, stride, layer.padding) + before - made]
    return F.pad(whole, ends).permute(0, 2, 3, 1) + module.get_parameter("bias")


def _upsample(module: _Layer, x: Tensor) -> Tensor:
    factors = (float(module.layer.shape[0]), float(module.layer.shape[1]))
    maps = x.permute(0, 3, 1, 2)
    if module.layer.name == "bilinear":
        return F.interpolate(maps, scale_factor=factors, mode="bilinear", align_corners=False).permute(0, 2, 3, 1)
    return F.interpolate(maps, scale_factor=factors, mode="nearest").permute(0, 2, 3, 1)


_RUN: dict[str, Callable[[_Layer, Tensor], Tensor]] = {
    "dense": _dense,
    "scale": _scale,
    "convolution": _convolution,
    "transposed": _transposed,
    "upsample": _upsample,
    "reshape": lambda module, x: x.reshape(-1, *module.layer.shape),
    "activation": lambda module, x: ACTIVATIONS[module.layer.name](x, module.layer.slope),
}
