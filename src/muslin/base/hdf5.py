"""HDF5 files (Keras's weights) as plain arrays and texts. The one door to h5py.

Reads numbers that lie in the file itself: links out of it, external and virtual storage and objects are refused, since a file of
unknown origin could name other files by them. Sizes are checked before anything is unpacked. Does not know what the arrays mean.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from muslin.base.errors import InputError

MOST = 4 << 30  # bytes of all arrays together
_DEEPEST = 12
_BROKEN = (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError)  # what h5py raises on damaged files


@dataclass(frozen=True)
class Arrays:
    """`tensors` by their whole path (`layers/dense/vars/0`); `texts`: attributes, text or list of texts, by (path of the group, name)."""

    tensors: dict[str, Tensor]
    texts: dict[tuple[str, str], str | list[str]]


def read_hdf5(content: Path | bytes, name: str, skip: tuple[str, ...] = ()) -> Arrays:
    """All floating-point arrays as float32 tensors, without the top groups in `skip`.

    Raises InputError: no HDF5 file, cut short, links to other files, larger than `MOST`, or h5py not installed.
    """
    try:
        import h5py
    except ImportError as failure:
        raise InputError(f"{name}: reading Keras's files needs an extra: pip install 'muslin[keras]'") from failure
    tensors, texts, size = dict[str, Tensor](), dict[tuple[str, str], str | list[str]](), 0
    try:
        with h5py.File(content if isinstance(content, Path) else BytesIO(content), "r") as file:
            for path, item in _items(h5py, file, "", name, skip):
                if isinstance(item, h5py.Dataset):
                    size += item.nbytes
                    if item.external or item.is_virtual or size > MOST:
                        raise InputError(
                            f"{name}: '{path}' points out of the file or is too large; refused: save the model again with Keras"
                        )
                    if item.dtype.kind == "f":
                        tensors[path] = torch.from_numpy(np.asarray(item[()], dtype=np.float32).copy())
                else:
                    texts |= {(path, key): found for key in item.attrs if (found := _text(item.attrs[key])) is not None}
    except _BROKEN as failure:
        raise InputError(f"{name}: not a whole HDF5 file ({failure}); it may be cut short: copy or save it again") from failure
    return Arrays(tensors, texts)


def _items(h5py: Any, group: Any, path: str, name: str, skip: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """The group and all below it that lies in this file."""
    yield path, group
    if path.count("/") > _DEEPEST:
        raise InputError(f"{name}: groups nested more than {_DEEPEST} deep; not a file of Keras")
    for key in group:
        inner = f"{path}/{key}".lstrip("/")
        if inner in skip:
            continue
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise InputError(f"{name}: '{inner}' is a link to another place; refused: save the model again with Keras")
        item = group[key]
        if isinstance(item, h5py.Dataset):
            yield inner, item
        elif isinstance(item, h5py.Group):
            yield from _items(h5py, item, inner, name, skip)


def _text(value: Any) -> str | list[str] | None:
    if isinstance(value, (bytes, str)):
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if isinstance(value, np.ndarray) and value.ndim == 1:
        parts = [_text(part) for part in value.tolist()]
        return [part for part in parts if isinstance(part, str)]
    return None
