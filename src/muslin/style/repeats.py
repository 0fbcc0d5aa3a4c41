"""Seamless repeats: a picture becomes a tile that continues into itself, straight, by half-drop, brick or mirror; or is taken as it is.

The lag at which the picture best matches itself is found first (a woven pattern keeps whole repeats), then the overlap is joined
along the path of least difference (Efros & Freeman 2001, "quilting"), closed so that it wraps, and blended in bands: broad light over
the whole overlap, detail over a few pixels (Burt & Adelson 1983). Knows pixels; centimetres are the caller's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.errors import SettingError
from muslin.base.image import blur, resize
from muslin.base.machine import free_memory
from muslin.style.configs import Repeat

REPEATS: tuple[Repeat, ...] = get_args(Repeat)
_BYTES = 180  # of memory for a pixel of the picture that a unit is cut from
_LOOK = 192  # side at which lags are searched
_TRIED, _CLOSE = 6, 1024  # lags tried at full size, of pictures up to so many pixels: made small, a thin line is lost
_LEAST = 0.5  # of the picture's side: the smallest tile
_OVERLAP = 0.08  # of the side: the least overlap
_SPARSE = 0.05  # of the largest step: below this, steps inside say nothing of what may stand on a border
_PLAIN = 0.02  # of the picture's variance: what it costs to join where there is nothing to see


@dataclass(frozen=True)
class Tile:
    """`pixels`: one unit that repeats straight in both directions (half-drop and brick: two tiles, mirror: four).

    `across`, `down`: how many motif tiles the unit holds each way; `seam`: see `seam_score`.
    """

    pixels: Float[Tensor, "3 h w"]
    across: int
    down: int
    seam: float


def make_tile(picture: Float[Tensor, "3 h w"], repeat: Repeat = "straight", even: float = 1.0) -> Tile:
    """A seamless unit from a picture of at least 32 px a side; `even`: how much of uneven light is taken out, 0 to 1.

    Raises SettingError where the picture is larger than memory allows.
    """
    if repeat == "as-is":
        return Tile(picture, 1, 1, seam_score(picture))
    rows, columns = picture.shape[1:]
    if (need := rows * columns * _BYTES) > (free := free_memory()):
        raise SettingError(
            f"a repeat cut from {columns:,} x {rows:,} px needs about {need / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are free; "
            f"make the picture smaller, {int(max(rows, columns) * (free / need) ** 0.5):,} px a side at most"
        )
    picture = _evened(picture, even)
    if repeat == "mirror":
        row = torch.cat([picture, picture.flip(2)], 2)
        unit = torch.cat([row, row.flip(1)], 1)
        return Tile(unit, 2, 2, seam_score(unit))
    if repeat == "brick":
        turned = _joined(picture.transpose(1, 2).contiguous(), 0.5)
        return Tile(turned.pixels.transpose(1, 2).contiguous(), turned.down, turned.across, turned.seam)
    return _joined(picture, 0.5 if repeat == "half-drop" else 0.0)


def _joined(picture: Tensor, drop: float) -> Tile:
    """Rows first, then columns, each column `drop` of a tile lower than the last; of several heights the one with the least seam."""
    best: Tile | None = None
    turned = picture.transpose(1, 2).contiguous()
    for height in _lags(turned, 0, 4 if drop else 1):
        # two drops of half a tile must come back to where they began
        rows, first = _join_columns(turned, 0, height - height % 2 if drop else height)
        rows = rows.transpose(1, 2).contiguous()
        shift = round(rows.shape[1] * drop)
        for width in _lags(rows, shift, 3):
            wrapped, second = _join_columns(rows, shift, width)
            unit = torch.cat([wrapped, wrapped.roll(shift, 1)], 2) if drop else wrapped
            found = Tile(unit, 2 if drop else 1, 1, seam_score(unit, [first, second]))
            if best is None or max(found.seam, 1.0) < max(best.seam, 1.0) - 0.02:
                best = found
    assert best is not None
    return best


def _evened(picture: Tensor, share: float) -> Tensor:
    """Broad differences of lightness taken out, as a lamp or a fold leaves them in a photograph of cloth."""
    if not share:
        return picture
    lab = to_oklab(picture)
    broad = blur(lab[:1], max(picture.shape[1:]) / 5)
    return from_oklab(torch.cat([(lab[:1] - share * (broad - broad.mean())).clamp(0, 1), lab[1:]]))


def seam_score(unit: Float[Tensor, "3 h w"], cuts: Sequence[float] = ()) -> float:
    """How a seam stands out, in rows or in columns, whichever is worse; at most about 1 where none can be found.

    The mean step between neighbours across the unit's border, by the 99th percentile of such steps between the columns (rows)
    inside (by the largest where nearly all is plain): a stripe's edge on the border is no seam where stripes have edges. `cuts`: for each joining path inside the unit the mean step
    across it, by what the picture itself steps there (`_blend`).
    """
    ratios = list(cuts)
    for x in (unit, unit.transpose(1, 2)):
        steps = (x[:, :, 1:] - x[:, :, :-1]).abs().mean((0, 1))
        usual, most = float(steps.quantile(0.99)), float(steps.max())
        ratios.append(float((x[:, :, 0] - x[:, :, -1]).abs().mean()) / max(usual if usual > _SPARSE * most else most, 1e-3))
    return max(ratios)


def proof(tile: Tile, side: int = 1200) -> Float[Tensor, "3 s t"]:
    """Three by three units, longer side at most `side` px: what a seam would show in."""
    return tiled(resize_unit(tile.pixels, *_within(tile.pixels.shape[1:], side // 3)), 3, 3)


def tiled(unit: Float[Tensor, "3 h w"], down: int, across: int) -> Float[Tensor, "3 H W"]:
    """The unit repeated straight."""
    return unit.repeat(1, down, across)


def resize_unit(unit: Float[Tensor, "3 h w"], rows: int, columns: int) -> Float[Tensor, "3 rows columns"]:
    """Resized as a part of endless cloth: the border's pixels are mixed with those of the other side, not with themselves."""
    _, height, width = unit.shape
    rim_down, rim_across = _rim(height, rows), _rim(width, columns)
    wrapped = torch.cat([unit[:, -rim_down:], unit, unit[:, :rim_down]], 1)
    wrapped = torch.cat([wrapped[:, :, -rim_across:], wrapped, wrapped[:, :, :rim_across]], 2)
    down, across = round(rim_down * rows / height), round(rim_across * columns / width)
    grown = resize(wrapped, rows + 2 * down, columns + 2 * across)
    return grown[:, down : down + rows, across : across + columns].contiguous()


def _rim(side: int, wanted: int) -> int:
    """How many pixels of the other side to mix in: of 8 to 64 the number that comes nearest to whole pixels once resized."""
    return min(
        range(min(side, 8), min(side, 64) + 1), key=lambda rim: (round(abs(rim * wanted / side - round(rim * wanted / side)), 6), rim)
    )


def _within(shape: tuple[int, ...] | torch.Size, side: int) -> tuple[int, int]:
    factor = min(1.0, side / max(shape))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def _join_columns(picture: Tensor, shift: int, lag: int) -> tuple[Tensor, float]:
    """The picture cut to a width of `lag`, at which its right end goes on into its left one, `shift` rows lower; and the cut's ratio."""
    overlap = _overlap(picture.shape[2], lag)
    right = picture[:, :, lag : lag + overlap].roll(-shift, 1)
    left = picture[:, :, :overlap]
    path = _least_path((left - right).square().sum(0))
    least = 0.25 * float((picture[:, :, 1:] - picture[:, :, :-1]).abs().mean())
    joined, ratio = _blend(right, left, path, least)
    return torch.cat([joined, picture[:, :, overlap:lag]], 2), ratio


def _overlap(width: int, lag: int) -> int:
    return min(width - lag, max(4, width // 3))


def _lags(picture: Tensor, shift: int, count: int) -> list[int]:
    """The `count` best widths, from half to nearly all of the picture, at which what would overlap differs least."""
    _, height, width = picture.shape
    factor = min(1.0, _LOOK / width)
    small = resize(picture, max(8, round(height * factor)), max(16, round(width * factor)))
    lags = range(int(small.shape[2] * _LEAST), int(small.shape[2] * (1 - _OVERLAP)) + 1)
    costs = _costs(small, round(shift * small.shape[1] / height), lags)
    found, exact = list[int](), list[float]()
    for place in sorted(range(len(lags)), key=lambda place: costs[place]):
        middle = round(lags[place] * width / small.shape[2])
        if all(abs(middle - other) > width // 16 for other in found):
            reach = round(1.5 / factor) + 1 if factor < 1 else 0
            near = range(max(width // 2, middle - reach), min(int(width * (1 - _OVERLAP / 2)), middle + reach) + 1)
            fine = _costs(picture, shift, near)
            found.append(near[fine.index(min(fine))])
            exact.append(min(fine))
        if len(found) == (max(count, _TRIED) if width <= _CLOSE else count):
            break
    return [lag for _, lag in sorted(zip(exact, found, strict=True))[:count]]


def _costs(picture: Tensor, shift: int, lags: range) -> list[float]:
    """Mean squared difference in the overlap for each lag, a little dearer where the tile is narrow, or where plain ground meets plain ground."""
    width, costs = picture.shape[2], list[float]()
    varied = float(picture.var((1, 2)).sum())
    for lag in lags:
        overlap = _overlap(width, lag)
        away = float((picture[:, :, lag : lag + overlap].roll(-shift, 1) - picture[:, :, :overlap]).square().mean())
        plain = max(0.0, 1 - float(picture[:, :, :overlap].var((1, 2)).sum()) / max(varied, 1e-9))
        costs.append(away * (1.15 - 0.15 * lag / width) + _PLAIN * varied * plain)
    return costs


def _least_path(cost: Float[Tensor, "h w"]) -> Tensor:
    """For each row the column of a path of least cost from top to bottom that ends where it begins (so that it wraps)."""
    height, width = cost.shape
    best, found = float("inf"), torch.zeros(height, dtype=torch.long)
    # the free path says where closed ones are worth trying
    free = _path(cost, None)
    tries = {int(free[place]) for place in (0, height // 2, height - 1)}
    for begin in sorted(tries):
        path = _path(cost, begin)
        total = float(cost[torch.arange(height), path].sum())
        if total < best:
            best, found = total, path
    return found.clamp(1, width - 2) if width > 3 else found


def _path(cost: Tensor, begin: int | None) -> Tensor:
    height, width = cost.shape
    first = cost[0].clone()
    if begin is not None:
        first = torch.full_like(first, 1e9)
        first[begin] = cost[0, begin]
    totals, steps = [first], []
    wall = torch.full((1,), 1e9)
    for row in range(1, height):
        before = torch.cat([wall, totals[-1], wall])
        least, step = torch.stack([before[:-2], before[1:-1], before[2:]]).min(0)
        totals.append(cost[row] + least)
        steps.append(step - 1)
    column = int(totals[-1].argmin()) if begin is None else begin
    path = [column]
    for step in reversed(steps):
        column = min(max(column + int(step[column]), 0), width - 1)
        path.append(column)
    return torch.tensor(path[::-1])


def _blend(right: Tensor, left: Tensor, path: Tensor, least: float) -> tuple[Tensor, float]:
    """`right` before the path and `left` after it, in bands of detail, each joined over its own width (Burt & Adelson 1983).

    And the mean step across the path by what both pictures step there (at least `least`).
    """
    width = right.shape[2]
    places = torch.arange(width)[None].float()
    joined, one, two, sigma = torch.zeros_like(right), right, left, 1.0
    while sigma < width / 5:
        low_one, low_two = _wrapped_blur(one, sigma), _wrapped_blur(two, sigma)
        share = ((places - path[:, None]) / (4 * sigma) + 0.5).clamp(0, 1)[None]
        joined = joined + (one - low_one) * (1 - share) + (two - low_two) * share
        one, two, sigma = low_one, low_two, sigma * 2
    share = ((places + 0.5) / width)[None]
    joined = (joined + one * (1 - share) + two * share).clamp(-1, 1)
    ours, before, after = (_step_at(x, path) for x in (joined, right, left))
    return joined, ours / max((before + after) / 2, least, 1e-3)


def _step_at(picture: Tensor, path: Tensor) -> float:
    rows = torch.arange(len(path))
    return float((picture[:, rows, path] - picture[:, rows, path - 1]).abs().mean())


def _wrapped_blur(x: Tensor, sigma: float) -> Tensor:
    """Blurred; rows go on from bottom to top."""
    height = x.shape[1]
    rim = min(height, round(3 * sigma))
    return blur(torch.cat([x[:, -rim:], x, x[:, :rim]], 1), sigma)[:, rim : rim + height]
