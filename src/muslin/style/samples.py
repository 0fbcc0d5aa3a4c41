"""What the fast styler is trained on: garments with their masks and folds, styles cut and recoloured, procedural textiles.

Every batch is made from its number; nothing is stored between batches but the garments themselves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.image import resize
from muslin.base.seeds import seeded
from muslin.data.ground import find_mask
from muslin.style.enlarge import enlarge
from muslin.style.laying import lay
from muslin.style.shading import light, shading

Garments = Sequence[Float[Tensor, "3 h w"]]


@dataclass(frozen=True)
class Batch:
    """Contents, the starts on them, masks, and the cloths as they lie, alone and unlit, over the whole canvas."""

    content: Float[Tensor, "b 3 s s"]
    start: Float[Tensor, "b 3 s s"]
    mask: Float[Tensor, "b 1 s s"]
    cloth: Float[Tensor, "b 3 s s"]


def draw_batch(garments: Garments, styles: Sequence[Tensor], size: int, side: int, turn: int) -> Batch:
    """Batch `turn`: three in four dressed garments, one in four a whole picture that starts from itself."""
    rng, rows = seeded("batch", turn), list[tuple[Tensor, ...]]()
    while len(rows) < size:
        picture = garments[integer(rng, len(garments))]
        picture = picture.flip(2) if number(rng) < 0.5 else picture
        style = procedural(rng, side) if number(rng) < 0.25 else vary(styles[integer(rng, len(styles))], rng)
        if len(rows) % 4 == 3:
            content, mask = resize(picture, side, side), torch.ones(1, side, side)
            if number(rng) < 0.5:  # pictures without a ground too: a style as content
                content = vary(styles[integer(rng, len(styles))], rng, side)
        elif number(rng) < 0.4:  # as a generator's draft comes: small and soft
            content, found = enlarge(resize(picture, 64, 64), side)
            mask = found if found is not None else torch.zeros(1, 1, 1)
        else:
            content = resize(picture, side, side)
            found = find_mask(content)
            mask = found if found is not None else torch.zeros(1, 1, 1)
        if mask.shape[1] != side or float(mask.mean()) < 0.05:
            continue  # no garment on a plain ground
        zoom = math.exp((number(rng) - 0.5) * 1.6)
        whole = torch.ones(1, side, side)
        cloth = lay(style, whole, zoom, integer(rng, 10**6))
        start = content if bool(mask.min() == 1) else light(cloth, shading(content, mask), 0.5 + 0.5 * number(rng))
        rows.append((content, start, mask, cloth))
    return Batch(*(torch.stack(part) for part in zip(*rows, strict=True)))


def vary(style: Float[Tensor, "3 h w"], rng: torch.Generator, side: int = 0) -> Float[Tensor, "3 a b"]:
    """A cut of a style, turned or mirrored, its colours moved; square at `side` px where that is given."""
    _, height, width = style.shape
    part = 0.4 + 0.6 * number(rng)
    rows, columns = max(48, int(height * part)), max(48, int(width * part))
    top, left = integer(rng, max(1, height - rows + 1)), integer(rng, max(1, width - columns + 1))
    cut = style[:, top : top + rows, left : left + columns]
    cut = cut.flip(2) if number(rng) < 0.5 else cut
    cut = cut.transpose(1, 2) if number(rng) < 0.3 else cut
    if side:
        cut = resize(cut, side, side)
    if number(rng) < 0.5:
        return cut.contiguous()
    lab = to_oklab(cut)
    turn = number(rng) * 2 * math.pi
    a, b = lab[1] * math.cos(turn) - lab[2] * math.sin(turn), lab[1] * math.sin(turn) + lab[2] * math.cos(turn)
    lightness = lab[0].clamp(0, 1) ** math.exp(number(rng) - 0.5)
    return from_oklab(torch.stack([lightness, a, b]))


def procedural(rng: torch.Generator, side: int) -> Float[Tensor, "3 s s"]:
    """A plain, striped, checked, dotted or chevron cloth in two or three colours."""
    inks = from_oklab(_inks(rng))[:, :, 0].T
    period, angle = side / (3 + 12 * number(rng)), integer(rng, 4) * math.pi / 4
    down, across = torch.meshgrid(torch.arange(side) * 1.0, torch.arange(side) * 1.0, indexing="ij")
    u = (across * math.cos(angle) + down * math.sin(angle)) / period
    v = (-across * math.sin(angle) + down * math.cos(angle)) / period
    kind = integer(rng, 5)
    if kind == 0:
        ink = torch.zeros(side, side)
    elif kind == 1:
        ink = (u % 1 < 0.3 + 0.4 * number(rng)).float()
    elif kind == 2:
        ink = (u % 1 < 0.5).float() + (v % 1 < 0.5).float()
    elif kind == 3:
        ink = ((u % 1 - 0.5).square() + (v % 1 - 0.5).square() < (0.12 + 0.25 * number(rng)) ** 2).float()
    else:
        ink = ((u + (v % 1 - 0.5).abs()) % 1 < 0.5).float()
    return inks[ink.long().clamp(0, 2)].permute(2, 0, 1).contiguous()


def _inks(rng: torch.Generator) -> Tensor:
    lightness = torch.rand(3, generator=rng) * 0.75 + 0.2
    chroma, hue = torch.rand(3, generator=rng) * 0.16, torch.rand(3, generator=rng) * 2 * math.pi
    return torch.stack([lightness, chroma * hue.cos(), chroma * hue.sin()])[:, :, None]


def number(rng: torch.Generator) -> float:
    """0 to 1, evenly."""
    return float(torch.rand((), generator=rng))


def integer(rng: torch.Generator, below: int) -> int:
    """0 to `below` - 1, evenly."""
    return int(torch.randint(below, (), generator=rng))
