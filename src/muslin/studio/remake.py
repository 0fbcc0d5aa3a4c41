"""Make a picture again from the recipe inside it, and say whether it is the same, bit for bit."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.events import Event, Finished, Note, Saved, Step, Warned, last_of
from muslin.base.files import make_folder, read_bytes, write_bytes
from muslin.base.image import encode_png, open_image, to_bytes
from muslin.base.packets import kind_of
from muslin.base.tiff import encode_tiff
from muslin.provenance.recipe import ANEW, BLOCK, Recipe, bare, read_recipe, tools
from muslin.studio.blocks import open_blocks, pieces_told
from muslin.studio.cook import anew, as_picture, cook, made_up, rebuilt
from muslin.studio.latents import seeds_of
from muslin.studio.places import place_for
from muslin.style.dress import Dressed
from muslin.style.optimise import Progress

_LARGE = 512  # px of a design that is made up where no size is named
SAME = "the same, bit for bit"


def remake(
    file: Path, target: Path | None = None, generator: str | None = None, look_in: list[Path] | None = None, size: int = 0,
    on: str = "", vouched_by: str = "",
) -> Iterator[Event]:  # fmt: skip
    """Remake `file` into `target` (default: NAME.remade.png beside it) and compare the pixels.

    With a `size` a design is drawn anew at that many px instead (`cook.anew`; default: NAME.SIZEpx.png). Pictures that the recipe names by
    hash are looked for among the shipped ones, beside `file`, here, and in `look_in`. `on`: blocks that the design is made up on then
    (`blocks.open_blocks`), instead of its own if it has one; `none`: on none. Raises InputError when there is no recipe or an
    ingredient is missing, and SettingError for a size out of range.
    """
    size = size or (_LARGE if on else 0)
    recipe, target = _asked(file, size, on), target or file.with_name(f"{file.stem}.{f'{size}px' if size else 'remade'}.png")
    if target.suffix.lower() != ".png":
        raise InputError(f"{target}: a picture is made again as PNG; name a .png")
    if target.exists() and target.samefile(file):
        raise InputError(f"{file}: would be written over by what it is compared with; name another file")
    now = tools(recipe.runtime)
    if recipe.made_with != now and not size:
        told = ", ".join(f"{key} {recipe.made_with.get(key)} then, {now[key]} now" for key in now if recipe.made_with.get(key) != now[key])
        yield Warned(f"made with other tools ({told}): the picture may differ by a hair")
    result, places = None, [file.parent, Path(), *(look_in or [])]
    if on not in ("", "none"):
        recipe, places = (yield from _on_a_block(recipe, generator, places, on, vouched_by)), [*places, Path(on)]
    recipe = rebuilt(recipe, generator, places) if size and not on else recipe
    for event in remade(recipe, generator, places):
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
    yield Note(f"{'made up' if BLOCK in recipe.settings else 'drawn anew'} at {size} px" if size else compared(result, before, file.name))
    yield Finished(target, 0.0)


def _asked(file: Path, size: int, on: str) -> Recipe:
    """The recipe of what is to be made: the file's, or that of its design at another size, without its block where another is asked for."""
    recipe = read_recipe(file)
    if on and recipe.kind not in ("draft", "edit"):
        raise InputError(f"{file}: is a {recipe.kind}; --blocks makes a design up: name that (designs/ in a lookbook), and dress it again")
    return anew(bare(recipe) if on else recipe, size) if size else recipe


def _on_a_block(recipe: Recipe, generator: str | None, places: list[Path], on: str, vouched_by: str) -> Generator[Event, None, Recipe]:
    """The recipe of the same design made up on the block that fits it best. Raises InputError where none does."""
    blocks = yield from last_of(open_blocks(on, vouched_by))
    *_, draft = cook(replace(recipe, settings={}), generator, places)
    assert blocks is not None and isinstance(draft, Tensor)
    size = int(recipe.settings[ANEW])
    row, pattern = next(blocks.patterns(as_picture(draft), recipe.garment, size, next(seeds_of(recipe), 0)), (None, None))
    if row is None:
        raise InputError(
            f"{blocks.source.name}: no block fits this design; it is made up where it is 48 to 128 px of cloth on a plain ground"
        )
    made = made_up(recipe, size, row)
    return replace(made, made=made.made | blocks.cleared.told() | pieces_told(pattern))


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
