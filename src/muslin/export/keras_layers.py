"""Keras's layers in Muslin's terms: from a `KerasModel` to an `ImportedNet` and its tensors. What has no translation is named.

Dropout and noise do nothing when a generator draws; a trained batch normalisation is a scale and an offset. Checks the generator as a
generator: a latent goes in, a picture comes out, and its range.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, full, zeros

from muslin.base.errors import InputError
from muslin.export.keras_file import KerasLayer, KerasModel
from muslin.gan.imported import ACTIVATIONS, ImportedLayer, ImportedNet, shape_after, weight_shapes

RANGES = {"-1..1": (-1.0, 1.0), "0..1": (0.0, 1.0), "0..255": (0.0, 255.0)}
_BY_END = {"tanh": "-1..1", "sigmoid": "0..1"}
_MOST = 1 << 26  # values of one picture's map between two layers
_NOTHING = ("InputLayer", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization")
_SIZES = 1024  # pixels at most a side


@dataclass
class _Work:
    """What is being built: the shape so far, the layers, the tensors by name."""

    name: str
    shape: tuple[int, ...]
    layers: list[ImportedLayer] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def add(self, layer: ImportedLayer, source: KerasLayer, **weights: Tensor) -> None:
        """Append a layer. Raises InputError where it does not fit the one before or its arrays have other shapes."""
        try:
            after = shape_after(layer, self.shape)
        except ValueError as failure:
            raise InputError(
                f"{self.name}: the layer '{source.name}' cannot take {self.shape}; the file is damaged: save it again"
            ) from failure
        if math.prod(after) > _MOST or min(after) < 1:
            raise InputError(f"{self.name}: the layer '{source.name}' gives {after} values for each picture; refused")
        for key, shape in weight_shapes(layer).items():
            if tuple(weights[key].shape) != shape:
                raise InputError(f"{self.name}: the layer '{source.name}' has a {key} of {tuple(weights[key].shape)}, it should be {shape}")
            self.tensors[f"layers.{len(self.layers)}.{key}"] = weights[key].contiguous()
        self.layers.append(layer)
        self.shape = after


def translate(model: KerasModel, name: str, asked: str = "") -> tuple[ImportedNet, dict[str, Tensor], str]:
    """The network, its tensors, and how its range was found, for a person. `asked`: one of RANGES, or empty to go by the last layer.

    Raises InputError: a layer without translation (by name), a discriminator, a picture that is not square and grey or RGB, no known range.
    """
    work = _Work(name, model.inputs)
    for source in model.layers:
        try:
            _layer(source, work)
        except (KeyError, TypeError, ValueError, IndexError) as failure:
            raise InputError(f"{name}: the layer '{source.name}' ({source.kind}) is not as Keras writes it: {failure}") from failure
    _check_ends(model, work)
    size, channels = _picture(work)
    (low, high), told = _range(work, asked)
    return ImportedNet(model.inputs, size, channels, low, high, tuple(work.layers)), work.tensors, told


def _layer(source: KerasLayer, work: _Work) -> None:
    if source.kind in _NOTHING:
        return
    if source.kind not in _TRANSLATE:
        known = ", ".join(sorted([*_TRANSLATE, *_NOTHING]))
        raise InputError(f"{work.name}: the layer '{source.name}' ({source.kind}) cannot be translated; those that can: {known}")
    if source.config.get("data_format") == "channels_first":
        raise InputError(f"{work.name}: the layer '{source.name}' is channels_first; save a channels_last model")
    _TRANSLATE[source.kind](source, work)
    if source.kind != "Activation" and source.config.get("activation") is not None:
        _activation(source, work)


def _dense(source: KerasLayer, work: _Work) -> None:
    kernel = source.weights[0]
    inputs, outputs = kernel.shape
    if outputs != source.config["units"]:
        raise ValueError(f"{outputs} outputs in its arrays, {source.config['units']} in its settings")
    work.add(ImportedLayer("dense", (inputs, outputs)), source, weight=kernel.T, bias=_bias(source, outputs))


def _convolution(source: KerasLayer, work: _Work) -> None:
    _plain(source, "dilation_rate", (1, 1))
    _plain(source, "groups", 1)
    kernel = source.weights[0]
    rows, columns, inputs, outputs = kernel.shape
    layer = ImportedLayer("convolution", (rows, columns, inputs, outputs), _pair(source, "strides"), source.config["padding"])
    work.add(_known_padding(layer), source, weight=kernel.permute(3, 2, 0, 1), bias=_bias(source, outputs))


def _transposed(source: KerasLayer, work: _Work) -> None:
    _plain(source, "dilation_rate", (1, 1))
    _plain(source, "output_padding", None)
    kernel = source.weights[0]
    rows, columns, outputs, inputs = kernel.shape
    layer = ImportedLayer("transposed", (rows, columns, inputs, outputs), _pair(source, "strides"), source.config["padding"])
    work.add(_known_padding(layer), source, weight=kernel.permute(3, 2, 0, 1), bias=_bias(source, outputs))


def _normalisation(source: KerasLayer, work: _Work) -> None:
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, with the statistics of the training."""
    axis = source.config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) else axis
    if axis not in (-1, len(work.shape)):
        raise ValueError(f"axis={axis}, only the last one can be translated")
    arrays = [array.double() for array in source.weights]
    gamma = arrays.pop(0) if source.config.get("scale", True) else None
    beta = arrays.pop(0) if source.config.get("center", True) else None
    mean, variance = arrays
    weight = (variance + float(source.config["epsilon"])).rsqrt()
    weight = weight if gamma is None else weight * gamma
    bias = -mean * weight if beta is None else beta - mean * weight
    work.add(ImportedLayer("scale", tuple(mean.shape)), source, weight=weight.float(), bias=bias.float())


def _rescaling(source: KerasLayer, work: _Work) -> None:
    scale, offset, channels = float(source.config["scale"]), float(source.config.get("offset", 0.0)), work.shape[-1:]
    work.add(ImportedLayer("scale", channels), source, weight=full(channels, scale), bias=full(channels, offset))


def _upsampling(source: KerasLayer, work: _Work) -> None:
    name = source.config.get("interpolation", "nearest")
    if name not in ("nearest", "bilinear"):
        raise ValueError(f"interpolation={name}, only nearest and bilinear can be translated")
    work.add(ImportedLayer("upsample", _pair(source, "size"), name=name), source)


def _reshape(source: KerasLayer, work: _Work) -> None:
    shape, there = [int(side) for side in source.config["target_shape"]], math.prod(work.shape)
    if shape.count(-1) == 1:
        shape[shape.index(-1)] = there // max(-math.prod(shape), 1)
    work.add(ImportedLayer("reshape", tuple(shape)), source)


def _flatten(source: KerasLayer, work: _Work) -> None:
    work.add(ImportedLayer("reshape", (math.prod(work.shape),)), source)


def _leaky(source: KerasLayer, work: _Work) -> None:
    slope = float(source.config.get("negative_slope", source.config.get("alpha", 0.3)))
    work.add(ImportedLayer("activation", name="leaky_relu", slope=slope), source)


def _relu(source: KerasLayer, work: _Work) -> None:
    for key, plain in (("max_value", None), ("threshold", 0)):
        _plain(source, key, plain)
    slope = float(source.config.get("negative_slope") or 0.0)
    work.add(ImportedLayer("activation", name="leaky_relu" if slope else "relu", slope=slope), source)


def _activation(source: KerasLayer, work: _Work) -> None:
    """A layer's activation: a word, or in newer files a layer of its own in the settings."""
    wanted = source.config["activation"]
    if isinstance(wanted, dict) and wanted.get("class_name") in ("LeakyReLU", "ReLU") and str(wanted.get("module")) == "keras.layers":
        _TRANSLATE[wanted["class_name"]](replace(source, config=dict(wanted["config"])), work)
        return
    word = "silu" if wanted == "swish" else wanted
    if not isinstance(word, str) or word not in ACTIVATIONS:
        told = wanted.get("config", wanted.get("class_name")) if isinstance(wanted, dict) else wanted
        known = ", ".join(sorted(ACTIVATIONS))
        raise InputError(
            f"{work.name}: the layer '{source.name}' has the activation {told}, which cannot be translated; those that can: {known}"
        )
    if word != "linear":
        slope = 0.2 if word == "leaky_relu" else 0.0  # as keras.activations has it
        work.add(ImportedLayer("activation", name=word, slope=slope), source)


_TRANSLATE: dict[str, Callable[[KerasLayer, _Work], None]] = {
    "Dense": _dense,
    "Conv2D": _convolution,
    "Conv2DTranspose": _transposed,
    "BatchNormalization": _normalisation,
    "Rescaling": _rescaling,
    "UpSampling2D": _upsampling,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "LeakyReLU": _leaky,
    "ReLU": _relu,
    "Activation": _activation,
}


def _bias(source: KerasLayer, outputs: int) -> Tensor:
    return source.weights[1] if source.config.get("use_bias", True) else zeros(outputs)


def _pair(source: KerasLayer, key: str) -> tuple[int, ...]:
    value = source.config[key]
    pair = (value, value) if isinstance(value, int) else tuple(int(side) for side in value)
    if len(pair) != 2 or min(pair) < 1:
        raise ValueError(f"{key}={value}")
    return pair


def _plain(source: KerasLayer, key: str, plain: Any) -> None:
    value = source.config.get(key, plain)
    if (tuple(value) if isinstance(value, list) else value) != plain:
        raise ValueError(f"{key}={value}, only {plain} can be translated")


def _known_padding(layer: ImportedLayer) -> ImportedLayer:
    if layer.padding not in ("same", "valid"):
        raise ValueError(f"padding={layer.padding}")
    return layer


def _check_ends(model: KerasModel, work: _Work) -> None:
    rows = model.inputs[:-1]
    if math.prod(work.shape) == 1:
        raise InputError(f"{work.name}: gives one value for each input of {model.inputs}: a discriminator; name the generator's file")
    if math.prod(rows) != 1 or model.inputs[-1] > 1 << 14:
        raise InputError(f"{work.name}: takes {model.inputs}, which is no latent; a generator takes a row of numbers, as (100,)")


def _picture(work: _Work) -> tuple[int, int]:
    """Side and channels. A row of numbers is a grey picture, or RGB where only that is square."""
    shape, values = work.shape, math.prod(work.shape)
    for channels in (1, 3):
        side = math.isqrt(values // channels)
        if side * side * channels == values and shape in ((values,), (side, side), (side, side, channels)) and 8 <= side <= _SIZES:
            return side, channels
    raise InputError(
        f"{work.name}: gives {shape}, which is no square picture of 1 or 3 channels, 8 to {_SIZES} px; other forms are not taken"
    )


def _range(work: _Work, asked: str) -> tuple[tuple[float, float], str]:
    """What was asked for, or what the last activation says, carried through a scale after it (sigmoid times 255)."""
    if asked:
        return RANGES[asked], f"{asked}, as asked"
    scales, end = list[tuple[Tensor, Tensor]](), "no activation"
    for number, layer in reversed(list(enumerate(work.layers))):
        if layer.kind == "scale":
            scales.append((work.tensors[f"layers.{number}.weight"], work.tensors[f"layers.{number}.bias"]))
        elif layer.kind not in ("reshape", "upsample"):
            end = layer.name if layer.kind == "activation" else end
            break
    known = all(bool((part == part[0]).all()) for scale in scales for part in scale)
    if end not in _BY_END or not known:
        raise InputError(f"{work.name}: ends in {end}, so its range cannot be known; say --range {' or '.join(RANGES)}")
    low, high = RANGES[_BY_END[end]]
    for weight, bias in reversed(scales):
        low, high = low * float(weight[0]) + float(bias[0]), high * float(weight[0]) + float(bias[0])
    if low >= high:
        raise InputError(f"{work.name}: its last layers turn the range to {low:g}..{high:g}; say --range {' or '.join(RANGES)}")
    return (low, high), f"{low:g}..{high:g}, since it ends in {end}{' and a scale' if scales else ''}"
