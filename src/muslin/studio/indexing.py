"""Indexes of pictures as files: made from a data set in one pass, resumable, calibrated, kept beside what they belong to.

Finished blocks lie in INDEX.parts until the index is whole. An index knows the digest of its data and is made again when they change.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import torch

from muslin.assets import INDEXES
from muslin.base.checkpoint import load_checkpoint, save_checkpoint
from muslin.base.errors import InputError, MuslinError, SettingError
from muslin.base.events import Event, Note, Refused, Saved, Step, Warned, last_of
from muslin.base.files import make_folder, sha256
from muslin.base.image import encode_png, from_bytes, open_image
from muslin.base.rights import Rights
from muslin.base.seeds import seeded
from muslin.data.fashion_mnist import load_fashion_mnist
from muslin.data.loader import source_of
from muslin.data.sources import Item, Source
from muslin.metrics.originality import SAME, Index, Row, look_at, make_index, nearest

BLOCK = 256  # pictures between two saves
_CHANCE = 600  # pictures that thresholds are taken from
_FEW = 100  # below so many a threshold says little


def index_of(against: str, path: Path, held_out: str = "", named: bool = False) -> Iterator[Event | Index]:
    """The index of a data set (name, folder, zip), made at `path` where it is not there yet; or one that exists, by file or name.

    The last thing yielded is the Index. `held_out` is a data set of the same kind that was not trained on, for the thresholds; without
    one, each of some pictures is left out in turn. `named`: somebody has chosen `path`, and an index of other pictures there is not written
    over. Raises InputError.
    """
    if against in INDEXES or against.endswith(".safetensors"):
        if held_out:
            raise SettingError(
                f"held-out={held_out}: the index {against} has its thresholds; name the pictures it was made of with --against"
            )
        yield from _told(load_index(INDEXES.get(against, Path(against))))
        return
    about, source, held = _about(path), _source(against), _source(held_out) if held_out else None
    digest, held_digest = _digest(source), _digest(held) if held else ""
    if about.get("digest") == digest and about.get("held_digest", "") == held_digest:
        yield Note(f"{path.name}: {len(source.items)} pictures of {source.name}, as they were indexed before")
        yield from _told(load_index(path))
        return
    if about and named and about.get("digest") != digest and about.get("data") != source.name:
        raise InputError(f"{path}: is the index of other pictures ({about.get('data', '?')}); name another file with --index, or delete it")
    names, rows = list[str](), list[Row]()
    parts = path.with_suffix(".parts") / digest[:16]
    yield from _rows(source, parts, names, rows)
    index = make_index(names, rows)
    calibrated = yield from last_of(calibrate(index, held))
    assert calibrated is not None
    index, about = calibrated, {"data": source.name, "digest": digest, "held_digest": held_digest, "licence": source.licence}
    yield Saved(save_index(path, index, about))
    _clear(parts)
    yield from _told(index)


def calibrate(index: Index, held: Source | None = None) -> Iterator[Event | Index]:
    """The same index with what chance reaches, from pictures held out, or from its own, each compared with all the others."""
    similar, away = list[float](), list[float]()
    order = torch.randperm(len(held.items) if held else len(index), generator=seeded(0, "chance"))[:_CHANCE].tolist()
    for done, place in enumerate(order, 1):
        if held:
            item = held.items[place]
            try:
                picture = open_image(item.read(), item.name).pixels
            except MuslinError as failure:
                yield Refused(item.name, str(failure))
                continue
            near = nearest(index, picture)
        else:
            near = nearest(index, index.thumbnail(place), leave_out=frozenset({place}))
        near = tuple(n for n in near if n.similarity <= SAME)
        if near:
            similar.append(near[0].similarity)
            away.append(min(n.away for n in near))
        if done % 16 == 0 or done == len(order):
            yield Step("chance", done, len(order))
    if not similar and held:
        raise InputError(f"{held.name}: holds no picture that can be read and is not in the set too; there is nothing to calibrate with")
    if not similar:
        raise InputError("every picture of the set is there twice; there is nothing to calibrate with")
    chances = [torch.tensor(reached).sort().values for reached in (similar, away)]
    yield replace(index, chance_similar=chances[0], chance_away=chances[1], held_out=held.name if held else "")


def save_index(path: Path, index: Index, about: dict[str, Any]) -> Path:
    """Write an index whole. Raises DiskError."""
    tensors = {field.name: getattr(index, field.name) for field in fields(index) if field.name not in ("names", "held_out")}
    return save_checkpoint(path, tensors, {"kind": "index", "names": list(index.names), "held_out": index.held_out, **about})


def load_index(path: Path) -> Index:
    """Read an index. Raises InputError when it is none."""
    tensors, about = load_checkpoint(path)
    if about.get("kind") != "index":
        raise InputError(f"{path}: not an index; `muslin originality --against DATA --index FILE` makes one")
    if "rough" not in tensors:
        raise InputError(f"{path}: an index of an earlier Muslin; delete it, and the same command makes it anew")
    return Index(names=tuple(about["names"]), held_out=str(about.get("held_out", "")), **tensors)


def _about(path: Path) -> dict[str, Any]:
    """What the index at `path` says of itself; nothing where there is none. Raises InputError for a file that is something else."""
    if not path.exists():
        return {}
    about = load_checkpoint(path)[1]
    if about.get("kind") != "index":
        raise InputError(f"{path}: is there, and is no index; name another file with --index")
    return about


def _digest(source: Source) -> str:
    return sha256("".join(f"{item.name} {sha256(item.read())}\n" for item in source.items).encode())


def _told(index: Index) -> Iterator[Event | Index]:
    count = len(index.chance_similar)
    if count < _FEW:
        yield Warned(f"thresholds from {count} pictures only: a copy has to be nearer than any of them; take verdicts as hints")
    yield index


def _clear(parts: Path) -> None:
    """The blocks of an index that is whole; the folder above them goes where nothing else is in it."""
    rmtree(parts, ignore_errors=True)
    with suppress(OSError):
        parts.parent.rmdir()


def _rows(source: Source, parts: Path, names: list[str], rows: list[Row]) -> Iterator[Event]:
    """Fills `names` and `rows`, block by block; blocks that are there already are read."""
    make_folder(parts)
    total = len(source.items)
    for start in range(0, total, BLOCK):
        part, block = parts / f"{start:08d}.safetensors", source.items[start : start + BLOCK]
        if not part.exists():
            yield from _block(block, part)
        tensors, about = load_checkpoint(part)
        names += about["names"]
        sizes = tensors["sizes"].tolist()
        thumbnails = [piece.numpy().tobytes() for piece in tensors["thumbnails"].split(sizes)]
        rows += [Row(c, g, t) for c, g, t in zip(tensors["colour"], tensors["grey"], thumbnails, strict=True)]
        yield Step("index", min(start + BLOCK, total), total)
    if not names:
        raise InputError(f"{source.name}: none of its {total} pictures could be read")


def _block(items: tuple[Item, ...], part: Path) -> Iterator[Event]:
    names, pictures = list[str](), list[torch.Tensor]()
    for item in items:
        try:
            pictures.append(open_image(item.read(), item.name).pixels)
            names.append(item.name)
        except MuslinError as failure:
            yield Refused(item.name, str(failure))
    found = [row for start in range(0, len(pictures), 32) for row in look_at(pictures[start : start + 32])]
    blank = torch.zeros(0, 1280)
    tensors = {
        "colour": torch.stack([row.colour for row in found]).half() if found else blank,
        "grey": torch.stack([row.grey for row in found]).half() if found else blank,
        "sizes": torch.tensor([len(row.thumbnail) for row in found], dtype=torch.long),
        "thumbnails": torch.frombuffer(bytearray(b"".join(row.thumbnail for row in found) or b" "), dtype=torch.uint8)[
            : sum(len(row.thumbnail) for row in found)
        ],
    }
    save_checkpoint(part, tensors, {"names": names})


def _source(which: str) -> Source:
    """Any data set as items with bytes."""
    if which != "fashion-mnist":
        return source_of(which)
    images = load_fashion_mnist()

    def read(place: int) -> bytes:
        return encode_png(from_bytes(images.pixels[place]))

    rights = Rights(images.licence, source=images.name)
    items = tuple(
        Item(f"{images.classes[int(label)]}/{n:05d}", images.classes[int(label)], rights, lambda n=n: read(n))  # type: ignore[misc]
        for n, label in enumerate(images.labels)
    )
    return Source(images.name, items, images.classes)
