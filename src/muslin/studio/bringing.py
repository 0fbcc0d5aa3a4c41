"""Photographs and drawings brought into a generator: a photo becomes a design that every slider works on, a sketch becomes designs.

The picture is cut out, laid on white and framed as the generators' garments are; the latent that is found is kept in the recipe, so that
`muslin remake` needs neither the picture nor the search.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError, SettingError, naming
from muslin.base.events import Event, Finished, Note, Saved, Step, Warned
from muslin.base.files import make_folder, read_bytes, sha256, write_bytes
from muslin.base.image import open_image, resize
from muslin.data.drawing import framed, read_drawing
from muslin.data.ground import cut_out, find_mask
from muslin.export.sheets import contact_sheet, encode_sheet
from muslin.gan.generators import Loaded
from muslin.gan.invert import FollowConfig, Followed, InvertProgress, ProjectConfig, Projected, follow, project
from muslin.gan.latent import style_based
from muslin.provenance.recipe import Recipe
from muslin.studio.cook import photo_recipe
from muslin.studio.editing import Source, named, save_design
from muslin.studio.latents import Design, edited, pack
from muslin.studio.places import overview_at
from muslin.studio.styles import clear_styling

FRAME = 0.886  # share of the side that a garment's longer side takes in the shipped generators' pictures (median; 0.883 to 0.891)
_NEAR = 0.9  # IoU from which an outline counts as kept


def bring_photo(source: Source, file: Path, out: Path, config: ProjectConfig | None = None, rights: str = "") -> Iterator[Event]:
    """Project one photo: NAME-project.png, and a sheet with the photo beside it. `rights`: who vouches for it.

    Raises InputError where no garment is found, and where the photo is not cleared (docs/rights.md).
    """
    started, generator = time.monotonic(), source.generator
    network, picture = style_based(generator), open_image(file)
    vouched = clear_styling([], [file], rights).told()
    mask = cut_out(picture.alpha)
    mask = find_mask(picture.pixels) if mask is None else mask
    if mask is None:
        raise InputError(
            f"{file}: no garment found on a plain ground; cut it out (a PNG with transparency), or photograph it on plain paper"
        )
    with naming(file):
        target, area = framed_photo(picture.pixels, mask, network.size)
    found: Projected | None = None
    for news in project(network, target, area, config or ProjectConfig()):
        if isinstance(news, InvertProgress):
            yield Step("project", news.done, news.total, {"distance": news.losses.get("features", news.losses.get("distance", 0.0))})
        else:
            found = news
    assert found is not None
    make_folder(out)
    told = f"distance {found.distance:.3f}, where the nearest random design is at {found.distance_start:.3f}"
    design = _kept(generator, found.ws, found.label, file, {"do": "project", "told": told}, vouched)
    kept = yield from save_design(out / f"{named(file.name)}-project.png", generator, design)
    yield Note(f"{file.name}: {told}")
    if found.distance > 0.8 * found.distance_start:
        yield Warned(f"{file.name}: the generator has little like this; expect a cousin rather than a portrait")
    sheet = contact_sheet([target, kept.pixels], columns=2, side=max(256, network.size), captions=["photo", "in the generator"])
    yield Saved(write_bytes(overview_at(out / f"{kept.path.stem}-sheet.png"), encode_sheet(sheet, [design.recipe], beside=True)))
    yield Finished(kept.path, time.monotonic() - started)


def bring_sketch(source: Source, file: Path, out: Path, count: int = 8, seed: int = 0, rights: str = "") -> Iterator[Event]:
    """Designs that keep a drawing's outline and differ inside: NAME-sketch-N.png, and a sheet, the outline first. `rights`: who vouches.

    Raises SettingError, and InputError where no outline is found or the drawing is not cleared (docs/rights.md).
    """
    started, generator, called = time.monotonic(), source.generator, named(file.name)
    network, picture = style_based(generator), open_image(file)
    vouched = clear_styling([], [file], rights).told()
    if not 1 <= count <= 64:
        raise SettingError(f"count={count}: should be 1 to 64")
    with naming(file):
        drawing = framed(read_drawing(picture.pixels), network.size, (1 - FRAME) / 2)
    yield from (Note(f"{file.name}: {mended}") for mended in drawing.mended)
    label = generator.label(source.kind) if source.kind else None
    lines = drawing.lines if float(drawing.lines.max()) > 0 else None
    found: Followed | None = None
    for news in follow(network, drawing.outline, lines, label, count, FollowConfig(seed=seed)):
        if isinstance(news, InvertProgress):
            yield Step("sketch", news.done, news.total, {"outline": news.losses.get("outline", 0.0)})
        else:
            found = news
    assert found is not None
    make_folder(out)
    shown, captions, recipes = [1 - 2 * drawing.outline.expand(3, -1, -1) * 0.85], [file.stem], list[Recipe]()
    for number, (ws, kind, overlap) in enumerate(zip(found.ws, found.labels, found.ious, strict=True), 1):
        told = f"outline kept to {overlap:.0%}"
        design = _kept(generator, ws, kind, file, {"do": "sketch", "told": told}, vouched)
        kept = yield from save_design(out / f"{called}-sketch-{number}.png", generator, design)
        shown.append(kept.pixels)
        captions.append(f"{number}: {overlap:.0%}")
        recipes.append(design.recipe)
    least = min(found.ious)
    yield Note(f"{file.name}: {count} designs, outline kept to {least:.0%} or better")
    if least < _NEAR:
        yield Warned(f"{file.name}: an outline is kept to {least:.0%} only; the generator draws few garments of this shape; try --class")
    sheet = contact_sheet(shown, columns=min(len(shown), 5), side=max(192, network.size), captions=captions)
    path = write_bytes(overview_at(out / f"{called}-sketch-sheet.png"), encode_sheet(sheet, recipes, beside=True))
    yield Saved(path)
    yield Finished(path, time.monotonic() - started)


def framed_photo(
    pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], side: int
) -> tuple[Float[Tensor, "3 s s"], Float[Tensor, "1 s s"]]:
    """The garment on white in the middle of a square, its longer side `FRAME` of it; and its mask."""
    rows, columns = (mask[0] > 0.02).any(1).nonzero()[:, 0], (mask[0] > 0.02).any(0).nonzero()[:, 0]
    if len(rows) == 0:
        raise InputError("the picture is transparent all over: there is no garment in it; export it with its garment")
    cut = (slice(None), slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    both = torch.cat([(pixels * mask + 1 - mask)[cut], mask[cut] * 2 - 1])
    height, width = both.shape[1:]
    scale = FRAME * side / max(height, width)
    small = resize(both, max(1, round(height * scale)), max(1, round(width * scale)))
    square = torch.cat([torch.ones(3, side, side), -torch.ones(1, side, side)])
    top, left = (side - small.shape[1]) // 2, (side - small.shape[2]) // 2
    square[:, top : top + small.shape[1], left : left + small.shape[2]] = small
    return square[:3].contiguous(), (square[3:] + 1) / 2


def _kept(generator: Loaded, ws: Tensor, label: int, file: Path, how: dict[str, Any], vouched: dict[str, str]) -> Design:
    """The latent as a design, its recipe a child of the picture's; drawn from what the recipe holds."""
    edit = how | {"ws": pack(ws), "file": file.name, "sha256": sha256(read_bytes(file))}
    photo: Recipe = photo_recipe(file)
    design = edited(generator, [Design(ws, label, photo)], edit, label)
    return replace(design, recipe=replace(design.recipe, made=design.recipe.made | vouched))
