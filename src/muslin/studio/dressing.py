"""Pictures of the designer's own, dressed: contents x styles, resumable, each output with its recipe, and a sheet of all.

Which file each comes to is `places`' work.
"""

import json
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from muslin.base.config import overlay
from muslin.base.errors import InputError, MuslinError, SettingError, nearest
from muslin.base.events import Event, Finished, Note, Refused, Saved, Step
from muslin.base.files import make_folder, read_bytes, sha256, write_bytes, write_json
from muslin.base.image import Picture, open_image
from muslin.base.machine import free_memory
from muslin.data.ground import cut_out
from muslin.data.loader import within
from muslin.export.sheets import contact_sheet, encode_sheet
from muslin.features.backbones import load_backbone
from muslin.provenance.recipe import Recipe
from muslin.studio.cook import as_content, cook_file, look_recipe, photo_recipe, read_mask
from muslin.studio.pieces import built_of, stale_rows
from muslin.studio.places import Place, cut, find_pictures, masks_in, names_apart, overview_at, place_for
from muslin.studio.styles import Style, clear_styling, find_weighted, shipped
from muslin.style.canvas import SIZES, canvas
from muslin.style.configs import PRESETS, StyleConfig, own_inks, unread
from muslin.style.dress import Cloth, check, lays_cloth, memory_needed, sized, tile_of
from muslin.style.inks import colourways, find_inks, from_hex, name_of, to_hex
from muslin.style.measure import measure
from muslin.style.objective import layer_weights
from muslin.style.optimise import Progress

_SHOWN, _CELL = 200, 256  # looks on the sheet, and the pixels of each
_NAME = 200  # bytes of a look's name; file systems take 255, with number and ending
_LARGE = 1024  # pixels: the memory of larger looks is told


def style_config(preset: str, settings: list[str]) -> StyleConfig:
    """A preset with settings laid over it. Raises SettingError."""
    if preset not in PRESETS:
        raise SettingError(f"preset '{preset}': not known{nearest(preset, PRESETS)}")
    config = overlay(PRESETS[preset], settings)
    check(config)
    return config


@dataclass(frozen=True)
class Wanted:
    """What a grid makes beyond one picture for each pair."""

    mix: bool = False  # all styles at once, by their weights
    colourways: int = 1  # so many sets of colours of each, the first as the settings say
    report: bool = False  # measure each result (`style.measure`) into report.json
    rights: str = ""  # who vouches for pictures and styles of unknown or closed rights


@dataclass(frozen=True)
class _Job:
    file: Path
    label: str  # the file's name, told apart from the others'
    group: list[tuple[Style, float]]
    config: StyleConfig
    mask: Path | None = None

    @property
    def name(self) -> str:
        styles = cut("+".join(style.name for style, _ in self.group), 80)
        kind = ("-print" if self.config.mode == "print" else "") + (f"-{name_of(inks)}" if (inks := own_inks(self.config)) else "")
        return f"{cut(self.label, _NAME - len(f'-{styles}{kind}'.encode()))}-{styles}{kind}"

    def recipe(self, told: dict[str, str] | None = None) -> Recipe:
        mask = None if self.mask is None else {"file": self.mask.name, "sha256": sha256(read_bytes(self.mask))}
        photo = photo_recipe(self.file, built_of(self.file) if lays_cloth(self.config) else None)
        return look_recipe(photo, self.group, self.config, mask, told)

    def area(self, picture: Picture) -> Tensor | None:
        """The garment as it was given: by the mask, or by the picture's own transparency."""
        return _opaque(picture, self.file) if self.mask is None else read_mask(self.mask)


@dataclass
class _Made:
    looks: list[tuple[Recipe, str, Tensor]] = field(default_factory=list)  # the first, as the sheet shows them
    rows: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def dress_all(
    contents: list[Path],
    styles: list[tuple[str, float]],
    out: Path,
    config: StyleConfig,
    wanted: Wanted | None = None,
    mask: Path | None = None,
) -> Iterator[Event]:
    """Dress every content in every style (or, with `mix`, in all at once) into the folder `out`.

    `mask`: one picture for all contents, or a folder with one of each content's name. A content that cannot be dressed is a `Refused` event and the others go on. Raises InputError and SettingError
    before anything is written, and InputError at the end when nothing could be dressed.
    """
    started, wanted = time.monotonic(), wanted or Wanted()
    if mask is not None and config.where == "all":
        raise SettingError(f"--mask {mask}: where=all dresses the whole picture; leave the mask out, or --where garment")
    files, groups, jobs = _plan(contents, styles, config, wanted, mask)
    read = (*contents, *(Path(name) for name, _ in styles if name not in shipped()))
    if same := [path for path in read if path.is_dir() and path.resolve() == out.resolve()]:
        raise InputError(f"--out {out}: holds what is read ({same[0]}), and the next run would dress its results; name another folder")
    features = ready(config)
    told = clear_styling([style for group in groups for style, _ in group], files, wanted.rights).told()
    make_folder(out)
    yield Note(f"{len(files)} pictures x {len(groups)} styles at {in_words(config)}; style features: {features}")
    yield from map(Note, unread(config))
    yield from stale_rows(files) if lays_cloth(config) else ()
    if not wanted.mix and any(weight != 1 for _, weight in styles):
        yield Note("weights of styles: not read without --mix, each picture is dressed in each style alone")
    made = _Made()
    yield from _each(out, jobs, told, wanted.report, made)
    if not made.looks:
        raise InputError(f"none of {len(jobs)} could be dressed; the first: {made.reasons[0]}")
    sheet = yield from _close(out, made.looks, made.rows, len(jobs) // len(files))
    yield Finished(sheet, time.monotonic() - started)


def _each(out: Path, jobs: list[_Job], told: dict[str, str], report: bool, made: _Made) -> Iterator[Event]:
    worked, work = 0, "style" if len(jobs) > 1 else ""
    if work:
        yield Step(work, 0, len(jobs), made=0)
    for number, job in enumerate(jobs, 1):
        try:
            recipe = job.recipe(told)
            place = place_for(out / f"{job.name}.png", recipe)
            yield from _one(place, recipe, job, work)
            made.rows += [measured(place.path, job)] if report else []
        except MuslinError as failure:
            if not work:
                raise _named(job.file, failure) from failure
            made.reasons.append(str(_named(job.file, failure)))
            yield Refused(str(job.file), str(failure))
        else:
            if len(made.looks) < _SHOWN:
                made.looks.append((recipe, place.path.stem, within(open_image(place.path).pixels, 2 * _CELL)))
            worked += not place.there
        yield Step("style", number, len(jobs), made=worked)


def _plan(
    contents: list[Path], styles: list[tuple[str, float]], config: StyleConfig, wanted: Wanted, mask: Path | None = None
) -> tuple[list[Path], list[list[tuple[Style, float]]], list[_Job]]:
    files, found = find_pictures(contents), find_weighted(styles)
    groups = [found] if wanted.mix else [[(style, 1.0)] for style, _ in found]
    ways = [(group, one) for group in groups for one in _ways(group, config, wanted.colourways)]
    labels = names_apart(files)
    named = zip(files, labels, _masks(files, labels, mask), strict=True)
    jobs = [_Job(file, label, group, one, area) for file, label, area in named for group, one in ways]
    return files, groups, jobs


def _masks(files: list[Path], labels: list[str], given: Path | None) -> list[Path | None]:
    if given is not None and given.is_dir():
        return [*masks_in(given, files, labels)]
    if given is not None:
        read_mask(given)
    return [given for _ in files]


def look_files(
    contents: list[Path], styles: list[tuple[str, float]], out: Path, config: StyleConfig, wanted: Wanted
) -> list[tuple[Path, Path]]:
    """The files that `dress_all` made of these, in its order, each with the content it is made on; without those left out."""
    jobs = _plan(contents, styles, config, wanted)[2]
    placed = list[tuple[Place, Path]]()
    for job in jobs:
        with suppress(MuslinError):  # it was told when it was to be made
            placed.append((place_for(out / f"{job.name}.png", job.recipe()), job.file))
    return [(place.path, file) for place, file in placed if place.there]


def _close(out: Path, made: list[tuple[Recipe, str, Tensor]], rows: list[dict[str, Any]], columns: int) -> Generator[Event, None, Path]:
    recipes, captions, pictures = zip(*made, strict=True)
    sheet = contact_sheet(pictures, columns=columns if columns > 2 else 0, captions=captions)
    path = write_bytes(overview_at(out / "sheet.png"), encode_sheet(sheet, recipes, 150))
    yield Saved(path)
    if rows:
        told = {"about": "muslin.style.measure; lower is better for distances", "results": [*_earlier(out, rows), *rows]}
        yield Saved(write_json(out / "report.json", told))
        for row in rows:
            figures = ", ".join(f"{name} {value:.3g}" for name, value in row.items() if isinstance(value, (int, float)))
            yield Note(f"{row['file']}: {figures}")
    return path


def _earlier(out: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the folder's report tells of its other looks."""
    try:
        told = json.loads((out / "report.json").read_text(encoding="utf-8"))["results"]
        new = {row["file"] for row in rows}
        return [row for row in told if row["file"] not in new and (out / row["file"]).exists()]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def measured(path: Path, job: _Job) -> dict[str, Any]:
    """The figures of one result, read from its file; print mode adds the seam of its tile."""
    content, mask = content_of(job.file, job.config, None if job.mask is None else read_mask(job.mask))
    row: dict[str, Any] = {"file": path.name, "content_picture": job.file.name, "styles": [style.name for style, _ in job.group]}
    return row | figures_of(open_image(path).pixels, content, mask, job.group, job.config)


def figures_of(
    result: Float[Tensor, "3 s t"],
    content: Float[Tensor, "3 s t"],
    mask: Float[Tensor, "1 s t"] | None,
    group: list[tuple[Style, float]],
    config: StyleConfig,
) -> dict[str, float | int | None]:
    """`style.measure.Measures` of a look as a row; for a print the seam of its tile besides."""
    cloths = [Cloth(style.pixels, weight, style.row["sha256"]) for style, weight in group]
    laid = sized(cloths, mask, content, config)
    row = measure(result, content, mask, [(style.at(1.0), style.weight) for style in laid]).row()
    return row | ({"seam": tile_of(cloths[0], config).seam} if config.mode == "print" else {})


def content_of(
    file: Path, config: StyleConfig, area: Float[Tensor, "1 h w"] | None = None
) -> tuple[Float[Tensor, "3 s t"], Float[Tensor, "1 s t"] | None]:
    """What a file's looks are dressed on, and where the garment is. Raises InputError where there is none."""
    picture = open_image(file)
    return canvas(as_content(picture.pixels, photo_recipe(file)), config, area if area is not None else _opaque(picture, file))


def _opaque(picture: Picture, file: Path) -> Float[Tensor, "1 h w"] | None:
    """Where a picture is not transparent (None: it is not cut out). Raises InputError where it is wholly so."""
    if picture.alpha is not None and float(picture.alpha.max()) < 0.5:
        raise InputError(
            f"{file}: the picture is wholly transparent: there is nothing to dress; export it with its garment, or give a --mask"
        )
    return cut_out(picture.alpha)


def ready(config: StyleConfig) -> str:
    """The name of the style features. Raises, before anything is begun, for layers, weights and sizes that cannot be."""
    check(config)
    enough_memory(config)
    backbone = load_backbone(config.backbone)
    if config.mode == "style" and config.effort > 0:
        backbone.reach((*(config.content_layers or backbone.content_layers), *layer_weights(config, backbone)))
    return backbone.name


def enough_memory(config: StyleConfig) -> None:
    """Raises SettingError, before anything is begun, when the size needs more memory than is there."""
    need, free = memory_needed(config), free_memory()
    if need > free:
        smaller = (size for size in range(config.size - 1, SIZES[0] - 1, -1) if memory_needed(replace(config, size=size)) <= free)
        remedy = f"--size {fits} would fit" if (fits := next(smaller, 0)) else "no size would fit; close other programs"
        raise SettingError(f"size={config.size}: needs about {need / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are free; {remedy}")


def in_words(config: StyleConfig) -> str:
    """The size of a look, with the memory that a large one needs."""
    return f"{config.size} px" + (f", needs about {memory_needed(config) / 1e9:.1f} GB" if config.size > _LARGE else "")


def _ways(group: list[tuple[Style, float]], config: StyleConfig, count: int) -> list[StyleConfig]:
    if not 1 <= count <= 24:
        raise SettingError(f"colourways={count}: should be 1 to 24")
    if count == 1:
        return [config]
    largest = max(group, key=lambda pair: pair[1])[0]
    own = from_hex(inks) if (inks := own_inks(config)) else find_inks(largest.pixels, 5)
    return [config, *(replace(config, keep="palette", inks=to_hex(inks)) for inks in colourways(own, count)[1:])]


def _one(place: Place, recipe: Recipe, job: _Job, part_of: str) -> Iterator[Event]:
    if place.there:
        return
    if place.note:
        yield Note(place.note)
    path, picture = place.path, open_image(job.file)
    styles, named = [style for style, _ in job.group], job.config.backbone
    for news in cook_file(path, recipe, as_content(picture.pixels, recipe), styles, job.area(picture), named):
        yield Step(path.stem[-24:], news.done, news.total, _few(news.losses), part_of) if isinstance(news, Progress) else news


def _named(file: Path, failure: MuslinError) -> MuslinError:
    return failure if str(failure).startswith(str(file)) else type(failure)(f"{file}: {failure}")


def _few(losses: dict[str, float]) -> dict[str, Any]:
    return {name: value for name, value in losses.items() if name in ("content", "style")}
