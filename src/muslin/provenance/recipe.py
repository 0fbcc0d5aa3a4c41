"""What a picture was made of, carried inside it: a PNG text chunk `muslin` with JSON. Names and hashes, never folders.

Recipes are a tree: an edited design holds its parents' recipes whole, so that any node can be made again from any file below it.
Knows the form; how a recipe is cooked again is `studio.remake`'s work.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from muslin.base.errors import InputError
from muslin.base.files import read_bytes
from muslin.base.image import read_text

KEY = "muslin"


@dataclass(frozen=True)
class Recipe:
    """`kind`: draft, edit, photo, look or fabric. `generator`, `content`, `styles`, `mask` by name and sha256; `settings`: the style's config.

    `made` (when, and by whose hand) is told, and does not count when recipes are compared.
    """

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
    edit: dict[str, Any] = field(default_factory=dict)  # kind edit: `do` (slide, mix, vary ...) and its figures
    parents: list[dict[str, Any]] = field(default_factory=list)  # plain recipes of what it was made from
    made: dict[str, str] = field(default_factory=dict, compare=False)

    def plain_dict(self) -> dict[str, Any]:
        """As nested plain values: what a child keeps among its parents."""
        return asdict(self)

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


def now(**more: str) -> dict[str, str]:
    """When a picture was made, to the second (UTC), and by whom where MUSLIN_HAND says so."""
    hand = os.environ.get("MUSLIN_HAND", "")
    return {"when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")} | ({"hand": hand} if hand else {}) | more


def read_recipe(path: Path) -> Recipe:
    """The recipe inside a PNG or TIFF. Raises InputError when there is none, or it is not one of Muslin's."""
    chunks = read_text(read_bytes(path), str(path))
    plain = chunks.get(KEY, chunks.get("description", ""))
    if not plain.startswith("{"):
        raise InputError(f"{path}: carries no recipe; only PNG and TIFF files that Muslin wrote do (a re-saved copy may have lost it)")
    try:
        return from_plain(json.loads(plain))
    except (ValueError, InputError) as failure:
        raise InputError(f"{path}: {failure}") from failure


def from_plain(plain: Any) -> Recipe:
    """The recipe of nested plain values (`Recipe.plain_dict`). Raises InputError where they are no recipe that this version knows."""
    try:
        return Recipe(**plain)
    except TypeError as failure:
        raise InputError(f"the recipe cannot be read ({failure}); it may come from a later Muslin: update") from failure
