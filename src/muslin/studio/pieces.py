"""How the garments of an archive are built, as their pictures are read: a pieces.txt to correct and put into the archive, and sheets to look at.

Rows that are in the file already stay as they are, so that a stopped work goes on and corrections are kept.
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
from muslin.base.image import Picture, encode_png, open_image, resize
from muslin.data.loader import padded, source_of, square
from muslin.data.sources import PIECES, Item
from muslin.data.traces import CLOSED, Trace, curved, from_table, from_text, to_text
from muslin.export.sheets import contact_sheet
from muslin.style.blocks import at_most, outline_of
from muslin.style.reading import READ, read_traces

_SHEET, _COLUMNS, _SIDE, _OFTEN = 24, 6, 320, 20  # pictures a sheet, of how many pixels; after so many the file is written
_PALE = 0.45  # how much of a garment's own picture is left behind the lines
_COLOURS = {  # of the lines: RGB, 0 to 1
    "collar": (0.85, 0.0, 0.75), "inside": (0.8, 0.0, 0.0), "front": (0.9, 0.4, 0.0), "waist": (0.0, 0.55, 0.0), "yoke": (0.0, 0.55, 0.0),
    "band": (0.0, 0.55, 0.0), "cuff": (0.45, 0.0, 0.9), "pocket": (0.0, 0.1, 0.9), "button": (0.8, 0.0, 0.0), "folded": (0.75, 0.55, 0.1),
    "stitch": (0.0, 0.5, 0.85),
}  # fmt: skip
_OTHERS = (0.35, 0.5, 0.0)  # ribs


def pieces(archive: str, out: Path) -> Iterator[Event]:
    """OUT/pieces.txt with a row for each garment of a folder or zip that is seen on a plain ground, and sheets of them with their pieces drawn on.

    What is in pieces.txt already, there or in the archive, is kept. Raises InputError where the archive shows no garment.
    """
    started, source, table = time.monotonic(), source_of(archive), out / PIECES
    rows = from_table(source.pieces(), f"{source.name}/{PIECES}") if source.pieces else {}
    rows |= from_table(read_bytes(table), str(table)) if table.exists() else {}
    make_folder(out)
    sheet, shown, new, first = list[Tensor](), list[str](), 0, ""
    for number, item in enumerate(source.items, 1):
        try:
            known = item.name in rows
            picture, rows[item.name] = _read(item, rows.get(item.name))
        except MuslinError as failure:
            first = first or str(failure)
            yield Refused(item.name, str(failure))
            continue
        new += not known
        sheet.append(drawn_on(picture, from_text(rows[item.name])))
        shown.append(Path(item.name).name)
        if new and new % _OFTEN == 0:
            write_text(table, _text(rows))
        if len(sheet) == _SHEET:
            yield Saved(_write(sheet, shown, out, number))
            sheet, shown = [], []
        yield Step("pieces", number, len(source.items))
    if not rows:
        raise InputError(f"{source.name}: none of its {len(source.items)} pictures could be read; the first: {first}")
    if sheet:
        yield Saved(_write(sheet, shown, out, len(source.items)))
    yield Saved(write_text(table, _text(rows)))
    yield Note(
        f"{new:,} read, {len(rows) - new:,} kept as they were; correct {PIECES} and put it into {source.name}, and --blocks builds on it"
    )
    yield Finished(table, time.monotonic() - started)


def _read(item: Item, known: str | None) -> tuple[Float[Tensor, "3 s s"], str]:
    """The picture in a square, and its pieces. Raises InputError where no garment is seen."""
    shown: Picture = at_most(open_image(item.content(), item.name), READ)
    picture = square(shown.pixels)
    if known is not None:
        return picture, known
    mask = outline_of(shown)
    if mask is None or not bool((mask > 0.5).any()):
        raise InputError(
            f"{item.name}: no garment found on a plain ground; cut it out (a PNG with transparency) or photograph it on one colour"
        )
    return picture, to_text(read_traces(picture, padded(mask)))


def _text(rows: dict[str, str]) -> str:
    return "".join(f"{name}\t{text}\n" for name, text in sorted(rows.items()))


def _write(pictures: list[Tensor], names: list[str], out: Path, number: int) -> Path:
    sheet = contact_sheet(pictures, columns=_COLUMNS, side=_SIDE, captions=names)
    return write_bytes(out / f"pieces-{-(-number // _SHEET):02d}.png", encode_png(sheet, dpi=96))


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
