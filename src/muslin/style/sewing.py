"""How a garment's seams are lit: fine dark lines with a soft shade along them, flaps that throw a shadow, the inside of a back in the shade.

Drawn into the shading that cloth is lit by (`shading.plain`), so that they are the same on any cloth. Knows no cloth.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.contours import smooth, stroke
from muslin.base.image import blur
from muslin.data.panels import HIDES
from muslin.data.piece_lines import stretches, there, uncovered
from muslin.style.laying import Piece

_INSIDE = (0.5, 0.15)  # shading of the inside of a back at the front's edge, and by how much more away from it
_FALL = 40  # of the longer side: how far the front's shadow falls
_SEAM, _BESIDE = (0.3, 500), (0.1, 90)  # how dark a seam is, and the shade along it; how broad, by the longer side
_ON_TOP = ("collar", "cuff", "pocket", "button")  # what lies on the rest
_CAST, _SOFT, _DOWN = 0.3, 110, 130  # how dark a flap's shadow is; by the longer side, how soft, and how far down it falls
_LIFT = 0.03  # how much lighter a flap is than what it lies on
_STITCH = (0.35, 600, 0.35)  # how dark stitching is; how broad, by the longer side; how light the cloth is beside it
_GLINT = 0.3  # likewise beside a seam
_SEEN, _BRIGHT = 0.7, 1.35  # likewise beside a line that a network is sure of; how light that makes it at most


def sewn(shade: Float[Tensor, "1 h w"], cut: Sequence[Piece], stitches: Sequence[Float[Tensor, "_ 2"]] = ()) -> Float[Tensor, "1 h w"]:
    """The shading with its seams, no darker where it is dark there already; the inside of a back lies in the shade. `stitches`: lines that part nothing."""
    side = max(shade.shape[1:])
    shade, seams, sewing = shade.clone() if cut else shade, torch.zeros(shade.shape[1:]), torch.zeros(shade.shape[1:])
    for line in stitches:
        for run in _seen(line, cut, side):
            sewing = stroke(run, max(1.0, side / _STITCH[1]), sewing)
    for piece in cut:
        if piece.panel.kind in HIDES:
            piece.of(seams[None]).mul_(1 - piece.area)
        if piece.panel.kind == "inside":
            piece.of(shade).copy_(in_shade(piece.of(shade), piece.area, *_INSIDE, side))
        else:
            seams = stroke(piece.panel.seam, max(1.0, side / _SEAM[1]), seams)
    for piece in cut:
        shade = _raised(shade, piece, side) if piece.panel.kind in _ON_TOP else shade
    shade = _lined(_stitched(shade, sewing, side), seams, side)
    return shade + _GLINT * _below(seams, side) if bool(seams.any()) else shade


def _seen(line: Float[Tensor, "n 2"], cut: Sequence[Piece], side: int) -> list[Float[Tensor, "_ 2"]]:
    """The stretches of a line that no piece hides."""
    points = smooth(line.clamp(-side, 2 * side), 0, closed=False)
    covers = [there(points - torch.tensor([float(p.left), float(p.top)]), p.area[0] > 0.5) for p in cut if p.panel.kind in HIDES]
    free = uncovered(covers, len(points))
    return [points[begin:end] for begin, end in stretches(free) if end - begin > 1]


def glinting(shade: Float[Tensor, "1 h w"], lines: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
    """The shading with light beside lines (0 to 1, thin) that were seen in a picture."""
    light = (shade + _SEEN * _below(lines[0], max(shade.shape[1:]))).clamp(max=_BRIGHT)
    return torch.maximum(shade, light)


def in_shade(light: Float[Tensor, "1 h w"], inside: Float[Tensor, "1 h w"], dark: float, less: float, side: int) -> Float[Tensor, "1 h w"]:
    """As dark as `dark` below the front's edge, by `less` lighter away from it, on a garment of `side` px; what lay there (a label, a print) is gone."""
    rim = math.ceil(3 * side / _FALL)
    around = F.pad(inside, (rim, rim, 0, rim))  # an area that ends at its box ends there; above, it goes on
    away = (2 * blur(around, side / _FALL)[:, : inside.shape[1], rim : rim + inside.shape[2]] - 1).clamp(0, 1)
    return torch.lerp(light, dark + less * away, inside)


def _raised(shade: Float[Tensor, "1 h w"], piece: Piece, side: int) -> Float[Tensor, "1 h w"]:
    """What lies on the rest takes a little more light, and its shadow falls below it."""
    down, soft = max(1, round(side / _DOWN)), side / _SOFT
    rim = math.ceil(3 * soft) + down
    area = F.pad(piece.area, (rim, rim, rim, rim))
    cast = (blur(area.roll(down, 1), soft) - area).clamp(min=0)
    top, left = piece.top - rim, piece.left - rim
    rows, columns = slice(max(0, -top), shade.shape[1] - top), slice(max(0, -left), shade.shape[2] - left)
    change = (_LIFT * area - _CAST * cast)[:, rows, columns]
    here = shade[:, max(0, top) : max(0, top) + change.shape[1], max(0, left) : max(0, left) + change.shape[2]]
    here += change
    return shade


def _stitched(shade: Float[Tensor, "1 h w"], sewing: Float[Tensor, "h w"], side: int) -> Float[Tensor, "1 h w"]:
    """Stitches draw the cloth in: a fine dark line, and the cloth below it a little lighter."""
    if not bool(sewing.any()):
        return shade
    dark, _, pale = _STITCH
    return shade - (dark * sewing - (1 - shade).clamp(min=0)).clamp(min=0) + pale * _below(sewing, side)


def _below(drawn: Float[Tensor, "h w"], side: int) -> Float[Tensor, "h w"]:
    """The cloth just below a line and to its right, which catches the light: on dark cloth nothing else tells of a seam."""
    step = max(1, round(side / 400))
    return (F.pad(drawn, (step, 0, step, 0))[: drawn.shape[0], : drawn.shape[1]] - drawn).clamp(min=0)


def _lined(shade: Float[Tensor, "1 h w"], seams: Float[Tensor, "h w"], side: int) -> Float[Tensor, "1 h w"]:
    if not bool(seams.any()):
        return shade
    broad = blur(seams[None], side / _BESIDE[1])
    lines = _SEAM[0] * blur(seams[None], side / 1000) + _BESIDE[0] * broad / broad.amax().clamp(min=1e-6)
    return shade - (lines - (1 - shade).clamp(min=0)).clamp(min=0)
