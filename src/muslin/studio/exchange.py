"""In and out of other frameworks: a Keras generator becomes a file of Muslin's, and a generator of Muslin's a file of theirs.

Whatever comes in is drawn from once before it is kept; whatever goes out is read back and compared, picture by picture.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree

import torch
from torch import Tensor

from muslin.base.errors import InputError, SettingError, nearest
from muslin.base.events import Event, Finished, Note, Saved, Step, Warned
from muslin.base.files import make_folder, sha256_file, whole, write_bytes
from muslin.base.rights import known
from muslin.base.seeds import seeded
from muslin.export import onnx
from muslin.export.keras_file import read_keras
from muslin.export.keras_layers import translate
from muslin.export.keras_model import build, open_keras, save_folder, save_keras
from muslin.gan.generators import Loaded, load_generator, save_generator
from muslin.gan.imported import Generator, ImportedConfig
from muslin.style.feedforward import load_styler

_TRIED = 64  # latents
FAST = "fast"  # the fast style network, where a generator is asked for
AWAY = 1e-3  # how much a picture may differ in another framework, in [-1, 1]


def import_keras(file: Path, out: Path, asked: str = "", data: str = "", licence: str = "") -> Iterator[Event]:
    """A Keras generator (.keras, .h5) as a generator of Muslin's at `out` (.safetensors). Raises InputError and DiskError.

    `asked`: the range of its output where the last layer does not tell; `data` and `licence`: what it learned from, for its card.
    """
    started = time.monotonic()
    if out.suffix != ".safetensors":
        raise InputError(f"{out}: a generator's file ends in .safetensors")
    known(licence)
    model = read_keras(file)
    net, tensors, told = translate(model, str(file), asked)
    network = Generator(net)
    network.load_state_dict(tensors)
    yield Note(
        f"{file.name}: Keras {model.version}, latent {network.z_size}, {net.size} x {net.size} px, {'RGB' if net.channels == 3 else 'grey'}"
    )
    yield Note(f"range of its output: {told}; Muslin's is -1..1")
    yield from _tried(network, file)
    card = {"data": data or "unknown", "data_licence": licence or "unknown", "images_seen": "unknown"}
    card |= {"imported_from": file.name, "imported_sha256": sha256_file(file), "keras": model.version}
    make_folder(out.parent)
    yield Saved(save_generator(out, network, ImportedConfig(net), ("all",), card))
    if not licence:
        yield Warned("what it learned from is unknown, and so are the rights to what it draws: say it with --data and --licence")
    yield Finished(out, time.monotonic() - started)


@torch.no_grad()
def _tried(network: Generator, file: Path) -> Iterator[Event]:
    """Draw once: finite values, pictures that differ, values about in the range."""
    drawn = network(torch.randn(_TRIED, network.z_size, generator=seeded(0, "exchange")))
    if not bool(torch.isfinite(drawn).all()):
        raise InputError(f"{file}: draws values that are no numbers; its weights are damaged or were trained to pieces")
    low, high = float(drawn.min()), float(drawn.max())
    if low < -1.1 or high > 1.1 or high - low < 0.1:
        yield Warned(f"its pictures go from {low:.3g} to {high:.3g} once brought to -1..1: the range may be another one; say --range")
    if float(drawn.std(0).mean()) < 1e-3:
        yield Warned(f"{_TRIED} latents give nearly the same picture: untrained or collapsed")


def export_generator(which: str, target: str, out: Path) -> Iterator[Event]:
    """A generator (or `fast`, the fast style network) as a file (or folder) of another program, one of TARGETS. Raises SettingError for another target, InputError and DiskError."""
    started = time.monotonic()
    if target not in TARGETS:
        raise SettingError(f"--to {target}: no such form{nearest(target, TARGETS)}")
    if which == FAST and target != "onnx":
        raise InputError(f"--to {target}: the fast style network goes out as onnx only")
    if target == "onnx" and (out.suffix != ".onnx" or out.is_dir()):
        raise InputError(f"{out}: {'is a folder' if out.is_dir() else 'is no name for it'}: an ONNX model's file ends in .onnx")
    generator = None if which == FAST else load_generator(which)
    make_folder(out.parent)
    yield from TARGETS[target](generator, out) if generator else _kept(out, onnx.export_styler(*load_styler()))
    yield Finished(out, time.monotonic() - started)


def _to_keras(generator: Loaded, out: Path) -> Iterator[Event]:
    if out.suffix != ".keras":
        raise InputError(f"{out}: a Keras model's file ends in .keras")
    keras = open_keras("", "keras")
    made = build(keras, generator)
    yield Note(f"{generator.name} as {len(made.model.layers)} layers of Keras {keras.__version__} on {keras.backend.backend()}")
    about = {key: generator.card.get(key, "unknown") for key in ("data", "data_licence")}
    about |= {"generator": generator.name, "sha256": generator.sha256, "classes": list(generator.classes)}
    with whole(out) as part:  # kept only when it draws the same
        again = save_keras(keras, made, part, about)
        yield from compared(generator, again.draw, out)
    yield Saved(out)


def _to_saved_model(generator: Loaded, out: Path) -> Iterator[Event]:
    if out.exists():
        raise InputError(f"{out}: is there already; a SavedModel is a new folder")
    keras = open_keras("tensorflow", "tensorflow")
    again = save_folder(keras, build(keras, generator), out)
    try:
        yield from compared(generator, again.draw, out)
    except InputError:
        rmtree(out, ignore_errors=True)
        raise
    yield Saved(out)


@torch.no_grad()
def compared(generator: Loaded, theirs: Callable[[Tensor, Tensor, float], Tensor], out: Path) -> Iterator[Event]:
    """Draw `_TRIED` latents of every class here and there, half of them truncated. Raises InputError where they differ by more than `AWAY`."""
    z, most = torch.randn(_TRIED, generator.network.z_size, generator=seeded(1, "exchange")), 0.0
    classes = max(generator.network.classes, 1)
    for label in range(classes):
        for part, psi in ((z[::2], 1.0), (z[1::2], 0.7)):
            labels = torch.full((len(part),), label)
            ours = generator.network(part, labels, psi).clamp(-1, 1)
            away = float((ours - theirs(part, labels, psi).clamp(-1, 1)).abs().max())
            if not away <= AWAY:  # or not a number
                raise InputError(f"{out}: draws other pictures than {generator.name} (by {away:.2g} of 2); it was not kept; report this")
            most = max(most, away)
        yield Step("compare", label + 1, classes, {"most": most})
    yield Note(f"read back and compared: {_TRIED} latents of each of {classes} classes differ by at most {most:.1e} in [-1, 1]")


def _to_onnx(generator: Loaded, out: Path) -> Iterator[Event]:
    """Where the generator has a W space NAME.w.onnx goes beside `out`."""
    yield from _kept(out, onnx.export_generator(generator))
    if generator.family == "atelier":
        yield from _kept(out.with_name(f"{out.stem}.w{out.suffix}"), onnx.export_synthesis(generator))


def _kept(path: Path, file: onnx.Exported) -> Iterator[Event]:
    yield Saved(write_bytes(path, file.content))
    size = len(file.content) / 1e6
    yield Note(f"{path.name}: {size:.1f} MB; {file.compared} pictures compared with torch's, {file.away:.1e} apart at most in [-1, 1]")


TARGETS: dict[str, Callable[[Loaded, Path], Iterator[Event]]] = {"keras": _to_keras, "savedmodel": _to_saved_model, "onnx": _to_onnx}
