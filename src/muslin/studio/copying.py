"""Copies of a picture in other formats, with its recipe inside or, for the public, without: only the mark that a machine made it.

A copy is encoded anew, so credentials do not come along: copy first, sign last.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from muslin.base.errors import InputError, SettingError
from muslin.base.events import Event, Finished, Note, Saved
from muslin.base.files import make_folder, read_bytes, write_bytes
from muslin.base.image import Picture, encode_jpeg, encode_png, encode_webp, open_image
from muslin.base.packets import JPEG_MOST
from muslin.base.tiff import decode_tiff, encode_tiff
from muslin.provenance.keys import no_keys, watermark_key
from muslin.provenance.recipe import Recipe, mark_text, read_marks
from muslin.provenance.watermark import LEAST, embed
from muslin.provenance.xmp import Mark, build

_DPI = 72.0  # of files that do not say


def copy(file: Path, out: Path, clean: bool = False, quality: int = 90, watermark: bool = False) -> Iterator[Event]:
    """Write `file` to `out`, in the format of its suffix; `clean` leaves recipe, seed, settings, hand and parents out, never the mark.

    `watermark` also puts the studio's invisible mark into the pixels, so that they are not those of the recipe any more. Raises InputError for pictures that Muslin did not mark, SettingError for other suffixes and qualities.
    """
    started = time.monotonic()
    write = _WRITERS.get(out.suffix.lower())
    if write is None:
        raise SettingError(f"{out}: copies are written as {', '.join(_WRITERS)}; choose one of these suffixes")
    if not 1 <= quality <= 100:
        raise SettingError(f"quality={quality}: should be 1 to 100")
    if out.exists() and file.exists() and out.samefile(file):
        raise InputError(f"{out}: is the picture itself; choose another name")
    if out.exists():
        _may_go(out)
    recipe, mark = marks_of(read_bytes(file), str(file))
    kept = None if clean else recipe
    mark = replace((recipe.clean_mark() if clean else recipe.mark()) if recipe else mark, recipe="", signed="")
    picture = _whole(file) if write is _tiff else open_image(file)
    picture = _watermarked(picture, file) if watermark else picture
    content = write(picture, kept, mark, quality)
    make_folder(out.parent)
    yield Saved(write_bytes(out, content))
    yield Note(f"{out.name}: {'recipe and mark' if kept else 'the mark alone'} inside ({mark.source})")
    if picture.alpha is not None and write not in (_png, _webp):
        yield Note("transparent places were laid on white")
    yield Finished(out, time.monotonic() - started)


def _may_go(out: Path) -> None:
    """Raises InputError where a file that would be written over is none that Muslin wrote."""
    try:
        marks_of(read_bytes(out), str(out))
    except InputError as failure:
        raise InputError(f"{out}: is there and was not written by Muslin; choose another name") from failure


def marks_of(content: bytes, name: str) -> tuple[Recipe | None, Mark]:
    """Recipe, where there is one, and mark of a picture that Muslin wrote. Raises InputError for all others."""
    recipe, mark = read_marks(content, name)
    mark = recipe.mark() if recipe else mark
    if mark is None:
        raise InputError(f"{name}: carries neither a recipe nor an AI mark; this is for pictures that Muslin wrote")
    return recipe, mark


def _whole(file: Path) -> Picture:
    """The picture; of a 16-bit TIFF of ours all levels, where others are read as 8 bits."""
    fine = decode_tiff(read_bytes(file))
    return open_image(file) if fine is None else replace(open_image(file), pixels=fine)


def _watermarked(picture: Picture, file: Path) -> Picture:
    key = watermark_key()
    if not key:
        raise no_keys()
    height, width = picture.pixels.shape[1:]
    if min(height, width) < LEAST:
        raise InputError(f"{file}: {width} x {height} px is too small to hold a watermark; {LEAST} a side is the least")
    return replace(picture, pixels=embed(picture.pixels, key))


def _png(picture: Picture, recipe: Recipe | None, mark: Mark, quality: int) -> bytes:
    return encode_png(picture.pixels, picture.alpha, picture.dpi or _DPI, recipe.text() if recipe else mark_text(mark))


def _tiff(picture: Picture, recipe: Recipe | None, mark: Mark, quality: int) -> bytes:
    return encode_tiff(picture.pixels, picture.dpi or _DPI, recipe.plain() if recipe else "", build(mark))


def _jpeg(picture: Picture, recipe: Recipe | None, mark: Mark, quality: int) -> bytes:
    packet = recipe.xmp(whole=True) if recipe else build(mark)
    if len(packet.encode()) > JPEG_MOST:
        raise InputError(f"the recipe is too long for a JPEG ({len(packet.encode()):,} bytes of {JPEG_MOST:,}); use .webp, .png or --clean")
    return encode_jpeg(picture.pixels, quality, picture.dpi or _DPI, packet)


def _webp(picture: Picture, recipe: Recipe | None, mark: Mark, quality: int) -> bytes:
    packet = recipe.xmp(whole=True) if recipe else build(mark)
    return encode_webp(picture.pixels, picture.alpha, quality, picture.dpi or _DPI, packet)


_WRITERS: dict[str, Callable[[Picture, Recipe | None, Mark, int], bytes]] = {
    ".png": _png, ".jpg": _jpeg, ".jpeg": _jpeg, ".webp": _webp, ".tif": _tiff, ".tiff": _tiff,
}  # fmt: skip
