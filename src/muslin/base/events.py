"""News of a long work: one frozen class for each kind. The bar, JSON lines, notebooks and tests read the same iterator.

Does not know who reads. Cancelling is to stop iterating; to resume is to call the same work again on the same folder.
"""

from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

Made = TypeVar("Made")


@dataclass(frozen=True)
class Event:
    """The root of all news."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for one JSON line, with the kind under `event`."""
        plain = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}
        return {"event": type(self).__name__.lower(), **plain}


@dataclass(frozen=True)
class Note(Event):
    """Something a person should know once: what was found, chosen or left out."""

    text: str


@dataclass(frozen=True)
class Warned(Event):
    """Something that went differently from what was asked, and what was done instead."""

    text: str


@dataclass(frozen=True)
class Step(Event):
    """Progress: `done` of `total` units of work, with figures (losses, scores) by name.

    A work that holds works counts what it took up (`made`: less what was there already and what is left out); the steps of the one
    that it is at name it in `part_of`.
    """

    work: str
    done: int
    total: int
    figures: dict[str, float] = field(default_factory=dict)
    part_of: str = ""
    made: int | None = None


@dataclass(frozen=True)
class Saved(Event):
    """A file that is whole and on the disk."""

    path: Path


@dataclass(frozen=True)
class Refused(Event):
    """One input that could not be used; the work goes on with the others."""

    path: str
    reason: str


@dataclass(frozen=True)
class Finished(Event):
    """The work is done; `path` is what to open, `seconds` what it took."""

    path: Path
    seconds: float


def last_of(work: Iterator[Event | Made]) -> Generator[Event, None, Made | None]:
    """For a work inside a work: passes its news on, and returns the one thing it made (None where it made none)."""
    made: Made | None = None
    for news in work:
        if isinstance(news, Event):
            yield news
        else:
            made = news
    return made
