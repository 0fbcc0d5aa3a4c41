"""The styles on the shelf: shipped ones by name, and the designer's own files and folders; with what is known of their rights."""

import csv
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from muslin.assets import LICENSES, STYLES
from muslin.base.errors import InputError, MuslinError, nearest
from muslin.base.files import read_bytes, sha256
from muslin.base.image import SUFFIXES, open_image
from muslin.base.rights import Cleared, Rights, clear, from_row
from muslin.data.ledger import rights_near
from muslin.provenance.recipe import read_marks, told_cut
from muslin.studio.places import in_folder, names_apart, writable
from muslin.style.objective import EDGE

_LONGEST = 255  # bytes of a file's name
_KEPT = 4  # styles whose pictures stay in memory


@dataclass(frozen=True)
class Style:
    """A style ready for use: short `name`, its file, and the row that goes into recipes and credits."""

    name: str
    path: Path
    row: dict[str, Any]
    rights: Rights = field(default_factory=Rights)

    @property
    def pixels(self) -> Float[Tensor, "3 h w"]:
        """Its picture, in [-1, 1], read when it is asked for: a folder of photographs would fill the memory. Raises InputError."""
        return _picture(self.path, self.row["sha256"])

    def weighted(self, weight: float) -> dict[str, Any]:
        """The recipe's row with the weight in the mix."""
        return {**self.row, "weight": weight}


def shipped() -> list[str]:
    """Names of the styles in the package."""
    return sorted(path.stem for path in STYLES.glob("*.jpg"))


def find_styles(names: list[str]) -> list[Style]:
    """Shipped names, picture files and folders of pictures, in the order given; none: a hand-picked dozen.

    Styles of equal names are told apart (`places.names_apart`). Raises InputError for a name that is nothing, a folder without
    pictures, or a file that is no picture.
    """
    return [style for style, _ in find_weighted([(name, 1.0) for name in names])]


def find_weighted(named: list[tuple[str, float]]) -> list[tuple[Style, float]]:
    """As `find_styles`, each with its weight in a mix (a folder's goes to each of its pictures)."""
    paths = [(path, weight) for name, weight in named for path in _paths(name)]
    names = names_apart([path for path, _ in paths])
    return [(replace(load_style(path), name=name), weight) for (path, weight), name in zip(paths, names, strict=True)]


def load_style(path: Path) -> Style:
    """One style from its file. Raises InputError, for one without texture too."""
    content = read_bytes(path)
    picture, rights = open_image(content, str(path)), rights_of(path, content)
    if min(picture.pixels.shape[1:]) < EDGE:
        rows, columns = picture.pixels.shape[1:]
        raise InputError(f"{path}: a style of {columns} x {rows} px has no texture; use one of at least {EDGE} px a side")
    if picture.alpha is not None and float(picture.alpha.max()) < 0.5:
        raise InputError(f"{path}: the picture is wholly transparent: there is no style in it; export it with its colours")
    row = {"file": path.name, "sha256": sha256(content), "title": rights.title or path.stem.replace("_", " ")}
    row |= {"author": rights.author, "licence": rights.licence, "origin": rights.source}
    return Style(path.stem, path, row, rights)


@lru_cache(maxsize=_KEPT)
def _picture(path: Path, digest: str) -> Float[Tensor, "3 h w"]:
    content = read_bytes(path)
    if sha256(content) != digest:
        raise InputError(f"{path}: another picture than when this began; start again")
    return open_image(content, str(path)).pixels


def rights_of(path: Path, content: bytes) -> Rights:
    """What is known of a picture's rights: the shipped list's row, or that of the nearest rights.csv above it. Raises InputError for a bad ledger."""
    found = (_shipped_rights().get(path.name) if path.parent == STYLES else rights_near(path)) or Rights()
    found.must_fit(content, str(path))
    return found


def clear_styling(styles: list[Style], contents: list[Path], vouched_by: str = "") -> Cleared:
    """The sum of the rights of styles and of pictures to be dressed, brought in or drawn. Raises InputError with those that may not be used.

    A picture that Muslin made was cleared when it was made: its recipe tells of what.
    """
    named = [(style.row["file"], style.rights) for style in styles]
    for path in contents:
        content = read_bytes(path)
        if not _made_here(content, path):
            named.append((path.name, rights_of(path, content)))
    where = " and ".join(name for name, there in (("styles", styles), ("pictures", contents)) if there)
    return clear(named, "style", where, vouched_by)


def _made_here(content: bytes, path: Path) -> bool:
    try:
        return read_marks(content, str(path))[0] is not None
    except MuslinError:
        return False


def by_hash(rows: list[dict[str, Any]], places: list[Path]) -> list[Style]:
    """The styles of a recipe, found again by name and SHA-256 among the shipped ones and in `places`. Raises InputError."""
    return [load_style(find_file(row, [STYLES, *places], "style")) for row in rows]


def find_file(row: dict[str, Any], places: list[Path], what: str) -> Path:
    """The file of a recipe's row in one of the folders, its content checked. Raises InputError naming what is missing."""
    changed = ""
    with told_cut():
        name, digest = inside(str(row["file"])), row["sha256"]
    for place in places:
        path = place / name
        if path.is_file():
            if sha256(read_bytes(path)) == digest:
                return path
            changed = f" ({path} has that name but other content)"
    raise InputError(f"{name}: the {what} of this recipe is not here{changed}; name its folder with --look-in")


def inside(name: str) -> Path:
    """A recipe's file name, of which none leads out of the folder that it is looked for in: recipes come from strangers too. Raises InputError."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or not path.name or "\0" in name:
        raise InputError(f"{name!r}: names of pictures in a recipe stay within their folder; this recipe was not written by Muslin")
    return path


def _paths(name: str) -> list[Path]:
    if name in shipped():
        return [STYLES / f"{name}.jpg"]
    path = Path(name)
    if not name:
        raise InputError("--style '': an empty name; name a shipped style, a picture or a folder")
    if len(path.name.encode(errors="replace")) > _LONGEST:
        raise InputError(f"style '{name[:40]}...': {len(path.name)} characters are no file's name")
    if path.is_dir():
        found = in_folder(path)
        if not found:
            raise InputError(f"{name}: no pictures in this style folder; expected {', '.join(sorted(SUFFIXES))}")
        return found
    if path.exists():
        return [writable(path)]
    raise InputError(f"style '{name}': no such file, folder or shipped style{nearest(name, shipped())}")


@lru_cache(maxsize=1)
def _shipped_rights() -> dict[str, Rights]:
    with LICENSES.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["file"].startswith("styles/")]
    return {Path(row["file"]).name: from_row(row | {"source": row["origin"]}, LICENSES.name) for row in rows}
