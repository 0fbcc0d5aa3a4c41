"""How the garments of an archive are built, as their pictures are read: a pieces.txt to correct and put into the archive, and sheets to look at.

Rows that are there already stay as they are, the archive's own before those in the folder, so that a stopped work goes on and corrections are kept. Pictures of the archive are dressed
and drawn by them (`built_of`).
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base import contours
from muslin.base.errors import InputError, MuslinError
from muslin.base.events import Event, Finished, Note, Refused, Saved, Step, Warned
from muslin.base.files import make_folder, read_bytes, sha256, write_bytes, write_text
from muslin.base.image import encode_png, open_image, resize
from muslin.data.loader import source_of, square
from muslin.data.sources import PIECES, Item, Source
from muslin.data.traces import CLOSED, DIGITS, Row, Trace, curved, from_table, from_text, remarks_in, to_table, to_text
from muslin.export.sheets import contact_sheet
from muslin.studio.blocks import rows_of
from muslin.style.blocks import at_most, read_block
from muslin.style.reading import READ

_SHEET, _COLUMNS, _SIDE, _OFTEN = 24, 6, 320, 20  # pictures a sheet, of how many pixels; after so many the file is written
_ABOVE = 4  # folders that a picture's row is looked for in: its own and those above
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
    kept, remarks = _kept(table, source)
    own = yield from rows_of(source)
    names = {item.name for item in source.items}
    rows = {name: row for name, row in (own | kept).items() if name in names}
    make_folder(out)
    sheets, new, first = _Sheets(out), 0, ""
    for number, item in enumerate(source.items, 1):
        known = list(dict.fromkeys(told[item.name] for told in (own, kept) if item.name in told))
        try:
            picture, rows[item.name], read = _read(item, known)
        except MuslinError as failure:
            first = first or str(failure)
            yield Refused(item.name, str(failure))
            continue
        new += read
        if read and known:
            remarks += "".join(f"# was {item.name}\t{row.text}\n" for row in known)
            yield Warned(
                f"{item.name}: has another content than its row in {PIECES} was of; read anew, the old row stands there as a remark"
            )
        if read and new % _OFTEN == 0:
            write_text(table, remarks + to_table(rows))
        yield from sheets.add(drawn_on(picture, from_text(rows[item.name].text)), Path(item.name).name)
        yield Step("pieces", number, len(source.items))
    if not rows:
        raise InputError(f"{source.name}: none of its {len(source.items)} pictures could be read; the first: {first}")
    yield Saved(write_text(table, remarks + to_table(rows)))
    yield from sheets.end()
    yield Note(
        f"{new:,} read, {len(rows) - new:,} kept as they were; correct {PIECES} and put it into {source.name}: its garments are dressed and built on so"
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


def _kept(table: Path, source: Source) -> tuple[dict[str, Row], str]:
    """The rows of OUT's pieces.txt, and its remarks and the archive's own, the first of which says whose it is. Raises InputError where that is another archive."""
    whose, where = _OF + source.name, f"{source.name}/{PIECES}"
    content = read_bytes(table) if table.exists() else b""
    remarks = remarks_in(content, str(table)) + (remarks_in(source.pieces(), where) if source.pieces else [])
    if other := [line for line in remarks_in(content, str(table)) if line.startswith(_OF) and line != whose]:
        raise InputError(f"{table}: is of {other[0].removeprefix(_OF)}, not of {source.name}; name another folder with --out")
    kept = [line for line in dict.fromkeys(remarks) if not line.startswith(_OF)]
    return from_table(content, str(table)), "".join(f"{line}\n" for line in (whose, *kept))


def _read(item: Item, known: list[Row]) -> tuple[Float[Tensor, "3 s s"], Row, bool]:
    """The picture in a square, its pieces, and whether they were read: the first of the rows that are known of these bytes is kept.

    Raises InputError where no garment is seen, or the picture's name is none for a table.
    """
    if not item.name.isprintable() or item.name.startswith("#"):
        raise InputError(f"{item.name!r}: has signs in its name that cannot stand in {PIECES}; rename it")
    content = item.content()
    block, digest = open_image(content, item.name), sha256(content)[:DIGITS]
    if (row := next((row for row in known if row.of(content)), None)) is not None:
        return square(at_most(block, READ).pixels), replace(row, digest=digest), False
    picture, traces = read_block(block)
    if traces is None:
        raise InputError(
            f"{item.name}: no garment found on a plain ground; cut it out (a PNG with transparency) or photograph it on one colour"
        )
    return picture, Row(to_text(traces), digest), True


def built_of(file: Path) -> str | None:
    """What a pieces.txt tells of a picture file, as `to_text` writes it: one in its folder, or in one of the three above, under the picture's name from there; None where that
    was of other bytes. Raises InputError where its line is no row.
    """
    row = _row_beside(file)
    return to_text(from_text(row.text)) if row is not None and row.of(read_bytes(file)) else None


def stale_rows(files: Sequence[Path]) -> Iterator[Event]:
    """Tells of pictures whose row in a pieces.txt was of other bytes and is not read."""
    stale = list[Path]()
    for file in files:
        with suppress(InputError):  # a row that is none is told where its picture's turn comes
            if (row := _row_beside(file)) is not None and not row.of(read_bytes(file)):
                stale.append(file)
    if stale:
        yield Warned(
            f"{PIECES}: {len(stale):,} of its rows are of other pictures than those that have the names now, and are not read; the first: {stale[0]}; "
            "`muslin pieces` reads them anew"
        )


def _row_beside(file: Path) -> Row | None:
    for folder in file.absolute().parents[:_ABOVE]:
        table, name = folder / PIECES, file.absolute().relative_to(folder).as_posix()
        if table.is_file() and (row := from_table(_utf8(table), str(table), name).get(name)) is not None:
            return row
    return None


def _utf8(table: Path) -> bytes:
    """A file's bytes; of one that is no text in UTF-8, which is none of ours, what can be read."""
    return read_bytes(table).decode("utf-8", "replace").encode()


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
