"""What the relief network is trained on: plain garments, whose lightness is their light, printed with known cloth, and their line drawings.

A sample's print is cut into panels, laid at other angles, so that a step between two prints is learned to be a seam. Every batch is made
from its number; nothing is stored between batches but the garments themselves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.image import blur, resize
from muslin.base.seeds import seeded
from muslin.data.ground import box, extend, find_mask, shrink
from muslin.style.relief import relative, seen
from muslin.style.retinex import print_in
from muslin.style.samples import integer, number, procedural, vary

SEEN = 256  # px of a garment's picture
_PRINTED, _SHARE = 0.05, 0.04  # OKLab lightness that is print, and the share of a garment at which it is no plain one
_FINE = 0.02  # median step of fine lightness: above, it is knitted, checked, or lace
_OTHER, _TWO = 0.04, 0.06  # OKLab: another colour than the garment's, and the share of it at which there are two
_BUSY = 0.4  # a plain garment's relief has a smaller deviation
_SEAM, _WIDE = 0.12, 1.3  # how dark a seam between panels is learned to be, and half its width in pixels


@dataclass(frozen=True)
class Plain:
    """A plain garment, 256 px: `layers` are relief, lines of construction (0 to 1), mask, red, green and blue; `middle` and `reach` in [-1, 1]."""

    layers: Float[Tensor, "6 s s"]
    kind: str
    middle: tuple[float, float]
    reach: tuple[float, float]


@dataclass(frozen=True)
class ReliefBatch:
    """What the network sees, and what it should find: relief, lines, and where."""

    garment: Float[Tensor, "b 5 s s"]
    relief: Float[Tensor, "b 1 s s"]
    lines: Float[Tensor, "b 1 s s"]
    mask: Float[Tensor, "b 1 s s"]


def plain_garment(picture: Float[Tensor, "3 h w"], drawing: Float[Tensor, "1 a b"], kind: str) -> Plain | None:
    """A square picture and its line drawing (black on white) as something to learn from; None where no plain garment is found on it."""
    pixels, ink = resize(picture, SEEN, SEEN), (1 - resize(drawing, SEEN, SEEN)) / 2
    mask = find_mask(pixels)
    if mask is None or int((inside := shrink(mask, 3)[0] > 0.9).sum()) < SEEN * SEEN // 20:
        return None
    spread = extend(pixels, shrink(mask, 2))
    lab = to_oklab(spread)
    away = print_in(spread, lab[:1], mask)
    fine = lab[:1] - away - blur(lab[:1] - away, SEEN / 40)
    other = (lab[1:] - lab[1:, inside].median(1).values[:, None, None]).square().sum(0).sqrt()[inside] > _OTHER
    lit = relative(lab[:1], mask)
    busy = float(lit[0][inside].std()) > _BUSY or float(blur(fine, SEEN / 300)[0][inside].abs().median()) > _FINE
    if busy or float((away.abs()[0][inside] > _PRINTED).float().mean()) > _SHARE or float(other.float().mean()) > _TWO:
        return None
    return Plain(torch.cat([lit * mask, ink * shrink(mask, 4), mask, pixels]), kind, *where(mask, 0.175))


def where(mask: Float[Tensor, "1 s s"], share: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """The middle of a garment (x, y) in [-1, 1], and a share of its sides: how far from there one looks."""
    top, bottom, left, right = (2 * edge / mask.shape[1] - 1 for edge in box(mask))
    return ((left + right) / 2, (top + bottom) / 2), ((right - left) * share, (bottom - top) * share)


def draw_reliefs(garments: dict[str, list[Plain]], styles: Sequence[Tensor], size: int, side: int, turn: int) -> ReliefBatch:
    """Batch `turn`, from plain garments by kind: every other one of a kind drawn evenly, the rest as many as there are."""
    rng, rows = seeded("reliefs", turn), list[tuple[Tensor, ...]]()
    every, kinds = [one for kind in garments.values() for one in kind], list(garments.values())
    for _ in range(size):
        among = every if number(rng) < 0.5 else kinds[integer(rng, len(kinds))]
        rows.append(_sample(among[integer(rng, len(among))], styles, side, rng))
    return ReliefBatch(*(torch.stack(part) for part in zip(*rows, strict=True)))


def _sample(one: Plain, styles: Sequence[Tensor], side: int, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    layers = moved(one.layers.float(), (one.middle, one.reach), side, 0.25, (0.85, 1.35), side / SEEN, rng)  # a part of it
    lit, lines, mask = layers[:1], layers[1:2], layers[2:3]
    if number(rng) < 0.15:  # as it is
        return seen(layers[3:], mask), lit, lines, mask
    cloth, seams = cut(styles, side, rng)
    depth = between(rng, 0, 0.25) if number(rng) < 0.7 else 0.0
    factor = (1 + lit * between(rng, 0.7, 1.2) - seams * depth).clamp(0.05, 1.6)
    tint = torch.tensor([between(rng, -0.015, 0.015), between(rng, -0.02, 0.02)])[:, None, None]
    lab = to_oklab(cloth)
    lab = torch.cat([(lab[:1] * factor * between(rng, 0.75, 1.05)).clamp(0, 1), lab[1:] * (0.5 + 0.5 * factor) + tint])
    pixels = from_oklab(lab)
    pixels = blur(pixels, between(rng, 0.3, 0.9)) if number(rng) < 0.5 else pixels
    pixels = (pixels + torch.randn(pixels.shape, generator=rng) * between(rng, 0, 0.04)).clamp(-1, 1)
    return seen(pixels, mask), lit - seams * _SEAM * mask, torch.maximum(lines, seams * mask * 0.8), mask


def moved(
    layers: Float[Tensor, "c h w"],
    at: tuple[tuple[float, float], tuple[float, float]],
    side: int,
    turn: float,
    sizes: tuple[float, float],
    part: float,
    rng: torch.Generator,
) -> Float[Tensor, "c side side"]:
    """A `part` of a garment's picture (1: all of it) about where it is (`where`), turned by so many radians at most, at these times its size, or mirrored."""
    down, across = places(side)
    angle, scale = between(rng, -turn, turn), part / between(rng, *sizes)
    mirror = -1 if number(rng) < 0.5 else 1
    x, y = (middle + reach * between(rng, -1, 1) for middle, reach in zip(*at, strict=True))
    columns = x + scale * (math.cos(angle) * across * mirror - math.sin(angle) * down)
    rows = y + scale * (math.sin(angle) * across * mirror + math.cos(angle) * down)
    return F.grid_sample(layers[None], torch.stack([columns, rows], -1)[None], padding_mode="zeros", align_corners=False)[0]


def cut(styles: Sequence[Tensor], side: int, rng: torch.Generator) -> tuple[Float[Tensor, "3 s s"], Float[Tensor, "1 s s"]]:
    """Cloth of one or some panels, flat, and the seams between them (0 to 1)."""
    motif = drawn(styles, side, rng)
    zoom = math.exp(between(rng, math.log(0.15), math.log(1.1))) * side / max(motif.shape[1:])
    turn = [0.0, between(rng, -0.3, 0.3), math.pi / 2, between(rng, 0, 6.28)][integer(rng, 4)]
    cloth = laid(motif, side, zoom, turn, rng)
    if number(rng) < 0.25:  # motifs on plain cloth
        blots = ((_hills(integer(rng, 20) + 4, side, rng) - between(rng, -0.3, 1)) * between(rng, 3, 30)).clamp(0, 1)
        cloth = _flat(side, rng) * (1 - blots) + (cloth if number(rng) < 0.6 else _flat(side, rng)) * blots
    seams = torch.zeros(1, side, side)
    for _ in range(1 + integer(rng, 3) if number(rng) < 0.5 else 0):
        edge, kind = _border(side, rng), number(rng)
        other = turn + [between(rng, -0.35, 0.35), math.pi / 2, between(rng, 0, 6.28), 0.0][integer(rng, 4)]
        panel = (
            laid(motif, side, zoom, other, rng)
            if kind < 0.8
            else _flat(side, rng)
            if kind < 0.9
            else laid(drawn(styles, side, rng), side, zoom, turn, rng)
        )
        cloth = torch.where(edge[None] > 0, panel, cloth)
        steep = torch.stack(torch.gradient(edge)).square().sum(0).sqrt().clamp(min=1e-3)
        seams = torch.maximum(seams, torch.exp(-(edge / steep / _WIDE).square() / 2)[None])
    return _fainter(cloth, rng) if number(rng) < 0.3 else cloth, seams


def drawn(styles: Sequence[Tensor], side: int, rng: torch.Generator) -> Float[Tensor, "3 a b"]:
    """A cut of a style, or a procedural textile; some of them black and white."""
    motif = procedural(rng, side) if number(rng) < 0.25 else vary(styles[integer(rng, len(styles))], rng)
    if number(rng) < 0.15:
        motif = motif.mean(0, keepdim=True).expand(3, -1, -1) * between(rng, 0.5, 1) + between(rng, -0.3, 0.3)
    return motif.clamp(-1, 1)


def laid(motif: Tensor, side: int, zoom: float, turn: float, rng: torch.Generator) -> Float[Tensor, "3 s s"]:
    """At `zoom` pixels for one of its own, turned, from anywhere; mirrored beyond its edges."""
    if zoom < 0.9:
        motif = F.interpolate(
            motif[None], scale_factor=max(0.05, zoom, 1.5 / min(motif.shape[1:])), mode="bilinear", antialias=True, align_corners=False
        )[0]
        zoom = 1.0
    down, across = (place * side / 2 / zoom for place in places(side))
    height, width = motif.shape[1:]
    columns = _mirrored(math.cos(turn) * across - math.sin(turn) * down + between(rng, 0, width), width)
    rows = _mirrored(math.sin(turn) * across + math.cos(turn) * down + between(rng, 0, height), height)
    return F.grid_sample(motif[None], torch.stack([columns, rows], -1)[None], padding_mode="reflection", align_corners=False)[0]


def _mirrored(places: Tensor, length: int) -> Tensor:
    """Places in pixels as places in [-1, 1] of a picture that is mirrored at its ends."""
    folded = places.remainder(2 * length)
    return torch.where(folded < length, folded, 2 * length - folded) / length * 2 - 1


def _border(side: int, rng: torch.Generator) -> Float[Tensor, "s s"]:
    """Where this is above 0 lies another panel: half of the picture, or a corner of it, along a line that is not quite straight."""
    angle = between(rng, 0, 6.283)
    edge = _across(angle, side, rng) + _hills(4, side, rng)[0] * between(rng, 0, 0.25)
    return torch.minimum(edge, _across(angle + between(rng, 0.6, 2.5), side, rng)) if number(rng) < 0.4 else edge


def _across(angle: float, side: int, rng: torch.Generator) -> Float[Tensor, "s s"]:
    down, across = places(side)
    return across * math.cos(angle) + down * math.sin(angle) + between(rng, -0.8, 0.8)


def _fainter(cloth: Tensor, rng: torch.Generator) -> Float[Tensor, "3 s s"]:
    lab = to_oklab(cloth)
    mean = lab.mean((1, 2), keepdim=True)
    kept = torch.tensor([between(rng, 0, 0.6), between(rng, 0.3, 1), between(rng, 0.3, 1)])[:, None, None]
    return from_oklab(mean + (lab - mean) * kept)


def _flat(side: int, rng: torch.Generator) -> Float[Tensor, "3 s s"]:
    lightness, chroma, hue = between(rng, 0.2, 0.97), between(rng, 0, 0.15), between(rng, 0, 6.283)
    return from_oklab(torch.tensor([lightness, chroma * math.cos(hue), chroma * math.sin(hue)])[:, None, None].expand(3, side, side))


def _hills(count: int, side: int, rng: torch.Generator) -> Float[Tensor, "1 s s"]:
    """Smooth noise, of deviation about 1, of `count` hills along a side."""
    return F.interpolate(torch.randn(1, 1, count, count, generator=rng), (side, side), mode="bicubic", align_corners=False)[0]


def places(side: int) -> tuple[Tensor, Tensor]:
    """Down and across, -1 to 1."""
    steps = torch.linspace(-1, 1, side)
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    return down, across


def between(rng: torch.Generator, least: float, most: float) -> float:
    """A number from there to there, all alike."""
    return least + (most - least) * number(rng)
