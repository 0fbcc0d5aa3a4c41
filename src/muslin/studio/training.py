"""Training and drawing for people: data found by name, a preset chosen, sheets of what the generator draws at each checkpoint."""

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from muslin.base.config import overlay
from muslin.base.errors import SettingError, nearest
from muslin.base.events import Event, Finished, Note, Refused, Saved, Step
from muslin.base.files import make_folder, write_bytes
from muslin.base.image import encode_png
from muslin.data.loader import load_images
from muslin.export.sheets import contact_sheet
from muslin.gan.configs import PRESETS, ClassicConfig
from muslin.gan.generators import Loaded, load_generator
from muslin.gan.train import GENERATOR, train
from muslin.studio.cook import draft_recipe, draw

_SHEET = 40


def train_on(
    data: str,
    run: Path,
    preset: str = "",
    settings: tuple[str, ...] = (),
    classes: tuple[str, ...] = (),
    device: str = "auto",
    download: bool = False,
) -> Iterator[Event]:
    """Train a preset (with settings laid over it) on a named set, folder or zip; sheet.png is drawn at each checkpoint.

    Raises InputError and SettingError before anything is written.
    """
    name = preset or ("classic" if data == "fashion-mnist" else "atelier-32")
    if name not in PRESETS:
        raise SettingError(f"preset '{name}': not known{nearest(name, PRESETS)}")
    config = overlay(PRESETS[name], settings)
    refused = list[Refused]()
    channels = 1 if isinstance(config, ClassicConfig) else 3
    images = load_images(data, config.net.size, channels, classes, lambda file, why: refused.append(Refused(file, why)), download)
    yield from refused
    yield Note(f"{len(images):,} pictures in {len(images.classes)} classes from {images.name}; preset {name}")
    if len(images) < 500:
        yield Note("under 500 pictures: expect variations of what is there rather than new garments")
    for event in train(run, images, config, device):
        yield event
        if isinstance(event, Saved) and event.path.name == GENERATOR:
            pictures = first_drafts(load_generator(run), _SHEET)
            yield Saved(write_bytes(run / "sheet.png", encode_png(contact_sheet(pictures, columns=10, side=112, gap=4), dpi=96)))


def first_drafts(generator: Loaded, count: int, psi: float = 0.8) -> list[Tensor]:
    """The drafts of seeds 0 ... count, classes in turn: always the same ones, so that sheets can be compared."""
    classes = max(generator.network.classes, 1)
    return [generator.draw(seed, seed % classes, psi)[0] for seed in range(count)]


def generate(generator: Loaded, seeds: list[int], classes: tuple[str, ...], psi: float, out: Path) -> Iterator[Event]:
    """One PNG with its recipe for each seed (classes in turn), and a sheet of the first hundred. Raises InputError."""
    if not 0 <= psi <= 2:
        raise SettingError(f"truncation={psi}: should be 0 to 2")
    labels = [generator.label(name) for name in classes] or list(range(max(generator.network.classes, 1)))
    make_folder(out)
    shown, names = list[Tensor](), list[str]()
    for number, seed in enumerate(seeds):
        recipe = draft_recipe(generator, seed, labels[number % len(labels)], psi)
        picture = draw(generator, recipe)
        kind = (recipe.generator or {}).get("class", "garment")
        path = out / f"{kind}-{seed:06d}.png"
        write_bytes(path, encode_png(picture, dpi=72, text=recipe.text()))
        if len(shown) < 100:
            shown.append(picture)
            names.append(f"{kind} {seed}")
        if number % 16 == 15 or number + 1 == len(seeds):
            yield Step("draw", number + 1, len(seeds))
    yield Saved(write_bytes(out / "sheet.png", encode_png(contact_sheet(shown, columns=10, side=128, captions=names), dpi=96)))
    yield Finished(out / "sheet.png", 0.0)
