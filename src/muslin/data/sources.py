"""Where pictures come from: a folder or a zip, with sub-folders as classes or a dataset.json. Reads names first, bytes on demand.

Refuses archives with names that climb out (`../`, absolute) and members that unpack beyond the limit. dataset.json is
Muslin's own form or the `{"labels": [[name, number], ...]}` of the StyleGAN family. Rights: the ledger's (rights.csv) before dataset.json's.
"""

import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from muslin.base.errors import InputError, nearest
from muslin.base.files import BROKEN_ZIP, read_bytes
from muslin.base.image import MAX_BYTES, SUFFIXES
from muslin.base.rights import Rights, from_row, sum_of
from muslin.data.ledger import CROISSANT, LEDGER, Ledger, parse_ledger, read_ledger

NO_CLASS = "all"


@dataclass(frozen=True)
class Item:
    """One file of a source: its name in there, its class, what is known of its rights, and how to read it."""

    name: str
    label: str
    rights: Rights
    read: Callable[[], bytes]

    def content(self) -> bytes:
        """Its bytes. Raises InputError where the ledger speaks of other bytes under that name."""
        content = self.read()
        self.rights.must_fit(content, self.name)
        return content


@dataclass(frozen=True)
class Source:
    """Items in the order of their names; `classes` in alphabetical order; `others` are files that are no pictures by name."""

    name: str
    items: tuple[Item, ...]
    classes: tuple[str, ...]
    others: tuple[str, ...] = ()

    @property
    def licence(self) -> str:
        """The licences of its pictures in a line, with counts where there are several."""
        return sum_of(item.rights for item in self.items)

    def only(self, wanted: tuple[str, ...]) -> "Source":
        """The items of some classes. Raises InputError for a class that is not there."""
        for name in wanted:
            if name not in self.classes:
                raise InputError(f"{self.name}: there is no class '{name}'{nearest(name, self.classes)}")
        kept = tuple(item for item in self.items if item.label in wanted)
        return Source(self.name, kept, tuple(sorted(wanted)), self.others)


def open_source(path: Path) -> Source:
    """List the pictures of a folder or zip. Raises InputError when there is none, or the archive is unsafe or damaged."""
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the path")
    if path.is_dir():
        readers = _folder(path)
    elif zipfile.is_zipfile(path):
        readers = _archive(path)
    else:
        raise InputError(f"{path}: neither a folder nor a zip of pictures")
    pictures = {name: read for name, read in readers.items() if PurePosixPath(name).suffix.lower() in SUFFIXES}
    if not pictures:
        raise InputError(f"{path}: no pictures in there; expected files named {', '.join(sorted(SUFFIXES))}")
    others = tuple(sorted(set(readers) - set(pictures) - {"dataset.json", LEDGER, CROISSANT}))
    inside = parse_ledger(readers[LEDGER](), f"{path}/{LEDGER}") if LEDGER in readers else Ledger()
    ledger = inside if path.is_dir() else inside.with_rows(list(read_ledger(path).rows))
    listed = _parse_listing(readers["dataset.json"](), f"{path}/dataset.json") if "dataset.json" in readers else None
    if listed is not None:
        return _by_listing(path, pictures, listed, others, ledger)
    return _by_folders(path, pictures, others, ledger)


def _folder(path: Path) -> dict[str, Callable[[], bytes]]:
    def reader(file: Path) -> Callable[[], bytes]:
        return lambda: read_bytes(file)

    names = {p.relative_to(path).as_posix(): p for p in sorted(path.rglob("*")) if p.is_file()}
    return {name: reader(p) for name, p in names.items() if not _hidden(name)}


def _hidden(name: str) -> bool:
    """What programs keep beside pictures: .thumbnails, .ipynb_checkpoints, __MACOSX."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def _archive(path: Path) -> dict[str, Callable[[], bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except BROKEN_ZIP as failure:
        raise InputError(f"{path}: damaged archive ({failure}); make or copy it again") from failure
    for info in infos:
        name = info.filename.replace("\\", "/")
        if name.startswith("/") or ".." in PurePosixPath(name).parts or re.match("[A-Za-z]:", name):
            raise InputError(f"{path}: the name '{info.filename}' leads out of the archive; do not trust this file")
    kept = [info for info in infos if not _hidden(info.filename.replace("\\", "/"))]
    return {info.filename.replace("\\", "/"): _member(path, info) for info in sorted(kept, key=lambda i: i.filename)}


def _member(path: Path, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        if info.file_size > MAX_BYTES:
            raise InputError(f"{path}/{info.filename}: unpacks to {info.file_size / 1e6:.0f} MB; the limit is {MAX_BYTES / 1e6:.0f} MB")
        try:
            with zipfile.ZipFile(path) as archive:
                return archive.read(info)
        except BROKEN_ZIP as failure:
            raise InputError(
                f"{path}/{info.filename}: cannot unpack ({failure or type(failure).__name__}); make or copy the archive again"
            ) from failure

    return read


def _by_folders(path: Path, pictures: dict[str, Callable[[], bytes]], others: tuple[str, ...], ledger: Ledger) -> Source:
    labels = {name: PurePosixPath(name).parts[0] if "/" in name else NO_CLASS for name in pictures}
    items = tuple(Item(name, labels[name], ledger.of(name) or Rights(), read) for name, read in pictures.items())
    return Source(_called(path), items, tuple(sorted(set(labels.values()))), others)


def _by_listing(
    path: Path, pictures: dict[str, Callable[[], bytes]], listing: dict[str, Any], others: tuple[str, ...], ledger: Ledger
) -> Source:
    where = f"{path}/dataset.json"
    rows = _rows(listing, where)
    missing = [row["file"] for row in rows if row["file"] not in pictures]
    if missing:
        raise InputError(f"{where}: names {len(missing)} files that are not there, the first: {missing[0]}")
    common = {"licence": listing.get("licence"), "author": listing.get("author")}
    items = tuple(
        Item(
            row["file"],
            NO_CLASS if row.get("class") in (None, "") else str(row["class"]),
            ledger.of(row["file"]) or from_row(common | {key: text for key, text in row.items() if text}, f"{where}: {row['file']}"),
            pictures[row["file"]],
        )
        for row in sorted(rows, key=lambda row: str(row["file"]))
    )
    return Source(str(listing.get("name", _called(path))), items, tuple(sorted({i.label for i in items})), others)


def _called(path: Path) -> str:
    return path.resolve().stem


def _parse_listing(content: bytes, name: str) -> dict[str, Any]:
    try:
        listing = json.loads(content)
    except ValueError as failure:
        raise InputError(f"{name}: not valid JSON ({failure}); mend or remove it") from failure
    if not isinstance(listing, dict):
        raise InputError(f"{name}: should be an object with 'images' or 'labels'; mend or remove it")
    return listing


def _rows(listing: dict[str, Any], name: str) -> list[dict[str, Any]]:
    if isinstance(listing.get("images"), list):
        rows: list[dict[str, Any]] = listing["images"]
        if all(isinstance(row, dict) and isinstance(row.get("file"), str) for row in rows) and rows:
            return rows
    labels = listing.get("labels")
    if (
        isinstance(labels, list)
        and labels
        and all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in labels)
    ):
        return [{"file": file, "class": f"class-{number}"} for file, number in labels]
    raise InputError(f"{name}: has no list 'images' of {{file, class}} nor 'labels' of [file, number]; mend or remove it")
