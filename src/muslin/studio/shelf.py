"""What is there, as lines to read: generators with their cards, styles with their rights, presets, settings."""

import csv
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from muslin.assets import GENERATORS, LICENSES
from muslin.base.checkpoint import load_checkpoint
from muslin.base.config import as_dict, names
from muslin.base.errors import MuslinError
from muslin.base.events import Event, Finished, Note, Step
from muslin.base.vision import VggName, download_vgg, vgg_file
from muslin.features.backbones import BACKBONES
from muslin.features.vgg import load_vgg
from muslin.gan.configs import PRESETS as GAN_PRESETS
from muslin.gan.generators import load_generator
from muslin.studio.evaluate import EvaluateConfig
from muslin.studio.evaluate_looks import LooksConfig
from muslin.studio.pipeline import DesignConfig
from muslin.studio.sliders import load_sliders
from muslin.studio.styles import shipped
from muslin.style.configs import PRESETS as STYLE_PRESETS


def shelf(what: str) -> Iterator[str]:
    """Lines about one of: generators, styles, backbones, presets, settings, licences."""
    yield from _SHELVES[what]()


def fetch_weights(name: VggName) -> Iterator[Event]:
    """Download a VGG's weights where they are not here yet, cut them to the convolutions, keep them. Raises InputError."""
    started = time.monotonic()
    if not vgg_file(name).exists():
        for done, total in download_vgg(name):
            yield Step("fetch", done, max(total, done))
    backbone = load_vgg(name)
    yield Note(f"{backbone.name}: ready; use --backbone {name}")
    yield Finished(vgg_file(name), time.monotonic() - started)


def _generators() -> Iterator[str]:
    for name, path in GENERATORS.items():
        about = load_checkpoint(path)[1]
        card = about["card"]
        kinds = f"; classes: {', '.join(about['classes'])}" if about["family"] == "atelier" else ""
        yield f"{name}: {about['family']}, {about['net']['size']} px, {card['pictures']:,} pictures of {card['data']} ({card['data_licence']}), "
        yield f"    {card['images_seen']:,} images seen{_measured(card)}{kinds}"


def _measured(card: dict[str, Any]) -> str:
    told = [f"in {card['hours']:g} h"] if "hours" in card else []
    told += [f"from {card['started_from']}"] if "started_from" in card else []
    told += [f"distance {card['distance']:.0f}", f"copies {card['copies']:.1%}"] if "distance" in card else []
    told += [f"authenticity {card['authenticity']:.0%}", f"copying z {card['copying_z']:.1f}"] if "copying_z" in card else []
    return "".join(f", {part}" for part in told)


def _ledger() -> list[dict[str, str]]:
    with LICENSES.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _styles() -> Iterator[str]:
    rows = {row["file"]: row for row in _ledger()}
    for name in shipped():
        row = rows[f"styles/{name}.jpg"]
        yield f"{name}: {row['title']}, {row['author']} ({row['licence']})"


def _backbones() -> Iterator[str]:
    for name, load in BACKBONES.items():
        try:
            backbone = load()
            yield f"{name}: ready ({backbone.name}; style layers {', '.join(backbone.style_layers)})"
        except MuslinError as failure:
            yield f"{name}: not here: {failure}"


def _presets() -> Iterator[str]:
    for name, gan in GAN_PRESETS.items():
        yield f"muslin train --preset {name}: {gan.family}, {gan.net.size} px"
    for name, style in STYLE_PRESETS.items():
        yield f"muslin style --preset {name}: alpha {style.alpha:g}, beta {style.beta:g}, {style.where}"


def _settings() -> Iterator[str]:
    configs: dict[str, Any] = {f"train --preset {name}": config for name, config in GAN_PRESETS.items()}
    configs |= {f"style --preset {name}": config for name, config in STYLE_PRESETS.items()}
    configs |= {"design": DesignConfig(), "evaluate GENERATOR --data DATA": EvaluateConfig(), "evaluate FOLDER": LooksConfig()}
    for command, config in configs.items():
        yield f"{command}:"
        plain = as_dict(config)
        for setting in names(config):
            value = plain
            for part in setting.split("."):
                value = value[part]
            yield f"    --set {setting}={','.join(map(str, value)) if isinstance(value, list) else value}"


def _licences() -> Iterator[str]:
    photographs = Counter[str]()
    for row in _ledger():
        archive, inside, _ = row["file"].partition(".zip/")
        if inside:
            photographs[archive + ".zip"] += 1
        else:
            yield f"{row['file']}: {row['title']}, {row['author']}, {row['licence']}"
    for archive, count in photographs.items():
        yield f"{archive}: {count} photographs, contributors of the Clothing Dataset, CC0-1.0 (each is listed in {LICENSES.name})"


def _sliders() -> Iterator[str]:
    for name in GENERATORS:
        try:
            for slider in load_sliders(load_generator(name)).values():
                acts = " and ".join(slider.acts_in)
                yield f"{name}: {slider.name}: {slider.less} ... {slider.more}, -{slider.limit:g} to {slider.limit:g} ({slider.purity:.0%} of what it does, in {acts})"
        except MuslinError as failure:
            yield f"{name}: {failure}"


_SHELVES: dict[str, Callable[[], Iterator[str]]] = {
    "generators": _generators,
    "styles": _styles,
    "sliders": _sliders,
    "backbones": _backbones,
    "presets": _presets,
    "settings": _settings,
    "licences": _licences,
}
