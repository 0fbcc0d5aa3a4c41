"""In from other frameworks: a Keras generator becomes a file of Muslin's, and is drawn from once before it is kept."""

import time
from collections.abc import Iterator
from pathlib import Path

import torch

from muslin.base.errors import InputError
from muslin.base.events import Event, Finished, Note, Saved, Warned
from muslin.base.files import make_folder, sha256_file
from muslin.base.seeds import seeded
from muslin.export.keras_file import read_keras
from muslin.export.keras_layers import translate
from muslin.gan.generators import save_generator
from muslin.gan.imported import Generator, ImportedConfig

_TRIED = 64  # latents


def import_keras(file: Path, out: Path, asked: str = "", data: str = "", licence: str = "") -> Iterator[Event]:
    """A Keras generator (.keras, .h5) as a generator of Muslin's at `out` (.safetensors). Raises InputError and DiskError.

    `asked`: the range of its output where the last layer does not tell; `data` and `licence`: what it learned from, for its card.
    """
    started = time.monotonic()
    if out.suffix != ".safetensors":
        raise InputError(f"{out}: a generator's file ends in .safetensors")
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
