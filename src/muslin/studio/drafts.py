"""Drawing for people: designs as PNG files with their recipes, and sheets. Streams: thousands take no more memory than a few."""

import time
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from muslin.base.errors import InputError, SettingError
from muslin.base.events import Event, Finished, Saved, Step
from muslin.base.files import make_folder, write_bytes
from muslin.base.image import encode_png
from muslin.export.sheets import contact_sheet, encode_sheet
from muslin.gan.generators import BLOCK, Loaded
from muslin.provenance.recipe import find_recipe
from muslin.studio.cook import draft_recipe, draw_each

_SHEET = 100


def first_drafts(generator: Loaded, count: int, psi: float = 0.8) -> list[Tensor]:
    """The drafts of seeds 0 ... count, classes in turn: always the same ones, so that sheets can be compared."""
    classes = max(generator.network.classes, 1)
    return list(generator.draw_many(range(count), [seed % classes for seed in range(count)], psi))


def generate(generator: Loaded, seeds: list[int], classes: tuple[str, ...], psi: float, out: Path) -> Iterator[Event]:
    """One PNG with its recipe for each seed (classes in turn), and a sheet for each hundred. Raises InputError and SettingError."""
    if not 0 <= psi <= 2:
        raise SettingError(f"truncation={psi}: should be 0 to 2")
    labels = [generator.label(name) for name in classes] or list(range(max(generator.network.classes, 1)))
    make_folder(out)
    began, shown, names = time.monotonic(), list[Tensor](), list[str]()
    recipes = [draft_recipe(generator, seed, labels[place % len(labels)], psi) for place, seed in enumerate(seeds)]
    kinds = [(recipe.generator or {}).get("class", "garment") for recipe in recipes]
    paths = [out / f"{kind}-{seed:06d}.png" for kind, seed in zip(kinds, seeds, strict=True)]
    _spare_others(paths, generator)
    yield Step("draw", 0, len(seeds))
    for number, (recipe, picture) in enumerate(zip(recipes, draw_each(generator, recipes), strict=True), 1):
        write_bytes(paths[number - 1], encode_png(picture, dpi=72, text=recipe.text()))
        shown.append(picture)
        names.append(f"{kinds[number - 1]} {seeds[number - 1]}")
        if len(shown) == _SHEET or number == len(seeds):
            sheet = contact_sheet(shown, columns=10, side=128, captions=names)
            last = "" if number <= _SHEET else f"-{(number - 1) // _SHEET + 1}"
            yield Saved(write_bytes(out / f"sheet{last}.png", encode_sheet(sheet, recipes[number - len(shown) : number])))
            shown, names = [], []
        if number % BLOCK == 0 or number == len(seeds):
            yield Step("draw", number, len(seeds))
    yield Finished(out / "sheet.png", time.monotonic() - began)


def _spare_others(paths: list[Path], generator: Loaded) -> None:
    """Raises InputError where a draft would be written over a picture that is not a draft of this generator."""
    for path in paths:
        if not path.exists():
            continue
        recipe = find_recipe(path)
        if recipe is None or recipe.kind != "draft" or (recipe.generator or {}).get("sha256") != generator.sha256:
            whose = f"a draft of {recipe.generator['name']}" if recipe and recipe.generator else "not a draft of Muslin's"
            raise InputError(f"{path}: is there, and is {whose}, not of {generator.name}; name another folder with --out")
