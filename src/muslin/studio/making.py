"""Chosen designs on their way from draft to look: made up on blocks where some fit, kept as files, ready to be dressed.

Patterns stay in memory as far as there is room; the others are made up again when their looks are dressed. Knows no styles.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.events import Event, Step
from muslin.base.image import open_image
from muslin.metrics.originality import Finding, Index
from muslin.provenance.recipe import ANEW, BLOCK, PIECES, Recipe, read_recipe
from muslin.studio.blocks import Blocks, made_on, pieces_told, told_of
from muslin.studio.cook import as_picture, made_up
from muslin.studio.places import Place, keep, place_for
from muslin.studio.screening import compared, told
from muslin.style.blocks import Pattern

_HELD = 1_000_000_000  # bytes of patterns in memory


@dataclass
class Design:
    """One that was chosen: its name, recipe and draft, how new it is, and, once it is kept, where its file is."""

    name: str
    recipe: Recipe
    draft: Float[Tensor, "c s s"]
    finding: Finding | None = None
    path: Path = Path()
    held: Pattern | None = None  # what was made of it, where there was room

    def worn(self, blocks: Blocks | None) -> tuple[Float[Tensor, "3 h w"], Float[Tensor, "1 h w"] | None]:
        """The picture that is dressed, and its garment's mask where it was made up. Raises InputError where its block changed meanwhile."""
        row = self.recipe.settings.get(BLOCK)
        if row is None or blocks is None:
            return as_picture(self.draft), None
        made = self.held or made_on(as_picture(self.draft), blocks.picture(row), row, self.recipe.settings[ANEW])
        if made is None:
            raise InputError(f"{row['file']}: this block changed meanwhile; start again")
        return made.pixels, made.mask


def keep_all(
    designs: list[Design], blocks: Blocks | None, size: int, index: Index | None, folder: Path, kept: list[Place]
) -> Iterator[Event]:
    """Each design as a file in `folder`, made up at `size` px where there are blocks, each on another one where it can be, and none that
    is then a copy of what is in `index`. `kept` gets their places."""
    done, room = 0, _HELD // (16 * size**2)
    for number, item in enumerate(designs, 1):
        place = _made(item, blocks, size, index, folder) if blocks else None
        done += place is not None
        if place is None:
            place = place_for(folder / f"{item.name}.png", item.recipe)
            keep(place, item.draft, item.recipe)
        item.path = place.path
        item.held = item.held if number <= room else None
        kept.append(place)
        if blocks:
            yield Step("make up", number, len(designs))
    yield from told_of(blocks, done, len(designs)) if blocks else ()


def _made(item: Design, blocks: Blocks, size: int, index: Index | None, folder: Path) -> Place | None:
    """A design on the best block that does not make a copy of it, as a file; one that is there already is not made again. None where no block fits."""
    fitting = [made_up(item.recipe, size, row) for row in blocks.fits(as_picture(item.draft), item.recipe.garment, item.recipe.seed)]
    found = [(recipe, place_for(folder / f"{item.name}.png", recipe)) for recipe in fitting]
    # what is there goes first: another number of threads may order blocks that fit equally well otherwise
    for recipe, place in sorted(found, key=lambda one: not one[1].there):
        row = recipe.settings[BLOCK]
        known = {PIECES: kept.made[PIECES]} if place.there and PIECES in (kept := read_recipe(place.path)).made else {}
        again = not place.there or (PIECES in row and not known)
        made = made_on(as_picture(item.draft), blocks.picture(row), row, size) if again else None
        if made is None and not place.there:
            continue
        pixels = open_image(place.path).pixels if made is None else made.pixels
        finding = None if index is None else compared(pixels, index)
        if finding is None or finding.verdict != "copy":
            blocks.take(row)
            news: dict[str, Any] = (
                blocks.cleared.told() | (known or pieces_told(made)) | (told(finding, index) if finding and index else {})
            )
            item.recipe, item.finding, item.held = replace(recipe, made=recipe.made | news), finding, made
            keep(place, pixels, item.recipe, dpi=300)
            return place
    return None
