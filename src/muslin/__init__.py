"""Muslin: a local, open studio for fashion design. About a dozen public names, each loaded on first use.

import muslin
generator = muslin.load_generator("garments-64")
for event in muslin.design("lookbook", generator, muslin.find_styles(["weave_ikat"])):
    ...
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muslin.base.errors import MuslinError as MuslinError
    from muslin.base.image import open_image as open_image
    from muslin.data.loader import load_images as load_images
    from muslin.data.prepare import PrepareConfig as PrepareConfig
    from muslin.data.prepare import prepare as prepare
    from muslin.gan.configs import PRESETS as PRESETS
    from muslin.gan.generators import load_generator as load_generator
    from muslin.gan.train import train as train
    from muslin.studio.dressing import dress_all as dress_all
    from muslin.studio.pipeline import DesignConfig as DesignConfig
    from muslin.studio.pipeline import design as design
    from muslin.studio.remake import remake as remake
    from muslin.studio.styles import find_styles as find_styles
    from muslin.style.configs import StyleConfig as StyleConfig

_HOMES = {
    "DesignConfig": "muslin.studio.pipeline",
    "MuslinError": "muslin.base.errors",
    "PRESETS": "muslin.gan.configs",
    "PrepareConfig": "muslin.data.prepare",
    "StyleConfig": "muslin.style.configs",
    "design": "muslin.studio.pipeline",
    "dress_all": "muslin.studio.dressing",
    "find_styles": "muslin.studio.styles",
    "load_generator": "muslin.gan.generators",
    "load_images": "muslin.data.loader",
    "open_image": "muslin.base.image",
    "prepare": "muslin.data.prepare",
    "remake": "muslin.studio.remake",
    "train": "muslin.gan.train",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"muslin has no {name}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
