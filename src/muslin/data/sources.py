"""Where pictures come from: a folder or a zip, with sub-folders as classes or a dataset.json. Reads names first, bytes on demand.

A zip made of a folder (all of it below one name) is that folder. Refuses archives with names that climb out (`../`, absolute) and
members that unpack beyond the limit. dataset.json is Muslin's own form or the `{"labels": [[name, number], ...]}` of the StyleGAN family. Rights: the ledger's (rights.csv) before dataset.json's.
"""

import json
import os
import re
import zipfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from muslin.base.errors import InputError, nearest
from muslin.base.files import BROKEN_ZIP, read_bytes
from muslin.base.image import MAX_BYTES, SUFFIXES
from muslin.base.rights import Rights, from_row, sum_of
from muslin.data.ledger import CROISSANT, LEDGER, Ledger, parse_ledger, read_ledger

NO_CLASS = "all"
_TOLD = 5  # rows that name no picture are told; the rest is counted
PIECES = "pieces.txt"
_TABLES = frozenset({"dataset.json", LEDGER})


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
    """Items in the order of their names; `classes` in alphabetical order; `others` are files that are not taken: no pictures by
    name, or left out by a listing, and no masks; `strays` are rows of the ledger that name no picture."""

    name: str
    items: tuple[Item, ...]
    classes: tuple[str, ...]
    others: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()
    pieces: Callable[[], bytes] | None = None  # how its pieces.txt is read, where there is one (data/traces.py)

    @property
    def licence(self) -> str:
        """The licences of its pictures in a line, with counts where there are several."""
        return sum_of(item.rights for item in self.items)

    def warnings(self) -> list[str]:
        """A line for each of the first strays, and one for the rest."""
        more = len(self.strays) - _TOLD
        lines = [f"{row}: this row of the ledger names no picture; correct the name, or take the row out" for row in self.strays[:_TOLD]]
        return lines + ([f"{more:,} more rows of the ledger name no picture"] if more > 0 else [])

    def only(self, wanted: tuple[str, ...]) -> "Source":
        """The items of some classes. Raises InputError for a class that is not there."""
        for name in wanted:
            if name not in self.classes:
                raise InputError(f"{self.name}: there is no class '{name}'{nearest(name, self.classes)}")
        kept = tuple(item for item in self.items if item.label in wanted)
        return replace(self, items=kept, classes=tuple(sorted(wanted)))


def open_source(path: Path) -> Source:
    """List the pictures of a folder or zip. Raises InputError when there is none, or the archive is unsafe or damaged."""
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the path")
    wrapper = ""
    if path.is_dir():
        readers = _folder(path)
    elif zipfile.is_zipfile(path):
        readers, wrapper = _archive(path)
    else:
        raise InputError(f"{path}: neither a folder nor a zip of pictures")
    pictures = {name: read for name, read in readers.items() if PurePosixPath(name).suffix.lower() in SUFFIXES}
    if not pictures:
        raise InputError(f"{path}: no pictures in there; expected files named {', '.join(sorted(SUFFIXES))}")
    inside = parse_ledger(readers[LEDGER](), f"{path}/{LEDGER}") if LEDGER in readers else Ledger()
    beside = [] if path.is_dir() else [(name.removeprefix(wrapper), rights) for name, rights in read_ledger(path).rows]
    ledger = inside.with_rows(beside)
    listed = _parse_listing(readers["dataset.json"](), f"{path}/dataset.json") if "dataset.json" in readers else None
    found = _by_folders(path, pictures, ledger) if listed is None else _by_listing(path, pictures, listed, ledger)
    taken = {item.name for item in found.items} | {"dataset.json", LEDGER, CROISSANT, PIECES}
    others = tuple(name for name in sorted(readers) if name not in taken and not _is_mask(name, taken))
    return replace(found, others=others, strays=ledger.strays(pictures), pieces=readers.get(PIECES))


def _folder(path: Path) -> dict[str, Callable[[], bytes]]:
    def reader(file: Path) -> Callable[[], bytes]:
        return lambda: read_bytes(file)

    names = {file.relative_to(path).as_posix(): file for file in sorted(_files(path))}
    return {name: reader(file) for name, file in names.items() if not _hidden(name)}


def _files(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """All files below a folder, behind links too, but not behind one that leads back to where it lies; links that lead nowhere are told when they are read."""
    real = folder.resolve()
    if real in above:
        return
    try:
        inside = list(folder.iterdir())
    except PermissionError:
        return
    for path in inside:
        if path.is_dir():
            yield from _files(path, above | {real})
        elif path.is_file() or (path.is_symlink() and not path.exists()):
            yield path


def _hidden(name: str) -> bool:
    """What programs keep beside pictures: .thumbnails, .ipynb_checkpoints, __MACOSX."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def _archive(path: Path) -> tuple[dict[str, Callable[[], bytes]], str]:
    """How its files are read, by their names, and what was before these names (`_wrapper`)."""
    archive = _Archive(path)
    infos = {_named(info): info for info in archive.listed()}
    for name, info in infos.items():
        if name.startswith("/") or ".." in PurePosixPath(name).parts or re.match("[A-Za-z]:", name):
            raise InputError(f"{path}: the name '{info.filename}' leads out of the archive; do not trust this file")
    names = sorted(name for name in infos if not _hidden(name))
    wrapper = _wrapper(names)
    return {name.removeprefix(wrapper): archive.member(infos[name]) for name in names}, wrapper


def _named(info: zipfile.ZipInfo) -> str:
    """A member's name; what a Chinese Windows wrote (GB 2312, not said to be UTF-8) is read as such."""
    name = info.filename.replace("\\", "/")
    if info.flag_bits & 0x800 or name.isascii():
        return name
    for letters in ("utf-8", "gb2312"):
        try:
            return name.encode("cp437").decode(letters)
        except UnicodeError:
            continue
    return name


def _wrapper(names: list[str]) -> str:
    """The one folder, with its slash, that a zip of a folder has all its pictures in, where that holds a listing, a ledger, masks or class folders; else nothing."""
    pictures = [name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES]
    tops = {name.partition("/")[0] for name in pictures}
    if len(tops) != 1 or not all("/" in name for name in pictures) or _TABLES & set(names):
        return ""
    (wrapper,) = (f"{top}/" for top in tops)
    below = [name.removeprefix(wrapper).partition("/")[0] for name in pictures if name.count("/") > 1]
    tables = _TABLES & {name.removeprefix(wrapper) for name in names}
    return wrapper if tables or len(set(below)) > 1 or "masks" in below else ""


class _Archive:
    """A zip that is opened once for all its members, and once more in each process that forks."""

    def __init__(self, path: Path) -> None:
        self.path, self._opened = path, dict[int, zipfile.ZipFile]()

    def listed(self) -> list[zipfile.ZipInfo]:
        try:
            return [info for info in self._zip().infolist() if not info.is_dir()]
        except BROKEN_ZIP as failure:
            raise InputError(f"{self.path}: damaged archive ({failure}); make or copy it again") from failure

    def member(self, info: zipfile.ZipInfo) -> Callable[[], bytes]:
        return lambda: self._read(info)

    def _read(self, info: zipfile.ZipInfo) -> bytes:
        where = f"{self.path}/{info.filename}"
        if info.file_size > MAX_BYTES:
            raise InputError(f"{where}: unpacks to {info.file_size / 1e6:.0f} MB; the limit is {MAX_BYTES / 1e6:.0f} MB")
        try:
            return self._zip().read(info)
        except BROKEN_ZIP as failure:
            raise InputError(f"{where}: cannot unpack ({failure or type(failure).__name__}); make or copy the archive again") from failure

    def _zip(self) -> zipfile.ZipFile:
        if os.getpid() not in self._opened:
            self._opened[os.getpid()] = zipfile.ZipFile(self.path)
        return self._opened[os.getpid()]


def _is_mask(name: str, pictures: Collection[str]) -> bool:
    """Whether this is `masks/X` of a picture X."""
    return name.startswith("masks/") and name.removeprefix("masks/") in pictures


def _by_folders(path: Path, pictures: dict[str, Callable[[], bytes]], ledger: Ledger) -> Source:
    """Sub-folders are classes; masks, as in what `prepare` writes, are no pictures."""
    pictures = {name: read for name, read in pictures.items() if not _is_mask(name, pictures)}
    labels = {name: PurePosixPath(name).parts[0] if "/" in name else NO_CLASS for name in pictures}
    items = tuple(Item(name, labels[name], ledger.of(name) or Rights(), read) for name, read in pictures.items())
    return Source(_called(path), items, tuple(sorted(set(labels.values()))))


def _by_listing(path: Path, pictures: dict[str, Callable[[], bytes]], listing: dict[str, Any], ledger: Ledger) -> Source:
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
    return Source(str(listing.get("name", _called(path))), items, tuple(sorted({i.label for i in items})))


def _called(path: Path) -> str:
    return path.resolve().stem


def _parse_listing(content: bytes, name: str) -> dict[str, Any] | None:
    """The object; None for one that says that there are no labels, as the StyleGAN family writes it."""
    try:
        listing = json.loads(content)
    except ValueError as failure:
        raise InputError(f"{name}: not valid JSON ({failure}); mend or remove it") from failure
    if not isinstance(listing, dict):
        raise InputError(f"{name}: should be an object with 'images' or 'labels'; mend or remove it")
    return None if listing.get("labels", 0) is None and "images" not in listing else listing


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
