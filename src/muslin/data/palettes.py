"""Palettes of inks from files: Adobe Swatch Exchange (.ase), GIMP (.gpl), and .csv with hex or r, g, b columns. Text and bytes only.

CMYK swatches are turned into RGB by the plain formula: without the printer's profile they are a guess, and said to be one.
"""

import csv
import io
import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from muslin.base.errors import InputError
from muslin.base.files import read_bytes

_HEX = re.compile(r"#?([0-9a-fA-F]{6})$")
_MISTYPED = re.compile(r"#[0-9a-fA-F]{1,8}$")  # too few or too many digits; other rows that begin with # are remarks


@dataclass(frozen=True)
class Ink:
    """A colour as `#rrggbb` (sRGB), its name in the file, and whether its RGB is a guess (CMYK)."""

    colour: str
    name: str = ""
    guessed: bool = False


def read_palette(path: Path, least: int = 2, most: int = 16) -> list[Ink]:
    """The inks in the file's order. Raises InputError: unknown form, cut short, fewer than `least` or more than `most` inks."""
    content, kind = read_bytes(path), path.suffix.lower()
    if kind == ".ase":
        inks = _ase(content, path)
    elif kind in (".gpl", ".csv", ".txt"):
        text = content.decode("utf-8-sig", errors="replace")
        inks = _gpl(text) if kind == ".gpl" else _csv(text, path)
    else:
        raise InputError(f"{path}: palettes are .ase, .gpl or .csv files")
    unique = list({ink.colour: ink for ink in inks}.values())
    if not least <= len(unique) <= most:
        raise InputError(f"{path}: {len(unique)} inks found; a palette has {least} to {most}")
    return unique


def _gpl(text: str) -> list[Ink]:
    inks = []
    for line in text.splitlines():
        found = re.match(r"\s*(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})\s*(.*)$", line)
        if found and all(int(part) < 256 for part in found.groups()[:3]):
            red, green, blue = (int(part) for part in found.groups()[:3])
            inks.append(Ink(f"#{red:02x}{green:02x}{blue:02x}", found.group(4).strip()))
    return inks


def _csv(text: str, path: Path) -> list[Ink]:
    inks = []
    try:
        rows = list(csv.reader(io.StringIO(text, newline=None)))  # old Macs end lines with CR
    except csv.Error as failure:
        raise InputError(f"{path}: is no table ({failure}); write an ink a line, as #rrggbb or r, g, b from 0 to 255") from failure
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in row if cell.strip()]
        where = f"{path}: row {number} ({', '.join(cells)[:40]})"
        if ink := _row(cells, where):
            inks.append(ink)
        elif cells and (_MISTYPED.match(cells[0]) or (not cells[0].startswith("#") and (number > 1 or any(map(_a_figure, cells))))):
            raise InputError(f"{where} is no ink; write #rrggbb or r, g, b from 0 to 255")
    return inks


def _row(cells: list[str], where: str) -> Ink | None:
    """One line's ink: three numbers of 0 to 255, or the one cell of six hex digits: that with a #, else the one that is no mere number."""
    marked, bare = [[cell for cell in cells if _HEX.match(cell) and cell.startswith("#") == sign] for sign in (True, False)]
    numbers = [int(cell) for cell in cells if cell.isdecimal() and int(cell) < 256]
    words = [cell for cell in cells if not cell.isdecimal()]
    if len(numbers) == 3 and not marked:
        return Ink("#{:02x}{:02x}{:02x}".format(*numbers), words[0] if words else "")
    hexes = marked or [cell for cell in bare if not cell.isdecimal()] or bare
    if len(hexes) > 1:
        raise InputError(f"{where} has several colours; write one a line, with # before its hex digits")
    if not hexes or len(cells) > 2 + len(numbers):
        return None
    names = [cell for cell in words if cell != hexes[0]]
    return Ink(f"#{hexes[0].removeprefix('#').lower()}", names[0] if names else "")


def _a_figure(cell: str) -> bool:
    """Whether a cell of the first line speaks against its being the names of columns."""
    return cell.isdecimal() or _HEX.match(cell) is not None


def _ase(content: bytes, path: Path) -> list[Ink]:
    """Adobe Swatch Exchange, version 1: big-endian blocks; colours are floats."""
    if content[:4] != b"ASEF":
        raise InputError(f"{path}: not an Adobe Swatch Exchange file (it does not begin with ASEF)")
    try:
        (count,) = struct.unpack_from(">I", content, 8)
        place, inks = 12, list[Ink]()
        for _ in range(count):
            kind, length = struct.unpack_from(">HI", content, place)
            if kind == 0x0001:
                inks.append(_swatch(content[place + 6 : place + 6 + length]))
            place += 6 + length
    except (struct.error, KeyError, UnicodeDecodeError) as failure:
        raise InputError(f"{path}: damaged or cut short ({failure}); export it again") from failure
    return inks


def _swatch(block: bytes) -> Ink:
    (letters,) = struct.unpack_from(">H", block)
    name = block[2 : 2 + 2 * letters].decode("utf-16-be").rstrip("\0")
    place = 2 + 2 * letters
    model = block[place : place + 4].decode("ascii")
    values = struct.unpack_from(f">{ {'RGB ': 3, 'CMYK': 4, 'LAB ': 3, 'Gray': 1}[model] }f", block, place + 4)
    if not all(math.isfinite(value) for value in values):
        raise struct.error(f"the swatch '{name}' has values that are no numbers")
    red, green, blue = _MODELS[model](*values)
    colour = "".join(f"{round(min(max(part, 0), 1) * 255):02x}" for part in (red, green, blue))
    return Ink(f"#{colour}", name, model == "CMYK")


def _from_cmyk(cyan: float, magenta: float, yellow: float, black: float) -> tuple[float, float, float]:
    return (1 - cyan) * (1 - black), (1 - magenta) * (1 - black), (1 - yellow) * (1 - black)


def _from_lab(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    """CIE L*a*b* (D50; L as 0 ... 1) to sRGB by the Bradford-adapted matrix."""
    fy = (lightness * 100 + 16) / 116
    x, y, z = (
        white * (f**3 if f**3 > 216 / 24389 else (116 * f - 16) / 903.3)
        for white, f in ((0.9642, fy + a / 500), (1.0, fy), (0.8249, fy - b / 200))
    )
    linear = (
        3.1339 * x - 1.6169 * y - 0.4906 * z,
        -0.9785 * x + 1.9160 * y + 0.0333 * z,
        0.0720 * x - 0.2290 * y + 1.4057 * z,
    )
    red, green, blue = (12.92 * c if c <= 0.0031308 else 1.055 * max(c, 0) ** (1 / 2.4) - 0.055 for c in linear)
    return red, green, blue


_MODELS: dict[str, Callable[..., tuple[float, float, float]]] = {
    "RGB ": lambda red, green, blue: (red, green, blue),
    "CMYK": _from_cmyk,
    "LAB ": _from_lab,
    "Gray": lambda grey: (grey, grey, grey),
}
