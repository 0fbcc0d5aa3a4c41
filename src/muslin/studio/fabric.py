"""Seamless repeats of styles at print size: a file for the printer, a 3 x 3 proof, and what the seam is like.

Cooked from a recipe like every other picture, so that `muslin remake` makes it again.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from muslin.base.config import as_dict, from_dict
from muslin.base.errors import InputError, MuslinError, SettingError
from muslin.base.events import Event, Finished, Note, Refused, Saved, Step, Warned
from muslin.base.files import make_folder, room_for, write_bytes
from muslin.base.image import MAX_PIXELS, encode_png
from muslin.base.machine import free_memory
from muslin.base.tiff import encode_tiff
from muslin.export.sheets import encode_sheet
from muslin.provenance.recipe import Recipe, now, tools
from muslin.studio.places import Place, cut, overview_at, place_for
from muslin.studio.styles import Style, clear_styling
from muslin.style.configs import Repeat
from muslin.style.inks import colourways, find_inks, from_hex, name_of, recolour, to_hex
from muslin.style.repeats import Tile, make_tile, proof, resize_unit

_SIDE = 16_384  # pixels
_TILES = {"half-drop": 2, "brick": 2, "mirror": 4}  # in a unit
_SOURCE = "algorithmicallyEnhanced"  # IPTC: a picture changed by a program, nothing generated
_CM, _DPI = (0.5, 10_000), (30, 2400)  # what may be asked for
_BYTES = 48  # of memory for a pixel while a unit is made
_NAME = 180  # bytes of a file's name, before its inks
_LEAST = 4  # pixels of a tile's side
_SHOWS = 1.1  # a seam score above this can be seen
_COARSE = 100  # dots an inch of the picture's own below which a print looks soft


@dataclass(frozen=True)
class FabricConfig:
    """How a style's picture becomes cloth by the metre."""

    repeat: Repeat = "straight"
    cm: float = 20.0  # width of one tile on the cloth
    dpi: float = 300.0
    even: float = 1.0  # how much of uneven light in the photograph is taken out, 0 to 1
    inks: tuple[str, ...] = ()  # #rrggbb, 2 to 16 of them; none: the style's own colours


def fabric(
    styles: list[Style],
    out: Path,
    config: FabricConfig | None = None,
    form: Literal["png", "tiff"] = "png",
    ways: int = 1,
    rights: str = "",
) -> Iterator[Event]:
    """For each style, in `ways` colourways, NAME.png (or .tiff, 16 bits) and NAME-proof.png in the folder `out`.

    Raises, before anything is written, SettingError for sizes beyond this machine and InputError for rights that nobody vouches for. A style
    that cannot be made, a narrow one that would be too long say, is a `Refused` event and the others go on; InputError when none could be.
    """
    config, started = config or FabricConfig(), time.monotonic()
    check(config, ways)
    told = clear_styling(styles, [], rights).told()
    make_folder(out)
    jobs = [(style, inks) for style in styles for inks in _ways(style, config, ways)]
    room_for(out, len(jobs) * round(config.cm / 2.54 * config.dpi) ** 2 * _TILES.get(config.repeat, 1) * (6 if form == "tiff" else 3))
    path, made, reasons = out, 0, list[str]()
    yield Step("fabric", 0, len(jobs), made=0)
    for number, (style, inks) in enumerate(jobs, 1):
        recipe = fabric_recipe(style, one := replace(config, inks=inks), told)
        path = (place := place_for(out / f"{_stem(style, one)}.{form}", recipe)).path
        try:
            if not (place.there and _proof(path).exists()):
                yield from _one(place, style, one, recipe, form)
                made += not place.there
        except MuslinError as failure:
            if len(jobs) == 1:
                raise
            reasons.append(str(failure))
            yield Refused(style.name, str(failure))
        yield Step("fabric", number, len(jobs), made=made)
    if len(reasons) == len(jobs):
        raise InputError(f"none of {len(jobs)} could be made; the first: {reasons[0]}")
    yield Finished(path if len(jobs) == 1 else out, time.monotonic() - started)


def _stem(style: Style, config: FabricConfig) -> str:
    return f"{cut(style.name, _NAME)}-{config.repeat}" + (f"-{name_of(config.inks)}" if config.inks else "")


def _one(place: Place, style: Style, config: FabricConfig, recipe: Recipe, form: Literal["png", "tiff"]) -> Iterator[Event]:
    if place.note:
        yield Note(place.note)
    tile, pixels = cook_fabric(style, config)
    path = place.path if place.there else _write(place.path, pixels, recipe, form)  # what is there may be signed
    yield Saved(path)
    yield Saved(write_bytes(overview_at(_proof(path)), encode_sheet(proof(tile), [recipe], 150)))
    yield from _told(style, config, path, tile, pixels)


def _proof(path: Path) -> Path:
    return path.with_name(f"{path.stem}{path.suffix.replace('.', '-') if path.suffix != '.png' else ''}-proof.png")


def _told(style: Style, config: FabricConfig, path: Path, tile: Tile, pixels: Tensor) -> Iterator[Event]:
    rows, columns = pixels.shape[1:]
    size = f"{columns} x {rows} px, {columns / config.dpi * 2.54:.1f} x {rows / config.dpi * 2.54:.1f} cm"
    cut = tile.pixels.shape[2] / tile.across  # of the picture's width
    like = f"; motifs as with --as print --repeat-cm {config.cm * style.pixels.shape[2] / cut:.3g}"
    yield Note(f"{path.name}: {size}, seam {tile.seam:.2f}{like}")
    if tile.seam > _SHOWS:
        yield Warned(f"{style.name}: a seam may show ({tile.seam:.2f}); try --repeat mirror, or a larger cut of the cloth")
    if (own := cut / (config.cm / 2.54)) < min(_COARSE, config.dpi):
        yield Warned(
            f"{style.name}: the picture has {own:.0f} dots an inch of its own at {config.cm:g} cm; for {config.dpi:g} it is enlarged"
        )


def check(config: FabricConfig, ways: int = 1) -> None:
    """Raises SettingError for values out of range, and for sizes that would not fit, with what would."""
    for name, value, least, most in (
        ("cm", config.cm, *_CM), ("dpi", config.dpi, *_DPI), ("even", config.even, 0, 1), ("colourways", ways, 1, 24),
    ):  # fmt: skip
        if not least <= value <= most:
            raise SettingError(f"{name}={value:g}: should be {least:g} to {most:g}")
    if config.inks and not 2 <= len(config.inks) <= 16:
        raise SettingError(f"a palette has 2 to 16 inks; {len(config.inks)} given")
    side = round(config.cm / 2.54 * config.dpi) * (2 if config.repeat in _TILES else 1)
    pixels = round(config.cm / 2.54 * config.dpi) ** 2 * _TILES.get(config.repeat, 1)
    most = min(MAX_PIXELS, free_memory() // _BYTES)
    if side > _SIDE or pixels > most:
        fits = min(_SIDE / side, (most / pixels) ** 0.5) * 0.95
        raise SettingError(
            f"{config.cm:g} cm at {config.dpi:g} dpi, {config.repeat}, is up to {side:,} px a side and needs about {pixels * _BYTES / 1e9:.1f} GB of "
            f"memory ({pixels / 1e6:,.0f} million pixels; the limit is {MAX_PIXELS / 1e6:.0f}); "
            f"here {_fitting(config, fits)} would fit"
        )


def _fitting(config: FabricConfig, share: float) -> str:
    """The dpi and the width that would do, as far as they may be asked for."""
    words = [
        (f"--dpi {int(config.dpi * share)}", config.dpi * share >= _DPI[0]),
        (f"--cm {config.cm * share:.3g}", config.cm * share >= _CM[0]),
    ]
    return " or ".join(word for word, may in words if may) or f"--dpi {_DPI[0]} with --cm {config.cm * share * config.dpi / _DPI[0]:.3g}"


def cook_fabric(style: Style, config: FabricConfig) -> tuple[Tile, Float[Tensor, "3 h w"]]:
    """The tile at the picture's own size, and the unit at print size. Raises SettingError where that is too small to show it."""
    tile = make_tile(style.pixels, config.repeat, config.even)
    if config.inks:  # after the joining, so that all colourways are cut alike
        wanted = from_hex(config.inks)
        tile = replace(tile, pixels=recolour(tile.pixels, find_inks(style.pixels, len(wanted)), wanted))
    columns = round(config.cm / 2.54 * config.dpi) * tile.across
    rows = round(columns * tile.pixels.shape[1] / tile.pixels.shape[2])
    if min(rows // tile.down, columns // tile.across) < _LEAST:
        raise SettingError(
            f"{style.row['file']}: one tile of {config.cm:g} cm at {config.dpi:g} dpi would be {columns // tile.across} x {max(1, rows // tile.down)} px, "
            f"and {_LEAST} px a side are needed; give a larger --cm or --dpi"
        )
    if max(rows, columns) > _SIDE or rows * columns > min(MAX_PIXELS, free_memory() // _BYTES):
        raise SettingError(
            f"{style.row['file']}: {config.cm:g} cm at {config.dpi:g} dpi would be {columns:,} x {rows:,} px, and need about "
            f"{rows * columns * _BYTES / 1e9:.1f} GB of memory; give a smaller --cm or --dpi, or cut the picture to a less narrow part"
        )
    return tile, resize_unit(tile.pixels, rows, columns)


def fabric_recipe(style: Style, config: FabricConfig, told: dict[str, str] | None = None) -> Recipe:
    """The recipe of a repeat. `told`: who vouched for rights."""
    licence = {style.row["file"]: style.row["licence"]}
    return Recipe(
        "fabric",
        styles=[style.weighted(1.0)],
        settings=as_dict(config),
        made_with=tools(),
        licence=licence,
        source_type=_SOURCE,
        made=now(**(told or {})),
    )


def from_recipe(recipe: Recipe, style: Style) -> Float[Tensor, "3 h w"]:
    """The unit of a recipe at print size."""
    return cook_fabric(style, from_dict(FabricConfig, recipe.settings))[1]


def _ways(style: Style, config: FabricConfig, ways: int) -> list[tuple[str, ...]]:
    if ways == 1:
        return [config.inks]
    own = from_hex(config.inks) if config.inks else find_inks(style.pixels, 5)
    return [config.inks, *(to_hex(inks) for inks in colourways(own, ways)[1:])]


def _write(path: Path, pixels: Tensor, recipe: Recipe, form: Literal["png", "tiff"]) -> Path:
    dpi = float(recipe.settings.get("dpi", 300))
    if form == "tiff":
        return write_bytes(path, encode_tiff(pixels, dpi, recipe.plain(), recipe.xmp()))
    return write_bytes(path, encode_png(pixels, dpi=dpi, text=recipe.text()))
