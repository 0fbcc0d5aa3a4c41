"""Generators as Keras models of standard layers: .keras files that load without Muslin on any backend, and SavedModels. The one door to Keras.

Constant factors are folded into the weights. A modulated convolution is what it is here: the input scaled, a plain convolution, the result
scaled by rsqrt(style^2 M), where M holds the kernels' energies and is a dense layer. Pictures come channels last, in [-1, 1].
"""

import json
import math
import os
import shutil
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.files import LITTER, disk_error, whole
from muslin.export.keras_finish import KerasFinish
from muslin.gan import classic
from muslin.gan.generators import Loaded
from muslin.gan.synthesis import Block, Dense, Generator, Modulated, ToPicture, unit

_ROOT2 = math.sqrt(2)
_NEWS = ("quantization_config", "input_axes", "output_axes")


def open_keras(backend: str, extra: str) -> Any:
    """The module keras on `backend`, or on the one that KERAS_BACKEND says where `backend` is empty (torch if it says nothing).

    Raises InputError: not installed (Keras, or the backend), or another backend is at work in this process.
    """
    asked = backend or os.environ.get("KERAS_BACKEND") or "torch"
    os.environ["KERAS_BACKEND"] = asked
    try:
        import keras
    except (ImportError, ValueError) as failure:
        if asked not in (backend, "torch") and find_spec("keras"):  # Keras is there, the backend is not
            raise InputError(
                f"KERAS_BACKEND={asked}: {failure}; install it or mend the name; without KERAS_BACKEND torch serves"
            ) from failure
        if isinstance(failure, ValueError):
            raise
        raise InputError(f"this needs an extra ({failure}): pip install 'muslin[{extra}]'") from failure
    if backend and keras.backend.backend() != backend:
        raise InputError(f"Keras runs on {keras.backend.backend()} here; this needs {backend}: start again with KERAS_BACKEND={backend}")
    return keras


class KerasGenerator:
    """A generator of Muslin's as a Keras model: `z` alone, or `z`, `label` and `truncation` where there are classes or a W space."""

    def __init__(self, keras: Any, model: Any) -> None:
        self.keras, self.model = keras, model

    def draw(self, z: Float[Tensor, "b z"], labels: Tensor, psi: float) -> Float[Tensor, "b c s s"]:
        """Pictures as Muslin has them, drawn by Keras."""
        given: dict[str, Any] = {"z": z.numpy()}
        if len(self.model.inputs) > 1:
            given |= {"label": labels[:, None].numpy().astype("int32"), "truncation": np.full((len(z), 1), psi, "float32")}
        else:
            given["z"] = given["z"] * np.float32(psi)
        drawn = self.keras.ops.convert_to_numpy(self.model(given if len(self.model.inputs) > 1 else given["z"], training=False))
        return torch.from_numpy(np.ascontiguousarray(drawn)).permute(0, 3, 1, 2)


def build(keras: Any, generator: Loaded) -> KerasGenerator:
    """The Keras model of a generator. Raises InputError for a family that came from Keras itself."""
    if generator.family not in _BUILD:
        came = generator.card.get("imported_from", "another program")
        raise InputError(f"{generator.name}: came from {came}, which is what Keras needs; there is nothing to export")
    with torch.no_grad():
        return KerasGenerator(keras, _BUILD[generator.family](keras, generator.network))


def save_keras(keras: Any, made: KerasGenerator, path: Path, about: dict[str, Any]) -> KerasGenerator:
    """Write a .keras file whole, `about` in its metadata, and give back what Keras reads from it. Raises DiskError."""
    with whole(path) as part:
        made.model.save(part)
        with zipfile.ZipFile(part) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        parts["config.json"] = json.dumps(_without_news(json.loads(parts["config.json"]))).encode()
        parts["metadata.json"] = json.dumps(json.loads(parts["metadata.json"]) | {"muslin": about}).encode()
        with zipfile.ZipFile(part, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
    return KerasGenerator(keras, keras.models.load_model(path, compile=False))


def _without_news(part: Any) -> Any:
    """The description without settings that newer versions write, unused, and older ones of Keras 3 refuse."""
    if isinstance(part, dict):
        return {key: _without_news(value) for key, value in part.items() if value is not None or key not in _NEWS}
    return [_without_news(value) for value in part] if isinstance(part, list) else part


def save_folder(keras: Any, made: KerasGenerator, folder: Path) -> KerasGenerator:
    """Write a SavedModel whole (the folder must not be there) and give back what it serves. Raises DiskError."""
    part = folder.with_name(f"{LITTER}{os.getpid()}-{folder.name}")
    try:
        made.model.export(str(part), format="tf_saved_model", verbose=False)
        part.replace(folder)
    except OSError as failure:
        raise disk_error(folder, failure) from failure
    finally:
        shutil.rmtree(part, ignore_errors=True)
    served = keras.layers.TFSMLayer(str(folder), call_endpoint="serve")
    inputs = {tensor.name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name) for tensor in made.model.inputs}
    given = inputs if len(inputs) > 1 else inputs["z"]
    return KerasGenerator(keras, keras.Model(given, served(given)))


def _classic(keras: Any, network: classic.Generator) -> Any:
    """The article's generator as the article has it: a Sequential of dense layers."""
    layers, last = keras.layers, len(network.layers) - 1
    dense = [layers.Dense(layer.out_features, "tanh" if i == last else "relu") for i, layer in enumerate(network.layers)]
    picture = layers.Reshape((network.size, network.size, 1), name="picture")
    model = keras.Sequential([keras.Input((network.z_size,), name="z"), *dense, picture], name="generator")
    for theirs, ours in zip(dense, network.layers, strict=True):
        assert isinstance(ours, torch.nn.Linear)
        theirs.set_weights([_array(ours.weight.T), _array(ours.bias)])
    return model


class _Atelier:
    """The style-based generator, layer by layer; weights are set once the model stands."""

    def __init__(self, keras: Any, network: Generator) -> None:
        self.keras, self.layers, self.network = keras, keras.layers, network
        self.weights: dict[str, list[Any]] = {}

    def model(self) -> Any:
        net = self.network.net
        z = self.keras.Input((net.z,), name="z")
        label = self.keras.Input((1,), dtype="int32", name="label")
        truncation = self.keras.Input((1,), name="truncation")
        w = self.mapping(z, label, truncation)
        picture = self.drawn(w)
        if self.network.finish is not None:
            picture = KerasFinish(self, self.network.finish).finished(self.clipped("draft", picture), label, self.network.net.finish_calm)
        picture = self.clipped("picture", picture)
        model = self.keras.Model({"z": z, "label": label, "truncation": truncation}, picture, name="generator")
        for name, weights in self.weights.items():
            model.get_layer(name).set_weights([_array(weight) for weight in weights])
        return model

    def mapping(self, z: Any, label: Any, truncation: Any) -> Any:
        layers, mapping = self.layers, self.network.mapping
        x = layers.UnitNormalization(name="z_unit")(z)
        x = layers.Rescaling(math.sqrt(self.network.net.z), name="z_normal")(x)
        embed = unit(mapping.embed.weight)
        x = layers.Concatenate(name="z_and_class")([x, self.row("class", label, embed)])
        for number, layer in enumerate(mapping.layers):
            assert isinstance(layer, Dense)
            x = self.dense(f"mapping_{number}", x, layer.weight.T * (layer.gain * _ROOT2), layer.bias * (layer.rate * _ROOT2))
            x = layers.LeakyReLU(negative_slope=0.2, name=f"mapping_{number}_leaky")(x)
        mean = self.row("w_mean", label, mapping.get_buffer("w_mean"))
        away = layers.Multiply(name="truncated")([layers.Subtract(name="from_mean")([x, mean]), truncation])
        return layers.Add(name="w")([mean, away])

    def drawn(self, w: Any) -> Any:
        layers, start = self.layers, self.network.start
        kernel = (start.weight.T * start.gain).unflatten(1, (-1, 4, 4)).permute(0, 2, 3, 1).flatten(1)
        bias = (start.bias.unflatten(0, (-1, 4, 4)) + self.network.constant[0]).permute(1, 2, 0).flatten()
        x = layers.Reshape((4, 4, self.network.constant.shape[1]), name="start_map")(self.dense("start", w, kernel, bias))
        picture = None
        for block, side in zip(self.network.blocks, self.network.sides, strict=True):
            assert isinstance(block, Block)
            x = self.modulated(f"{side}_first", block.first, x, w)
            x = self.modulated(f"{side}_second", block.second, x, w)
            picture = self.picture(f"{side}_picture", block.rgb, x, w, picture)
        return picture

    def clipped(self, name: str, picture: Any) -> Any:
        """Held to [-1, 1]."""
        picture = self.layers.Rescaling(1.0, 1.0, name=f"{name}_from_zero")(picture)
        picture = self.layers.ReLU(max_value=2.0, name=f"{name}_clipped")(picture)
        return self.layers.Rescaling(1.0, -1.0, name=name)(picture)

    def modulated(self, name: str, ours: Modulated, x: Any, w: Any) -> Any:
        """conv(x * s) * sqrt(2) rsqrt(s^2 M + 1e-8) + bias, leaky relu; the root's factor lies in M."""
        layers, outputs = self.layers, ours.weight.shape[0]
        if ours.up:
            x = layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_up")(x)
        style, x = self.styled(name, ours.affine, ours.gain, x, w)
        x = self.conv(name, x, ours.weight)
        squared = layers.Multiply(name=f"{name}_style_squared")([style, style])
        energy = self.dense(f"{name}_energy", squared, ours.weight.square().sum((2, 3)).T / 2, torch.full((outputs,), 1e-8 / 2))
        strength = layers.Reshape((1, 1, outputs), name=f"{name}_strength")(self.keras.ops.rsqrt(energy))
        x = layers.Multiply(name=f"{name}_demodulated")([x, strength])
        self.weights[f"{name}_bias"] = [torch.ones(1, 1, outputs, 1), ours.bias * _ROOT2]
        x = layers.DepthwiseConv2D(1, name=f"{name}_bias")(x)
        return layers.LeakyReLU(negative_slope=0.2, name=f"{name}_leaky")(x)

    def picture(self, name: str, ours: ToPicture, x: Any, w: Any, before: Any) -> Any:
        _, x = self.styled(name, ours.affine, ours.gain, x, w)
        if before is None:  # from a white ground
            return self.conv(name, x, ours.weight, ours.bias + 1)
        before = self.layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_before")(before)
        return self.layers.Add(name=f"{name}_sum")([before, self.conv(name, x, ours.weight, ours.bias)])

    def styled(self, name: str, affine: Dense, gain: float, x: Any, w: Any) -> tuple[Any, Any]:
        style = self.dense(f"{name}_style", w, affine.weight.T * (affine.gain * gain), affine.bias * (affine.rate * gain))
        shaped = self.layers.Reshape((1, 1, affine.weight.shape[0]), name=f"{name}_style_map")(style)
        return style, self.layers.Multiply(name=f"{name}_styled")([x, shaped])

    def conv(self, name: str, x: Any, weight: Tensor, bias: Tensor | None = None) -> Any:
        outputs, _, side, _ = weight.shape
        self.weights[f"{name}_conv"] = [weight.permute(2, 3, 1, 0)] + ([] if bias is None else [bias])
        return self.layers.Conv2D(outputs, side, padding="same", use_bias=bias is not None, name=f"{name}_conv")(x)

    def dense(self, name: str, x: Any, kernel: Tensor, bias: Tensor) -> Any:
        self.weights[name] = [kernel, bias]
        return self.layers.Dense(kernel.shape[1], name=name)(x)

    def row(self, name: str, label: Any, table: Tensor) -> Any:
        self.weights[name] = [table]
        return self.layers.Flatten(name=f"{name}_row")(self.layers.Embedding(*table.shape, name=name)(label))


def _array(tensor: Tensor) -> Any:
    return tensor.detach().cpu().float().contiguous().numpy()


_BUILD: dict[str, Callable[[Any, Any], Any]] = {"classic": _classic, "atelier": lambda keras, network: _Atelier(keras, network).model()}
