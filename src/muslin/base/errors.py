"""Errors meant for people: each names the file, the value and the remedy. Anything else that is raised is a bug."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class MuslinError(Exception):
    """One line for a person: what is wrong, where, and what to do. The command line prints it and exits with 2."""


class InputError(MuslinError):
    """A file, folder or value that was given cannot be used."""


class SettingError(MuslinError):
    """A setting that does not exist, or a value that it cannot take."""


class DiskError(MuslinError):
    """The disk is full, read-only or refuses the file. What was there before is still there."""


@contextmanager
def naming(path: object) -> Iterator[None]:
    """Around what is done with one file: an InputError that comes out of it begins with the file's name."""
    try:
        yield
    except InputError as failure:
        raise InputError(f"{path}: {failure}") from failure


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a typo: `; did you mean 'x'?`, or the list of what is known when nothing is near."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(names)}"
