"""The rights ledger of a data set or style library: what stands in it, what is cleared for what, writing it, Croissant in and out."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

from muslin.base.errors import InputError, SettingError
from muslin.base.events import Event, Finished, Note, Saved, Step, Warned
from muslin.base.files import sha256
from muslin.base.rights import UNKNOWN, WORDS, Rights, Use, clear, from_row, known, known_or_empty, objection, sum_of
from muslin.data.croissant import read_croissant, write_croissant
from muslin.data.ledger import CROISSANT, check_names, place_of, read_ledger, write_ledger
from muslin.data.sources import Item, Source, open_source

_NAMES, _CREDITS = 5, 20  # so many are told; the rest is counted


@dataclass(frozen=True)
class Entry:
    """What is to be written of the pictures that `only` names (a pattern; empty: all, or those of unknown rights where a licence is written). Empty values change nothing."""

    licence: str = ""
    author: str = ""
    source: str = ""
    may_train: str = ""
    may_style: str = ""
    expires: str = ""
    only: str = ""

    def values(self) -> dict[str, str]:
        """The values that were given."""
        return {name: text for name, text in vars(self).items() if text and name != "only"}


@dataclass(frozen=True)
class Asked:
    """What else is asked of a ledger: `check` a use, the Croissant file it is `taken` from, whether to write one, and who `vouched`."""

    check: str = ""
    taken: Path | None = None
    croissant: bool = False
    vouched: str = ""


def ledger_of(data: Path, entry: Entry | None = None, asked: Asked | None = None) -> Iterator[Event]:
    """Write what `entry` and a Croissant file tell into the ledger of `data` (folder or zip), and tell what stands in it.

    Raises InputError: no pictures, a licence that nobody knows, pictures not cleared for the use that is checked.
    """
    started, entry, asked = time.monotonic(), entry or Entry(), asked or Asked()
    source, place = open_source(data), place_of(data)
    if entry.only and not entry.values():
        raise SettingError(f"--only {entry.only}: say what is known of them: --licence, --author, --may-train ...")
    if asked.taken or entry.values():
        yield from _write(data, source, entry, asked.taken)
        source = open_source(data)
    yield from _tell(source)
    if asked.croissant:
        yield from _describe(data, source, place)
    if asked.check:
        use: Use = "train" if asked.check == "train" else "style"
        cleared = clear([(item.name, item.rights) for item in source.items], use, str(data), asked.vouched)
        yield Note(f"cleared for {WORDS[use]}: {cleared.text()}")
    yield Finished(place if place.exists() else data, time.monotonic() - started)


def _write(data: Path, source: Source, entry: Entry, taken: Path | None) -> Iterator[Event]:
    if not data.is_dir() and data.suffix.lower() != ".zip":
        raise InputError(f"{data}: is a zip that is not called .zip; rename it, so that its ledger can lie beside it")
    known(entry.licence)
    ledger = read_ledger(data)
    if taken:
        theirs = read_croissant(taken)
        named = sum(theirs.of(item.name) is not None for item in source.items)
        if not named:
            raise InputError(f"{taken}: names none of the {len(source.items)} pictures of {data}")
        ledger = ledger.with_rows(list(theirs.rows))
        yield Note(f"{taken}: tells of {named:,} of {len(source.items):,} pictures")
    if entry.values():
        items = _chosen(source, entry)
        check_names(item.name for item in items)
        rows = list[tuple[str, Rights]]()
        for number, item in enumerate(items, 1):
            rights = from_row(entry.values(), str(data), ledger.of(item.name) or item.rights)
            rows.append((item.name, replace(rights, sha256=sha256(item.read()))))
            if number % 500 == 0 or number == len(items):
                yield Step("rights", number, len(items))
        ledger = ledger.with_rows(rows)
    yield Saved(write_ledger(place_of(data), ledger))


def _chosen(source: Source, entry: Entry) -> list[Item]:
    if entry.only:
        items = [item for item in source.items if item.name == entry.only or fnmatchcase(item.name, entry.only)]
        if not items:
            raise InputError(f"--only {entry.only}: none of the {len(source.items)} pictures of {source.name} has such a name")
        return items
    items = [item for item in source.items if not entry.licence or known_or_empty(item.rights.licence) in (UNKNOWN, "")]
    if not items:
        raise InputError(f"{source.name}: all {len(source.items)} pictures have a licence; to write over it name them: --only '*'")
    return items


def _tell(source: Source) -> Iterator[Event]:
    yield Note(f"{len(source.items):,} pictures: {sum_of(item.rights for item in source.items)}")
    yield from map(Warned, source.warnings())
    uses: tuple[Use, ...] = get_args(Use)
    for use in uses:
        reasons = dict[str, list[str]]()
        for item in source.items:
            if reason := objection(item.rights, use)[0]:
                reasons.setdefault(reason, []).append(item.name)
        stopped = sum(map(len, reasons.values()))
        yield Note(f"for {WORDS[use]}: {len(source.items) - stopped:,} cleared, {stopped:,} not")
        for reason, names in reasons.items():
            more = f" and {len(names) - _NAMES:,} more" if len(names) > _NAMES else ""
            yield Warned(f"not for {WORDS[use]}: {len(names):,} {reason}: {', '.join(names[:_NAMES])}{more}")
    credits = list(dict.fromkeys(line for item in source.items if (line := item.rights.credit())))
    yield from (Note(f"to be credited: {line}") for line in credits[:_CREDITS])
    if len(credits) > _CREDITS:
        yield Note(f"to be credited: {len(credits) - _CREDITS:,} more")


def _describe(data: Path, source: Source, place: Path) -> Iterator[Event]:
    rows: list[tuple[str, Rights]] = [(item.name, item.rights) for item in source.items]
    if not place.exists():
        yield Saved(write_ledger(place, read_ledger(data).with_rows(rows)))
    told: dict[str, Any] = dict.fromkeys(known_or_empty(rights.licence) or rights.licence for _, rights in rows)
    authors = dict.fromkeys(rights.author for _, rights in rows if rights.author)
    target = place.with_name(CROISSANT if data.is_dir() else data.with_suffix(f".{CROISSANT}").name)
    yield Saved(write_croissant(target, place, source.name, list(told), list(authors)))
