"""Files written whole: temporary file in the same folder, flush, fsync, replace, fsync of the folder. Litter is swept.

A kill at any moment leaves the old file or the new one, never a part. Does not know what the bytes mean.
"""

import contextlib
import errno
import hashlib
import json
import lzma
import os
import re
import shutil
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from muslin.base.errors import DiskError, InputError

LITTER = ".muslin-part-"
# what zipfile raises where bytes are not as they should be
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, RuntimeError, ValueError)
_REASONS = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
    errno.EFBIG: "the file would be larger than this system lets it be",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.EACCES: "no permission to write there; choose another folder",
    errno.ENOTDIR: "a part of this path is a file, not a folder; choose another folder",
    errno.EEXIST: "a file of that name is in the way; choose another folder",
    errno.ENAMETOOLONG: "the name is too long for this disk; give the file it comes from a shorter one",
}


def disk_error(path: Path, failure: OSError) -> DiskError:
    """The line a person reads when the system refuses to write `path`."""
    reason = _REASONS.get(failure.errno or 0, failure.strerror or str(failure))
    return DiskError(f"{path}: cannot write: {reason}")


def file_word(name: str) -> str:
    """A class or design as a part of a file's name: nothing in it that leads into another folder, or that a disk refuses."""
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]', "-", name).lstrip(".") or "garment"


def make_folder(path: Path) -> Path:
    """Create the folder and its parents, and sweep what a killed run left in it. Raises DiskError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise disk_error(path, failure) from failure
    sweep(path)
    return path


def sweep(folder: Path, older_than: float = 60.0) -> int:
    """Delete temporary files that a killed run left in `folder` (not those younger than a minute, which may be at work)."""
    swept = 0
    for litter in folder.glob(f"{LITTER}*"):
        with contextlib.suppress(OSError):
            if time.time() - litter.stat().st_mtime > older_than:
                litter.unlink()
                swept += 1
    return swept


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` to fill inside the `with`; at its end it is put in place at once, of a link at what it leads to.

    When the body fails or is stopped, nothing changes. Raises DiskError for what the system refuses.
    """
    at = Path(os.path.realpath(path))
    part = at.with_name(f"{LITTER}{os.getpid()}-{at.name}")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):  # who may read it stays as it was, where there is one and the disk knows of such things
            part.chmod(at.stat().st_mode & 0o777)
        part.replace(at)
        _sync_folder(at.parent)
    except OSError as failure:
        raise disk_error(path, failure) from failure
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> Path:
    """Write `content` whole. Raises DiskError."""
    with whole(path) as part:
        part.write_bytes(content)
    return path


def write_text(path: Path, content: str) -> Path:
    """Write UTF-8 text whole. Raises DiskError."""
    return write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> Path:
    """Write readable JSON (2 spaces, keys in the order given, other scripts as they are) whole. Raises DiskError."""
    return write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_bytes(path: Path) -> bytes:
    """All bytes of a file. Raises InputError that names it."""
    try:
        return path.read_bytes()
    except OSError as failure:
        raise InputError(f"{path}: cannot read: {failure.strerror}; check the path") from failure


def sha256(content: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces. Raises InputError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as failure:
        raise InputError(f"{path}: cannot read: {failure.strerror}; check the path") from failure


def check_writable(path: Path) -> None:
    """Refuse before starting when a file cannot be written at `path`. Raises DiskError."""
    trial = Path(os.path.realpath(path)).with_name(f"{LITTER}{os.getpid()}")
    try:
        trial.touch()
        trial.unlink()
    except OSError as failure:
        raise disk_error(path, failure) from failure


def room_for(path: Path, need: int) -> None:
    """Refuse before starting when the disk of `path` has less than `need` bytes. Raises DiskError."""
    there = next((p for p in (path, *path.parents) if p.exists()), Path())
    free = shutil.disk_usage(there).free
    if free < need:
        raise DiskError(f"{path}: needs about {need / 1e6:.0f} MB and the disk has {free / 1e6:.0f} MB; free some space")


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # some systems do not let a folder be opened; the replace is atomic all the same
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
