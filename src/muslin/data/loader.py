"""From a name or path to a training set in memory: every picture decoded, squared on its ground, resized, as uint8.

`fashion-mnist` and `starter` are names; anything else is a folder or zip. Bad files are told and left out.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.assets import STARTER
from muslin.base.errors import InputError, MuslinError, nearest
from muslin.base.image import MAX_PIXELS, luma, open_image, resize, to_bytes
from muslin.data.fashion_mnist import load_fashion_mnist
from muslin.data.ground import ground_colour
from muslin.data.images import Images
from muslin.data.sources import Source, open_source


def load_images(
    which: str | Path,
    size: int,
    channels: int,
    classes: tuple[str, ...] = (),
    refused: Callable[[str, str], None] = lambda name, reason: None,
    download: bool = False,
) -> Images:
    """All pictures of a source as (n, channels, size, size).

    `refused(name, reason)` hears of each file that cannot be used. Raises InputError when none can.
    """
    if str(which) == "fashion-mnist":
        images = _mnist_as(load_fashion_mnist(download=download), size, channels)
        return _only(images, classes)
    return read_source(source_of(which, classes), size, channels, refused)


def source_of(which: str | Path, classes: tuple[str, ...] = ()) -> Source:
    """The pictures of `starter`, a folder or a zip, unread. Raises InputError."""
    source = open_source(STARTER if str(which) == "starter" else Path(which))
    return source.only(classes) if classes else source


def read_source(source: Source, size: int, channels: int, refused: Callable[[str, str], None]) -> Images:
    """Decode every item of a source; see `load_images`."""
    pixels, labels = [], []
    for item in source.items:
        try:
            picture = open_image(item.content(), item.name)
        except MuslinError as failure:
            refused(item.name, str(failure))
            continue
        ready = resize(square(picture.pixels), size, size)
        ready = luma(ready) if channels == 1 else ready
        pixels.append(to_bytes(ready))
        labels.append(source.classes.index(item.label))
    if not pixels:
        raise InputError(f"{source.name}: none of its {len(source.items)} pictures could be read")
    present = sorted(set(labels))
    for number, name in enumerate(source.classes):
        if number not in present:
            refused(f"class {name}", "none of its pictures could be read; it is no class of this set")
    places = torch.tensor([present.index(label) for label in labels])
    return Images(torch.stack(pixels), places, tuple(source.classes[i] for i in present), source.name, source.licence)


def square(pixels: Float[Tensor, "c h w"]) -> Float[Tensor, "c s s"]:
    """Padded to a square on the ground's own colour, the garment in the middle."""
    pixels = within(pixels)
    _, height, width = pixels.shape
    if height == width:
        return pixels
    side = max(height, width)
    out = ground_colour(pixels)[:, None, None].expand(-1, side, side).clone()
    top, left = (side - height) // 2, (side - width) // 2
    out[:, top : top + height, left : left + width] = pixels
    return out


def padded(mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 s s"]:
    """A silhouette in the middle of a square, nothing around it; as `square` lays its picture."""
    high, wide = (max(mask.shape) - side for side in mask.shape[1:])
    return F.pad(mask, (wide // 2, wide - wide // 2, high // 2, high - high // 2))


def within(pixels: Float[Tensor, "c h w"], most: int = math.isqrt(MAX_PIXELS)) -> Float[Tensor, "c rows columns"]:
    """Made smaller where its longer side is above `most` pixels; by default, where its square would hold more than a picture may."""
    longer = max(pixels.shape[1:])
    if longer <= most:
        return pixels
    return resize(pixels, *(max(1, round(side * most / longer)) for side in pixels.shape[1:]))


def _mnist_as(images: Images, size: int, channels: int) -> Images:
    pixels = images.pixels
    if size != pixels.shape[2]:
        pad = (32 - 28) // 2
        wide = torch.nn.functional.pad(pixels, (pad, pad, pad, pad)).float()
        if size != 32:
            wide = torch.nn.functional.interpolate(wide, size=(size, size), mode="bilinear", antialias=True)
        pixels = wide.round().clamp(0, 255).byte()
    if channels == 3:
        pixels = pixels.expand(-1, 3, -1, -1).contiguous()
    return replace(images, pixels=pixels)


def _only(images: Images, classes: tuple[str, ...]) -> Images:
    if not classes:
        return images
    for name in classes:
        if name not in images.classes:
            raise InputError(f"{images.name}: there is no class '{name}'{nearest(name, images.classes)}")
    wanted = sorted(classes)
    numbers = torch.tensor([images.classes.index(name) for name in wanted])
    kept = torch.isin(images.labels, numbers)
    labels = torch.searchsorted(numbers.sort().values, images.labels[kept])
    names = tuple(images.classes[int(i)] for i in numbers.sort().values)
    return replace(images, pixels=images.pixels[kept], labels=labels, classes=names)
