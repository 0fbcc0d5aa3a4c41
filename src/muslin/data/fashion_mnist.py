"""Fashion-MNIST (Xiao et al. 2017; MIT licence): 28 x 28 grey garments in ten classes, from the files where they are found.

Looked for in a folder that is given, in the user's cache, and where Debian's package `dataset-fashion-mnist` puts
them; else torchvision fetches it. Checks the files' form, so that a cut one is named.
"""

import gzip
import zlib
from pathlib import Path

import numpy as np
import torch

from muslin.base.errors import InputError
from muslin.base.files import read_bytes
from muslin.base.vision import cache_folder, fetch_fashion_mnist
from muslin.data.images import Images

CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot")
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def load_fashion_mnist(folder: Path | None = None, train: bool = True, download: bool = False) -> Images:
    """60,000 (`train`) or 10,000 pictures (n, 1, 28, 28). Raises InputError that says what to do where there are no files."""
    start = "train" if train else "t10k"
    at = find(folder, start)
    if at is None and download:
        at = fetch_fashion_mnist(cache_folder())
    if at is None:
        raise InputError(
            "fashion-mnist: its files are not on this machine; on Debian or Ubuntu: apt install dataset-fashion-mnist; "
            "elsewhere: muslin train fashion-mnist RUN --download"
        )
    pixels = _read_idx(_file(at, f"{start}-images-idx3-ubyte"), 3)
    labels = _read_idx(_file(at, f"{start}-labels-idx1-ubyte"), 1)
    if len(pixels) != len(labels) or labels.max(initial=0) >= len(CLASSES):
        raise InputError(f"{at}: {len(pixels)} pictures but {len(labels)} labels, or labels beyond 9; get the files again")
    return Images(torch.from_numpy(pixels)[:, None], torch.from_numpy(labels).long(), CLASSES, "fashion-mnist", "MIT")


def find(folder: Path | None, start: str) -> Path | None:
    """The first folder that holds the files whose names begin with `start`."""
    cached = cache_folder() / "FashionMNIST" / "raw"
    places = [folder, folder / "FashionMNIST" / "raw"] if folder else [cached, DEBIAN]
    return next((p for p in places if list(p.glob(f"{start}-images-idx3-ubyte*"))), None)


def _file(folder: Path, stem: str) -> Path:
    packed = folder / f"{stem}.gz"
    return packed if packed.exists() else folder / stem


def _read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The idx format: two zero bytes, type 8 (uint8), number of dimensions, their sizes (big-endian), the values."""
    content = read_bytes(path)
    try:
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as failure:
        raise InputError(f"{path}: damaged or cut short ({failure}); get it again") from failure
    if content[:4] != bytes([0, 0, 8, dimensions]):
        raise InputError(f"{path}: not an idx file of {dimensions} dimensions; get it again")
    shape = tuple(int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(dimensions))
    start = 4 + 4 * dimensions
    if len(content) - start != int(np.prod(shape)):
        raise InputError(f"{path}: {len(content) - start} values where {int(np.prod(shape))} are announced; get it again")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
