"""The dataset doctor: opens every file, mends what can be mended, drops twins, finds masks, writes one form and a report.

The form: a zip of CLASS/NAME.png, masks/CLASS/NAME.png and dataset.json (sha256, class, licence, source, what was
done). It never stops at a bad file, and the zip appears only when it is whole.
"""

import json
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError, MuslinError, SettingError
from muslin.base.events import Event, Finished, Note, Refused, Saved, Step, Warned
from muslin.base.files import BROKEN_ZIP, file_word, make_folder, read_bytes, room_for, sha256, whole, write_json
from muslin.base.image import Picture, encode_png, open_image, resize
from muslin.base.rights import UNKNOWN, known
from muslin.data.ground import cut_out, find_mask
from muslin.data.loader import square, within
from muslin.data.sources import Item, Source, open_source
from muslin.data.twins import NEAR, Twins

LEAST_SIDE = 16


@dataclass(frozen=True)
class PrepareConfig:
    """What the doctor does."""

    size: int = 256
    masks: bool = True
    drop_twins: bool = True
    near: float = NEAR  # how alike near twins are (root mean square of 16 x 16 thumbnails)
    licence: str = ""  # for pictures that say nothing of theirs


def prepare(source: Path, target: Path, config: PrepareConfig | None = None) -> Iterator[Event]:
    """Read `source` (folder or zip) and write the zip `target` and the report `target.report.json`.

    Raises InputError when the source is missing or holds no usable picture; single bad files are `Refused` events.
    """
    config, started = config or PrepareConfig(), time.monotonic()
    if not 16 <= config.size <= 2048:
        raise SettingError(f"size={config.size}: should be 16 to 2048 pixels")
    known(config.licence)
    if not target.name or target.name == "..":
        raise SettingError(f"{target}: name the zip to write, as in pack.zip")
    target = target if target.suffix == ".zip" else target.with_name(target.name + ".zip")
    report = target.with_suffix(".report.json")
    found = open_source(source)
    _spare(source, target, report)
    make_folder(target.parent)
    room_for(target, len(found.items) * config.size * config.size * 2)
    yield Note(f"{len(found.items)} pictures in {len(found.classes)} classes; {len(found.others)} other files left alone")
    yield from map(Warned, found.warnings())
    doctor = _Doctor(found, config)
    with whole(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        yield from doctor.examine(archive)
        doctor.close(archive)
    yield Saved(target)
    yield Saved(write_json(report, doctor.report()))
    yield Note(doctor.summary())
    yield Finished(target, time.monotonic() - started)


def _spare(source: Path, target: Path, report: Path) -> None:
    """Raises InputError where the zip or its report would take the place of something that `prepare` did not write."""
    if target.exists() and target.samefile(source):
        raise InputError(f"{target}: is what is read; name another zip to write")
    for path, ours in ((target, _prepared(target)), (report, report.is_file() and b'"twins_dropped"' in read_bytes(report))):
        if path.exists() and not ours:
            raise InputError(f"{path}: is there and was not written by `muslin prepare`; name another zip, or move it away")


def _prepared(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return b'"source_sha256"' in archive.read("dataset.json")
    except (*BROKEN_ZIP, KeyError):
        return False


class _Doctor:
    """One pass over a source; remembers what became of each file."""

    def __init__(self, source: Source, config: PrepareConfig) -> None:
        self.source, self.config = source, config
        self.twins = Twins(config.near)
        self.kept: list[dict[str, Any]] = []
        self.refused: list[dict[str, str]] = []
        self.dropped: list[dict[str, str]] = []
        self.names: set[str] = set()

    def examine(self, archive: zipfile.ZipFile) -> Iterator[Event]:
        total = len(self.source.items)
        for done, item in enumerate(self.source.items, 1):
            try:
                self._take(item, archive)
            except MuslinError as failure:
                self.refused.append({"file": item.name, "reason": str(failure)})
                yield Refused(item.name, str(failure))
            yield Step("prepare", done, total, {"kept": len(self.kept), "refused": len(self.refused)})
        if not self.kept:
            first = f"; the first: {self.refused[0]['reason']}" if self.refused else ""
            raise InputError(f"{self.source.name}: none of its {total} pictures can be used{first}")

    def close(self, archive: zipfile.ZipFile) -> None:
        listing = {
            "name": self.source.name,
            "size": self.config.size,
            "classes": sorted({row["class"] for row in self.kept}),
            "images": self.kept,
        }
        archive.writestr("dataset.json", json.dumps(listing, indent=1, ensure_ascii=False))

    def report(self) -> dict[str, Any]:
        mended = [{"file": row["origin"], "done": row["mended"]} for row in self.kept if row["mended"]]
        return {
            "source": self.source.name,
            "kept": len(self.kept),
            "classes": dict(sorted(Counter(row["class"] for row in self.kept).items())),
            "with_mask": sum(row["mask"] is not None for row in self.kept),
            "without_mask": [row["origin"] for row in self.kept if row["mask"] is None] if self.config.masks else [],
            "unknown_licence": sum(row["licence"] == "unknown" for row in self.kept),
            "mended": mended,
            "twins_dropped": self.dropped,
            "refused": self.refused,
            "no_pictures_by_name": list(self.source.others),
        }

    def summary(self) -> str:
        masks = sum(row["mask"] is not None for row in self.kept)
        return f"{len(self.kept)} kept ({masks} with a mask), {len(self.dropped)} twins dropped, {len(self.refused)} refused; the report names each"

    def _take(self, item: Item, archive: zipfile.ZipFile) -> None:
        content = item.content()
        picture = open_image(content, item.name)
        _, height, width = picture.pixels.shape
        if min(height, width) < LEAST_SIDE:
            raise InputError(f"{item.name}: {width} x {height} pixels; the least side that is of use is {LEAST_SIDE}")
        if picture.alpha is not None and float(picture.alpha.max()) == 0:
            raise InputError(f"{item.name}: is transparent all over; export it again")
        twin = self.twins.earlier(item.name, picture.pixels) if self.config.drop_twins else None
        if twin:
            self.dropped.append({"file": item.name, "twin_of": twin[0], "kind": twin[1]})
            return
        pixels, mask, mended = mend(picture, self.config)
        name = self._free_name(item)
        png = encode_png(pixels, dpi=72)
        archive.writestr(name, png)
        if mask is not None:
            archive.writestr(f"masks/{name}", encode_png(mask * 2 - 1, dpi=72))
        self.kept.append(self._row(item, name, png, content, mask, mended))

    def _row(self, item: Item, name: str, png: bytes, content: bytes, mask: Tensor | None, mended: list[str]) -> dict[str, Any]:
        rights = item.rights if item.rights.licence != UNKNOWN else replace(item.rights, licence=self.config.licence or UNKNOWN)
        return {
            "file": name,
            "class": _plain(item.label),
            "origin": _plain(item.name),
            "licence": rights.licence,
            **rights.plain(),
            "sha256": sha256(png),
            "source_sha256": sha256(content),
            "mask": f"masks/{name}" if mask is not None else None,
            "mended": mended,
        }

    def _free_name(self, item: Item) -> str:
        stem = PurePosixPath(item.name).stem
        folder, stem = file_word(_plain(item.label)), file_word(_plain(stem))
        name, number = f"{folder}/{stem}.png", 2
        while name in self.names:
            name, number = f"{folder}/{stem}-{number}.png", number + 1
        self.names.add(name)
        return name


def mend(picture: Picture, config: PrepareConfig) -> tuple[Float[Tensor, "3 s s"], Float[Tensor, "1 s s"] | None, list[str]]:
    """Squared on its ground, at the size asked for; the mask (from alpha, or found); what was done, in words."""
    mended, (_, height, width), most = list(picture.mended), picture.pixels.shape, max(1024, 4 * config.size)
    alpha = cut_out(picture.alpha)
    picture = replace(picture, pixels=within(picture.pixels, most), alpha=None if alpha is None else within(alpha, most))
    pixels = square(picture.pixels)
    if height != width:
        mended.append(f"padded from {width} x {height} to a square")
    if max(height, width) < config.size:
        mended.append(f"enlarged from {max(height, width)} px")
    mask = _mask(picture, pixels) if config.masks else None
    pixels = resize(pixels, config.size, config.size)
    if mask is not None:
        mask = resize(mask, config.size, config.size).clamp(0, 1)
    return pixels, mask, mended


def _plain(name: str) -> str:
    """A file's name as UTF-8 can hold it."""
    return name.encode("utf-8", "replace").decode()


def _mask(picture: Picture, squared: Tensor) -> Tensor | None:
    if picture.alpha is None:
        return find_mask(squared)
    side, (_, height, width) = squared.shape[1], picture.alpha.shape
    alpha = torch.zeros(1, side, side)
    top, left = (side - height) // 2, (side - width) // 2
    alpha[:, top : top + height, left : left + width] = picture.alpha
    return alpha
