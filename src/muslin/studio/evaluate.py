"""How good a generator is, told so that a person can act on it: figures with intervals, by kind, against real pictures and another.

Streams: drafts are drawn, looked at and dropped. The same command goes on where it was stopped, to the same bits. Does not lay out
the page (`evaluation_page`) and keeps no features of its own (`gathering`). Leaves style transfer's reports alone.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from muslin.base.config import as_dict
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Event, Finished, Note, Saved, Warned
from muslin.base.files import make_folder, sha256_file, write_json, write_text
from muslin.base.seeds import seeded
from muslin.data.images import Images
from muslin.features.inception import Inception, find_inception
from muslin.gan.generators import Loaded
from muslin.studio.evaluation_page import evaluation_page
from muslin.studio.evaluation_report import Drawn, report
from muslin.studio.evaluation_words import Remark, remark
from muslin.studio.gathering import Gatherer, digest, embedded_look
from muslin.studio.places import check_page

LEAST = 12  # pictures on each side: two halves of the training set need six each


@dataclass(frozen=True)
class EvaluateConfig:
    """What is drawn and how it is judged. Equal settings give equal bits on one machine."""

    samples: int = 5000
    truncation: float = 1.0
    seed: int = 0  # drafts seed ... seed + samples: `muslin generate --seeds` draws any of them again
    resamples: int = 1000  # of the bootstrap
    class_least: int = 24  # pictures and drafts that a kind needs for figures of its own
    class_axes: int = 8  # principal axes of a kind's Frechet distance
    pictures: int = 0  # of the training set at most, a fixed random choice; 0: all
    strip: int = 12  # pictures in the strips of best and worst drafts

    def __post_init__(self) -> None:
        for name, low, high in (("truncation", 0, 2), ("samples", LEAST, 1_000_000), ("resamples", 100, 100_000), ("strip", 1, 60)):
            if not low <= getattr(self, name) <= high:
                raise SettingError(f"{name}={getattr(self, name)}: should be {low} to {high:,}")
        if 0 < self.pictures < LEAST or self.pictures < 0:
            raise SettingError(f"pictures={self.pictures}: should be 0 (all) or at least {LEAST}")
        if self.class_axes < 1 or self.class_least < max(6, 2 * self.class_axes):
            raise SettingError(f"class_least={self.class_least}: should be at least 6 and twice class_axes={self.class_axes}")


def evaluate(
    generator: Loaded,
    images: Images,
    out: Path,
    config: EvaluateConfig = EvaluateConfig(),
    against: Loaded | None = None,
    held_out: Images | None = None,
    inception: Path | None = None,
    language: str = "en",
) -> Iterator[Event]:
    """OUT/evaluation.json and OUT/index.html. Features are kept in OUT/features, and the same call goes on there.

    `images` is the training set at the generator's size. Raises InputError, SettingError and DiskError.
    """
    began = time.monotonic()
    check_page(out, "evaluation.json")
    if len(images) < LEAST:
        raise InputError(f"{images.name}: {len(images)} pictures; at least {LEAST} are needed to say anything")
    gatherer, told = _gatherer(make_folder(out) / "features", inception)
    images, held_out, lines = _sets(images, held_out, config)
    told += [*lines, *_sizes(images, [generator, *([against] if against else [])])]
    yield from (Warned(line.en) for line in told)
    wanted = yield from gatherer.pictures(images.pixels, "pictures")
    held = (yield from gatherer.pictures(held_out.pixels, "held out")) if held_out else None
    sides = list[Drawn]()
    for one, work in [(generator, "drafts"), *([(against, "others")] if against else [])]:
        labels, kinds, lines = plan_labels(one, images, config)
        yield from (Warned(line.en) for line in lines)
        told += lines
        features = yield from gatherer.drafts(one, labels, config.seed, config.truncation, work)
        sides.append(Drawn(one, features, labels, kinds))
    yield Note(f"measuring: {config.samples:,} drafts against {len(images):,} pictures, {config.resamples:,} resamples")
    found = report(sides, wanted, images, held_out, held, as_dict(config), told)
    yield from (Warned(line["en"]) for line in found["told"][len(told) :])
    page = evaluation_page(found, generator, images, language)
    yield Saved(write_json(out / "evaluation.json", found))
    yield Saved(write_text(out / "index.html", page))
    yield from (Note(line) for line in _lines(found))
    yield Finished(out / "index.html", time.monotonic() - began)


def _gatherer(folder: Path, inception: Path | None) -> tuple[Gatherer, list[Remark]]:
    """The embedded look, and Inception's where its weights are; where not, the line that says so. Raises InputError for a named file."""
    try:
        weights = find_inception(inception)
        look = {f"inception-{sha256_file(weights)[:8]}": Inception(weights).pooled}
        return Gatherer(folder, embedded_look() | look), []
    except InputError as failure:
        if inception:
            raise
        return Gatherer(folder, embedded_look()), [remark("no fid", why=str(failure))]


def plan_labels(generator: Loaded, images: Images, config: EvaluateConfig) -> tuple[Int[Tensor, " n"], Int[Tensor, " n"], list[Remark]]:
    """For each draft the generator's class and the training set's (-1: none), in the set's proportions; and what a person should know."""
    rng, count = seeded(config.seed, "evaluate", "classes"), config.samples
    none = torch.full((count,), -1)
    if not generator.conditional:
        return torch.zeros(count, dtype=torch.long), none, []
    shared = [number for number, name in enumerate(images.classes) if name in generator.classes]
    if not shared:
        evenly = torch.randint(len(generator.classes), (count,), generator=rng)
        return evenly, none, [remark("no common class", generator=generator.name, data=images.name)]
    labels = images.labels.cpu()
    places = torch.isin(labels, torch.tensor(shared)).nonzero()[:, 0]
    kinds = labels[places[torch.randint(len(places), (count,), generator=rng)]]
    numbers = torch.tensor([generator.classes.index(name) if name in generator.classes else -1 for name in images.classes])
    missing = [name for number, name in enumerate(images.classes) if number not in shared]
    lines = [remark("unknown classes", generator=generator.name, kinds=missing)] if missing else []
    return numbers[kinds], kinds, lines


def _sizes(images: Images, generators: list[Loaded]) -> Iterator[Remark]:
    channels, side = images.pixels.shape[1:3]
    for one in generators:
        if one.network.size != side or one.network.channels != channels:
            kind = remark("colour" if channels == 3 else "grey")
            yield remark("other size", generator=one.name, size=one.network.size, kind=kind, side=side)


def _sets(images: Images, held_out: Images | None, config: EvaluateConfig) -> tuple[Images, Images | None, list[Remark]]:
    """The training set, cut to size; the held-out pictures that are not in it, byte for byte; and lines on what was left out."""
    told, whole = list[Remark](), images
    if 0 < config.pictures < len(images):
        chosen = torch.randperm(len(images), generator=seeded(config.seed, "evaluate", "set"))[: config.pictures].sort().values
        images = _only(images, chosen)
        told.append(remark("chosen", some=len(images), all=len(whole), data=whole.name))
    if held_out:
        known = {digest(picture) for picture in whole.pixels}
        unseen = [place for place, picture in enumerate(held_out.pixels) if digest(picture) not in known]
        if len(unseen) < len(held_out):
            told.append(remark("not held out", twice=len(held_out) - len(unseen), all=len(held_out), data=images.name))
            held_out = _only(held_out, torch.tensor(unseen)) if unseen else None
    return images, held_out, told


def _only(images: Images, places: Int[Tensor, " k"]) -> Images:
    return replace(images, pixels=images.pixels[places], labels=images.labels[places])


def _lines(found: dict[str, Any]) -> Iterator[str]:
    rows = {f"{name} (x1000)" if name == "kernel" else name: figure for name, figure in found["figures"].items()}
    rows |= (found["inception"] or {}).get("generator", {})
    for name, figure in rows.items():
        yield f"{name}: {figure['value']:.4g} ({figure['low']:.4g} to {figure['high']:.4g})"
    if found["copying"]:
        yield f"data-copying test: z {found['copying']['z']:+.2f} (below -3: copies)"
    for name, figure in (found["against"] or {"differences": {}})["differences"].items():
        beyond = "beyond noise" if figure["beyond_noise"] else "within noise"
        yield f"{name} less that of {found['against']['generator']['name']}: {figure['value']:+.4g}, {beyond}"
