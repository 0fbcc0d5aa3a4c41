"""How the garments of an archive are built, as their pictures are read: a pieces.txt to correct and put into the archive, and sheets to look at.

Rows that are there already stay as they are, the archive's own before those in the folder, so that a stopped work goes on and corrections are kept.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base import contours
from muslin.base.errors import InputError, MuslinError
from muslin.base.events import Event, Finished, Note, Refused, Saved, Step
from muslin.base.files import make_folder, read_bytes, write_bytes, write_text
from muslin.base.image import encode_png, open_image, resize
from muslin.data.loader import source_of, square
from muslin.data.sources import PIECES, Item
from muslin.data.traces import CLOSED, Trace, curved, from_table, from_text, to_text
from muslin.export.sheets import contact_sheet
from muslin.studio.blocks import rows_of
from muslin.style.blocks import at_most, read_block
from muslin.style.reading import READ

_SHEET, _COLUMNS, _SIDE, _OFTEN = 24, 6, 320, 20  # pictures a sheet, of how many pixels; after so many the file is written
_OF = "# how the garments are built of "  # the first line of a table
_PALE = 0.45  # how much of a garment's own picture is left behind the lines
_COLOURS = {  # of the lines: RGB, 0 to 1
    "collar": (0.85, 0.0, 0.75), "inside": (0.8, 0.0, 0.0), "front": (0.9, 0.4, 0.0), "waist": (0.0, 0.55, 0.0), "yoke": (0.0, 0.55, 0.0),
    "band": (0.0, 0.55, 0.0), "cuff": (0.45, 0.0, 0.9), "pocket": (0.0, 0.1, 0.9), "button": (0.8, 0.0, 0.0), "folded": (0.75, 0.55, 0.1),
    "stitch": (0.0, 0.5, 0.85),
}  # fmt: skip
_OTHERS = (0.35, 0.5, 0.0)  # ribs


def pieces(archive: str, out: Path) -> Iterator[Event]:
    """OUT/pieces.txt with a row for each garment of a folder or zip that is seen on a plain ground, and sheets of them with their pieces drawn on.

    What is in the archive's own pieces.txt is kept, and what is in OUT's. Raises InputError where the archive shows no garment, OUT lies in it, or holds another's.
    """
    started, source, table = time.monotonic(), source_of(archive), out / PIECES
    if Path(archive).is_dir() and Path(archive).resolve() in (out.resolve(), *out.resolve().parents):
        raise InputError(f"{out}: lies in {archive}, where its sheets would be taken for garments; name another folder with --out")
    rows = _kept(table, source.name)
    own = yield from rows_of(source)
    names = {item.name for item in source.items}
    rows = {name: text for name, text in (rows | own).items() if name in names}
    make_folder(out)
    sheets, new, first = _Sheets(out), 0, ""
    for number, item in enumerate(source.items, 1):
        known = item.name in rows
        try:
            picture, rows[item.name] = _read(item, rows.get(item.name))
        except MuslinError as failure:
            first = first or str(failure)
            yield Refused(item.name, str(failure))
            continue
        new += not known
        if not known and new % _OFTEN == 0:
            write_text(table, _text(rows, source.name))
        yield from sheets.add(drawn_on(picture, from_text(rows[item.name])), Path(item.name).name)
        yield Step("pieces", number, len(source.items))
    if not rows:
        raise InputError(f"{source.name}: none of its {len(source.items)} pictures could be read; the first: {first}")
    yield Saved(write_text(table, _text(rows, source.name)))
    yield from sheets.end()
    yield Note(
        f"{new:,} read, {len(rows) - new:,} kept as they were; correct {PIECES} and put it into {source.name}, and --blocks builds on it"
    )
    yield Finished(table, time.monotonic() - started)


class _Sheets:
    """Sheets of `_SHEET` pictures each, written as they are full."""

    def __init__(self, out: Path) -> None:
        self.out, self.count, self.pictures, self.names = out, 0, list[Tensor](), list[str]()

    def add(self, picture: Tensor, name: str) -> Iterator[Event]:
        self.pictures.append(picture)
        self.names.append(name)
        if len(self.pictures) == _SHEET:
            yield from self.end()

    def end(self) -> Iterator[Event]:
        if self.pictures:
            self.count += 1
            sheet = contact_sheet(self.pictures, columns=_COLUMNS, side=_SIDE, captions=self.names)
            yield Saved(write_bytes(self.out / f"pieces-{self.count:02d}.png", encode_png(sheet, dpi=96)))
        self.pictures, self.names = [], []


def _kept(table: Path, archive: str) -> dict[str, str]:
    """The rows of OUT's pieces.txt. Raises InputError where it says that it is of another archive."""
    if not table.exists():
        return {}
    content = read_bytes(table)
    head = content.decode("utf-8", "replace").partition("\n")[0]
    if head.startswith(_OF) and head != _OF + archive:
        raise InputError(f"{table}: is of {head.removeprefix(_OF)}, not of {archive}; name another folder with --out")
    return from_table(content, str(table))


def _read(item: Item, known: str | None) -> tuple[Float[Tensor, "3 s s"], str]:
    """The picture in a square, and its pieces. Raises InputError where no garment is seen, or its name is none for a table."""
    if not item.name.isprintable():
        raise InputError(f"{item.name!r}: has signs in its name that cannot stand in {PIECES}; rename it")
    block = open_image(item.content(), item.name)
    if known is not None:
        return square(at_most(block, READ).pixels), known
    picture, traces = read_block(block)
    if traces is None:
        raise InputError(
            f"{item.name}: no garment found on a plain ground; cut it out (a PNG with transparency) or photograph it on one colour"
        )
    return picture, to_text(traces)


def _text(rows: dict[str, str], archive: str) -> str:
    return f"{_OF}{archive}\n" + "".join(f"{name}\t{text}\n" for name, text in sorted(rows.items()))


def drawn_on(picture: Float[Tensor, "3 s s"], traces: list[Trace]) -> Float[Tensor, "3 t t"]:
    """A picture, paled, with its pieces in colours."""
    side = 2 * _SIDE
    seen = 1 - _PALE * (1 - resize(picture, side, side))
    for trace in traces:
        by, ink = side / 1000, torch.zeros(side, side)
        if trace.kind == "button":
            for place in trace.points * by:
                ink = contours.stroke(torch.stack([place, place + 0.5]), 9.0, ink)
        else:
            points = trace.points if trace.kind in CLOSED else curved(trace.points)
            ink = contours.stroke((torch.cat([points, points[:1]]) if trace.kind in CLOSED else points) * by, 3.0, ink)
        colour = 2 * torch.tensor(_COLOURS.get(trace.kind, _OTHERS))[:, None, None] - 1
        seen = torch.lerp(seen, colour.expand_as(seen), ink)
    return seen
