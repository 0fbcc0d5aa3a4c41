"""Large files fetched once: a broken download goes on where it stopped, and counts only when its SHA-256 begins as it should."""

import contextlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from muslin.base.errors import InputError
from muslin.base.files import make_folder, sha256_file

_PIECE = 1 << 20
_PATIENCE = 30.0  # seconds without a byte


def fetch_file(url: str, target: Path, digest: str) -> Iterator[tuple[int, int]]:
    """`url` as `target`, whole or not at all; yields (bytes so far, bytes in all). What was fetched waits in NAME.part for the next try.

    Raises InputError: no connection, a cut one (call again: it goes on), or a SHA-256 that does not begin with `digest`.
    """
    part = target.with_name(target.name + ".part")
    make_folder(target.parent)
    try:
        yield from _go_on(url, part)
    except (urllib.error.URLError, OSError, TimeoutError) as failure:
        have = part.stat().st_size if part.exists() else 0
        kept = f"; {have:,} bytes are kept and the same command goes on" if have else ""
        raise InputError(f"{url}: cannot be fetched ({getattr(failure, 'reason', failure)}){kept}") from failure
    found = sha256_file(part)
    if not found.startswith(digest):
        part.unlink()
        raise InputError(f"{url}: its SHA-256 begins {found[:8]}, it should be {digest}; thrown away: try again")
    part.replace(target)


def _go_on(url: str, part: Path) -> Iterator[tuple[int, int]]:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "muslin"} | ({"Range": f"bytes={have}-"} if have else {}))
    try:
        answer = urllib.request.urlopen(request, timeout=_PATIENCE)
    except urllib.error.HTTPError as failure:
        failure.close()
        if failure.code == 416:  # nothing is left to fetch
            return
        raise
    with contextlib.closing(answer), part.open("ab" if answer.status == 206 else "wb") as file:
        done = have if answer.status == 206 else 0
        total = done + int(answer.headers.get("Content-Length") or 0)
        while piece := answer.read(_PIECE):
            file.write(piece)
            done += len(piece)
            yield done, total
        if done < total:
            raise OSError(f"the connection ended after {done:,} of {total:,} bytes")
