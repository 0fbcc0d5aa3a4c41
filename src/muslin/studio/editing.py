"""The designer's hand: slide, mix, vary, change the kind, walk. Each result is a PNG with its recipe, whose parents are inside.

A design is named by its seed, or by a PNG that Muslin drew (its recipe leads to the latent). Knows no pixels of photographs: those
come in through `studio.bringing`.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import count as counting
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from muslin.base.errors import InputError, SettingError
from muslin.base.events import Event, Finished, Note, Saved, Step
from muslin.base.files import file_word, make_folder, write_bytes
from muslin.base.film import write_film
from muslin.base.image import from_bytes, resize, to_bytes
from muslin.export.sheets import contact_sheet, encode_sheet
from muslin.gan.generators import Loaded
from muslin.gan.latent import GROUPS, style_based
from muslin.provenance.recipe import Recipe, bare, from_plain, read_recipe, together, told_cut
from muslin.provenance.xmp import build
from muslin.studio.cook import draft_recipe, draw
from muslin.studio.latents import Design, design_of, draw_design, edited, pack, seeds_of
from muslin.studio.places import cut, keep, overview_at, place_for
from muslin.studio.sliders import Slider, load_sliders, slid

_CLOSE, _SURPRISE = 0.0, 1.0
_NAME = 100  # bytes


@dataclass(frozen=True)
class Source:
    """How designs are named: seeds are drawn with this class and truncation."""

    generator: Loaded
    kind: str = ""
    truncation: float = 0.7

    def __post_init__(self) -> None:
        if not 0 <= self.truncation <= 2:
            raise SettingError(f"truncation={self.truncation}: should be 0 to 2")
        if self.kind:
            self.generator.label(self.kind)

    def design(self, name: str) -> Design:
        """A seed, or a PNG with a recipe of this generator. Raises InputError."""
        style_based(self.generator)
        if name.isdecimal():
            label = self.generator.label(self.kind) if self.kind else int(name) % max(self.generator.network.classes, 1)
            return design_of(self.generator, draft_recipe(self.generator, int(name), label, self.truncation))
        path = Path(name)
        if not path.is_file():
            raise InputError(f"{name}: no seed (a whole number) and no such file")
        try:
            recipe = read_recipe(path)
        except InputError as failure:
            raise InputError(f"{path}: carries no recipe to edit; bring it in with `muslin edit project {path}`") from failure
        if recipe.kind == "look" and recipe.generator and [plain.get("kind") for plain in recipe.parents] == ["draft"]:
            recipe = from_plain(recipe.parents[0])  # of a draft that was made up
        if recipe.kind == "look" and recipe.parents:
            raise InputError(f"{path}: is a dressed look; edit the design under it and dress that again, or `muslin edit project` it")
        return design_of(self.generator, bare(recipe))


def named(name: str) -> str:
    """What a design is called in file names: `12` for a seed, the stem of a file, as far as there is room for what is added to it."""
    return name if name.isdecimal() else cut(Path(name).stem, _NAME)


@dataclass(frozen=True)
class Kept:
    """A design as a file, and its picture."""

    path: Path
    pixels: Tensor


def save_design(path: Path, generator: Loaded, design: Design) -> Generator[Event, None, Kept]:
    """Draw, and write with the recipe at `path`, or beside it where another design has that name (`place_for`); the same one stays, it may be signed. Raises DiskError."""
    one = design.recipe.kind == "draft"  # which has its bits from the blocks that drafts are drawn in
    pixels, place = draw(generator, design.recipe) if one else draw_design(generator, design), place_for(path, design.recipe)
    yield Saved(keep(place, pixels, design.recipe))
    if place.note:
        yield Note(place.note)
    return Kept(place.path, pixels)


def slide(source: Source, name: str, amounts: dict[str, float], out: Path) -> Iterator[Event]:
    """One design with sliders moved; NAME-slide-....png and, beside it, before and after."""
    started, generator, parent = time.monotonic(), source.generator, source.design(name)
    if not amounts:
        raise SettingError(f"which slider? --set NAME=AMOUNT; {generator.name} has {', '.join(load_sliders(generator))}")
    ws = slid(load_sliders(generator), parent.ws, amounts)
    child = edited(generator, [parent], {"do": "slide", "amounts": amounts, "change": pack(ws - parent.ws)})
    make_folder(out)
    words = "-".join(f"{slider}{amount:+g}" for slider, amount in amounts.items())
    after = yield from save_design(out / f"{named(name)}-{cut(words, _NAME)}.png", generator, child)
    yield from _sheet(out, [draw_design(generator, parent), after.pixels], ["before", words], child.recipe)
    yield Finished(after.path, time.monotonic() - started)


def strips(source: Source, names: list[str], out: Path, only: tuple[str, ...] = (), steps: int = 5) -> Iterator[Event]:
    """Every slider from its least to its most on each design: strips-NAME.png. To look at, not to keep: no recipes."""
    started, generator, known = time.monotonic(), source.generator, load_sliders(source.generator)
    chosen = {name: known[name] for name in only if name in known} if only else known
    if only and len(chosen) < len(only):
        slid(known, torch.zeros(1), dict.fromkeys(only, 0.0))  # names the missing one
    designs, paths = [source.design(name) for name in names], list[Path]()
    make_folder(out)
    for number, (name, design) in enumerate(zip(names, designs, strict=True), 1):
        shown, captions = list[Tensor](), list[str]()
        for slider in chosen.values():
            for amount in _steps(slider, steps):
                shown.append(draw_design(generator, Design(slid(known, design.ws, {slider.name: amount}), design.label, design.recipe)))
                captions.append(slider.less if amount == -slider.limit else slider.more if amount == slider.limit else f"{amount:+.1f}")
        sheet = contact_sheet(shown, columns=steps, side=max(128, generator.network.size), gap=8, captions=captions)
        paths.append(write_bytes(overview_at(out / f"strips-{named(name)}.png", paths), encode_sheet(sheet, [design.recipe])))
        yield Saved(paths[-1])
        yield Step("strips", number, len(names))
    yield Finished(paths[0] if len(names) == 1 else out, time.monotonic() - started)


def blend(source: Source, names: list[str], weights: dict[str, list[float]], out: Path) -> Iterator[Event]:
    """Several designs in one: by weights for shape, detail and look. The class is that of the heaviest parent in shape."""
    started, generator, parents = time.monotonic(), source.generator, [source.design(name) for name in names]
    if len(parents) < 2:
        raise InputError("a mix needs two designs or more")
    heaviest = max(range(len(parents)), key=lambda place: weights["shape"][place] if place < len(weights["shape"]) else 0)
    child = edited(generator, parents, {"do": "mix", "weights": weights}, parents[heaviest].label)
    make_folder(out)
    made = yield from save_design(out / f"{cut('+'.join(named(name) for name in names), _NAME)}-mix.png", generator, child)
    yield from _sheet(
        out, [*(draw_design(generator, parent) for parent in parents), made.pixels], [*map(named, names), "mix"], child.recipe
    )
    yield Finished(made.path, time.monotonic() - started)


def equal_weights(count: int, shape: str = "", look: str = "") -> dict[str, list[float]]:
    """Weights by group: even ones, or numbers with commas as given for the shape (and detail) and the look. Raises SettingError."""
    found = {}
    for group, text in zip(GROUPS, (shape, shape, look), strict=True):
        try:
            found[group] = [float(part) for part in text.split(",")] if text else [1.0] * count
        except ValueError:
            raise SettingError(f"weights {text}: write numbers with commas, one for each design") from None
    return found


def vary(source: Source, name: str, distance: float, count: int, seed: int, out: Path) -> Iterator[Event]:
    """`count` neighbours of a design at a distance: 0 the same ... 1 another of its kind. A sheet, the design itself first."""
    started, generator, parent = time.monotonic(), source.generator, source.design(name)
    if not _CLOSE < distance <= _SURPRISE or not 1 <= count <= 1000:
        raise SettingError(f"distance={distance:g}, count={count}: distances go from just above 0 to 1, counts from 1 to 1000")
    make_folder(out)
    with told_cut():
        own = set(seeds_of(parent.recipe))
    shown, captions = [draw_design(generator, parent)], [named(name)]
    towards = islice((other for other in counting(seed) if other not in own), count)  # towards itself lies only the design
    for number, other in enumerate(towards, 1):
        child = edited(generator, [parent], {"do": "vary", "distance": distance, "seed": other})
        kept = yield from save_design(out / f"{named(name)}-near{distance:g}-{other:03d}.png", generator, child)
        shown.append(kept.pixels)
        captions.append(f"{other}")
        yield Step("vary", number, count)
    path = yield from _sheet(out, shown, captions, parent.recipe)
    yield Finished(path, time.monotonic() - started)


def change_class(source: Source, name: str, kinds: tuple[str, ...], out: Path) -> Iterator[Event]:
    """The design as other kinds of garment (none named: all), its look kept."""
    started, generator, parent = time.monotonic(), source.generator, source.design(name)
    if not generator.conditional:
        raise InputError(f"{generator.name}: has one class only")
    shown, captions = [draw_design(generator, parent)], [generator.classes[parent.label]]
    labels = {kind: generator.label(kind) for kind in kinds or generator.classes if kinds or kind != captions[0]}
    make_folder(out)
    for kind, label in labels.items():
        child = edited(generator, [parent], {"do": "class", "from": captions[0]}, label)
        kept = yield from save_design(out / f"{named(name)}-as-{file_word(kind)}.png", generator, child)
        shown.append(kept.pixels)
        captions.append(kind)
    path = yield from _sheet(out, shown, captions, parent.recipe)
    yield Finished(path, time.monotonic() - started)


def walk(source: Source, names: list[str], out: Path, form: str = "gif", frames: int = 24, keep: int = 0) -> Iterator[Event]:
    """From design to design and back to the first: walk.gif (.webp, .mp4), and a strip of the ways; `keep` designs of each way as PNGs."""
    started, generator, stops = time.monotonic(), source.generator, [source.design(name) for name in names]
    if len(stops) < 2 or not 2 <= frames <= 500:
        raise SettingError(f"a walk needs two designs or more (here {len(stops)}) and 2 to 500 frames for each way ({frames})")
    if not 0 <= keep < frames:
        raise SettingError(f"keep={keep}: should be 0 to {frames - 1}, fewer than the frames of a way")
    make_folder(out)
    chosen = {round(number * frames / (keep + 1)) for number in range(1, keep + 1)}
    film, total = list[Tensor](), len(stops) * frames
    for number, (first, last) in enumerate(zip(stops, [*stops[1:], stops[0]], strict=True)):
        for frame in range(frames):
            design = edited(
                generator, [first, last], {"do": "walk", "share": frame / frames}, (first if frame * 2 < frames else last).label
            )
            film.append(to_bytes(draw_design(generator, design)))  # a long walk is many pictures
            if frame in chosen and number < len(stops) - 1:
                yield from save_design(out / f"walk-{number + 1}-{frame:03d}.png", generator, design)
            yield Step("walk", number * frames + frame + 1, total)
    large, recipes = (_large(from_bytes(picture)) for picture in film), [stop.recipe for stop in stops]
    path = write_film(overview_at(out / f"walk.{form}"), large, xmp=build(together(recipes)))
    yield Saved(path)
    shown = [from_bytes(picture) for picture in film[: (len(stops) - 1) * frames : max(1, frames // 6)]]
    shown.append(draw_design(generator, stops[-1]))
    yield Saved(
        write_bytes(overview_at(out / "walk-strip.png"), encode_sheet(contact_sheet(shown, columns=len(shown), side=128, gap=4), recipes))
    )
    yield Finished(path, time.monotonic() - started)


def _large(picture: Tensor) -> Tensor:
    side = max(256, picture.shape[1])
    return picture if side == picture.shape[1] else resize(picture, side, side)


def _steps(slider: Slider, count: int) -> list[float]:
    return [slider.limit * (2 * place / (count - 1) - 1) for place in range(count)]


def _sheet(out: Path, shown: list[Tensor], captions: list[Any], recipe: Recipe) -> Generator[Event, None, Path]:
    sheet = contact_sheet(shown, columns=min(len(shown), 8), side=max(192, shown[0].shape[1]), captions=captions)
    path = write_bytes(overview_at(out / "sheet.png"), encode_sheet(sheet, [recipe]))
    yield Saved(path)
    yield Note(f"{len(shown)} pictures side by side: {path}")
    return path
