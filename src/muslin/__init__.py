"""Muslin: a local, open studio for fashion design. Some thirty public names, each loaded on first use.

import muslin
generator = muslin.load_generator("garments-128")
for event in muslin.design("lookbook", generator, muslin.find_styles(["weave_ikat"])):
    ...
"""

import importlib
import os
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
    from muslin.studio.bringing import bring_photo as bring_photo
    from muslin.studio.bringing import bring_sketch as bring_sketch
    from muslin.studio.composing import compose as compose
    from muslin.studio.dressing import dress_all as dress_all
    from muslin.studio.editing import Source as Source
    from muslin.studio.editing import blend as blend
    from muslin.studio.editing import slide as slide
    from muslin.studio.editing import vary as vary
    from muslin.studio.evaluate import EvaluateConfig as EvaluateConfig
    from muslin.studio.evaluate import evaluate as evaluate
    from muslin.studio.fabric import fabric as fabric
    from muslin.studio.flat import flat as flat
    from muslin.studio.history import history as history
    from muslin.studio.originality import Search as Search
    from muslin.studio.originality import originality as originality
    from muslin.studio.pipeline import DesignConfig as DesignConfig
    from muslin.studio.pipeline import design as design
    from muslin.studio.remake import remake as remake
    from muslin.studio.styles import find_styles as find_styles
    from muslin.style.configs import StyleConfig as StyleConfig

# pages of 2 MiB for large tensors, where Linux has them: a fresh one costs a seventh (read by torch at its first tensor)
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

_HOMES = {
    "DesignConfig": "muslin.studio.pipeline",
    "EvaluateConfig": "muslin.studio.evaluate",
    "MuslinError": "muslin.base.errors",
    "PRESETS": "muslin.gan.configs",
    "PrepareConfig": "muslin.data.prepare",
    "Search": "muslin.studio.originality",
    "Source": "muslin.studio.editing",
    "StyleConfig": "muslin.style.configs",
    "blend": "muslin.studio.editing",
    "bring_photo": "muslin.studio.bringing",
    "bring_sketch": "muslin.studio.bringing",
    "compose": "muslin.studio.composing",
    "design": "muslin.studio.pipeline",
    "dress_all": "muslin.studio.dressing",
    "evaluate": "muslin.studio.evaluate",
    "fabric": "muslin.studio.fabric",
    "find_styles": "muslin.studio.styles",
    "flat": "muslin.studio.flat",
    "history": "muslin.studio.history",
    "load_generator": "muslin.gan.generators",
    "load_images": "muslin.data.loader",
    "open_image": "muslin.base.image",
    "originality": "muslin.studio.originality",
    "prepare": "muslin.data.prepare",
    "remake": "muslin.studio.remake",
    "slide": "muslin.studio.editing",
    "train": "muslin.gan.train",
    "vary": "muslin.studio.editing",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"muslin has no {name}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
