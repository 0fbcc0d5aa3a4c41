"""Contact sheets: many pictures on one, in rows, with captions; as files with an AI mark. Draws with tensors and the one door to Pillow."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.image import caption, encode_png, resize
from muslin.provenance.recipe import Recipe, mark_text, together
from muslin.provenance.xmp import Mark


def contact_sheet(
    pictures: Sequence[Tensor], columns: int = 0, side: int = 256, gap: int = 12, captions: Sequence[str] = ()
) -> Float[Tensor, "3 H W"]:
    """Pictures (grey or RGB, [-1, 1], any sizes) fitted into squares of `side` px on white; a line of text under each."""
    if not pictures:
        raise ValueError("a sheet needs at least one picture")
    columns = columns or max(1, math.ceil(math.sqrt(len(pictures) * 1.3)))
    columns = min(columns, len(pictures))
    rows, foot = math.ceil(len(pictures) / columns), 26 if captions else 0
    sheet = torch.ones(3, rows * (side + foot + gap) + gap, columns * (side + gap) + gap)
    for number, picture in enumerate(pictures):
        top, left = gap + number // columns * (side + foot + gap), gap + number % columns * (side + gap)
        fitted = _fit(picture, side)
        sheet[:, top : top + side, left : left + side] = fitted
        if captions:
            line = caption(captions[number], side, foot)
            sheet[:, top + side : top + side + foot, left : left + side] = line
    return sheet


def encode_sheet(sheet: Float[Tensor, "3 H W"], recipes: Sequence[Recipe], dpi: float = 96, beside: bool = False) -> bytes:
    """PNG bytes of a sheet with the mark of what is on it (`provenance.recipe.together`); where nothing on it was made by a machine, of a composite."""
    return encode_png(sheet, dpi=dpi, text=mark_text(together(recipes, beside) if recipes else Mark("composite")))


def line_up(
    pictures: Sequence[Float[Tensor, "3 h w"]],
    masks: Sequence[Float[Tensor, "1 h w"]],
    captions: Sequence[str],
    height: int = 420,
    gap: int = 28,
) -> Float[Tensor, "3 H W"]:
    """Looks cut out and set side by side on one floor, at one scale, as a collection is shown. Grounds are white."""
    cut = []
    for picture, mask in zip(pictures, masks, strict=True):
        rows, columns = (mask[0] > 0.01).any(1).nonzero()[:, 0], (mask[0] > 0.01).any(0).nonzero()[:, 0]
        whole = picture * mask + (1 - mask)
        cut.append(whole[:, int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1])
    scale = height / max(part.shape[1] for part in cut)
    cut = [resize(part, max(1, round(part.shape[1] * scale)), max(1, round(part.shape[2] * scale))) for part in cut]
    foot, rim = 34, 40
    sheet = torch.ones(3, height + foot + 2 * rim, sum(part.shape[2] + gap for part in cut) - gap + 2 * rim)
    left, floor = rim, rim + height
    for part, text in zip(cut, captions, strict=True):
        sheet[:, floor - part.shape[1] : floor, left : left + part.shape[2]] = part
        sheet[:, floor + 8 : floor + foot, left : left + part.shape[2]] = caption(text, part.shape[2], foot - 8)
        left += part.shape[2] + gap
    sheet[:, floor + 3, rim:-rim] = 0.75
    return sheet


def _fit(picture: Tensor, side: int) -> Tensor:
    colour = picture.expand(3, -1, -1) if picture.shape[0] == 1 else picture
    _, height, width = colour.shape
    factor = side / max(height, width)
    rows, columns = max(1, round(height * factor)), max(1, round(width * factor))
    small = _blocks(colour, int(factor)) if factor >= 2 and max(height, width) <= 32 else resize(colour, rows, columns)
    out = torch.ones(3, side, side)
    top, left = (side - small.shape[1]) // 2, (side - small.shape[2]) // 2
    out[:, top : top + small.shape[1], left : left + small.shape[2]] = small
    return out


def _blocks(picture: Tensor, factor: int) -> Tensor:
    # tiny pictures are shown pixel by pixel, as they are
    return picture.repeat_interleave(factor, 1).repeat_interleave(factor, 2)
