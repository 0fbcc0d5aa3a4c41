"""Keras's model files (.keras, and the .h5 of before) as layers with their settings and weights. Keras itself is not needed.

No code of the file is run: the architecture is JSON, the weights are arrays, and Lambda layers, custom objects, pickles, archives that unpack
to more than they should and links out of the file are refused by name. Does not know what a layer computes.
"""

import json
import re
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.files import BROKEN_ZIP, read_bytes
from muslin.base.hdf5 import Arrays, read_hdf5

_MOST = {"config.json": 16 << 20, "metadata.json": 1 << 20, "model.weights.h5": 2 << 30}  # bytes unpacked
_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
_OPTIMISERS = ("optimizer", "optimizer_weights")
_MODELS = ("Sequential", "Functional", "Model")
_KERAS = re.compile(r"(tf_keras|keras)(\.[A-Za-z0-9_.]+)?|tensorflow\.(python\.)?keras(\.[A-Za-z0-9_.]+)?")


@dataclass(frozen=True)
class KerasLayer:
    """One layer as the file has it: its class, its name, its settings and its arrays in Keras's order."""

    kind: str
    name: str
    config: dict[str, Any]
    weights: tuple[Tensor, ...]


@dataclass(frozen=True)
class KerasModel:
    """A chain of layers, the shape that goes in (without the batch), and which Keras wrote it."""

    layers: tuple[KerasLayer, ...]
    inputs: tuple[int, ...]
    version: str


def read_keras(path: Path) -> KerasModel:
    """A Sequential model, or a functional one that is a single chain.

    Raises InputError: no such file, cut short, weights without the architecture, custom or Lambda layers, branches, several inputs.
    """
    if path.is_dir():
        raise InputError(f"{path}: a folder (a SavedModel?); save the generator alone as one file: generator.save('generator.keras')")
    content = read_bytes(path)
    if content.startswith(_ZIP):
        model, arrays, version = _unzip(content, path)
    elif content.startswith(_HDF5):
        arrays = read_hdf5(path, str(path), _OPTIMISERS)
        model, version = _json(_legacy_config(arrays, path), path), str(arrays.texts.get(("", "keras_version"), "2"))
    else:
        what = "pickled data are refused, they can run code" if content[:1] == b"\x80" else "neither a .keras nor an .h5 file of Keras"
        raise InputError(f"{path}: {what}; in Keras: generator.save('generator.keras')")
    rows = _chain(model, path)
    return KerasModel(tuple(_with_weights(rows, arrays, path)), _input_shape(model, rows, path), version)


def _unzip(content: bytes, path: Path) -> tuple[dict[str, Any], Arrays, str]:
    parts = dict[str, bytes]()
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            for name, most in _MOST.items():
                if archive.getinfo(name).file_size > most:
                    raise InputError(f"{path}: its {name} unpacks to more than {most:,} bytes; refused: this is no generator")
                with archive.open(name) as file:
                    parts[name] = file.read(most + 1)
    except KeyError as failure:
        raise InputError(f"{path}: has no {failure.args[0]!s}; not a model of Keras 3: generator.save('generator.keras')") from failure
    except BROKEN_ZIP as failure:
        raise InputError(f"{path}: not a whole .keras file ({failure}); it may be cut short: copy or save it again") from failure
    version = str(_json(parts["metadata.json"].decode("utf-8", "replace"), path).get("keras_version", "3"))
    arrays = read_hdf5(parts["model.weights.h5"], f"{path}: model.weights.h5", _OPTIMISERS)
    return _json(parts["config.json"].decode("utf-8", "replace"), path), arrays, version


def _json(text: str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as failure:
        raise InputError(f"{path}: its description is no JSON ({failure}); save the model again") from failure
    if not isinstance(found, dict):
        raise InputError(f"{path}: its description names no model; save the model again")
    return found


def _legacy_config(arrays: Arrays, path: Path) -> str:
    text = arrays.texts.get(("", "model_config"))
    if not isinstance(text, str):
        raise InputError(f"{path}: weights without their architecture; save the whole generator: generator.save('generator.keras')")
    return text


def _chain(model: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    """The layers' rows in the order they are run."""
    kind, config = model.get("class_name"), model.get("config")
    if kind not in _MODELS or not isinstance(config, (dict, list)):
        raise InputError(
            f"{path}: a model of the class {kind}: custom classes hold code and are refused; Sequential and functional models work"
        )
    rows = config["layers"] if isinstance(config, dict) and isinstance(config.get("layers"), list) else config
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("config"), dict) for row in rows):
        raise InputError(f"{path}: its description lists no layers; save the model again")
    for row in rows:
        _check_layer(row, path)
    return rows if kind == "Sequential" else _follow(rows, path)


def _check_layer(row: dict[str, Any], path: Path) -> None:
    kind, name = str(row.get("class_name")), str(row["config"].get("name", row.get("class_name")))
    module, registered = row.get("module"), row.get("registered_name")
    if kind in _MODELS:
        raise InputError(f"{path}: '{name}' is a model inside the model (a whole GAN?); save the generator alone")
    if kind in ("Lambda", "TFOpLambda", "SlicingOpLambda"):
        raise InputError(f"{path}: the layer '{name}' is a {kind}: it holds code, which is never run; write it with standard layers")
    if (registered and registered != kind) or (isinstance(module, str) and not _KERAS.fullmatch(module)) or ">" in kind:
        raise InputError(f"{path}: the layer '{name}' is a custom one ({registered or kind}): its code is not in Keras and never run")


def _follow(rows: list[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
    """A functional model's rows from its one input to its one output."""
    before = {str(row["config"].get("name")): _inbound(row.get("inbound_nodes")) for row in rows}
    named = {str(row["config"].get("name")): row for row in rows}
    starts = [name for name, come in before.items() if not come]
    if len(starts) != 1:
        raise InputError(f"{path}: {len(starts)} inputs ({', '.join(starts)}); only generators that take the latent alone can be imported")
    order, here = [named[starts[0]]], starts[0]
    while len(order) < len(rows):
        after = [name for name, come in before.items() if here in come]
        if len(after) != 1 or len(before[after[0]]) != 1 or named[after[0]] in order:
            raise InputError(f"{path}: branches after the layer '{here}'; only a single chain of layers can be imported")
        here = after[0]
        order.append(named[here])
    return order


def _inbound(nodes: Any) -> list[str]:
    """The names of the layers that a row's input comes from, in Keras 3's and Keras 2's form."""
    if isinstance(nodes, dict):
        history = nodes.get("keras_history")
        return [str(history[0])] if isinstance(history, list) and history else [n for part in nodes.values() for n in _inbound(part)]
    if isinstance(nodes, list):
        if len(nodes) >= 3 and isinstance(nodes[0], str) and isinstance(nodes[1], int):
            return [nodes[0]]
        return [name for part in nodes for name in _inbound(part)]
    return []


def _input_shape(model: dict[str, Any], rows: list[dict[str, Any]], path: Path) -> tuple[int, ...]:
    first = rows[0]["config"] if rows else {}
    shape = first.get("batch_shape") or first.get("batch_input_shape")
    if shape is None and isinstance(model["config"], dict):
        shape = model["config"].get("build_input_shape")
    if shape is None and rows:
        shape = (rows[0].get("build_config") or {}).get("input_shape")
    if not isinstance(shape, list) or len(shape) < 2 or not all(isinstance(side, int) and side > 0 for side in shape[1:]):
        raise InputError(
            f"{path}: does not say what size of latent goes in ({shape}); begin the model with keras.Input((100,)) and save it again"
        )
    return tuple(shape[1:])


def _with_weights(rows: list[dict[str, Any]], arrays: Arrays, path: Path) -> list[KerasLayer]:
    layers, counts = list[KerasLayer](), dict[str, int]()
    legacy = ("", "model_config") in arrays.texts
    for row in rows:
        kind, name = str(row["class_name"]), str(row["config"].get("name", row["class_name"]))
        snake = _snake(kind)
        number = counts[snake] = counts.get(snake, -1) + 1
        found = _legacy_weights(arrays, name) if legacy else _numbered(arrays, f"{snake}_{number}" if number else snake)
        layers.append(KerasLayer(kind, name, row["config"], tuple(found)))
    if not any(layer.weights for layer in layers):
        raise InputError(f"{path}: holds no weights for its layers; save the model again after it was built")
    return layers


def _numbered(arrays: Arrays, name: str) -> list[Tensor]:
    """Keras 3: `layers/dense_1/vars/0`, counted by class; some versions of the .keras form of Keras 2 call the first group otherwise."""
    for group in ("layers", "_layer_checkpoint_dependencies"):
        found, number = list[Tensor](), 0
        while (key := f"{group}/{name}/vars/{number}") in arrays.tensors:
            found.append(arrays.tensors[key])
            number += 1
        if found:
            return found
    return []


def _legacy_weights(arrays: Arrays, name: str) -> list[Tensor]:
    """The .h5 of before: a group for each layer, with the arrays' names in order."""
    group = f"model_weights/{name}"
    names = arrays.texts.get((group, "weight_names"), [])
    return [arrays.tensors[f"{group}/{inner}"] for inner in names if f"{group}/{inner}" in arrays.tensors]


def _snake(name: str) -> str:
    """As Keras names its groups: Conv2DTranspose -> conv2d_transpose."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
