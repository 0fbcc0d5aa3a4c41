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
from muslin.data.panels import Panel
from muslin.data.piece_lines import piece_lines
from muslin.data.traces import Trace, folded, to_panels
from muslin.style.construction import APART, PARTS
from muslin.style.relief import relative, seen
from muslin.style.relief_samples import SEEN, between, cut, drawn, laid, moved, where
from muslin.style.retinex import print_in
from muslin.style.samples import integer, number

_PEN, _WIDE = 1.6, 4.0  # px of 256: how broad lines are learned, and those of a front or a waist, of which one is looked for
_PRINTED, _SHARE = 0.05, 0.06  # OKLab lightness that is print, and the share of a garment at which it is no plain one
_ASIDE = [
    1 + PARTS.index(kind) for kind in ("collar", "band", "cuff", "pocket", "rib")
]  # layers of what is cut from another cloth now and then
_OTHER, _TWO = 0.05, 0.1  # OKLab: another colour than the garment's, and the share of it at which there are two


@dataclass(frozen=True)
class Built:
    """A garment, 256 px: `layers` are relative lightness, lines, `PARTS`, mask, red, green and blue; `plain`: it can be cut anew."""

    layers: Float[Tensor, "c s s"]
    plain: bool
    middle: tuple[float, float]
    reach: tuple[float, float]
    has: frozenset[int] = frozenset()  # which of `PARTS`

    def split(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Relative lightness; lines and `PARTS`; mask; colours."""
        return _split(self.layers)


@dataclass(frozen=True)
class BuiltBatch:
    """What the network sees, and what it should find: lines and `PARTS`, and where."""

    garment: Float[Tensor, "b 5 s s"]
    built: Float[Tensor, "b c s s"]
    mask: Float[Tensor, "b 1 s s"]


def built_garment(picture: Float[Tensor, "3 h w"], traces: Sequence[Trace] | None) -> Built | None:
    """A square picture and its traces as something to learn from; None where no garment is found on it. `traces` None: it has none of `PARTS` (a shoe, a hat), and
    its lines are not known: below 0."""
    pixels = resize(picture, SEEN, SEEN)
    mask = find_mask(pixels)
    if mask is None or int((inside := shrink(mask, 3)[0] > 0.9).sum()) < SEEN * SEEN // 20:
        return None
    panels, lines = to_panels(traces or [], mask), torch.full((SEEN, SEEN), -1.0 if traces is None else 0.0)
    for line in piece_lines([panel for panel in panels if panel.kind != "button"], mask):
        lines = stroke(torch.cat([line.points, line.points[:1]]) if line.closed else line.points, _PEN, lines)
    parts = _parts(panels, folded(traces or [], SEEN, SEEN))
    spread = extend(pixels, shrink(mask, 2))
    lab = to_oklab(spread)
    other = (lab[1:] - lab[1:, inside].median(1).values[:, None, None]).square().sum(0).sqrt()[inside] > _OTHER
    printed = print_in(spread, lab[:1], mask).abs()[0][inside] > _PRINTED
    plain = float(printed.float().mean()) < _SHARE and float(other.float().mean()) < _TWO
    layers = torch.cat([relative(lab[:1], mask) * mask, torch.cat([lines[None], parts]) * mask, mask, pixels])
    has = frozenset(part for part in range(len(PARTS)) if bool((parts[part] * mask[0] > 0.5).any()))
    return Built(layers, plain, *where(mask, 0.06), has)


def _parts(panels: Sequence[Panel], gathered: Float[Tensor, "1 s s"]) -> Float[Tensor, "p s s"]:
    """Where each of `PARTS` lies: a collar lies on the inside, and that on a waistband; the others lie where they lie; a front, a seam across (waist, yoke) is a broad line."""
    parts, free = list[Tensor](), torch.ones(1, SEEN, SEEN)
    for kind in PARTS[:-3]:
        areas = [panel.area(SEEN, SEEN) for panel in panels if panel.kind == kind]
        own = torch.stack(areas).amax(0) if areas else torch.zeros(1, SEEN, SEEN)
        parts.append(own * free if kind in APART else own)
        free = free * (1 - own) if kind in APART else free
    for kinds in (("front",), ("waist", "yoke")):
        drawn = torch.zeros(SEEN, SEEN)
        for panel in panels:
            drawn = stroke(panel.seam, _WIDE, drawn) if panel.kind in kinds else drawn
        parts.append(drawn[None])
    return torch.cat([*parts, gathered])


def _split(layers: Float[Tensor, "c s s"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    lit, built, mask, pixels = layers.split([1, 1 + len(PARTS), 1, 3])
    return lit, built, mask, pixels


def draw_built(garments: Sequence[Built], styles: Sequence[Tensor], size: int, side: int, turn: int, even: float = 0.0) -> BuiltBatch:
    """Batch `turn`. The share `even` of it: one of `PARTS`, drawn evenly, and a garment that has it; so what is rare is seen."""
    rng, rows = seeded("construction", turn), list[tuple[Tensor, Tensor, Tensor]]()
    for _ in range(size):
        among = garments
        if even and number(rng) < even:
            part = integer(rng, len(PARTS))
            among = [one for one in garments if part in one.has] or garments
        rows.append(_sample(among[integer(rng, len(among))], styles, side, rng))
    return BuiltBatch(*(torch.stack(part) for part in zip(*rows, strict=True)))


def _sample(one: Built, styles: Sequence[Tensor], side: int, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    layers = moved(one.layers, (one.middle, one.reach), side, 0.2, (0.8, 1.15), 1.0, rng)
    lit, built, mask, pixels = _split(layers)
    pixels = _printed(lit, built, styles, side, rng) if one.plain and number(rng) < 0.65 else _recoloured(pixels, rng)
    pixels = blur(pixels, between(rng, 0.3, 0.9)) if number(rng) < 0.4 else pixels
    pixels = (pixels + torch.randn(pixels.shape, generator=rng) * between(rng, 0, 0.04)).clamp(-1, 1)
    return seen(pixels, mask), built, mask


def _printed(lit: Tensor, built: Tensor, styles: Sequence[Tensor], side: int, rng: torch.Generator) -> Float[Tensor, "3 s s"]:
    """Cut anew: from one cloth, from panels that are no part of it (which teaches that a step of print is no seam), or with collar, band, cuffs, pockets and ribs aside."""
    cloth = cut(styles, side, rng)[0] if number(rng) < 0.7 else laid(drawn(styles, side, rng), side, 1.0, 0.0, rng)
    if number(rng) < 0.35:
        other = laid(drawn(styles, side, rng), side, 0.7, between(rng, -1.6, 1.6), rng)
        cloth = torch.where(built[_ASIDE].amax(0, keepdim=True) > 0.5, other, cloth)
    factor, lab = (1 + lit * between(rng, 0.7, 1.25)).clamp(0.05, 1.6), to_oklab(cloth)
    return from_oklab(torch.cat([(lab[:1] * factor * between(rng, 0.75, 1.05)).clamp(0, 1), lab[1:] * (0.5 + 0.5 * factor)]))


def _recoloured(pixels: Tensor, rng: torch.Generator) -> Float[Tensor, "3 s s"]:
    if number(rng) < 0.5:
        return pixels
    lab = to_oklab(pixels)
    lightness = (lab[:1] * between(rng, 0.6, 1.1) + between(rng, -0.05, 0.1)).clamp(0, 1)
    return from_oklab(torch.cat([lightness, lab[1:] * between(rng, 0.3, 1.4)]))
