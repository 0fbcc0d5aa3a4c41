"""What a picture was made of, carried inside it: a PNG text chunk `muslin` with JSON. Names and hashes, never folders.

Knows the form; how a recipe is cooked again is `studio.remake`'s work.
"""

import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from muslin.base.errors import InputError
from muslin.base.files import read_bytes
from muslin.base.image import read_text

KEY = "muslin"


@dataclass(frozen=True)
class Recipe:
    """`kind`: draft, photo, look or fabric. `generator`, `content`, `styles`, `mask` by name and sha256; `settings`: the style's config."""

    kind: str
    generator: dict[str, Any] | None = None  # name, sha256, seed, class, truncation
    content: dict[str, Any] | None = None  # file, sha256: a picture of the designer's instead of a draft
    styles: list[dict[str, Any]] = field(default_factory=list)  # file, sha256, weight, title, author, licence
    mask: dict[str, Any] | None = None  # file, sha256
    settings: dict[str, Any] = field(default_factory=dict)
    backbone: str = ""
    made_with: dict[str, Any] = field(default_factory=dict)  # muslin, torch, threads
    licence: dict[str, str] = field(default_factory=dict)  # of what went in
    source_type: str = "trainedAlgorithmicMedia"  # IPTC DigitalSourceType

    def plain(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    def text(self) -> dict[str, str]:
        """The PNG text chunks: the recipe, and what other programs show."""
        return {KEY: self.plain(), "Software": f"Muslin {self.made_with.get('muslin', '')}".strip(), "Source": self.source_type}


def tools() -> dict[str, Any]:
    """What bits depend on: versions and the number of threads."""
    import torch

    try:
        own = version("muslin")
    except PackageNotFoundError:
        own = "0"
    return {"muslin": own, "torch": torch.__version__, "threads": torch.get_num_threads()}


def read_recipe(path: Path) -> Recipe:
    """The recipe inside a PNG or TIFF. Raises InputError when there is none, or it is not one of Muslin's."""
    chunks = read_text(read_bytes(path), str(path))
    plain = chunks.get(KEY, chunks.get("description", ""))
    if not plain.startswith("{"):
        raise InputError(f"{path}: carries no recipe; only PNG and TIFF files that Muslin wrote do (a re-saved copy may have lost it)")
    try:
        return Recipe(**json.loads(plain))
    except (ValueError, TypeError) as failure:
        raise InputError(f"{path}: its recipe cannot be read ({failure}); it may come from a later Muslin: update") from failure
