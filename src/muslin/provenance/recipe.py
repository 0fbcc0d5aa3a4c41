"""What a picture was made of, carried inside it: JSON in a PNG text chunk `muslin`, a TIFF's description or XMP. Names and hashes, no folders.

Recipes are a tree: an edited design holds its parents' recipes whole, so that any node can be made again from any file below it.
Knows the form; how a recipe is cooked again is `studio.remake`'s work.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from muslin.base.errors import InputError
from muslin.base.files import read_bytes, sha256
from muslin.base.image import XMP, read_text
from muslin.provenance.xmp import Mark, build, known_source, read

KEY = "muslin"
KINDS = ("draft", "edit", "photo", "look", "fabric")
ANEW = "drawn_anew"  # settings of a draft or an edit: px,
BLOCK = "block"  # and the garment on whose construction it was made up: file, sha256, author, licence


PIECES = "pieces"  # of a block as it was traced; and, in `made`, of the design that was made up on it (`data.traces`)
_FORMS: dict[str, type | tuple[type, ...]] = {"settings": dict, "made_with": dict, "licence": dict, "edit": dict, "made": dict}
_FORMS |= dict.fromkeys(("generator", "content", "mask"), (dict, type(None)))
_FORMS |= {"styles": list, "parents": list, "backbone": str, "source_type": str}


@dataclass(frozen=True)
class Recipe:
    """`kind`: draft, edit, photo, look or fabric. `generator`, `content`, `styles`, `mask` by name and sha256; `settings`: the style's config.

    `made` (when, and by whose hand) is told, and does not count when recipes are compared.
    """

    kind: str
    generator: dict[str, Any] | None = None  # name, sha256, seed, class, truncation, and runtime where torch did not draw
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

    @property
    def runtime(self) -> str:
        """What drew the design: torch or onnx."""
        return str((self.generator or {}).get("runtime", "torch"))

    @property
    def garment(self) -> str:
        """The class of the design, empty where its generator has none."""
        return str((self.generator or {}).get("class", ""))

    @property
    def seed(self) -> int:
        """The draft's seed; 0 where it has none."""
        return int((self.generator or {}).get("seed", 0))

    def plain_dict(self) -> dict[str, Any]:
        """As nested plain values: what a child keeps among its parents."""
        return asdict(self)

    def plain(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    def source(self) -> str:
        """IPTC's term: a photo that was dressed is a photo edited by a model, not a generated picture."""
        drawn = self.generator is not None or any(parent.get("kind") in ("draft", "edit", "look") for parent in self.parents)
        return known_source(self.source_type) if drawn or self.kind != "look" else "compositeWithTrainedAlgorithmicMedia"

    def mark(self, whole: bool = False) -> Mark:
        """What XMP says of the picture; `whole`: with the recipe in it, for files that hold it nowhere else."""
        rights = "; ".join(f"{name}: {licence}" for name, licence in sorted(self.licence.items()))
        return replace(self.clean_mark(), rights=rights, recipe=self.plain() if whole else "")

    def clean_mark(self) -> Mark:
        """The mark for a public copy: the licences without the names of the files that they belong to."""
        producer = str(self.made.get("producer", ""))
        number = sha256(self.plain().encode())[:32] if producer else ""
        rights = "; ".join(sorted(set(self.licence.values())))
        return Mark(self.source(), str(self.made_with.get("muslin", "")), rights, producer=producer, number=number)

    def xmp(self, whole: bool = False) -> str:
        """The XMP packet."""
        return build(self.mark(whole))

    def text(self) -> dict[str, str]:
        """The PNG text chunks: the recipe, and what other programs show and look for."""
        return {KEY: self.plain()} | mark_text(self.mark())


def mark_text(mark: Mark) -> dict[str, str]:
    """The PNG text chunks of a picture without a recipe of its own: what other programs show and look for."""
    return {"Software": f"Muslin {mark.version}".strip(), "Source": mark.source, XMP: build(mark)}


def together(recipes: Sequence[Recipe], beside: bool = False) -> Mark:
    """The mark of a sheet, film or page that shows pictures of these recipes (one at least); `beside`: and others that were not made here.

    All of one kind keep its term of IPTC's; a mix with anything machine-made in it is `compositeSynthetic`. Names no files.
    """
    marks = [recipe.clean_mark() for recipe in recipes]
    sources = {mark.source for mark in marks}
    mixed = "compositeSynthetic" if any(mark.by_machine for mark in marks) else "composite"
    source = mixed if beside or len(sources) > 1 else marks[0].source
    rights = "; ".join(sorted({text for recipe in recipes for text in recipe.licence.values()}))
    number = sha256("".join(mark.number for mark in marks).encode())[:32] if marks[0].producer else ""
    return replace(marks[0], source=source, rights=rights, number=number)


def bare(recipe: Recipe) -> Recipe:
    """A draft's or an edit's recipe as the generator gives it: at no other size, on no block, nothing told of the picture that it was on one."""
    row = recipe.settings.get(BLOCK) if recipe.kind in ("draft", "edit") else None
    if not isinstance(row, dict):
        return replace(recipe, settings={})
    licence = {name: text for name, text in recipe.licence.items() if name != f"{BLOCK} {row.get('file')}"}
    made = {name: text for name, text in recipe.made.items() if name not in ("originality", "rights", PIECES)}
    return replace(recipe, settings={}, licence=licence, source_type=Recipe.source_type, made=made)


_DEEP = 20  # looks of looks, at most


def pieces_in(plain: object, height: int, width: int) -> str | None:
    """How the garment is built that a picture of these sides shows, as the plain recipe that drew it tells, in permille of the square around it; None where it does not, or drew another size.

    Other programs keep a recipe when they crop: places hold only on the whole square that was drawn, or the whole photograph.
    """
    settings = plain.get("settings") if isinstance(plain, dict) else None
    if not isinstance(plain, dict) or not isinstance(settings, dict):
        return None
    side = settings.get("size" if plain.get("kind") == "look" else ANEW)
    if (told := _of_photo(plain, _DEEP)) is not None:
        return told if max(height, width) == side else None
    return _pieces(plain, _DEEP) if height == width == side else None


def _of_photo(plain: object, deep: int) -> str | None:
    """The pieces of the photograph that a look is of. A recipe may come from anybody."""
    if not isinstance(plain, dict) or plain.get("kind") != "look" or not deep:
        return None
    content, parents = plain.get("content"), plain.get("parents")
    told = content.get(PIECES) if isinstance(content, dict) else None
    each = (_of_photo(parent, deep - 1) for parent in parents) if isinstance(parents, list) else iter(())
    return told if isinstance(told, str) else next((text for text in each if text is not None), None)


def _pieces(plain: object, deep: int) -> str | None:
    """A design's own, or those of the design that a look is of. A recipe may come from anybody."""
    if not isinstance(plain, dict) or not deep:
        return None
    if plain.get("kind") == "look":
        parents = plain.get("parents")
        each = (_pieces(parent, deep - 1) for parent in parents) if isinstance(parents, list) else iter(())
        return next((text for text in each if text is not None), None)
    made = plain.get("made")
    told = made.get(PIECES) if plain.get("kind") in ("draft", "edit") and isinstance(made, dict) else None
    return told if isinstance(told, str) else None


def block_of(recipe: Recipe) -> dict[str, Any]:
    """The row of the block that a look's design was made up on; empty where it was not."""
    rows = (parent.get("settings", {}).get(BLOCK) for parent in recipe.parents)
    return next((row for row in rows if isinstance(row, dict)), {})


def on_block(plain: dict[str, Any]) -> bool:
    """Whether a plain recipe, or one that it was made from, is of a design made up on a block: a photograph is in it."""
    settings = plain.get("settings")
    return (isinstance(settings, dict) and BLOCK in settings) or any(on_block(parent) for parent in plain.get("parents") or [])


def tools(runtime: str = "torch") -> dict[str, Any]:
    """What bits depend on: versions and the number of threads; `runtime` onnx: onnxruntime's version too."""
    import torch

    found = {"muslin": _version("muslin"), "torch": torch.__version__, "threads": torch.get_num_threads()}
    return found | ({"onnxruntime": _version("onnxruntime")} if runtime == "onnx" else {})


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "0"


def now(**more: str) -> dict[str, str]:
    """When a picture was made, to the second (UTC), by whom where MUSLIN_HAND says so, and who answers for it (MUSLIN_PRODUCER)."""
    told = {name: text for name in ("hand", "producer") if (text := os.environ.get(f"MUSLIN_{name.upper()}", "").strip())}
    return {"when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")} | told | more


def read_recipe(path: Path) -> Recipe:
    """The recipe inside a PNG, TIFF, JPEG or WebP. Raises InputError when there is none, or it is not one of Muslin's."""
    recipe = read_marks(read_bytes(path), str(path))[0]
    if recipe is None:
        raise InputError(f"{path}: carries no recipe; only files that Muslin wrote do (a re-saved or clean copy may have lost it)")
    return recipe


def find_recipe(path: Path) -> Recipe | None:
    """The recipe inside a picture file, or None where there is none that can be read."""
    try:
        return read_recipe(path)
    except InputError:
        return None


def read_marks(content: bytes, name: str) -> tuple[Recipe | None, Mark | None]:
    """Recipe and XMP mark of a picture file, None where it has none. Raises InputError as `open_image`, and for a recipe not known here."""
    chunks = read_text(content, name)
    mark = read(chunks.get(XMP, ""))
    places = (chunks.get(KEY, ""), chunks.get("description", ""), mark.recipe if mark else "")
    plain = next((text for text in places if text.startswith("{")), "")
    try:
        return from_plain(json.loads(plain)) if plain else None, mark
    except (ValueError, InputError) as failure:
        raise InputError(f"{name}: {failure}") from failure
    except RecursionError as failure:
        raise InputError(f"{name}: its recipe is nested too deeply to be one; take the file that Muslin wrote") from failure


def from_plain(plain: Any) -> Recipe:
    """The recipe of nested plain values (`Recipe.plain_dict`). Raises InputError where they are no recipe that this version knows."""
    try:
        recipe = Recipe(**plain)
    except TypeError as failure:
        raise InputError(f"the recipe cannot be read ({failure}); it may come from a later Muslin: update") from failure
    if recipe.kind not in KINDS:
        raise InputError(f"the recipe is of a kind '{recipe.kind}' that is not known here; it may come from a later Muslin: update")
    for name, form in _FORMS.items():
        if not isinstance(getattr(recipe, name), form):
            raise InputError(
                f"the recipe's {name} is {str(getattr(recipe, name))[:40]!r}, which it cannot be; take the file that Muslin wrote"
            )
    _check_rows(recipe)
    return recipe


def _check_rows(recipe: Recipe) -> None:
    """What is read of a recipe without looking: a file may come from anybody. Raises InputError."""
    dicts = {name: all(isinstance(row, dict) for row in getattr(recipe, name)) for name in ("styles", "parents")}
    words = {name: all(isinstance(text, str) for text in getattr(recipe, name).values()) for name in ("licence", "made")}
    named = all(isinstance(row.get("sha256", ""), str) for row in (recipe.generator, recipe.content, recipe.mask) if row)
    for name, holds in {**dicts, **words, "ingredients": named}.items():
        if not holds:
            raise InputError(f"the recipe's {name} cannot be read; the file was changed: take the one that Muslin wrote")


@contextmanager
def told_cut() -> Iterator[None]:
    """Around the reading of a recipe's values: what is missing there, or no number, becomes an InputError."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as failure:
        raise InputError(f"this recipe was cut or changed: missing or unreadable: {failure}; take the file that Muslin wrote") from failure
