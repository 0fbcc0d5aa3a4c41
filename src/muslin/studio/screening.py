"""Choosing drafts that are no copies: what choosing takes is compared with what the generator learned from, until none is too near.

Where nothing is known of a generator's training set there is nothing to compare with; that is told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.assets import GENERATORS, INDEXES
from muslin.base.events import Event, Note, Step, Warned
from muslin.data.loader import source_of
from muslin.gan.generators import Loaded
from muslin.metrics.originality import Finding, Index, judged, nearest, thresholds
from muslin.studio.choose import Chosen, Pool, choose
from muslin.studio.indexing import index_of, load_index
from muslin.style.blocks import Pattern

ALARM = 0.01
_TRIED = 8  # blocks on which a draft is made up until it is like nothing that is known
_CLEAR = 5  # times the alarm: by features a picture that is new comes so near by chance: nearer is not clearly distinct
_VERDICTS = ("distinct", "close", "copy")  # the best first


@dataclass(frozen=True)
class Screened:
    """What was chosen, and for each chosen place how near it comes (empty where there was nothing to compare with)."""

    chosen: Chosen
    findings: dict[int, Finding]
    index: Index | None = None

    def told(self, place: int) -> dict[str, str]:
        """For the recipe: one line on a design's originality."""
        return {} if self.index is None else told(self.findings[place], self.index)


def told(found: Finding, index: Index) -> dict[str, str]:
    """For a recipe: one line on how near a design comes to the nearest picture of an index."""
    name = index.names[found.neighbours[0].place] if found.neighbours else "none"
    return {"originality": f"{found.verdict}: similarity {found.similarity:.2f} to {name}, the nearest of {len(index):,} pictures"}


def compared(picture: Float[Tensor, "3 h w"], index: Index) -> Finding:
    """How near a design comes to the pictures of an index."""
    return judged(index, nearest(index, picture), ALARM)


def known_index(generator: Loaded) -> Index | None:
    """The index of what a generator learned from that lies beside its file; None where there is none."""
    beside = _beside(generator)
    return load_index(beside) if beside.exists() else None


def first_new(made: Iterator[tuple[dict[str, Any], Pattern]], index: Index | None) -> tuple[dict[str, Any], Pattern, dict[str, str]] | None:
    """Of a draft made up on one block after the other, `_TRIED` at most, the first that is clearly distinct from what is in the index, with a line for its recipe; where none is the
    first that is distinct, or no copy, else the first; None where there is none."""
    best: tuple[int, tuple[dict[str, Any], Pattern, dict[str, str]]] | None = None
    for row, pattern in islice(made, _TRIED):
        if index is None:
            return row, pattern, {}
        finding = compared(pattern.pixels, index)
        clear = not finding.neighbours or min(one.away for one in finding.neighbours) >= thresholds(index, _CLEAR * ALARM)[2]
        rank = 2 * _VERDICTS.index(finding.verdict) + (not clear)
        if best is None or rank < best[0]:
            best = rank, (row, pattern, told(finding, index))
        if rank == 0:
            break
    return None if best is None else best[1]


def _beside(generator: Loaded) -> Path:
    beside = generator.path.with_name(f"{generator.path.stem}.index.safetensors")
    if GENERATORS.get(generator.name) == generator.path:  # some that ship learned from the same pictures
        beside = INDEXES.get(generator.name, beside)
    return beside


def training_index(generator: Loaded, against: str, path: Path) -> Iterator[Event | Index]:
    """The index to compare with: of `against`, else the one beside the generator's file; nothing where there is none or `against` is none."""
    beside = _beside(generator)
    if against and against != "none":
        yield from index_of(against, path)
    elif beside.exists() and not against:
        yield load_index(beside)
    elif not against:
        yield Warned(f"{generator.name}: nothing is known of what it learned from, so copies are not looked for; name it: --against DATA")


def check_against(against: str) -> None:
    """Raises InputError for a data set or index that is not there."""
    if against not in ("", "none", "fashion-mnist", *INDEXES):
        load_index(Path(against)) if against.endswith(".safetensors") else source_of(against)


def choose_new(
    pool: Pool, drafts: Sequence[Float[Tensor, "3 h w"]], count: int, known: Float[Tensor, "m d"], index: Index | None
) -> Iterator[Event | Screened]:
    """`choose`, again and again without the copies that it took, until it takes none. The last thing yielded is Screened."""
    findings, dropped = dict[int, Finding](), 0
    while True:
        chosen = choose(pool, count, known)
        if index is None:
            yield Screened(chosen, {})
            return
        new = [place for place in chosen.places.tolist() if place not in findings]
        for done, place in enumerate(new, 1):
            findings[place] = compared(drafts[place], index)
            yield Step("compare", done, len(new))
        copies = [place for place in chosen.places.tolist() if findings[place].verdict == "copy"]
        if not copies:
            break
        dropped += len(copies)
        usable = pool.usable.clone()
        usable[torch.tensor(copies)] = False
        pool = replace(pool, usable=usable)
    yield Note(f"compared with {len(index):,} pictures that the generator learned from: {dropped} copies dropped")
    yield Screened(chosen, findings, index)
