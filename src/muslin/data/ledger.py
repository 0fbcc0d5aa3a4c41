r"""The rights ledger: `rights.csv` in a folder or zip of pictures, or NAME.rights.csv beside a zip. One row a picture, or a pattern.

Columns: file (a name, or a pattern such as `dress/*`), and those of `base.rights.Rights`. A picture's own row goes before patterns, the
first pattern that fits before later ones. Letters count, not how a system writes them: accents in one sign or two, `/` or `\`.
Does not judge; `base.rights.clear` does.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from muslin.base.errors import InputError, nearest
from muslin.base.files import read_bytes, write_text
from muslin.base.rights import Rights, from_row

LEDGER = "rights.csv"
CROISSANT = "croissant.json"
COLUMNS = ("file", *(field.name for field in fields(Rights)))


@dataclass(frozen=True)
class Ledger:
    """Rows in the order of the file: name or pattern, and what is known."""

    rows: tuple[tuple[str, Rights], ...] = ()

    def of(self, name: str) -> Rights | None:
        """The rights of a picture by its name in the folder; None where no row speaks of it."""
        exact = self._exact.get(name) or self._exact.get(_plain(name))
        return exact or next((rights for pattern, rights in self._patterns if fnmatchcase(_plain(name), pattern)), None)

    def strays(self, names: Iterable[str]) -> tuple[str, ...]:
        """The rows that name none of these pictures, mistyped or left over."""
        known = {_plain(name) for name in names}

        def fits(row: str) -> bool:
            name = _plain(row.strip())
            return name in known or (_is_pattern(row) and any(fnmatchcase(one, name) for one in known))

        return tuple(row for row, _ in self.rows if not fits(row))

    def with_rows(self, rows: list[tuple[str, Rights]]) -> "Ledger":
        """These rows in the place of those of the same name, new ones at the front: what was written last counts."""
        fresh = dict(rows)
        bare = {name.strip() for name in fresh}  # a table written by hand has spaces around its names
        return Ledger((*fresh.items(), *(row for row in self.rows if row[0] not in fresh and row[0] not in bare)))

    @cached_property
    def _exact(self) -> dict[str, Rights]:
        loose = {name.strip(): rights for name, rights in reversed(self.rows)}  # also names with signs of a pattern in them: look[1].jpg
        plain = {_plain(name): rights for name, rights in loose.items()}
        return plain | loose | {name: rights for name, rights in reversed(self.rows) if name != name.strip()}

    @cached_property
    def _patterns(self) -> list[tuple[str, Rights]]:
        return [
            (_plain(name.strip()), rights) for name, rights in self.rows if _is_pattern(name) and not rights.sha256
        ]  # with a sum it is one file's row


def parse_ledger(content: bytes, where: str) -> Ledger:
    """A ledger of CSV bytes (UTF-8, with or without a byte order mark). Raises InputError naming line, column and value."""
    try:
        text = content.decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline="\n" if "\n" in text else None), strict=True)  # old Macs end lines with CR
        names = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = names
        for name in names:
            if name not in COLUMNS:
                raise InputError(f"{where}: column '{name}' is not known{nearest(name, COLUMNS)}; the columns are {', '.join(COLUMNS)}")
        if "file" not in names:
            raise InputError(f"{where}: has no column 'file'; the columns are {', '.join(COLUMNS)}")
        rows = [(row["file"], from_row(row, f"{where}, line {reader.line_num}")) for row in reader if (row.get("file") or "").strip()]
    except (UnicodeDecodeError, csv.Error) as failure:
        raise InputError(f"{where}: is not a table in UTF-8 ({failure}); save it as CSV UTF-8") from failure
    return Ledger(tuple(rows))


def place_of(path: Path) -> Path:
    """Where the ledger of a folder, a zip or a single picture is written."""
    if path.is_dir():
        return path / LEDGER
    return path.with_suffix(f".{LEDGER}") if path.suffix.lower() == ".zip" else path.parent / LEDGER


def read_ledger(path: Path) -> Ledger:
    """The ledger that stands for a folder, a zip (beside it) or a picture (in its folder); empty where there is none. Raises InputError."""
    place = place_of(path)
    return parse_ledger(read_bytes(place), str(place)) if place.is_file() else Ledger()


def rights_near(path: Path) -> Rights | None:
    """What the nearest ledger says of a picture: that of its own folder, or of the folders above it. Raises InputError."""
    full = path.absolute()
    folder = next((folder for folder in full.parents if (folder / LEDGER).is_file()), None)
    return read_ledger(folder).of(full.relative_to(folder).as_posix()) if folder else None


def check_names(names: Iterable[str]) -> None:
    """Raises InputError for the first file's name that a table in UTF-8 cannot hold (old systems' letters)."""
    for name in names:
        if any("\ud800" <= sign <= "\udfff" for sign in name):
            raise InputError(f"{name.encode('utf-8', 'backslashreplace').decode()}: the name of this file is not UTF-8; rename it")


def write_ledger(path: Path, ledger: Ledger) -> Path:
    """Write whole, with all columns. Raises DiskError."""
    text, ends = io.StringIO(), any("\r" in name for name, _ in ledger.rows)
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", quoting=csv.QUOTE_ALL if ends else csv.QUOTE_MINIMAL)
    writer.writeheader()
    writer.writerows({"file": name, **rights.plain()} for name, rights in ledger.rows)
    return write_text(path, text.getvalue())


def _plain(name: str) -> str:
    """A name as all systems may have meant it."""
    return unicodedata.normalize("NFC", name).replace("\\", "/")


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")
