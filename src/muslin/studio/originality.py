"""The originality report: designs beside the pictures that they come nearest to, as a page and as JSON; copies named.

Knows pictures and indexes; how alike is measured: metrics.originality.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muslin.base.errors import InputError, MuslinError, SettingError
from muslin.base.events import Event, Finished, Note, Refused, Saved, Step, last_of
from muslin.base.files import make_folder, write_json, write_text
from muslin.base.image import open_image, resize
from muslin.data.loader import square
from muslin.export.pages import inline, page
from muslin.metrics.originality import Finding, Index, judged, nearest, thresholds
from muslin.provenance.recipe import Recipe, find_recipe, together, tools
from muslin.studio.indexing import index_of
from muslin.studio.places import check_page, find_pictures

_RANK = {"copy": 0, "close": 1, "distinct": 2}


@dataclass(frozen=True)
class Search:
    """What designs are compared with, and how sure a verdict has to be."""

    against: str = "garments-64"
    held_out: str = ""
    alarm: float = 0.01
    index: Path | None = None
    language: str = "en"


@dataclass(frozen=True)
class _Design:
    name: str
    picture: str  # as the page shows it: thousands of designs take no more memory than their page
    finding: Finding
    recipe: Recipe | None


def originality(designs: list[Path], out: Path, search: Search | None = None) -> Iterator[Event]:
    """Fill `out` with index.html and originality.json. Raises InputError and SettingError before anything is written."""
    search, started = search or Search(), time.monotonic()
    if not 0 < search.alarm <= 0.2:
        raise SettingError(f"alarm={search.alarm}: should be more than 0 and at most 0.2")
    if search.language not in ("en", "zh"):
        raise SettingError(f"lang={search.language}: should be en or zh")
    files = find_pictures(designs)
    check_page(out, "originality.json")
    index = yield from last_of(index_of(search.against, search.index or out / "index.safetensors", search.held_out, bool(search.index)))
    assert index is not None
    found = list[_Design]()
    for done, file in enumerate(files, 1):
        try:
            picture = open_image(file).pixels
        except MuslinError as failure:
            yield Refused(str(file), str(failure))
            continue
        shown = inline(resize(square(picture), 256, 256))
        found.append(_Design(file.name, shown, judged(index, nearest(index, picture), search.alarm), find_recipe(file)))
        yield Step("compare", done, len(files))
    if not found:
        raise InputError(f"none of the {len(files)} designs could be read")
    make_folder(out)
    found.sort(key=lambda d: (_RANK[d.finding.verdict], -d.finding.similarity))
    yield Saved(write_json(out / "originality.json", _data(found, index, search)))
    yield Saved(write_text(out / "index.html", _page(found, index, search)))
    yield Note(in_words(Counter(design.finding.verdict for design in found)))
    yield Finished(out / "index.html", time.monotonic() - started)


def in_words(counts: Counter[str]) -> str:
    """How many of each verdict."""
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in _RANK)


def verdict_row(finding: Finding, index: Index) -> dict[str, Any]:
    """A finding as plain values."""
    near = [{"picture": index.names[n.place], "similarity": round(n.similarity, 3), "away": round(n.away, 3)} for n in finding.neighbours]
    row = {"verdict": finding.verdict, "similarity": round(finding.similarity, 3), "percentile": round(finding.percentile, 1)}
    return {**row, "nearest": near}


def _data(found: list[_Design], index: Index, search: Search) -> dict[str, Any]:
    copy, close, near = thresholds(index, search.alarm)
    about = {
        "against": Path(search.against).name,
        "pictures": len(index),
        "alarm": search.alarm,
        "calibrated_on": f"{len(index.chance_similar)} pictures " + ("held out" if index.held_out else "of the set, each left out in turn"),
        "thresholds": {"copy_similarity": round(copy, 4), "close_similarity": round(close, 4), "close_away": round(near, 4)},
    }
    return about | {"designs": [{"design": d.name, **verdict_row(d.finding, index)} for d in found]}


def _page(found: list[_Design], index: Index, search: Search) -> str:
    rows = [
        {
            "name": design.name,
            "picture": design.picture,
            "finding": design.finding,
            "near": [(index.names[n.place], inline(index.thumbnail(n.place), 92), n.similarity) for n in design.finding.neighbours[:4]],
        }
        for design in found
    ]
    about = _data([], index, search)
    counts = Counter(design.finding.verdict for design in found)
    recipes = [design.recipe for design in found if design.recipe]
    mark = together(recipes, beside=True) if recipes else None
    return page("originality", mark, title="Originality", language=search.language, tools=tools(), rows=rows, about=about, counts=counts)
