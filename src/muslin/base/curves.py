"""Polylines as few cubic Beziers, and these as polylines again.

Curves are fitted by least squares (Schneider 1990, Graphics Gems I) between corners. Points are (x, y) in pixels. Does not know what the lines mean.
"""

from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.contours import smooth

_STEPS = 8  # of Newton's method for where on a curve each point lies, at most
_CUT = 5  # points on either side of a corner that its rounding has moved
_FLATTEN = 24  # points for each cubic when it is drawn


def fit_curve(points: Float[Tensor, "n 2"], tolerance: float, closed: bool, reach: float = 0, corner: float = 45) -> Float[Tensor, "k 4 2"]:
    """As few cubic Beziers as stay within `tolerance` pixels of a polyline calmed over `reach` pixels (`smooth`).

    Smooth but for corners, where the line turns by `corner` degrees or more within some pixels; they stay sharp, and where
    they are. Each cubic starts where the last ended.
    """
    line = smooth(points, 0, closed).double().numpy()
    turns = _corners(smooth(points, min(reach, 2.5), closed).double().numpy(), closed, max(6, round(10 * tolerance)), corner)
    if closed and not turns:
        line = smooth(points, reach, closed).double().numpy()
        seam = _unit(line[min(3, len(line) - 1)] - line[-3])  # smooth where it closes, too
        return _stacked(_fit(np.concatenate([line, line[:1]]), seam, -seam, tolerance))
    tips = [_tip(line, turn) for turn in turns]
    if closed:
        first, tips = turns[0], [*tips, tips[0]]
        line = np.roll(line, -first, 0)
        line = np.concatenate([line, line[:1]])
        inner, ends = [turn - first for turn in turns[1:]], (_CUT, _CUT)
    else:
        inner, tips, ends = turns, [line[0], *tips, line[-1]], (1, 1)
    made = []
    bounds = [(0, ends[0]), *((turn, _CUT) for turn in inner), (len(line) - 1, ends[1])]
    for number, ((begin, after), (end, before)) in enumerate(pairwise(bounds)):
        part = np.concatenate([tips[number][None], line[begin + after : end - before + 1], tips[number + 1][None]])
        part = smooth(torch.from_numpy(part).float(), reach, False).double().numpy()
        made += _fit(part, _tangent(part), _tangent(part[::-1]), tolerance)
    return _stacked(made)


def _tip(line: np.ndarray, turn: int) -> np.ndarray:
    """Where the line's two sides at a corner would meet had nothing rounded it; the corner itself where that is far away."""
    far, near, one, two = (line[(turn + step * _CUT) % len(line)] for step in (-2, -1, 1, 2))
    sides = np.stack([near - far, two - one], 1)
    corner: np.ndarray = line[turn]
    if abs(np.linalg.det(sides)) < 1e-6:
        return corner
    tip: np.ndarray = near + (near - far) * np.linalg.solve(sides, one - near)[0]
    return tip if np.linalg.norm(tip - corner) < _CUT else corner


def _stacked(curves: list[np.ndarray]) -> Float[Tensor, "k 4 2"]:
    return torch.from_numpy(np.stack(curves)).float()


def _corners(line: np.ndarray, closed: bool, reach: int, degrees: float) -> list[int]:
    count = len(line)
    if count < 4 * reach:
        return []
    at = np.arange(count) if closed else np.arange(reach, count - reach)
    before, after = line[at] - line[(at - reach) % count], line[(at + reach) % count] - line[at]
    cosine = (before * after).sum(1) / (np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1) + 1e-9)
    turn = np.zeros(count)
    turn[at] = np.degrees(np.arccos(cosine.clip(-1, 1)))
    found: list[int] = []
    for index in np.argsort(-turn, kind="stable"):
        if turn[index] < degrees:
            break
        apart = [min(abs(index - other), count - abs(index - other) if closed else count) for other in found]
        if not apart or min(apart) > reach:
            found.append(int(index))
    return sorted(found)


def _fit(part: np.ndarray, left: np.ndarray, right: np.ndarray, tolerance: float) -> list[np.ndarray]:
    """Schneider's recursion: one cubic, its parameters improved; where that is not enough, two that share a tangent."""
    if len(part) < 4:
        third = np.linalg.norm(part[-1] - part[0]) / 3
        return [np.stack([part[0], part[0] + left * third, part[-1] + right * third, part[-1]])]
    along = np.concatenate([[0], np.linalg.norm(np.diff(part, axis=0), axis=1).cumsum()])
    t = along / max(along[-1], 1e-9)
    for _ in range(_STEPS):
        curve = _least_squares(part, t, left, right)
        away = np.linalg.norm(_at(curve, t) - part, axis=1)
        if away.max() <= tolerance:
            return [curve]
        if away.max() > 4 * tolerance:
            break
        t = _nearer(curve, part, t)
    split = int(np.clip(away.argmax(), 2, len(part) - 3)) if len(part) > 5 else len(part) // 2
    reach = min(3, split, len(part) - 1 - split)
    middle = _unit(part[split - reach] - part[split + reach])
    return _fit(part[: split + 1], left, middle, tolerance) + _fit(part[split:], -middle, right, tolerance)


def _least_squares(part: np.ndarray, t: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The lengths of both handles, solved for; a third of the distance where that has no sensible answer."""
    first, last = part[0], part[-1]
    b = np.stack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    one, two = b[1][:, None] * left, b[2][:, None] * right
    rest = part - (b[0] + b[1])[:, None] * first - (b[2] + b[3])[:, None] * last
    matrix = np.array([[(one * one).sum(), (one * two).sum()], [(one * two).sum(), (two * two).sum()]])
    wanted = np.array([(one * rest).sum(), (two * rest).sum()])
    reach = float(np.linalg.norm(last - first))
    handles = np.linalg.solve(matrix, wanted) if abs(np.linalg.det(matrix)) > 1e-9 else np.zeros(2)
    if handles.min() < 0.02 * reach or handles.max() > 3 * reach + 1e-9:
        handles = np.full(2, reach / 3)
    return np.stack([first, first + left * handles[0], last + right * handles[1], last])


def _nearer(curve: np.ndarray, part: np.ndarray, t: np.ndarray) -> np.ndarray:
    """One step of Newton's method towards the parameter of the nearest place (Schneider's reparameterisation)."""
    first, second = 3 * np.diff(curve, axis=0), 6 * np.diff(curve, n=2, axis=0)
    away = _at(curve, t) - part
    speed, bend = _at(first, t), _at(second, t)
    below = (speed * speed).sum(1) + (away * bend).sum(1)
    moved = t - np.where(np.abs(below) > 1e-9, (away * speed).sum(1) / np.where(np.abs(below) > 1e-9, below, 1), 0)
    moved[0], moved[-1] = 0, 1
    return np.maximum.accumulate(moved.clip(0, 1))


def _at(curve: np.ndarray, t: np.ndarray) -> np.ndarray:
    """De Casteljau: a Bezier of any degree at the parameters t."""
    level = [np.broadcast_to(point, (len(t), 2)) for point in curve]
    while len(level) > 1:
        level = [(1 - t)[:, None] * a + t[:, None] * b for a, b in pairwise(level)]
    return level[0]


def _tangent(part: np.ndarray) -> np.ndarray:
    return _unit(part[min(4, len(part) - 1)] - part[0])


def _unit(vector: np.ndarray) -> np.ndarray:
    made: np.ndarray = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return made


def flatten(curves: Float[Tensor, "k 4 2"]) -> Float[Tensor, "n 2"]:
    """The points of a path of cubics, close enough for drawing."""
    t = np.linspace(0, 1, _FLATTEN, endpoint=False)
    parts = [_at(curve, t) for curve in curves.double().numpy()]
    return torch.from_numpy(np.concatenate([*parts, curves[-1, -1:].double().numpy()])).float()
