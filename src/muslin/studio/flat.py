"""Flat sketches of pictures: for each, layers of curves as SVG and the same drawing as PNG; of several, a sheet to compare by.

The mask is the file's own transparency or what stands on a plain ground. The SVG keeps the recipe of the picture it was drawn from.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from torch import Tensor

from muslin.base.errors import InputError, MuslinError, naming
from muslin.base.events import Event, Finished, Note, Refused, Saved, Step
from muslin.base.files import make_folder, read_bytes, write_bytes, write_text
from muslin.base.image import Picture, encode_png, open_image, resize
from muslin.data.ground import cut_out, find_mask
from muslin.data.loader import within
from muslin.data.panels import find_panels
from muslin.data.traces import Trace, from_square, from_text, layout
from muslin.export.flat import Flat, FlatConfig, check, draw, make_flat, to_svg
from muslin.export.sheets import contact_sheet, encode_sheet
from muslin.provenance.recipe import Recipe, find_recipe, mark_text, pieces_in
from muslin.studio.pieces import built_of, stale_rows
from muslin.studio.places import find_pictures, overview_at
from muslin.studio.styles import clear_styling
from muslin.style.enlarge import enlarge
from muslin.style.reading import read_traces

__all__ = ["FlatConfig", "flat", "flat_of"]

_DRAFT, _ENLARGED, _LARGEST = 200, 512, 1024  # px: smaller is enlarged, larger is made smaller first
_SHARP = 0.25  # lower than is usual, so that a light motif at the garment's edge is no bite in its outline
_SIDE = 1600  # px of the PNG's longer side
_FEW = 2  # pieces of a photograph that is read, at least
_SHOWN = 100  # pictures on the sheet
_Made = tuple[Path, Recipe | None, Tensor, Tensor]  # file, its recipe, the picture, the drawing


def flat(files: list[Path], out: Path, config: FlatConfig | None = None, rights: str = "") -> Iterator[Event]:
    """For each picture (folders: their pictures) NAME.flat.svg and NAME.flat.png in the folder `out`; of several, sheet.png.

    A picture that cannot be drawn is a `Refused` event and the others go on. Raises SettingError and, for a path that is
    not there or not cleared (docs/rights.md; `rights`: who vouches), InputError before anything is written, and InputError when nothing
    could be drawn.
    """
    started, config = time.monotonic(), config or FlatConfig()
    check(config)
    found = find_sources(files)
    vouched = clear_styling([], found, rights).told().get("rights", "")
    make_folder(out)
    yield from stale_rows(found)
    made, reasons, path = list[_Made](), list[str](), out
    for number, (file, name) in enumerate(zip(found, names(found), strict=True), 1):
        try:
            drawing, pixels = flat_of(file, config)
        except MuslinError as failure:
            if len(found) == 1:
                raise
            reasons.append(str(failure))
            yield Refused(str(file), str(failure))
            continue
        recipe, ink = find_recipe(file), draw(drawing, _SIDE)
        told = (recipe.plain(), recipe.xmp()) if recipe else ("", "")
        text = to_svg(drawing, file.stem, *told, rights=vouched)
        path = _free(out / f"{name}.flat.svg", text)
        yield Saved(write_text(path, text))
        dpi = _SIDE / max(drawing.width, drawing.height) * 25.4
        yield Saved(write_bytes(path.with_suffix(".png"), encode_png(ink, dpi=dpi, text=mark_text(recipe.mark()) if recipe else None)))
        yield Note(f"{path.name}: {len(drawing.seams)} seams, {len(drawing.details)} details, {drawing.nodes} nodes")
        if len(made) < _SHOWN:
            made.append((file, recipe, resize(pixels, *_small(pixels)), resize(ink, *_small(ink))))
        yield Step("flat", number, len(found), {"nodes": drawing.nodes})
    if not made:
        raise InputError(f"none of {len(found)} could be drawn; the first: {reasons[0]}")
    if len(found) > 1:
        path = write_bytes(overview_at(out / "sheet.png"), _sheet(made))
        yield Saved(path)
    yield Finished(path, time.monotonic() - started)


def flat_of(file: Path, config: FlatConfig, told: str | None = None) -> tuple[Flat, Tensor]:
    """The flat of a picture file, and the picture as it was looked at; drawn from its pieces, as `told` or in its recipe. Raises InputError that names the file."""
    picture = open_image(file)
    pixels, mask, grain = _read(picture)
    if mask is None:
        raise InputError(f"{file}: no garment found on a plain ground; cut it out (a PNG with transparency) or photograph it on one colour")
    recipe = None if told is not None else find_recipe(file)
    if recipe is not None:
        told = pieces_in(vars(recipe), *picture.pixels.shape[1:])
    photo = grain == 1 and (recipe is None or recipe.kind not in ("draft", "edit"))
    with naming(file):
        told = built_of(file) if told is None and recipe is None else told
        built = None if told is None else from_square(from_text(told), *pixels.shape[1:])
        traces = built if built is not None else _read_off(pixels, mask) if photo else None
    if traces is None:
        return make_flat(pixels, mask, config, grain), pixels
    lies = layout(traces, mask)
    return make_flat(pixels, mask, config, grain, replace(lies, panels=find_panels(mask) + lies.panels)), pixels


def _read_off(pixels: Tensor, mask: Tensor) -> list[Trace] | None:
    """A photograph's pieces as they are seen; None where hardly any are, as of shoes: then its lines are looked for."""
    traces = read_traces(pixels, mask)
    return traces if len(traces) >= _FEW else None


def find_sources(files: list[Path]) -> list[Path]:
    """Pictures to draw; what this and other commands leave in folders (sheets, flats) is passed over, unless named."""
    made = [path for path in find_pictures(files) if path in files or not (path.name == "sheet.png" or path.stem.endswith(".flat"))]
    if not made:
        raise InputError(f"{files[0]}: only sheets and flats in this folder; name the pictures to draw")
    return list(dict.fromkeys(made))


def names(files: list[Path]) -> list[str]:
    """The files' names without their ends; those that are there already (whatever their case) get a number."""
    made: list[str] = []
    for file in files:
        name, number, used = file.stem, 1, {other.lower() for other in made}
        while name.lower() in used:
            number += 1
            name = f"{file.stem}-{number}"
        made.append(name)
    return made


def _free(path: Path, text: str) -> Path:
    """`path`, or NAME-2.flat.svg ...: the first that is free, its PNG too, or holds this very drawing. A flat is drawn on by hand."""
    name = path.name.removesuffix(".flat.svg")
    for number in count(1):
        here = path if number == 1 else path.with_name(f"{name}-{number}.flat.svg")
        if read_bytes(here) == text.encode() if here.exists() else not here.with_suffix(".png").exists():
            return here
    raise AssertionError  # numbers do not end


def _read(picture: Picture) -> tuple[Tensor, Tensor | None, float]:
    """The picture at a size to look at, the garment's mask, and how many pixels one of the file's covers."""
    pixels, alpha = picture.pixels, _usable(picture.alpha)
    largest = max(pixels.shape[1:])
    if largest < _DRAFT:
        grain = _ENLARGED / largest
        large, mask = enlarge(pixels, _ENLARGED)
        if alpha is not None:
            mask = resize(alpha, *large.shape[1:]).clamp(0, 1)
        return large, mask, grain
    if largest > _LARGEST:
        pixels, alpha = within(pixels, _LARGEST), None if alpha is None else within(alpha, _LARGEST).clamp(0, 1)
    return pixels, find_mask(pixels, _SHARP) if alpha is None else alpha, 1.0


def _usable(alpha: Tensor | None) -> Tensor | None:
    """Transparency that cuts something out; a veil over the whole picture, or nothing at all, tells no shape."""
    return cut_out(alpha) if alpha is not None and float((alpha > 0.5).float().mean()) >= 0.01 else None


def _small(pixels: Tensor) -> tuple[int, int]:
    factor = 300 / max(pixels.shape[1:])
    return max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[2] * factor))


def _sheet(made: list[_Made]) -> bytes:
    both = [picture for _, _, pixels, ink in made for picture in (pixels, ink)]
    captions = [caption for file, *_ in made for caption in (file.name, "flat")]
    sheet = contact_sheet(both, columns=2 * math.ceil(math.sqrt(len(made) * 0.65)), side=300, captions=captions)
    recipes = [recipe for _, recipe, _, _ in made if recipe]
    return encode_sheet(sheet, recipes, 150, beside=len(recipes) < len(made))
