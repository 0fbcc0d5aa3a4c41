"""The panels that a garment is cut from, told from its silhouette: sleeves from armpit to shoulder, the legs of trousers from crotch to waist.

Where a contour turns inward sharply one part ends and another begins (the minima rule: Hoffman & Richards 1984); from there the cut goes to the contour
opposite. Each panel has a grain, the way that its cloth runs down. What no silhouette tells (a raglan, a yoke, princess seams) is not found. Knows masks only.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.contours import area, closed_contours, fill
from muslin.data.ground import at_size, box

_WORK, _AROUND = 300, 0.03  # px of a garment's longer side where it is looked at, and the rim around, as a share of it
_POINTS, _LEAST = 400, 400.0  # of the contour; px: what covers less is a thread
_SAMPLES = 2  # places a pixel's side that its share of a panel is told by
_REACH = 0.09  # of the root of the area: the arms of the angle that is measured
_BESIDE = 12  # points to either side, among which one corner is the sharpest
_SHARP, _BOTH, _CROTCH = 38.0, 90.0, 60.0  # degrees that the contour turns inward at an armpit, at both together, and at a crotch
_LEVEL = 0.3  # of the height: by how much one armpit is above the other, at most
_ALIKE, _LEGS_ALIKE = 0.35, 0.6  # least share of one sleeve's area by the other's, and of one leg's
_SLEEVE = (0.012, 0.3)  # of the garment's area, likewise a sleeve
_LEAN, _TURNS = 8.0, 24.0  # degrees: how an armhole leans inward, and how far off that costs as much again
_HOLLOW = 0.1  # of its length: how far an armhole is curved towards the body
_MIDDLE = 0.16  # of the width: how far from the middle a crotch may be
_RISE = 0.12  # of the height: its least distance from the waist, and a leg's least length
_GAP, _BRIDGE = 0.002, 0.15  # a gap's least area by the garment's; of the height, how thick it may be closed
_LONG = (1.4, 1.8)  # of length to breadth: from there on a sleeve's length tells its grain
_SLANT, _LEG = 18.0, 0.5  # degrees that a leg's grain slants at most; of the height, a leg that may do so: of shorts the body decides
_STEEP = 75.0  # degrees off upright: a panel's grain at most

Kind = Literal["leg", "sleeve", "front", "band", "inside", "waist", "yoke", "collar", "cuff", "rib", "pocket", "stitch", "button"]
# inside: of the back, seen above the front's edge; waist: what is below it; stitch: a line and no panel
ORDER: tuple[Kind, ...] = (  # the later ones lie on the earlier
    *("waist", "leg", "front", "band", "yoke", "sleeve", "cuff", "stitch"),
    *("inside", "rib", "pocket", "collar", "button"),
)
HIDES: tuple[Kind, ...] = ("cuff", "inside", "rib", "pocket", "collar", "button")  # what one does not see through


@dataclass(frozen=True)
class Panel:
    """`outline`: (x, y) in px of the mask that it was found on; `seam`: where it is sewn to its neighbour; `grain`: degrees from upright in which
    its cloth runs down, positive to the right; `pivot`: about which the cloth is turned."""

    kind: Kind
    outline: Float[Tensor, "n 2"]
    seam: Float[Tensor, "m 2"]
    grain: float
    pivot: Float[Tensor, " 2"]

    def moved(self, by: Float[Tensor, " 2"], to: Float[Tensor, " 2"]) -> "Panel":
        """On a mask of another size, whose origin is elsewhere."""
        return replace(self, outline=self.outline * by + to, seam=self.seam * by + to, pivot=self.pivot * by + to)

    def area(self, height: int, width: int) -> Float[Tensor, "1 height width"]:
        """Where it lies, 0 to 1, one pixel soft."""
        most = torch.tensor([width, height])
        low, high = (
            self.outline.amin(0).floor().clamp(min=0).minimum(most).int(),
            self.outline.amax(0).ceil().clamp(min=0).minimum(most).int(),
        )
        (left, top), (right, bottom) = low.tolist(), high.tolist()
        if right <= left or bottom <= top:
            return torch.zeros(1, height, width)
        return F.pad(fill([self.outline - low], bottom - top, right - left, _SAMPLES), (left, width - right, top, height - bottom))


@dataclass(frozen=True)
class _Contour:
    """`points` evenly spaced, the garment to their right; how far each turns inward, in degrees; the way into the garment at each."""

    points: Float[Tensor, "n 2"]
    turn: Float[Tensor, " n"]
    inward: Float[Tensor, "n 2"]

    def arc(self, begin: int, end: int) -> Float[Tensor, "k 2"]:
        """From one point on to the other."""
        count = len(self.points)
        return self.points[torch.arange(begin, begin + (end - begin) % count + 1) % count]


@dataclass(frozen=True)
class Frame:
    """Where a garment is looked at, whatever its size and the ground around it: its box and a rim, the longer side of the box at 300 px."""

    top: int
    bottom: int
    left: int
    right: int
    size: tuple[int, int]

    def take(self, x: Float[Tensor, "c h w"]) -> Float[Tensor, "c rows columns"]:
        """That part of a canvas, to be resized to `size`."""
        return x[:, self.top : self.bottom, self.left : self.right]

    def back(self, panels: list[Panel]) -> list[Panel]:
        """Panels that were found in the frame, on the canvas."""
        return [panel.moved(*self._way()) for panel in panels]

    def out(self, points: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
        """Points of the frame on the canvas."""
        by, to = self._way()
        return points * by + to

    def into(self, points: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
        """Points of the canvas in the frame."""
        by, to = self._way()
        return (points - to) / by

    def _way(self) -> tuple[Tensor, Tensor]:
        by = torch.tensor([(self.right - self.left) / self.size[1], (self.bottom - self.top) / self.size[0]])
        return by, torch.tensor([float(self.left), float(self.top)])


def frame(mask: Float[Tensor, "1 h w"]) -> Frame | None:
    """None where there is no garment."""
    if not bool((mask > 0.5).any()):
        return None
    top, bottom, left, right = box(mask, 0.5)
    longer = max(bottom - top, right - left)
    rim = math.ceil(longer * _AROUND)
    top, bottom, left, right = max(0, top - rim), min(mask.shape[1], bottom + rim), max(0, left - rim), min(mask.shape[2], right + rim)
    rows, columns = (max(2, round(side * _WORK / longer)) for side in (bottom - top, right - left))
    return Frame(top, bottom, left, right, (rows, columns))


def find_panels(mask: Float[Tensor, "1 h w"]) -> list[Panel]:
    """Both legs and both sleeves, as far as there are any; the later ones lie on the earlier."""
    seen = frame(mask)
    lines = [] if seen is None else closed_contours(at_size(seen.take(mask), *seen.size)[0])
    if seen is None or not lines or abs(area(lines[0])) < _LEAST:
        return []
    contour = _turns(_opened(lines))
    return seen.back(_legs(contour) + _sleeves(contour))


def _opened(lines: list[Float[Tensor, "_ 2"]]) -> Float[Tensor, "n 2"]:
    """The outer contour, a gap beside the body that a cuff closes opened where it is closed most thinly: one line for both."""
    outer, *rest = lines
    low, high = outer.amin(0), outer.amax(0)
    (width, height), whole = (high - low).tolist(), area(outer)
    for hole in rest:
        beside = abs(float(hole[:, 0].mean() - (low[0] + high[0]) / 2)) > _MIDDLE * width
        if not beside or area(hole) * whole > 0 or abs(area(hole)) < _GAP * abs(whole):
            continue
        apart = torch.cdist(outer, hole)
        apart[:, hole[:, 1] < hole[:, 1].mean()] = torch.inf
        place, there = divmod(int(apart.argmin()), len(hole))
        if float(apart.min()) < _BRIDGE * height:
            outer = torch.cat([outer[: place + 1], hole[there:], hole[: there + 1], outer[place:]])
    return outer


def _turns(line: Float[Tensor, "n 2"]) -> _Contour:
    points = _evenly(line if area(line) > 0 else line.flip(0))
    size, spacing = math.sqrt(abs(area(points))), float((points - points.roll(-1, 0)).norm(dim=1).mean())
    reach = max(2, round(_REACH * size / spacing))
    before, after = points - points.roll(reach, 0), points.roll(-reach, 0) - points
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turn = -torch.atan2(cross, (before * after).sum(1)) * 180 / math.pi
    return _Contour(points, turn, F.normalize(F.normalize(before, dim=1) - F.normalize(after, dim=1), dim=1))


def _evenly(line: Float[Tensor, "n 2"]) -> Float[Tensor, "m 2"]:
    closed = torch.cat([line, line[:1]])
    at = F.pad(closed.diff(dim=0).norm(dim=1).cumsum(0), (1, 0))
    wanted = torch.linspace(0, float(at[-1]), _POINTS + 1)[:-1]
    place = torch.searchsorted(at, wanted, right=True).clamp(1, len(line)) - 1
    share = ((wanted - at[place]) / (at[place + 1] - at[place]).clamp(min=1e-6))[:, None]
    return torch.lerp(closed[place], closed[place + 1], share)


def _corners(contour: _Contour, least: float) -> list[int]:
    """The sharpest places, those from which the garment lies upward."""
    around = torch.stack([contour.turn.roll(step) for step in range(-_BESIDE, _BESIDE + 1)])
    found = (contour.turn == around.amax(0)) & (contour.turn >= least) & (contour.inward[:, 1] < 0.1)
    return found.nonzero()[:, 0].tolist()


def _sleeves(contour: _Contour) -> list[Panel]:
    low, high = contour.points.amin(0), contour.points.amax(0)
    middle, (_, height) = (low + high) / 2, (high - low).tolist()
    corners = [place for place in _corners(contour, _SHARP) if contour.points[place, 1] < high[1] - 0.08 * height]
    sides = [[place for place in corners if (contour.points[place, 0] - middle[0]) * side > 0] for side in (-1, 1)]
    pairs = [(one, other) for one in sides[0] for other in sides[1]]
    for one, other in sorted(pairs, key=lambda pair: -float(contour.turn[list(pair)].sum())):
        uneven = abs(float(contour.points[one, 1] - contour.points[other, 1])) > _LEVEL * height
        if uneven or float(contour.turn[one] + contour.turn[other]) < _BOTH:
            continue
        left, right = _sleeve(contour, one, -1), _sleeve(contour, other, 1)
        if left and right and _ALIKE <= abs(area(left.outline) / area(right.outline)) <= 1 / _ALIKE:
            return [left, right]
    return []


def _sleeve(contour: _Contour, armpit: int, side: int) -> Panel | None:
    start = contour.points[armpit]
    best: tuple[float, int] | None = None
    for lean in range(-24, 41, 4):
        way = torch.tensor([-side * math.sin(math.radians(lean)), -math.cos(math.radians(lean))])
        end = _opposite(contour, armpit, way)
        if end is not None:
            cost = float((contour.points[end] - start).norm()) * (1 + ((lean - _LEAN) / _TURNS) ** 2)
            best = min(best or (math.inf, 0), (cost, end))
    if best is None:
        return None
    end = best[1]
    chord = contour.points[end] - start
    steps = torch.linspace(0, 1, 17)[:, None]
    hollow = torch.tensor([-side * chord[1].abs(), side * chord[0] * (1 if chord[1] < 0 else -1)]) * _HOLLOW
    seam = start + steps * chord + 4 * steps * (1 - steps) * hollow * (1 - steps) * 1.5
    arc = contour.arc(armpit, end) if side < 0 else contour.arc(end, armpit).flip(0)
    outline = torch.cat([arc, seam.flip(0)[1:-1]])
    share = abs(area(outline) / area(contour.points))
    tip = (seam[len(seam) // 2] - arc).norm(dim=1).max()
    if not _SLEEVE[0] <= share <= _SLEEVE[1] or tip < 0.4 * chord.norm():
        return None
    axis = _length(outline, _centroid(outline) - (start + chord / 2))
    grain = math.degrees(math.atan2(float(axis[0]), float(axis[1])))
    return Panel("sleeve", outline, seam, max(-_STEEP, min(_STEEP, grain)), start + chord / 2)


def _length(outline: Float[Tensor, "n 2"], away: Float[Tensor, " 2"]) -> Float[Tensor, " 2"]:
    """The way that a sleeve runs: `away` from its armhole, or, of a long one, along its principal axis."""
    points = outline - outline.amin(0)
    places = fill([points], *(int(side) + 2 for side in points.amax(0).flip(0)))[0].nonzero().flip(1).float()
    spread, axes = torch.linalg.eigh(torch.cov(places.T))
    share = ((spread[1] / spread[0].clamp(min=1e-6)).sqrt() - _LONG[0]) / (_LONG[1] - _LONG[0])
    long = axes[:, 1] * torch.sign((axes[:, 1] * away).sum())
    return torch.lerp(F.normalize(away, dim=0), long, share.clamp(0, 1))


def _legs(contour: _Contour) -> list[Panel]:
    low, high = contour.points.amin(0), contour.points.amax(0)
    middle, (width, height) = (low + high) / 2, (high - low).tolist()
    found = [
        place
        for place in _corners(contour, _CROTCH)
        if contour.inward[place, 1] < -0.7
        and abs(float(contour.points[place, 0] - middle[0])) < _MIDDLE * width
        and low[1] + _RISE * height < contour.points[place, 1] < high[1] - _RISE * height
    ]
    if not found:
        return []
    crotch = max(found, key=lambda place: float(contour.turn[place]))
    start, top = contour.points[crotch], contour.points[contour.points[:, 1] < low[1] + 0.06 * height]
    waist = torch.stack([(top[:, 0].amin() + top[:, 0].amax()) / 2, low[1]])
    end = _opposite(contour, crotch, F.normalize(waist - start, dim=0))
    if end is None:
        return []
    seam = start + torch.linspace(0, 1, 9)[:, None] * (contour.points[end] - start)
    arcs = contour.arc(crotch, end), contour.arc(end, crotch).flip(0)
    left, right = (_leg(arc, seam, side) for arc, side in zip(arcs, (-1, 1), strict=True))
    return [left, right] if _LEGS_ALIKE <= abs(area(left.outline) / area(right.outline)) <= 1 / _LEGS_ALIKE else []


def _leg(arc: Tensor, seam: Tensor, side: int) -> Panel:
    start = seam[0]
    below = arc[arc[:, 1] >= start[1]]
    level = arc[(arc[:, 1] - start[1]).abs() < _WORK / 75]
    outer = level[(level[:, 0] * side).argmax()] if len(level) else start
    pivot = (start + outer) / 2
    axis = _centroid(below) - pivot
    most = _SLANT * min(1.0, float(below[:, 1].amax() - start[1]) / (_LEG * float(arc[:, 1].amax() - arc[:, 1].amin())))
    grain = math.degrees(math.atan2(float(axis[0]), float(axis[1]))) if axis[1] > 0 else 0.0
    return Panel("leg", torch.cat([arc, seam.flip(0)[1:-1]]), seam, max(-most, min(most, grain)), pivot)


def _opposite(contour: _Contour, place: int, way: Float[Tensor, " 2"]) -> int | None:
    """The point at which a ray from one point through the garment leaves it; None where it leaves at once."""
    begin, ends = contour.points[place], contour.points.roll(-1, 0) - contour.points
    away = contour.points - begin
    cross = way[0] * ends[:, 1] - way[1] * ends[:, 0]
    cross = torch.where(cross.abs() < 1e-6, torch.full_like(cross, 1e-6), cross)
    along = (away[:, 0] * ends[:, 1] - away[:, 1] * ends[:, 0]) / cross
    share = (away[:, 0] * way[1] - away[:, 1] * way[0]) / cross
    count = len(contour.points)
    apart = (torch.arange(count) - place) % count
    hit = (share >= 0) & (share <= 1) & (along > 0) & (torch.minimum(apart, count - apart) > 3)
    if not bool(hit.any()) or float((contour.inward[place] * way).sum()) < 0:
        return None
    return int(torch.where(hit, along, torch.inf).argmin())


def up_from(curve: Float[Tensor, "n 2"], way: Float[Tensor, " 2"]) -> Float[Tensor, "m 2"]:
    """The outline of what lies on one side of a curve, as far as `way` goes."""
    return torch.cat([curve, (curve[-1] + way)[None], (curve[0] + way)[None]])


def _centroid(polygon: Float[Tensor, "n 2"]) -> Float[Tensor, " 2"]:
    """Of its area."""
    nxt = polygon.roll(-1, 0)
    cross = polygon[:, 0] * nxt[:, 1] - nxt[:, 0] * polygon[:, 1]
    return ((polygon + nxt) * cross[:, None]).sum(0) / (3 * cross.sum())
