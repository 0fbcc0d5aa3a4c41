"""Pictures of the designer's own, dressed: contents x styles, resumable, each output with its recipe, and a sheet of all."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from muslin.base.config import overlay
from muslin.base.errors import InputError, MuslinError, SettingError, nearest
from muslin.base.events import Event, Finished, Note, Refused, Saved, Step
from muslin.base.files import make_folder, read_bytes, sha256, write_bytes
from muslin.base.image import SUFFIXES, encode_png, open_image
from muslin.export.sheets import contact_sheet
from muslin.provenance.recipe import Recipe
from muslin.studio.cook import cook_file, look_recipe, photo_recipe, read_mask
from muslin.studio.styles import Style, find_styles
from muslin.style.configs import PRESETS, StyleConfig
from muslin.style.dress import check
from muslin.style.optimise import Progress


def style_config(preset: str, settings: list[str]) -> StyleConfig:
    """A preset with settings laid over it. Raises SettingError."""
    if preset not in PRESETS:
        raise SettingError(f"preset '{preset}': not known{nearest(preset, PRESETS)}")
    config = overlay(PRESETS[preset], settings)
    check(config)
    return config


def dress_all(
    contents: list[Path], styles: list[tuple[str, float]], out: Path, config: StyleConfig, mix: bool = False, mask: Path | None = None
) -> Iterator[Event]:
    """Dress every content in every style (or, with `mix`, in all at once) into the folder `out`.

    A content that cannot be dressed is a `Refused` event and the others go on. Raises InputError and SettingError
    before anything is written, and InputError at the end when nothing could be dressed.
    """
    started, files = time.monotonic(), find_pictures(contents)
    found = [(style, weight) for name, weight in styles for style in find_styles([name])]
    groups = [found] if mix else [[pair] for pair in found]
    area = None if mask is None else read_mask(mask)
    mask_row = None if mask is None else {"file": mask.name, "sha256": sha256(read_bytes(mask))}
    make_folder(out)
    yield Note(f"{len(files)} pictures x {len(groups)} styles at {config.size} px; style features: {config.backbone}")
    jobs = [(file, group) for file in files for group in groups]
    made, reasons = list[tuple[str, Tensor]](), list[str]()
    for number, (file, group) in enumerate(jobs, 1):
        path = out / f"{file.stem}-{'+'.join(style.name for style, _ in group)[:80]}.png"
        try:
            base = photo_recipe(file)
            recipe = look_recipe(base, group, config, mask_row)
            yield from _one(path, recipe, file, group, area)
        except MuslinError as failure:
            if len(jobs) == 1:
                raise _named(file, failure) from failure
            reasons.append(str(failure))
            yield Refused(str(file), str(failure))
            continue
        made.append((path.stem, open_image(path).pixels))
        yield Step("style", number, len(jobs))
    if not made:
        raise InputError(f"none of {len(jobs)} could be dressed; the first: {reasons[0]}")
    sheet = contact_sheet([p for _, p in made[:200]], columns=len(groups) if len(groups) > 2 else 0, captions=[n for n, _ in made[:200]])
    yield Saved(write_bytes(out / "sheet.png", encode_png(sheet, dpi=150)))
    yield Finished(out / "sheet.png", time.monotonic() - started)


def find_pictures(paths: list[Path]) -> list[Path]:
    """Files as they are and folders' pictures in the order of their names. Raises InputError for what is not there."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
            if not inside:
                raise InputError(f"{path}: no pictures in this folder; expected {', '.join(sorted(SUFFIXES))}")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise InputError(f"{path}: no such file or folder; check the path")
    return found


def _one(path: Path, recipe: Recipe, file: Path, group: list[tuple[Style, float]], area: Tensor | None) -> Iterator[Event]:
    picture = open_image(file)
    mask = area if area is not None else picture.alpha
    for news in cook_file(path, recipe, picture.pixels, [style for style, _ in group], mask):
        yield Step(path.stem[-24:], news.done, news.total, _few(news.losses)) if isinstance(news, Progress) else news


def _named(file: Path, failure: MuslinError) -> MuslinError:
    return failure if str(failure).startswith(str(file)) else type(failure)(f"{file}: {failure}")


def _few(losses: dict[str, float]) -> dict[str, Any]:
    return {name: value for name, value in losses.items() if name in ("content", "style")}
