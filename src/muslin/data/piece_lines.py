"""What is seen of the lines that a garment is built of: seams, stitching, buttons. What lies beneath a pocket or a collar is not seen, what is on it is.

Knows panels on a mask and points in its pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from muslin.base import contours
from muslin.data.ground import shrink
from muslin.data.panels import HIDES, ORDER, Panel

_WITHIN, _ON, _LEAST = (
    0.75,
    0.8,
    5,
)  # of a piece's area at a point that it hides; of a line that is on the piece; points of a line that is worth a stroke
_RIM = 6  # px along the silhouette where a line is no other than that, or goes on to it
_FINE, _SEWN_ON = ("stitch", "button"), ("stitch", "pocket", "button")


@dataclass(frozen=True)
class Drawn:
    """A polyline, a point a pixel. `closed`: its last point is not the first again; `stitched`: to be dashed; `fine`: a detail and no seam."""

    points: Float[Tensor, "n 2"]
    closed: bool = False
    stitched: bool = False
    fine: bool = False


def piece_lines(panels: Sequence[Panel], mask: Float[Tensor, "1 h w"]) -> list[Drawn]:
    """What is seen of each panel's seam within the mask, carried on to its edge."""
    height, width = mask.shape[1:]
    solid, well, found = mask[0] > 0.5, shrink(mask, _RIM)[0] > 0.5, list[Drawn]()
    ordered = sorted(panels, key=lambda panel: ORDER.index(panel.kind))
    areas = [panel.area(height, width)[0] > _WITHIN if panel.kind in HIDES else None for panel in ordered]
    for number, panel in enumerate(ordered):
        points = contours.smooth(panel.seam, 0, closed=False)
        clear, covers = there(points, well), [area for area in areas[number + 1 :] if area is not None]
        if panel.kind == "stitch":  # it may be on any of them
            covers = [area for area in areas if area is not None]
        free = uncovered([there(points, area) for area in covers], len(points), panel.kind in _SEWN_ON)
        ring = bool((points[0] - points[-1]).norm() < 2)
        if ring and bool((clear & free).all()):
            found.append(Drawn(points[:-1], True, False, panel.kind in _FINE))
            continue
        for run, begins, ends in _runs(points, clear & free, free, ring):
            line = to_rim(run, solid, 2 * _RIM + 2, begins, ends)
            found.append(Drawn(line, False, panel.kind == "stitch", panel.kind in _FINE))
    return found


def uncovered(covers: Sequence[Bool[Tensor, " n"]], count: int, sewn_on: bool = True) -> Bool[Tensor, " n"]:
    """Which of a line's points are seen, told those that lie where each piece is; with `sewn_on` a line that is nearly all on a piece is sewn on it."""
    free = torch.ones(count, dtype=torch.bool)
    for beneath in covers:
        if not sewn_on or float(beneath.float().mean()) < _ON:
            free &= ~beneath
    return free


def there(points: Float[Tensor, "n 2"], area: Bool[Tensor, "h w"]) -> Bool[Tensor, " n"]:
    """Which points lie on an area."""
    x, y = points.long().unbind(1)
    inside = (points >= 0).all(1) & (x < area.shape[1]) & (y < area.shape[0])
    return inside & area[y.clamp(0, area.shape[0] - 1), x.clamp(0, area.shape[1] - 1)]


def stretches(kept: Bool[Tensor, " n"]) -> list[tuple[int, int]]:
    """Where each run of what is kept begins, and where it has ended."""
    edges = [0, *((kept[1:] != kept[:-1]).nonzero()[:, 0] + 1).tolist(), len(kept)]
    return [(begin, end) for begin, end in pairwise(edges) if bool(kept[begin])]


def _runs(
    points: Float[Tensor, "n 2"], kept: Bool[Tensor, " n"], free: Bool[Tensor, " n"], ring: bool
) -> list[tuple[Float[Tensor, "_ 2"], bool, bool]]:
    """The stretches that are kept (one over the ends of a closed line is one), and whether each begins and ends at the silhouette and not beneath a piece."""
    if ring and not bool(kept.all()):  # begin where it is hidden
        first = int((~kept).int().argmax())
        points, kept, free = (x[:-1].roll(-first, 0) for x in (points, kept, free))
    found = []
    for begin, end in stretches(kept):
        if end - begin >= _LEAST:
            begins, ends = ring or begin > 0, ring or end < len(points)  # whether something comes before, and after
            found.append((points[begin:end], not begins or bool(free[begin - 1]), not ends or bool(free[end % len(points)])))
    return found


def to_rim(
    points: Float[Tensor, "n 2"], solid: Bool[Tensor, "h w"], reach: int, begins: bool = True, ends: bool = True
) -> Float[Tensor, "m 2"]:
    """A line of which an end is within `reach` pixels of the silhouette is carried on to it, at its beginning and its end as asked."""
    size = torch.tensor(solid.shape).flip(0) - 1
    for wanted in (begins, ends):
        points = points.flip(0)
        if not wanted:
            continue
        way = F.normalize(points[-1] - points[-min(10, len(points))], dim=0)
        steps = points[-1] + way * torch.arange(1, reach + 1)[:, None]
        x, y = torch.minimum(steps.long().clamp(min=0), size).unbind(1)
        within = solid[y, x]
        if not bool(within.all()):
            points = torch.cat([points, steps[: int((~within).int().argmax()) + 1]])
    return points


def dashes(points: Float[Tensor, "n 2"], dash: float, gap: float) -> list[Float[Tensor, "_ 2"]]:
    """A polyline as dashes of a length in pixels, so far apart; the last may be shorter."""
    line = contours.smooth(points, 0, closed=False)  # a point a pixel, about
    spacing = contours.length(line) / max(1, len(line) - 1)
    long, whole = max(2, round(dash / spacing) + 1), max(3, round((dash + gap) / spacing))
    return [part[:long] for part in line.split(whole) if len(part) > 1]
