"""A drawing on paper read as a silhouette and its inner lines: uneven light, ruled or squared paper, small gaps, or a filled shape.

Ink is what the paper's light (a quadratic surface fitted to the bright blocks) lacks. Flood and components spread along whole runs of rows
and columns, with tensors alone. Does not know perspective, a table around the sheet, or what a garment is: a hanger that closes stays.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from muslin.base.errors import InputError

LONGEST = 512  # px: the size a drawing is read at
_BLOCK = 8
_GAPS = (0, 1, 2, 3, 5, 8, 12)  # px of ink widened on either side until the outline closes
_LEAST = 0.015  # share of the page that a silhouette covers
_FAINT = 0.1  # ink weaker than this is paper


@dataclass(frozen=True)
class Drawing:
    """`outline` is 1 inside the silhouette; `lines` the ink well within it, 0 to 1; `mended` says what was done to the page."""

    outline: Float[Tensor, "1 h w"]
    lines: Float[Tensor, "1 h w"]
    mended: tuple[str, ...] = ()


def read_drawing(pixels: Float[Tensor, "3 h w"]) -> Drawing:
    """The closed silhouette of a line drawing (or a filled shape), RGB in [-1, 1], read at no more than `LONGEST` px.

    Raises InputError when the page is blank or nothing on it closes.
    """
    ink, mended = _ink(_small(pixels))
    shape = _filled(ink)
    if shape is not None:
        return Drawing(_large_enough(_solid(_grown(shape, 1), 1))[None].float(), torch.zeros_like(ink)[None], tuple(mended))
    ink, ruled = _without_rules(ink)
    ink = (ink - _opened(ink, 10)).clamp(0, 1)  # what is broad is shadow, not line
    strokes = _strokes(ink)
    outline, closed = _closed(strokes)
    inner = _grown(strokes, 1) & _shrunk(_large_enough(outline), 7)
    lines = (ink / ink[strokes].quantile(0.8)).clamp(0, 1) * inner
    return Drawing(outline[None].float(), lines[None], (*mended, *ruled, *closed))


def framed(drawing: Drawing, side: int, margin: float = 0.04) -> Drawing:
    """The silhouette in the middle of a square of `side` px, `margin` of it free at each edge, as the generators' garments stand."""
    rows, columns = (torch.nonzero(drawing.outline[0].amax(dim) > 0.5)[:, 0] for dim in (1, 0))
    top, left = int(rows[0]), int(columns[0])
    height, width = int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left
    square = math.ceil(max(height, width) / (1 - 2 * margin))
    up, before = (square - height) // 2, (square - width) // 2

    def fit(layer: Tensor) -> Tensor:
        cut = layer[:, top : top + height, left : left + width]
        padded = F.pad(cut, (before, square - width - before, up, square - height - up))
        return F.interpolate(padded[None], size=(side, side), mode="bilinear", antialias=True, align_corners=False)[0].clamp(0, 1)

    return Drawing(fit(drawing.outline), fit(drawing.lines), drawing.mended)


def _large_enough(outline: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    if float(outline.float().mean()) < _LEAST:
        raise InputError(
            "no closed outline in this drawing; draw the silhouette as one closed dark line on light paper, and crop to the paper's edge"
        )
    return outline


def _small(pixels: Tensor) -> Tensor:
    """[0, 1], the longer side `LONGEST` px at most."""
    factor = min(1.0, LONGEST / max(pixels.shape[1:]))
    size = [max(_BLOCK, round(side * factor)) for side in pixels.shape[1:]]
    made = F.interpolate(pixels[None], size=size, mode="bilinear", antialias=True, align_corners=False)[0]
    return (made.clamp(-1, 1) + 1) / 2


def _ink(page: Float[Tensor, "3 h w"]) -> tuple[Float[Tensor, "h w"], list[str]]:
    """The share of the paper's light that is missing, in the channel that misses most; a dark page is inverted."""
    mended = []
    rim = torch.cat([page[:, 0], page[:, -1], page[:, :, 0], page[:, :, -1]], 1)
    if float(rim.median()) < 0.35:
        page, mended = 1 - page, ["light lines on dark paper: inverted"]
    paper = torch.stack([_paper(channel) for channel in page])
    if float((paper.amin() + 0.05) / paper.amax().clamp(min=0.1)) < 0.85:
        mended.append("uneven light on the paper taken out")
    return ((paper - page) / paper).amax(0).clamp(0, 1), mended


def _paper(channel: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """The paper's light: a surface of second degree through the brightest of each block, dark blocks left out in turns."""
    blocks = F.max_pool2d(channel[None], _BLOCK)[0]
    terms = _terms(*blocks.shape)
    edge = torch.ones_like(blocks, dtype=torch.bool)
    edge[1:-1, 1:-1] = False
    values, paper = blocks.flatten(), blocks[edge].median().expand(blocks.numel())
    for turn in range(12):
        # the page's edge and a plane first, since the middle may be a filled shape
        used, degree = (edge.flatten(), 3) if turn < 4 else (torch.ones_like(values, dtype=torch.bool), 6)
        weight = (used & (values > paper - max(0.05, 0.25 - 0.04 * turn))).float() + 1e-4
        design = terms[:, :degree] * weight[:, None]
        solved = torch.linalg.solve(design.T @ terms[:, :degree] + 1e-3 * torch.eye(degree), design.T @ values)
        paper = terms[:, :degree] @ solved
    return torch.as_tensor(_terms(*channel.shape) @ solved).view(channel.shape).clamp(0.1, 1.0)


def _terms(height: int, width: int) -> Float[Tensor, "n 6"]:
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    return torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y], -1).view(-1, 6)


def _filled(ink: Float[Tensor, "h w"]) -> Bool[Tensor, "h w"] | None:
    """The filled shapes of a page, or None for a drawing of lines: dark places that stay when eroded, and no shadow from the edge."""
    dark = ink > max(0.15, 0.5 * float(ink.flatten().quantile(0.995)))
    core = _shrunk(dark, max(6, max(ink.shape) // 64))
    core &= ~_flood(core, _rim(core))
    return _flood(dark, core) if float(core.float().mean()) > _LEAST else None


def _strokes(ink: Float[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """Where lines are: strong ink, and weaker ink that hangs on it (hysteresis, Canny 1986), without specks."""
    peak = float(ink.flatten().quantile(0.998))
    if peak < _FAINT:
        raise InputError("nothing is drawn on this page, or too faintly; use a darker pen, or a scan with more contrast")
    strokes = _flood(ink > max(_FAINT / 2, 0.25 * peak), ink > max(_FAINT, 0.45 * peak))
    parts = _parts(_grown(strokes, 1)) * strokes
    sizes = torch.bincount(parts.flatten(), minlength=strokes.numel() + 1)
    sizes[0] = 0
    return sizes[parts] >= max(12, 0.01 * int(sizes.max()))


def _closed(strokes: Bool[Tensor, "h w"]) -> tuple[Bool[Tensor, "h w"], list[str]]:
    """The silhouette that the strokes close, gaps bridged as little as does; then with the page's edge as part of the outline."""
    for walls, edge in ((strokes, []), (_with_edge(strokes), ["cut by the page's edge: closed along it"])):
        shapes = [_solid(_grown(walls, gap), gap) for gap in _GAPS]
        areas = torch.tensor([float(shape.float().mean()) for shape in shapes])
        covered = torch.tensor([float((strokes & _grown(shape, 5)).sum() / strokes.sum()) for shape in shapes])
        fits = (areas >= _LEAST) & (areas >= 0.6 * areas.max())
        if not fits.any() or (not edge and float(covered[fits].max()) < 0.5):
            continue
        best = int(torch.nonzero(fits & (covered >= covered[fits].max() - 0.03))[0])
        gap = [f"gaps of up to {2 * _GAPS[best] / max(strokes.shape):.1%} of the page closed"] if _GAPS[best] > 1 else []
        return shapes[best], gap + edge
    return torch.zeros_like(strokes), []


def _with_edge(strokes: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """The strokes, and on each side of the page a line from the first stroke that meets it to the last."""
    made = strokes.clone()
    for view, near in (
        (made[0], made[:4].any(0)),
        (made[-1], made[-4:].any(0)),
        (made[:, 0], made[:, :4].any(1)),
        (made[:, -1], made[:, -4:].any(1)),
    ):
        met = torch.nonzero(near)[:, 0]
        if len(met) > 1:
            view[int(met[0]) : int(met[-1]) + 1] = True
    return made


def _solid(walls: Bool[Tensor, "h w"], gap: int) -> Bool[Tensor, "h w"]:
    """What a flood from outside does not reach through walls widened by `gap`, set back again, without whiskers and small parts."""
    pad = gap + 2
    free = ~F.pad(walls, (pad, pad, pad, pad))
    outside = _grown(_flood(free, _rim(free)), gap)
    shape = ~outside[pad:-pad, pad:-pad]
    body = _grown(_shrunk(shape, 3), 3) & shape
    parts = _parts(body)
    sizes = torch.bincount(parts.flatten(), minlength=body.numel() + 1)
    sizes[0] = 0
    return (sizes[parts] >= 0.1 * int(sizes.max())) & body


def _without_rules(ink: Float[Tensor, "h w"]) -> tuple[Float[Tensor, "h w"], list[str]]:
    """The ink without a ruled or squared paper's lines: long, straight, over the whole page, evenly spaced, up to 4 degrees turned."""
    across = _rules(ink)
    down = _rules(ink.T, always=across is not None)
    if across is None and down is not None:
        across = _rules(ink, always=True)
    if across is None and down is None:
        return ink, []
    for rules in (across, None if down is None else down.T):
        if rules is not None:
            ink = torch.where((rules > 0) & (ink < 1.6 * rules + 0.08), 0.0, ink)
    squared = across is not None and down is not None
    return ink, ["squared paper taken out" if squared else "ruled paper taken out"]


def _rules(ink: Float[Tensor, "h w"], always: bool = False) -> Float[Tensor, "h w"] | None:
    """The strength of horizontal rules at each place, 0 where none is; None without at least 4 evenly spaced (or any, with `always`)."""
    angle = 0.0
    for step in (0.5, 0.125):
        tried = [angle + step * times for times in (range(-8, 9) if step == 0.5 else range(-3, 4))]
        angle = max(tried, key=lambda degrees: float(_profile(_turned(ink, degrees)).var()))
    profile = _profile(_turned(ink, angle))
    wide = F.max_pool1d(profile[None], 7, 1, 3)[0]
    level = max(0.02, 4 * float(profile.median()))
    peaks = torch.nonzero((profile == wide) & (profile > level))[:, 0]
    if not len(peaks) or not (always or _even(peaks.float())):
        return None
    strength = torch.zeros_like(profile)
    strength[peaks] = profile[peaks]
    bands = F.max_pool1d(strength[None], 5, 1, 2)[0]
    rules = _turned(bands[:, None].expand(ink.shape).contiguous(), -angle)
    return torch.where(rules > 0.25 * float(profile[peaks].median()), F.max_pool2d(rules[None], 5, 1, 2)[0], 0.0)


def _profile(ink: Float[Tensor, "h w"]) -> Float[Tensor, " h"]:
    """How much of each row is ink all the way along: the lower third of twelve pieces, and both ends, so that a drawing does not count."""
    pieces = F.adaptive_avg_pool1d(ink[None], 12)[0]
    ends = torch.minimum(pieces[:, :2].amax(1), pieces[:, -2:].amax(1))
    return torch.minimum(pieces.quantile(0.3, dim=1), ends)


def _even(peaks: Float[Tensor, " n"]) -> bool:
    if len(peaks) < 4:
        return False
    steps = peaks.diff()
    usual = float(steps.median())
    return usual >= 5 and float(((steps / usual - (steps / usual).round().clamp(min=1)).abs() < 0.2).float().mean()) >= 0.75


def _turned(x: Float[Tensor, "h w"], degrees: float) -> Float[Tensor, "h w"]:
    """Sheared, not turned: rows slide along columns, which for some degrees is the same and keeps rows sharp."""
    height, width = x.shape
    slide = math.tan(math.radians(degrees))
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    return x[(rows + ((columns - width / 2) * slide).round().long()).clamp(0, height - 1), columns.expand(height, -1)]


def _flood(free: Bool[Tensor, "h w"], seeds: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """All of `free` that hangs together, edge to edge, with a seed."""
    return _spread(free, (free & seeds).int()) > 0


def _parts(mask: Bool[Tensor, "h w"]) -> Int[Tensor, "h w"]:
    """A number for each connected part, 0 outside."""
    return _spread(mask, torch.arange(1, mask.numel() + 1).view(mask.shape) * mask)


def _spread(free: Bool[Tensor, "h w"], value: Int[Tensor, "h w"]) -> Int[Tensor, "h w"]:
    """The largest value of each connected part of `free`, everywhere in it: along whole runs of rows and columns until nothing moves."""
    runs = [(~free).cumsum(dim) for dim in (1, 0)]
    while True:
        before = value
        for dim, run in ((1, runs[0]), (0, runs[1])):
            size = [free.shape[0], free.shape[1]]
            size[dim] += 1
            most = torch.zeros(size, dtype=value.dtype).scatter_reduce(dim, run, value, "amax")
            value = most.gather(dim, run) * free
        if torch.equal(value, before):
            return value


def _rim(mask: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    rim = torch.ones_like(mask)
    rim[1:-1, 1:-1] = False
    return rim


def _grown(mask: Bool[Tensor, "h w"], pixels: int) -> Bool[Tensor, "h w"]:
    return _widest(mask.float(), pixels) > 0.5


def _shrunk(mask: Bool[Tensor, "h w"], pixels: int) -> Bool[Tensor, "h w"]:
    return ~_grown(~mask, pixels)


def _opened(x: Float[Tensor, "h w"], pixels: int) -> Float[Tensor, "h w"]:
    return _widest(-_widest(-x, pixels), pixels)


def _widest(x: Float[Tensor, "h w"], radius: int) -> Float[Tensor, "h w"]:
    rows = F.max_pool2d(x[None], (1, 2 * radius + 1), 1, (0, radius))
    return F.max_pool2d(rows, (2 * radius + 1, 1), 1, (radius, 0))[0]
