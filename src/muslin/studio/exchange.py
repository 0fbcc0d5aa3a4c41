"""Taking generators out: what `muslin export` can write, by name."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from muslin.base.errors import SettingError, nearest
from muslin.base.events import Event, Finished, Note, Saved
from muslin.base.files import make_folder, write_bytes
from muslin.export import onnx
from muslin.gan.generators import load_generator
from muslin.style.feedforward import load_styler


def export(generator: str, target: str, out: Path) -> Iterator[Event]:
    """Write `generator` as `out` for another program. Raises SettingError for a target that is not there, and InputError."""
    if target not in TARGETS:
        raise SettingError(f"--to {target}: no such form{nearest(target, TARGETS)}")
    started = time.monotonic()
    make_folder(out.parent)
    yield from TARGETS[target](generator, out)
    yield Finished(out, time.monotonic() - started)


def to_onnx(generator: str, out: Path) -> Iterator[Event]:
    """`out`, and where the generator has a W space NAME.w.onnx beside it; `fast`: the fast style network."""
    if generator == "fast":
        yield from _kept(out, onnx.export_styler(*load_styler()))
        return
    loaded = load_generator(generator)
    yield from _kept(out, onnx.export_generator(loaded))
    if loaded.family == "atelier":
        yield from _kept(out.with_name(f"{out.stem}.w{out.suffix}"), onnx.export_synthesis(loaded))


def _kept(path: Path, file: onnx.Exported) -> Iterator[Event]:
    yield Saved(write_bytes(path, file.content))
    size = len(file.content) / 1e6
    yield Note(f"{path.name}: {size:.1f} MB; {file.compared} pictures compared with torch's, {file.away:.1e} apart at most in [-1, 1]")


TARGETS: dict[str, Callable[[str, Path], Iterator[Event]]] = {"onnx": to_onnx}
