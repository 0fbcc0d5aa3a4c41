"""Blocks: garments of an archive on whose construction drafts are made up (`style.blocks`). Which one a draft is made up on, and where it is found again.

A block must be of the draft's kind, cut out cleanly, nothing sticking out of it, and its outline near the draft's; no two designs of a lookbook take the same
one while others will do. Its rights are cleared as those of a picture that is dressed.
"""

import zipfile
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.assets import BLOCKS, MORE_BLOCKS, STARTER, TRACES
from muslin.base.errors import InputError, MuslinError
from muslin.base.events import Event, Note, Step, Warned
from muslin.base.files import sha256
from muslin.base.image import Picture, open_image
from muslin.base.rights import Cleared, clear
from muslin.base.seeds import seeded
from muslin.data.draft_mask import draft_outline
from muslin.data.ground import beside, on_border
from muslin.data.loader import padded, source_of, square
from muslin.data.outlines import Outlines, framed, solidity
from muslin.data.registration import bend
from muslin.data.sources import PIECES as PIECES_FILE
from muslin.data.sources import Item, Source, open_source
from muslin.data.traces import Row, from_table, from_text, to_text
from muslin.provenance.recipe import PIECES, told_cut
from muslin.studio.styles import inside
from muslin.style.blocks import Pattern, at_most, make_up, outline_of, read_block

STARTER_NAME = "starter"
_GLANCE, _SIDE, _LEAST = 64, 192, 128  # px at which a block is looked at: first for its outline, then for how it is cut out; its least side
_SEEN, _TRIED = 64, 8  # of those whose outlines are nearest: how many are looked at, and bent onto a draft's
_POOR = 1.0  # a bend of that cost makes no garment of the draft
_AGAIN, _EITHER = 0.3, 0.1  # what a block costs for each time that it was taken more than others which fit; by how much chance decides
_OPEN = 0.15  # what less an open neck or waist costs: a garment that is seen to be hollow
_NOT_READ = Row("")  # of a block whose picture is still to be read
_RIM = 0.06  # share of a picture's border that a garment may touch


@dataclass
class Blocks:
    """The garments of a source: their items and outlines, and what is known of their rights."""

    source: Source
    items: list[Item]
    outlines: Outlines
    cleared: Cleared
    traced: dict[str, Row | None] = field(
        default_factory=dict
    )  # by name: how it is built (`data.traces`; None: not told); others are read when they are tried
    _masks: dict[str, Tensor | None] = field(default_factory=dict)  # by name: of those that were tried; None: no good
    _taken: Counter[str] = field(default_factory=Counter)

    def fits(self, picture: Float[Tensor, "3 h w"], kind: str, seed: int = 0) -> Iterator[dict[str, Any]]:
        """The recipe's rows of the blocks that a draft (48 to 128 px, on white) can be made up on, best first; none for a drawing.

        Among blocks that fit about as well `seed` decides, so that drafts of like outlines are not all made up on one.
        """
        outline = draft_outline(square(picture))
        if outline is None:
            return
        clean = ((item, mask) for item in self._near(outline, kind) if (mask := self._mask(item)) is not None)
        tried = list(islice(clean, _TRIED))
        if not tried:
            return
        costs = [one.cost for one in bend(outline, [mask for _, mask in tried])]
        least, chance = min(self._taken[item.name] for item, _ in tried), torch.rand(len(tried), generator=seeded(seed, "blocks")).tolist()
        told = [
            cost + _AGAIN * (self._taken[item.name] - least) + _EITHER * luck - _OPEN * self._opened(item)
            for (item, _), cost, luck in zip(tried, costs, chance, strict=True)
        ]
        for place in sorted(range(len(tried)), key=told.__getitem__):
            if costs[place] <= _POOR:
                yield self._row(tried[place][0])

    def picture(self, row: dict[str, Any]) -> Picture:
        """The block of a row that `fits` gave. Raises InputError where its file changed meanwhile."""
        item = next(item for item in self.items if item.name == row["file"])
        return open_image(item.content(), item.name)

    def patterns(self, picture: Float[Tensor, "3 h w"], kind: str, size: int, seed: int = 0) -> Iterator[tuple[dict[str, Any], Pattern]]:
        """A draft made up at `size` px on the blocks that fit, one after the other as they are asked for, with their rows."""
        for row in self.fits(picture, kind, seed):
            if (made := made_on(picture, self.picture(row), row, size)) is not None:
                yield row, made

    def take(self, row: dict[str, Any]) -> None:
        """The next design is made up on another block where one will do."""
        self._taken[row["file"]] += 1

    def _near(self, outline: Tensor, kind: str) -> list[Item]:
        """Those of its kind (all of them where none is) whose outlines, brought to one size, cover it best."""
        own = self.outlines.of(kind).nonzero()[:, 0]
        shape, known = framed(outline), self.outlines.shapes[own]
        share = torch.minimum(shape, known).sum(1) / torch.maximum(shape, known).sum(1).clamp(min=1e-6)
        order = share.sort(descending=True, stable=True).indices
        return [self.items[int(own[place])] for place in order][:_SEEN]

    def _opened(self, item: Item) -> bool:
        return "inside" in (self._built(item) or "")

    def _built(self, item: Item) -> str | None:
        """How a block is built: as it was traced, else as its picture is read; None for shoes and hats that ship."""
        row = self.traced.get(item.name, _NOT_READ)
        if row is not None and row.digest and not row.of(item.content()):  # another picture lies there now
            row = _NOT_READ
        if row is _NOT_READ:
            row = self.traced[item.name] = Row(to_text(read_block(open_image(item.content(), item.name))[1] or []))
        return None if row is None else row.text

    def _mask(self, item: Item) -> Tensor | None:
        """A block's silhouette in a square of 192 px; None for one that is cut by the border, or has a hanger, a hook or a thread beside it."""
        if item.name not in self._masks:
            shown = at_most(open_image(item.content(), item.name), _SIDE)
            mask = outline_of(shown)
            good = mask is not None and on_border(mask) < _RIM and not bool(beside(shown.pixels, mask, photo=True).any())
            self._masks[item.name] = padded(mask) if mask is not None and good else None
        return self._masks[item.name]

    def _row(self, item: Item) -> dict[str, Any]:
        told = {name: getattr(item.rights, name) for name in ("title", "author", "licence", "source")}
        text = self._built(item)
        built = {} if text is None else {PIECES: text}  # one that is built of nothing says so
        return {"file": item.name, "sha256": sha256(item.content())} | {name: text for name, text in told.items() if text} | built


def made_on(draft: Float[Tensor, "3 h w"], block: Picture, row: dict[str, Any], size: int) -> Pattern | None:
    """`style.blocks.make_up` on the block of a row. Raises InputError where the row's pieces are none."""
    return make_up(draft, block, size, from_text(str(row[PIECES])) if PIECES in row else None)


def pieces_told(made: Pattern | None) -> dict[str, str]:
    """What a made-up design's recipe tells of how it is built, so that its looks are cut so."""
    return {} if made is None or made.traces is None else {PIECES: to_text(made.traces)}


def open_blocks(which: str, vouched_by: str = "") -> Iterator[Event | Blocks]:
    """The garments of a folder or a zip as blocks (`starter`: those that ship); the last thing yielded is the Blocks. Raises InputError where none can be one."""
    source = source_of(which)
    items, traced = list(source.items), dict[str, Row | None]()
    traced |= yield from rows_of(source)
    if which == STARTER_NAME:
        chosen = set(BLOCKS.read_text().split())
        items = sorted((item for item in (*items, *open_source(MORE_BLOCKS).items) if item.name in chosen), key=lambda item: item.name)
        traced = dict.fromkeys(chosen) | from_table(TRACES.read_bytes(), TRACES.name)
    cleared = clear([(item.name, item.rights) for item in items], "style", f"blocks of {source.name}", vouched_by)
    kept, masks = list[Item](), list[Tensor]()
    for number, item in enumerate(items, 1):
        try:
            mask = _glance(item)
        except MuslinError as failure:
            yield Warned(f"{source.name}: {item.name} is no block: {failure}")
            mask = None
        if mask is not None:
            kept.append(item)
            masks.append(mask)
        if number % 100 == 0 or number == len(items):
            yield Step("blocks", number, len(items))
    if not kept:
        raise InputError(
            f"{source.name}: none of its {len(items)} pictures shows a garment on a plain ground, {_LEAST} px a side or more; --blocks none goes without"
        )
    if len(kept) < len(items):
        yield Note(f"{source.name}: {len(kept):,} of {len(items):,} pictures show a garment on a plain ground, {_LEAST} px a side or more")
    shapes = torch.stack([framed(mask) for mask in masks])
    outlines = Outlines(shapes, [item.label for item in kept], torch.tensor([solidity(mask) for mask in masks]))
    yield Blocks(source, kept, outlines, cleared, traced)


def rows_of(source: Source) -> Generator[Event, None, dict[str, Row]]:
    """The rows of an archive's pieces.txt by picture; those that name no picture are told. Raises InputError for what is no row."""
    rows = from_table(source.pieces(), f"{source.name}/{PIECES_FILE}") if source.pieces else {}
    names = {item.name for item in source.items}
    if strays := [name for name in rows if name not in names]:
        yield Warned(
            f"{source.name}/{PIECES_FILE}: {len(strays):,} of its rows name no picture of it, the first {strays[0]!r}; correct the name, or take the row out"
        )
    return {name: row for name, row in rows.items() if name in names}


def _glance(item: Item) -> Float[Tensor, "1 h w"] | None:
    picture = open_image(item.content(), item.name)
    return outline_of(at_most(picture, _GLANCE)) if min(picture.pixels.shape[1:]) >= _LEAST else None


def told_of(blocks: Blocks, done: int, count: int) -> Iterator[Event]:
    """How many designs were made up, on whose garments, and why the others were not."""
    yield Note(f"{done} of {count} designs made up on blocks of {blocks.source.name}: {blocks.cleared.text()}")
    if done < count:
        yield Warned(f"{count - done} as drawn: no block fits, or the draft is no cloth of 48 to 128 px on a plain ground")


def find_block(row: dict[str, Any], places: list[Path]) -> Picture:
    """The picture of a recipe's block, by name and SHA-256: among those that ship, or in one of `places`, folders and zips. Raises InputError."""
    with told_cut():
        name, digest = inside(str(row["file"])), str(row["sha256"])
    for place in (STARTER, MORE_BLOCKS, *places):
        for content in _contents(place, name):
            if sha256(content) == digest:
                return open_image(content, str(name))
    raise InputError(f"{name}: the block of this recipe is not here; name its folder or zip with --look-in")


def _contents(place: Path, name: Path) -> Iterator[bytes]:
    """What is called so in a folder, with or without its class's folder, or in a zip; nothing of a zip that is no archive of pictures."""
    if place.is_dir():
        yield from (path.read_bytes() for path in (place / name, place / name.name) if path.is_file())
    elif place.is_file() and zipfile.is_zipfile(place):
        with suppress(InputError):
            yield from (item.read() for item in open_source(place).items if Path(item.name).name == name.name)
