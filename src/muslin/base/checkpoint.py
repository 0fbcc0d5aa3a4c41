"""Weights as safetensors that carry their config, kind and licence. The one door to the safetensors package.

Pickles are refused: a pickle can run code. Written whole (see `files`), read with a clear line where a file is cut short.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from muslin.base.errors import InputError
from muslin.base.files import write_bytes

_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04", b"ccopy_reg", b"(dp")


def save_checkpoint(path: Path, tensors: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> Path:
    """Write tensors (any dtype and shape) and `about` (JSON values) whole into one safetensors file. Raises DiskError."""
    plain = {name: tensor.detach().to("cpu").contiguous().clone() for name, tensor in tensors.items()}
    metadata = {key: json.dumps(value, ensure_ascii=False) for key, value in about.items()}
    return write_bytes(path, save(plain, metadata=metadata))


def load_checkpoint(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors by name (on the CPU) and what the file says of itself.

    Raises InputError when the file is missing, a pickle, cut short, or not safetensors.
    """
    check_not_pickle(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as failure:
        raise InputError(f"{path}: not a whole safetensors file ({failure}); it may be cut short: copy or make it again") from failure
    about: dict[str, Any] = {}
    for key, value in metadata.items():
        try:
            about[key] = json.loads(value)
        except json.JSONDecodeError:
            about[key] = value
    return tensors, about


def check_not_pickle(path: Path) -> None:
    """Refuse pickled weights by their first bytes, whatever the name says. Raises InputError."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as failure:
        raise InputError(f"{path}: cannot read: {failure.strerror}; check the path") from failure
    # safetensors: 8 bytes of header length, which may by chance begin like a pickle, then "{"
    if start.startswith(_PICKLES) and start[8:9] != b"{":
        raise InputError(f"{path}: pickled weights are refused, they can run code; convert them to .safetensors where you trust them")


def flatten(state: Mapping[Any, Any], prefix: str = "") -> dict[str, torch.Tensor]:
    """Nested dictionaries of tensors and numbers (an optimiser's state) as one flat dictionary of tensors."""
    flat: dict[str, torch.Tensor] = {}
    for key, value in state.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{name}/")
        elif isinstance(value, torch.Tensor):
            flat[name] = value
        elif isinstance(value, (int, float)):
            flat[name] = torch.tensor(value, dtype=torch.float64)
    return flat
