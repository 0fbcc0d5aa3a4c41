"""Dressed pictures in a folder, judged from their files: what each was made on and of is found by its recipe, then measured.

The figures are those of `style.measure`, as `muslin style --report` writes them. Lays out no page (`looks_page`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from muslin.assets import STYLES
from muslin.base.config import from_dict
from muslin.base.errors import InputError, naming
from muslin.base.files import read_bytes, sha256
from muslin.base.image import open_image
from muslin.provenance.recipe import Recipe, block_of, find_recipe
from muslin.studio.blocks import find_block
from muslin.studio.cook import dressed_on
from muslin.studio.dressing import figures_of
from muslin.studio.places import find_pictures
from muslin.studio.styles import Style, find_file
from muslin.style.canvas import canvas
from muslin.style.configs import StyleConfig

Row = dict[str, Any]


@dataclass(frozen=True)
class Pantry:
    """Where the pictures that recipes name are looked for (with the folders inside), and the generator of drafts (none: a shipped one)."""

    places: tuple[Path, ...]
    generator: str | None = None

    @property
    def inside(self) -> list[Path]:
        """The folders in the places: one for each kind of garment, as training sets have them."""
        return [path for place in self.places if place.is_dir() for path in sorted(place.iterdir()) if path.is_dir()]

    def around(self, look: "Look") -> list[Path]:
        """Where a look's ingredients are looked for, beside it first."""
        return [look.path.parent, Path(), *self.places, *self.inside]

    def check(self, look: "Look") -> None:
        """Raises InputError for the first of a look's pictures that is not here; a design that is not is drawn again."""
        content = [] if look.recipe.parents else [(look.recipe.content, "content")]
        rows = [*content, (look.recipe.mask, "mask"), *((row, "style") for row in look.recipe.styles)]
        for row, what in rows:
            if row:
                find_file(row, [STYLES, *self.around(look)], what)
        if block := block_of(look.recipe):
            find_block(block, self.around(look))

    def kind(self, look: "Look") -> str:
        """The class of a look's garment: of a draft its recipe's, of a photo the name of the folder inside a place that holds it, or empty."""
        if look.kind or not look.recipe.content:
            return look.kind
        try:
            return find_file(look.recipe.content, self.inside, "content").parent.name
        except InputError:
            return ""


@dataclass(frozen=True)
class Look:
    """A dressed picture's file, its SHA-256 and its recipe."""

    path: Path
    digest: str
    recipe: Recipe

    @property
    def garment(self) -> str:
        """What it was made on: the picture's name without its end, or the draft's generator and seed."""
        if self.recipe.content:
            return Path(str(self.recipe.content["file"])).stem
        return " ".join(str((self.recipe.generator or {}).get(part, "")) for part in ("name", "seed"))

    @property
    def kind(self) -> str:
        """The class of the design that it was made on; empty for a photo, whose recipe tells none."""
        rows = (self.recipe.generator, *(parent.get("generator") for parent in self.recipe.parents))
        return next((str(row["class"]) for row in rows if row and "class" in row), "")

    @property
    def style(self) -> str:
        """Its styles' names."""
        return " + ".join(Path(str(row["file"])).stem for row in self.recipe.styles)

    @property
    def pair(self) -> tuple[str, str]:
        """What a look of the same garment in the same styles, made in another way, has in common with it."""
        base = self.recipe.content["sha256"] if self.recipe.content else f"{self.garment} {block_of(self.recipe).get('sha256', '')}"
        return str(base), " ".join(f"{row['sha256']}={row.get('weight', 1)}" for row in self.recipe.styles)

    @property
    def config(self) -> StyleConfig:
        """The settings it was made by."""
        return from_dict(StyleConfig, self.recipe.settings)


def find_looks(folder: Path) -> tuple[list[Look], list[str]]:
    """The looks in a folder by name, and the names of the other pictures. Raises InputError where there is no look at all."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name the one that `muslin style` has filled (its --out)")
    files = find_pictures([folder])
    recipes = [(path, find_recipe(path)) for path in files]
    looks = [Look(path, sha256(read_bytes(path)), recipe) for path, recipe in recipes if recipe is not None and recipe.kind == "look"]
    if not looks:
        raise InputError(
            f"{folder}: none of its {len(files)} pictures carries the recipe of a look; name the folder that `muslin style` has filled, "
            "or, to evaluate a generator, what it learned from with --data"
        )
    known = {look.path for look in looks}
    return looks, [path.name for path in files if path not in known]


def materials(look: Look, pantry: Pantry) -> tuple[Float[Tensor, "3 s t"], Float[Tensor, "1 s t"] | None, list[tuple[Style, float]]]:
    """What a look was made on at its own size, the mask, and the styles with their weights. Raises InputError for what is not here."""
    with naming(look.path):
        picture, styles, mask = dressed_on(look.recipe, pantry.generator, pantry.around(look))
    content, found = canvas(picture, look.config, mask)
    return content, found, [(style, float(row.get("weight", 1))) for style, row in zip(styles, look.recipe.styles, strict=True)]


def judged(look: Look, pantry: Pantry) -> Row:
    """The figures of a look, and `before`: how far the garment was from the style before it was dressed. Raises InputError."""
    content, mask, group = materials(look, pantry)
    result = open_image(look.path).pixels
    if result.shape != content.shape:
        sizes = [f"{picture.shape[2]} x {picture.shape[1]}" for picture in (result, content)]
        raise InputError(f"{look.path}: is {sizes[0]} px, its recipe makes {sizes[1]}; it was cropped or resized since")
    figures = figures_of(result, content, mask, group, look.config)
    before = figures_of(content, content, mask, group, look.config)["style"]
    row: Row = {"file": look.path.name, "sha256": look.digest, "garment": look.garment, "style": look.style}
    return row | {"size": look.config.size, "before": before, "figures": figures}


def partners(ours: Sequence[Look], theirs: Sequence[Look]) -> list[tuple[int, int]]:
    """Places of looks of the same garment in the same styles; of several (colourways) the first with the first, by their names."""
    waiting: dict[tuple[str, str], list[int]] = {}
    for place, look in enumerate(theirs):
        waiting.setdefault(look.pair, []).append(place)
    return [(place, waiting[look.pair].pop(0)) for place, look in enumerate(ours) if waiting.get(look.pair)]
