"""The lines of a garment whose pieces are known (`data.panels`), as a flat shows them: seams, stitching, buttons; what lies beneath a pocket or a collar is not seen.

Knows panels on a mask and points in its pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from muslin.base import contours
from muslin.data.ground import shrink
from muslin.data.panels import ORDER, Panel

_HIDE = ("inside", "rib", "cuff", "pocket", "collar", "button")  # what one does not see through
_WITHIN, _LEAST = 0.75, 5  # of a piece's area at a point that it hides; points of a line that is worth a stroke
_RIM = 6  # px along the silhouette where a line is no other than that, or goes on to it
_FINE = ("stitch", "button")


@dataclass(frozen=True)
class Drawn:
    """A polyline, a point a pixel. `closed`: its last point is not the first again; `stitched`: to be dashed; `fine`: a detail and no seam."""

    points: Float[Tensor, "n 2"]
    closed: bool = False
    stitched: bool = False
    fine: bool = False


def piece_lines(panels: Sequence[Panel], mask: Float[Tensor, "1 h w"]) -> list[Drawn]:
    """What is seen of each panel's seam within the mask."""
    height, width = mask.shape[1:]
    solid, away, found = mask[0] > 0.5, shrink(mask, _RIM)[0] > 0.5, list[Drawn]()
    ordered = sorted(panels, key=lambda panel: ORDER.index(panel.kind))
    areas = [panel.area(height, width)[0] > _WITHIN if panel.kind in _HIDE else None for panel in ordered]
    for number, panel in enumerate(ordered):
        seen = away.clone()
        for over in areas[number + 1 :]:
            seen &= ~over if over is not None else True
        points = contours.smooth(panel.seam, 0, closed=False)
        kept = _there(points, seen)
        ring = bool(kept.all()) and bool((points[0] - points[-1]).norm() < 2)
        runs = [points[:-1]] if ring else _runs(points, kept)
        runs = runs if ring else [to_rim(run, solid, 2 * _RIM + 2) for run in runs]
        found += [Drawn(run, ring, panel.kind == "stitch", panel.kind in _FINE) for run in runs]
    return found


def _there(points: Float[Tensor, "n 2"], seen: Bool[Tensor, "h w"]) -> Bool[Tensor, " n"]:
    x, y = points.long().unbind(1)
    inside = (x >= 0) & (y >= 0) & (x < seen.shape[1]) & (y < seen.shape[0])
    return inside & seen[y.clamp(0, seen.shape[0] - 1), x.clamp(0, seen.shape[1] - 1)]


def _runs(points: Float[Tensor, "n 2"], kept: Bool[Tensor, " n"]) -> list[Float[Tensor, "_ 2"]]:
    """The stretches that are kept; one that goes on over the ends of a closed line is one."""
    if bool(kept.all()):
        return [points]
    if bool((points[0] - points[-1]).norm() < 2):  # begin where it is hidden
        first = int((~kept).int().argmax())
        points, kept = points[:-1].roll(-first, 0), kept[:-1].roll(-first, 0)
    parts = torch.tensor_split(points, ((kept[1:] != kept[:-1]).nonzero()[:, 0] + 1).tolist())
    shown = bool(kept[0])
    runs = list[Tensor]()
    for part in parts:
        runs += [part] if shown and len(part) >= _LEAST else []
        shown = not shown
    return runs


def to_rim(points: Float[Tensor, "n 2"], solid: Bool[Tensor, "h w"], reach: int) -> Float[Tensor, "m 2"]:
    """A line that ends within `reach` pixels of the silhouette is carried on to it."""
    size = torch.tensor(solid.shape).flip(0) - 1
    for _ in range(2):
        points = points.flip(0)
        way = F.normalize(points[-1] - points[-min(10, len(points))], dim=0)
        steps = points[-1] + way * torch.arange(1, reach + 1)[:, None]
        x, y = torch.minimum(steps.long().clamp(min=0), size).unbind(1)
        there = solid[y, x]
        if not bool(there.all()):
            points = torch.cat([points, steps[: int((~there).int().argmax()) + 1]])
    return points


def dashes(points: Float[Tensor, "n 2"], dash: float, gap: float) -> list[Float[Tensor, "_ 2"]]:
    """A polyline as dashes of a length in pixels, so far apart; the last may be shorter."""
    line = contours.smooth(points, 0, closed=False)  # a point a pixel, about
    spacing = contours.length(line) / max(1, len(line) - 1)
    long, whole = max(2, round(dash / spacing) + 1), max(3, round((dash + gap) / spacing))
    return [part[:long] for part in line.split(whole) if len(part) > 1]
