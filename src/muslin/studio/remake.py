"""Make a picture again from the recipe inside it, and say whether it is the same, bit for bit."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.events import Event, Finished, Note, Saved, Step, Warned
from muslin.base.files import make_folder, read_bytes, write_bytes
from muslin.base.image import encode_png, open_image, to_bytes
from muslin.base.packets import kind_of
from muslin.base.tiff import encode_tiff
from muslin.provenance.recipe import Recipe, read_recipe, tools
from muslin.studio.cook import anew, cook
from muslin.studio.places import place_for
from muslin.style.dress import Dressed
from muslin.style.optimise import Progress

SAME = "the same, bit for bit"


def remake(
    file: Path, target: Path | None = None, generator: str | None = None, look_in: list[Path] | None = None, size: int = 0
) -> Iterator[Event]:
    """Remake `file` into `target` (default: NAME.remade.png beside it) and compare the pixels.

    With a `size` a design is drawn anew at that many px instead (`cook.anew`; default: NAME.SIZEpx.png). Pictures that the recipe names by
    hash are looked for among the shipped ones, beside `file`, here, and in `look_in`. Raises InputError when there is no recipe or an
    ingredient is missing, and SettingError for a size out of range.
    """
    recipe, target = read_recipe(file), target or file.with_name(f"{file.stem}.{f'{size}px' if size else 'remade'}.png")
    recipe = anew(recipe, size) if size else recipe
    if target.suffix.lower() != ".png":
        raise InputError(f"{target}: a picture is made again as PNG; name a .png")
    if target.exists() and target.samefile(file):
        raise InputError(f"{file}: would be written over by what it is compared with; name another file")
    now = tools(recipe.runtime)
    if recipe.made_with != now and not size:
        told = ", ".join(f"{key} {recipe.made_with.get(key)} then, {now[key]} now" for key in now if recipe.made_with.get(key) != now[key])
        yield Warned(f"made with other tools ({told}): the picture may differ by a hair")
    result: Tensor | None = None
    for event in remade(recipe, generator, [file.parent, Path(), *(look_in or [])]):
        if isinstance(event, Step):
            yield event
        else:
            result = event
    assert result is not None
    make_folder(target.parent)
    before, place = read_bytes(file), place_for(target, recipe)
    target = place.path
    same = place.there and compared(result, read_bytes(target), target.name) == SAME
    yield Saved(target if same else write_bytes(target, encode_png(result, dpi=_dots(recipe), text=recipe.text())))  # it may be signed
    if place.note:
        yield Note(place.note)
    yield Note(f"drawn anew at {size} px" if size else compared(result, before, file.name))
    yield Finished(target, 0.0)


def remade(recipe: Recipe, generator: str | None, places: list[Path]) -> Iterator[Step | Tensor]:
    """Cook a recipe again: steps, and last the picture. Raises InputError when an ingredient is missing."""
    for news in cook(recipe, generator, places):
        if isinstance(news, Progress):
            yield Step("remake", news.done, news.total, news.losses)
        else:
            yield news.pixels if isinstance(news, Dressed) else news


def _dots(recipe: Recipe) -> float:
    return (
        float(recipe.settings.get("dpi", 300)) if recipe.kind == "fabric" else 300.0 if recipe.kind == "look" or recipe.settings else 72.0
    )


def compared(result: Tensor, content: bytes, name: str) -> str:
    """In words: whether a picture made again is that of a file, in the form that the file has (a TIFF's 16 bits are read as 8)."""
    as_file = open_image(encode_tiff(result, 300), name).pixels if kind_of(content) == "image/tiff" else result
    return compare(to_bytes(as_file), to_bytes(open_image(content, name).pixels))


def compare(ours: Tensor, theirs: Tensor) -> str:
    """In words: the same pixels, or by how much they differ."""
    theirs = theirs[: len(ours)]
    if ours.shape != theirs.shape:
        return f"differs: {tuple(ours.shape)} now, {tuple(theirs.shape)} in the file; was it cropped or resized?"
    away = (ours.int() - theirs.int()).abs()
    if not bool(away.any()):
        return SAME
    return f"differs in {float((away > 0).float().mean()):.2%} of the values, by {int(torch.max(away))} of 255 at most"
