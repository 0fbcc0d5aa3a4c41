"""Seams and edges inside a garment's silhouette that its picture shows: the opening of a neck or a waist, a closed front, a waistband.

Each is looked for as the curve of a small family along which there is most of an edge and least beside it (a template matched to edges, as deformable
templates are: Yuille, Hallinan & Cohen 1992). What is not surely there is left out. Knows one garment on a plain ground.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from muslin.base.colour import to_oklab
from muslin.base.image import blur, resize
from muslin.data.ground import at_size, box, extend, shrink
from muslin.data.panels import Panel, frame, up_from

_POINTS = 41  # of a curve
_SURE = {"inside": 0.5, "front": 0.52, "band": 0.5}  # of an edge along the curve, less what is beside it: from there on it is one
_TROUSERS = 0.38  # likewise a waistband of trousers, which mostly have one
_LOW, _WEIGHT = 0.25, 0.5  # quantile along the curve that counts beside the mean, and how much: a part that is missing costs
_BESIDE, _AWAY = 60, 0.35  # of the longer side, how far beside is; what an edge there costs, on either side
_NECK, _DIP = (0.05, 0.3), 0.006  # of the width, how far from the middle a neck may end; of the height, how deep the contour dips between
_LEVEL = 0.06  # of the height: by how much one end of an opening is higher
_FRONT = (0.1, 0.06)  # of the width: how far from the middle a front closes, and how far it leans
_FROM, _TO = 0.12, 0.92  # of the height: where a front is looked for
_BAND = (0.025, 0.12)  # of the height: a waistband's breadth
_TOP, _FLAT = 0.1, 0.16  # of the height: where a waistband's width is taken, and how far down its upper edge may dip
_INSET = 0.08  # of its width, at either end, where the silhouette's corners are round


def find_seams(
    pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], lines: Float[Tensor, "1 h w"], panels: list[Panel]
) -> list[Panel]:
    """Of a garment with its lines of construction (`relief.Relief`): the right half of a closed `front`, a `band`, the `inside` of its back, as far as they show.

    `panels`: what the silhouette tells (`data.panels`): a waistband is not looked for on what has sleeves, nor a front on what has legs.
    """
    seen = frame(mask)
    if seen is None:
        return []
    small = at_size(seen.take(mask), *seen.size)
    if not bool((small > 0.5).any()):
        return []
    edge = _edge(resize(seen.take(pixels), *seen.size), small) + at_size(seen.take(lines), *seen.size)
    kinds = {panel.kind for panel in panels}
    inside = _inside(edge, small)
    upper = _upper(small, None if inside is None else inside.seam)
    front = None if "leg" in kinds else _front(edge, small)
    band = None if "sleeve" in kinds else _band(edge, small, upper, _TROUSERS if "leg" in kinds else _SURE["band"])
    return seen.back([panel for panel in (front, band, inside) if panel is not None])


def _edge(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
    """How much of an edge there is, against the garment's usual: 0 to 1."""
    lab = blur(to_oklab(extend(pixels, shrink(mask, 2))), 1.0)
    padded = F.pad(lab[None], (1, 1, 1, 1), mode="replicate")[0]
    down, across = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1], padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    steps = (down.abs().sum(0, keepdim=True).square() + across.abs().sum(0, keepdim=True).square()).sqrt() * (shrink(mask, 3) > 0.9)
    usual = (steps * mask).sum() / mask.sum().clamp(min=1)
    return blur(steps / (steps + 2 * usual + 0.01), 0.8)


def _best(edge: Float[Tensor, "1 h w"], curves: Float[Tensor, "n p 2"], sure: float, upright: bool = False) -> Float[Tensor, "p 2"] | None:
    if len(curves) == 0:
        return None
    off = torch.tensor([1.0, 0.0] if upright else [0.0, 1.0]) * max(edge.shape[1:]) / _BESIDE
    gained = _at(edge, curves) - _AWAY * (_at(edge, curves + off) + _at(edge, curves - off))
    score = gained.mean(1) + _WEIGHT * gained.quantile(_LOW, 1)
    best = int(score.argmax())
    return curves[best] if float(score[best]) >= sure else None


def _inside(edge: Float[Tensor, "1 h w"], mask: Float[Tensor, "1 h w"]) -> Panel | None:
    """Above the front's edge, which runs about from one shoulder's highest point to the other's: a v, round, or more square."""
    curve = _best(edge, _necks(mask), _SURE["inside"])
    return None if curve is None else Panel("inside", _up_from(curve, mask), curve, 0.0, curve.mean(0))


def _necks(mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "n p 2"]:
    """None where the upper contour does not dip between the shoulders, as at a collar or a hood."""
    top, bottom, left, right = box(mask, 0.5)
    height, width, middle, first = bottom - top, right - left, _middle(mask), _upper(mask, None)
    near, far = (share * width for share in _NECK)
    one, other = _highest(first, max(left, middle - far), middle - near), _highest(first, middle + near, min(right, middle + far))
    if (
        one is None
        or other is None
        or float(first[int(one) : int(other) + 1].amax() - torch.maximum(first[int(one)], first[int(other)])) < _DIP * height
    ):
        return torch.empty(0, _POINTS, 2)
    steps = torch.linspace(-0.03, 0.03, 7) * width
    family = torch.cartesian_prod(
        (one + other) / 2 + steps, (other - one) / 2 + steps, torch.linspace(0.02, 0.3, 29) * height, torch.tensor([1.0, 1.5, 2.0, 3.0])
    )
    centre, half, depth, shape = family.T[:, :, None].unbind(0)
    along = torch.linspace(-1, 1, _POINTS)
    across = centre + half * along
    ends = first[across[:, [0, -1]].long().clamp(left, right - 1)]
    curves = torch.stack([across, torch.lerp(ends[:, :1], ends[:, 1:], (along + 1) / 2) + depth * (1 - along.abs() ** shape)], -1)
    level = (ends[:, 0] - ends[:, 1]).abs() <= _LEVEL * height
    return curves[level & (_at(mask, curves)[:, 3:-3] > 0.5).all(1)]


def _front(edge: Float[Tensor, "1 h w"], mask: Float[Tensor, "1 h w"]) -> Panel | None:
    """The right half of a garment that is closed down its front, by a placket or a zip: nearly upright, near the middle."""
    top, bottom, left, right = box(mask, 0.5)
    off, lean = _FRONT
    down = torch.linspace(_FROM, _TO, _POINTS)
    at, tilt = torch.cartesian_prod(torch.linspace(-off, off, 41), torch.linspace(-lean, lean, 7)).T[:, :, None] * (right - left)
    lines = torch.stack([_middle(mask) + at + tilt * (down - 0.5), (top + (bottom - top) * down).expand(len(at), -1)], -1)
    line = _best(edge, lines, _SURE["front"], upright=True)
    if line is None:
        return None
    ends = line[0] + (line[-1] - line[0]) * torch.tensor([[-0.5], [1.5]])
    outline = torch.stack(
        [ends[0], ends[1], torch.stack([torch.tensor(2.0 * right), ends[1, 1]]), torch.stack([torch.tensor(2.0 * right), ends[0, 1]])]
    )
    return Panel("front", outline, line, 0.0, line.mean(0))


def _band(edge: Float[Tensor, "1 h w"], mask: Float[Tensor, "1 h w"], upper: Float[Tensor, " w"], sure: float) -> Panel | None:
    """A waistband: a line that follows the upper edge; its cloth lies across."""
    top, bottom, *_ = box(mask, 0.5)
    columns = (mask[0, top + round(_TOP * (bottom - top))] > 0.5).nonzero()[:, 0]
    lowest = top + _FLAT * (bottom - top)
    if len(columns) < 10 or bool((upper[int(columns[0]) : int(columns[-1]) + 1] > lowest).any()):
        return None
    inset = _INSET * float(columns[-1] - columns[0])
    across = torch.linspace(float(columns[0]) + inset, float(columns[-1]) - inset, _POINTS)
    rim = F.avg_pool1d(F.pad(upper[across.long()][None, None], (4, 4), mode="replicate"), 9, 1)[0, 0]
    breadths = torch.linspace(*_BAND, 39)[:, None] * (bottom - top)
    curves = torch.stack([(across + 0.5).expand(len(breadths), -1), rim + breadths], -1)
    curve = _best(edge, curves, sure)
    if curve is None:
        return None
    beyond = torch.tensor([3 * inset, 0.0])
    whole = torch.cat([(curve[0] - beyond)[None], curve, (curve[-1] + beyond)[None]])
    return Panel("band", _up_from(whole, mask), whole, 90.0, curve.mean(0))


def _upper(mask: Float[Tensor, "1 h w"], front: Tensor | None) -> Float[Tensor, " w"]:
    """Where the garment begins in each column, or its front, where the inside of its back shows above that; far below where it does not."""
    solid = blur((mask > 0.5).float(), 1.0)[0] > 0.5
    first = torch.where(solid.any(0), solid.int().argmax(0), 10 * len(solid)).float()
    if front is None:
        return first
    columns = torch.arange(mask.shape[2]) + 0.5
    place = torch.searchsorted(front[:, 0].contiguous(), columns).clamp(1, len(front) - 1)
    (x, y), (x2, y2) = front[place - 1].T, front[place].T
    there = torch.lerp(y, y2, ((columns - x) / (x2 - x).clamp(min=1e-6)).clamp(0, 1))
    between: Bool[Tensor, " w"] = (columns > front[0, 0]) & (columns < front[-1, 0])
    return torch.where(between, torch.maximum(first, there), first)


def _middle(mask: Float[Tensor, "1 h w"]) -> float:
    """The column, in px from the left, in the middle of the body: of the lower half, beside which sleeves hang."""
    top, bottom, *_ = box(mask, 0.5)
    weight = mask[0, (top + bottom) // 2 : bottom].sum(0)
    return float((weight * (torch.arange(len(weight)) + 0.5)).sum() / weight.sum().clamp(min=1e-6))


def _highest(first: Float[Tensor, " w"], begin: float, end: float) -> float | None:
    """Where a garment begins highest between two columns, in px from the left: the middle of all that do, so that it is the same mirrored."""
    columns = torch.arange(math.floor(begin), math.ceil(end))
    if len(columns) == 0:
        return None
    return float(columns[first[columns] == first[columns].amin()].float().mean()) + 0.5


def _up_from(curve: Float[Tensor, "n 2"], mask: Tensor) -> Float[Tensor, "m 2"]:
    """What is above a curve, and beyond the picture."""
    return up_from(curve, torch.tensor([0.0, -float(mask.shape[1])]))


def _at(x: Float[Tensor, "1 h w"], curves: Float[Tensor, "n p 2"]) -> Float[Tensor, "n p"]:
    grid = curves * 2 / torch.tensor([x.shape[2], x.shape[1]]) - 1
    return F.grid_sample(x[None], grid[None], align_corners=False)[0, 0]
