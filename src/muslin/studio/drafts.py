"""Drawing for people: designs as PNG files with their recipes, and sheets. Streams: thousands take no more memory than a few."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from muslin.base.errors import SettingError
from muslin.base.events import Event, Finished, Note, Saved, Step, last_of
from muslin.base.files import file_word, make_folder, write_bytes
from muslin.base.image import resize
from muslin.export.sheets import contact_sheet, encode_sheet
from muslin.gan.generators import BLOCK as BATCH
from muslin.gan.generators import Loaded
from muslin.metrics.originality import Index
from muslin.provenance.recipe import BLOCK, Recipe
from muslin.studio.blocks import Blocks, open_blocks, pieces_told, told_of
from muslin.studio.cook import as_picture, draft_recipe, draw_each, drawn_anew, made_up
from muslin.studio.places import Place, keep, overview_at, place_for
from muslin.studio.screening import first_new, known_index

_SHEET, _SHOWN, _LARGE = (
    100,
    256,
    512,
)  # designs on a sheet; px of one that was drawn anew; px of one that is made up where no size is named


def first_drafts(generator: Loaded, count: int, psi: float = 0.8) -> list[Tensor]:
    """The drafts of seeds 0 ... count, classes in turn: always the same ones, so that sheets can be compared."""
    classes = max(generator.network.classes, 1)
    return list(generator.draw_many(range(count), [seed % classes for seed in range(count)], psi))


def generate(
    generator: Loaded, seeds: list[int], classes: tuple[str, ...], psi: float, out: Path, size: int = 0, on: str = "", vouched_by: str = ""
) -> Iterator[Event]:
    """One PNG with its recipe for each seed (its class by the seed's number), and a sheet for each hundred.

    `size`: px at which each is drawn anew (`cook.drawn_anew`); 0: as the generator gives it. `on`: blocks that each is made up on
    (`blocks.open_blocks`; at 512 px where no size is named), `vouched_by` whom for their rights. Raises InputError and SettingError.
    """
    if not 0 <= psi <= 2:
        raise SettingError(f"truncation={psi}: should be 0 to 2")
    labels = [generator.label(name) for name in classes] or list(range(max(generator.network.classes, 1)))
    began, shown, names, sheets, places = time.monotonic(), list[Tensor](), list[str](), list[Path](), list[Place]()
    size = size or (_LARGE if on not in ("", "none") else 0)
    recipes = [draft_recipe(generator, seed, labels[seed % len(labels)], psi, size) for seed in seeds]
    blocks = None if on in ("", "none") else (yield from last_of(open_blocks(on, vouched_by)))
    index = None if blocks is None else known_index(generator)
    make_folder(out)
    kinds = [(recipe.generator or {}).get("class", "garment") for recipe in recipes]
    files = [out / f"{file_word(kind)}-{seed:06d}.png" for kind, seed in zip(kinds, seeds, strict=True)]
    yield Step("draw", 0, len(seeds))
    for number, picture in enumerate(draw_each(generator, recipes), 1):
        recipes[number - 1], made = _large(picture, recipes[number - 1], size, blocks, index)
        places.append(place_for(files[number - 1], recipes[number - 1]))
        keep(places[-1], made, recipes[number - 1], dpi=300 if size else 72)
        shown.append(resize(made, _SHOWN, _SHOWN) if size else made)  # a hundred of print size would not fit
        names.append(f"{kinds[number - 1]} {seeds[number - 1]}")
        if len(shown) == _SHEET or number == len(seeds):
            sheet = contact_sheet(shown, columns=10, side=_SHOWN if size else 128, captions=names)
            path = overview_at(out / "sheet.png", sheets)
            sheets.append(write_bytes(path, encode_sheet(sheet, recipes[number - len(shown) : number])))
            yield Saved(path)
            shown, names = [], []
        if number % BATCH == 0 or number == len(seeds) or size:
            yield Step("draw", number, len(seeds))
    if notes := [place.note for place in places if place.note]:
        yield Note(notes[0] + (f"; {len(notes) - 1} more files likewise" if len(notes) > 1 else ""))
    yield from told_of(blocks, sum(BLOCK in recipe.settings for recipe in recipes), len(recipes)) if blocks else ()
    yield Finished(sheets[0], time.monotonic() - began)


def _large(picture: Tensor, recipe: Recipe, size: int, blocks: Blocks | None, index: Index | None) -> tuple[Recipe, Tensor]:
    """A draft made up where there are blocks and one fits, else drawn anew, or as it is with size 0; no copy of what is in `index` where another block helps."""
    # the seed alone decides which block, so that it is always the same design
    found = first_new(blocks.patterns(as_picture(picture), recipe.garment, size, recipe.seed), index) if blocks else None
    if blocks is None or found is None:
        return recipe, drawn_anew(picture, size)
    recipe = made_up(recipe, size, found[0])
    return replace(recipe, made=recipe.made | blocks.cleared.told() | pieces_told(found[1]) | found[2]), found[1].pixels
