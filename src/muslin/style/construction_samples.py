"""What the construction network is trained on: photographs of garments whose pieces were traced, as they are or printed with other cloth.

A plain garment's lightness is its light, so it can be cut anew from any cloth (as in relief_samples.py); the others are shown in other colours. Every batch is
made from its number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.contours import stroke
from muslin.base.image import blur, resize
from muslin.base.seeds import seeded
from muslin.data.ground import extend, find_mask, shrink
from muslin.data.piece_lines import piece_lines
from muslin.data.traces import Trace, to_panels
from muslin.style.construction import PARTS
from muslin.style.relief import relative, seen
from muslin.style.relief_samples import SEEN, between, cut, drawn, laid, moved, where
from muslin.style.retinex import print_in
from muslin.style.samples import integer, number

_PEN = 1.6  # px of 256: how broad lines are learned
_PRINTED, _SHARE = 0.05, 0.06  # OKLab lightness that is print, and the share of a garment at which it is no plain one
_OTHER, _TWO = 0.05, 0.1  # OKLab: another colour than the garment's, and the share of it at which there are two


@dataclass(frozen=True)
class Built:
    """A garment, 256 px: `layers` are relative lightness, lines, `PARTS`, mask, red, green and blue; `plain`: it can be cut anew."""

    layers: Float[Tensor, "9 s s"]
    plain: bool
    middle: tuple[float, float]
    reach: tuple[float, float]


@dataclass(frozen=True)
class BuiltBatch:
    """What the network sees, and what it should find: lines and `PARTS`, and where."""

    garment: Float[Tensor, "b 5 s s"]
    built: Float[Tensor, "b 4 s s"]
    mask: Float[Tensor, "b 1 s s"]


def built_garment(picture: Float[Tensor, "3 h w"], traces: Sequence[Trace]) -> Built | None:
    """A square picture and its traces as something to learn from; None where no garment is found on it."""
    pixels = resize(picture, SEEN, SEEN)
    mask = find_mask(pixels)
    if mask is None or int((inside := shrink(mask, 3)[0] > 0.9).sum()) < SEEN * SEEN // 20:
        return None
    panels, lines = to_panels(traces, mask), torch.zeros(SEEN, SEEN)
    for line in piece_lines([panel for panel in panels if panel.kind != "button"], mask):
        lines = stroke(torch.cat([line.points, line.points[:1]]) if line.closed else line.points, _PEN, lines)
    parts, free = list[Tensor](), torch.ones(1, SEEN, SEEN)
    for kind in PARTS:  # a collar lies on the inside, and that on a waistband
        areas = [panel.area(SEEN, SEEN) for panel in panels if panel.kind == kind]
        own = torch.stack(areas).amax(0) if areas else torch.zeros(1, SEEN, SEEN)
        parts.append(own * free)
        free = free * (1 - own)
    spread = extend(pixels, shrink(mask, 2))
    lab = to_oklab(spread)
    other = (lab[1:] - lab[1:, inside].median(1).values[:, None, None]).square().sum(0).sqrt()[inside] > _OTHER
    printed = print_in(spread, lab[:1], mask).abs()[0][inside] > _PRINTED
    plain = float(printed.float().mean()) < _SHARE and float(other.float().mean()) < _TWO
    layers = torch.cat([relative(lab[:1], mask) * mask, torch.cat([lines[None], *parts]) * mask, mask, pixels])
    return Built(layers, plain, *where(mask, 0.06))


def draw_built(garments: Sequence[Built], styles: Sequence[Tensor], size: int, side: int, turn: int) -> BuiltBatch:
    """Batch `turn`."""
    rng = seeded("construction", turn)
    rows = [_sample(garments[integer(rng, len(garments))], styles, side, rng) for _ in range(size)]
    return BuiltBatch(*(torch.stack(part) for part in zip(*rows, strict=True)))


def _sample(one: Built, styles: Sequence[Tensor], side: int, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    layers = moved(one.layers, (one.middle, one.reach), side, 0.2, (0.8, 1.15), 1.0, rng)
    lit, built, mask, pixels = layers[:1], layers[1:5], layers[5:6], layers[6:]
    pixels = _printed(lit, built, styles, side, rng) if one.plain and number(rng) < 0.65 else _recoloured(pixels, rng)
    pixels = blur(pixels, between(rng, 0.3, 0.9)) if number(rng) < 0.4 else pixels
    pixels = (pixels + torch.randn(pixels.shape, generator=rng) * between(rng, 0, 0.04)).clamp(-1, 1)
    return seen(pixels, mask), built, mask


def _printed(lit: Tensor, built: Tensor, styles: Sequence[Tensor], side: int, rng: torch.Generator) -> Float[Tensor, "3 s s"]:
    """Cut anew: from one cloth, from panels that are no part of it (which teaches that a step of print is no seam), or with collar and band aside."""
    cloth = cut(styles, side, rng)[0] if number(rng) < 0.7 else laid(drawn(styles, side, rng), side, 1.0, 0.0, rng)
    if number(rng) < 0.35:
        other = laid(drawn(styles, side, rng), side, 0.7, between(rng, -1.6, 1.6), rng)
        cloth = torch.where(built[[1, 3]].amax(0, keepdim=True) > 0.5, other, cloth)
    factor, lab = (1 + lit * between(rng, 0.7, 1.25)).clamp(0.05, 1.6), to_oklab(cloth)
    return from_oklab(torch.cat([(lab[:1] * factor * between(rng, 0.75, 1.05)).clamp(0, 1), lab[1:] * (0.5 + 0.5 * factor)]))


def _recoloured(pixels: Tensor, rng: torch.Generator) -> Float[Tensor, "3 s s"]:
    if number(rng) < 0.5:
        return pixels
    lab = to_oklab(pixels)
    lightness = (lab[:1] * between(rng, 0.6, 1.1) + between(rng, -0.05, 0.1)).clamp(0, 1)
    return from_oklab(torch.cat([lightness, lab[1:] * between(rng, 0.3, 1.4)]))
