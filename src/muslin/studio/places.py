"""Where pictures are, and where a result goes: pictures of one name are told apart, and a file that was made otherwise, or not here, is never written over.

The number behind a name is found from the recipes in the files, so that the same command comes to the same files again.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

from torch import Tensor

from muslin.base.errors import InputError, MuslinError
from muslin.base.files import write_bytes
from muslin.base.image import SUFFIXES, encode_png, open_image
from muslin.base.packets import broken_chunk, kind_of, mp4_packet
from muslin.provenance.recipe import PIECES, Recipe, find_recipe, read_marks
from muslin.provenance.xmp import read

OVERVIEWS = ("sheet.png", "line-up.png")  # what commands put beside the pictures that they make
_PAGES = ("lookbook.json", "evaluation.json", "originality.json")  # what lies beside an index.html
_TOLD = 3  # settings named in a line


@dataclass(frozen=True)
class Place:
    """`path` is free, or (`there`) carries the recipe already; `kept`: what was in the way; `unlike`: how the first of them differs."""

    path: Path
    there: bool = False
    kept: tuple[Path, ...] = ()
    unlike: str = ""

    @property
    def note(self) -> str:
        """The line for a person about what was in the way; empty where nothing was, or where nothing is made."""
        if self.there or not self.kept:
            return ""
        more = f" (and {len(self.kept) - 1} more)" if len(self.kept) > 1 else ""
        return f"{self.kept[0].name}{more} is kept: {self.unlike}; the new one is {self.path.name}"


def keep(place: Place, pixels: Tensor, recipe: Recipe, dpi: float = 72) -> Path:
    """The picture as a PNG with its recipe at its place; one that is there stays, it may be signed. Raises DiskError."""
    return place.path if place.there else write_bytes(place.path, encode_png(pixels, dpi=dpi, text=recipe.text()))


def place_for(path: Path, recipe: Recipe) -> Place:
    """`path`, or NAME-2, NAME-3 ...: the first that is free or carries this very recipe.

    A PNG that is cut short counts as free: files are written whole, so it holds nothing that was finished.
    """
    kept, unlike = list[Path](), ""
    for number in count(1 if path.name not in OVERVIEWS else 2):
        here = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        if not os.path.lexists(here):
            return Place(here, False, tuple(kept), unlike)
        found = find_recipe(here)
        same = found is not None and _unmade(found.plain_dict()) == _unmade(recipe.plain_dict())
        if same or (found is None and _broken(here)):
            return Place(here, same, tuple(kept), unlike)
        kept.append(here)
        unlike = unlike or (_unlike(found, recipe) if found else "no picture of ours with a recipe")
    raise AssertionError  # numbers do not end


def overview_at(path: Path, taken: Sequence[Path] = ()) -> Path:
    """`path`, or NAME-2, NAME-3 ...: the first that is free or an overview of ours, which is always that of the last run.

    `taken`: those that this run has written.
    """
    numbered = (path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(1))
    ours = (here for here in numbered if not os.path.lexists(here) or _broken(here) or _overview_of_ours(here))
    return next(here for here in ours if here not in taken)


def _overview_of_ours(path: Path) -> bool:
    try:
        content = path.read_bytes()
        if packet := mp4_packet(content):
            return read(packet) is not None
        recipe, mark = read_marks(content, str(path))
    except (MuslinError, OSError):
        return False
    return recipe is None and mark is not None


def _overview(path: Path) -> bool:
    """Whether a picture is named as an overview, or is one of ours that had to take a number, or a fabric's proof."""
    plain = re.sub(r"-\d+$", "", path.stem)
    return path.name in OVERVIEWS or ((plain + path.suffix in OVERVIEWS or plain.endswith("-proof")) and _overview_of_ours(path))


_OURS, _HEAD = b'<meta name="generator" content="Muslin', 2000  # where a page of ours says so


def check_page(out: Path, mine: str) -> None:
    """Raises InputError where the index.html in `out` is not Muslin's, or another command's, told by the JSON beside it; `mine`: this one's."""
    page = out / "index.html"
    theirs = next((name for name in _PAGES if name != mine and (out / name).exists()), "")
    if theirs and page.exists() and not (out / mine).exists():
        raise InputError(f"{page}: is the page of {theirs} beside it; name another folder with --out")
    if page.is_file() and _OURS not in page.read_bytes()[:_HEAD]:
        raise InputError(f"{page}: is a page that Muslin did not write; name another folder with --out")


def find_pictures(paths: list[Path]) -> list[Path]:
    """Files as they are and folders' pictures in the order of their names, without overviews. Raises InputError for what is not there or cannot be named."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = in_folder(path)
            if not inside:
                raise InputError(f"{path}: no pictures in this folder; expected {', '.join(sorted(SUFFIXES))}")
            found += inside
        elif path.exists():
            found.append(writable(path))
        else:
            raise InputError(f"{path}: no such file or folder; check the path")
    return found


def masks_in(given: Path, files: list[Path], labels: list[str]) -> list[Path]:
    """For each picture the one of its name in a folder; pictures of one name need the names they are told apart by (`labels`). Raises InputError."""
    there: dict[str, list[Path]] = {}
    for path in find_pictures([given]):
        there.setdefault(path.stem, []).append(path)
    of_stem = {file.stem: {other.resolve() for other in files if other.stem == file.stem} for file in files}
    names = [label if len(of_stem[file.stem]) > 1 else file.stem for file, label in zip(files, labels, strict=True)]
    if len({(name, file.resolve()) for name, file in zip(names, files, strict=True)}) > len(set(names)):
        raise InputError(f"{given}: one mask would be that of two pictures ({', '.join(sorted(set(names)))}); rename one of these")
    if missing := [(file, name) for file, name in zip(files, names, strict=True) if name not in there]:
        more = f" (nor for {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise InputError(f"{missing[0][0]}: no mask called {missing[0][1]} in {given}{more}; each picture needs one")
    if double := next((there[name] for name in names if len(there[name]) > 1), None):
        raise InputError(f"{given}: {' and '.join(path.name for path in double)} are masks of one name; keep one of them")
    return [there[name][0] for name in names]


def in_folder(folder: Path) -> list[Path]:
    """A folder's pictures in the order of their names, without hidden ones and, where there are others, without overviews."""
    inside = sorted(writable(p) for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    return [file for file in inside if not _overview(file)] or inside


def writable(path: Path) -> Path:
    """The path, if its name can stand in a recipe and on a page. Raises InputError for one that is no UTF-8."""
    try:
        path.name.encode()
    except UnicodeEncodeError as failure:
        shown = os.fsencode(path).decode(errors="replace")
        raise InputError(f"{shown}: the file's name is no UTF-8 (of another system?); rename it") from failure
    return path


def names_apart(paths: Sequence[Path]) -> list[str]:
    """Each path's stem; for equal stems of different files the folder's name before it, or a number behind where that is equal too.

    Upper and lower case count as equal, as on many disks. The same for the same paths in the same order.
    """
    different = list(dict.fromkeys(path.absolute() for path in paths))
    stems = Counter(path.stem.casefold() for path in different)
    folders = {stem: {p.parent.name for p in different if p.stem.casefold() == stem} for stem, times in stems.items() if times > 1}
    names, used = dict[Path, str](), set[str]()
    for path in different:
        before = path.parent.name if len(folders.get(path.stem.casefold(), ())) > 1 else ""
        name = f"{before}-{path.stem}" if before else path.stem
        names[path] = next(n for n in chain([name], (f"{name}-{k}" for k in count(2))) if n.casefold() not in used)
        used.add(names[path].casefold())
    return [names[path.absolute()] for path in paths]


def cut(name: str, most: int) -> str:
    """A name cut to so many bytes of UTF-8, 40 at least, at a whole character: files' names have room for 255."""
    return name.encode(errors="surrogateescape")[: max(most, 40)].decode(errors="ignore")


def _unmade(plain: dict[str, Any]) -> dict[str, Any]:
    """A plain recipe without when, by whom and by how many threads it was made, its parents' too: those of seeds are drawn anew each time."""
    kept = {name: value for name, value in plain.items() if name != "made"}
    kept["made_with"] = {name: value for name, value in (plain.get("made_with") or {}).items() if name != "threads"}
    return kept | {"parents": [_unmade(parent) for parent in kept.get("parents") or []]}


def _broken(path: Path) -> bool:
    """Whether a file is empty, or a PNG that is cut short or damaged so that no picture can be read from it."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    if kind_of(content) != "image/png" or not broken_chunk(content):
        return not content
    try:
        open_image(content)  # something after the end of a PNG does no harm to it
    except InputError:
        return True
    return False


def _unlike(found: Recipe, recipe: Recipe) -> str:
    names = [name for name in {**found.settings, **recipe.settings} if found.settings.get(name) != recipe.settings.get(name)]
    if not names:
        ours, theirs = asdict(recipe), asdict(found)
        ours[PIECES], theirs[PIECES] = ((one["content"] or {}).pop(PIECES, None) for one in (ours, theirs))  # of one photograph
        ours["version of Muslin or torch"], theirs["version of Muslin or torch"] = ours.pop("made_with"), theirs.pop("made_with")
        names = [name.replace("_", " ") for name in ours if name not in ("made", "licence") and ours[name] != theirs[name]] or ["licence"]
    return f"made with another {', '.join(names[:_TOLD])}" + (" ..." if len(names) > _TOLD else "")
