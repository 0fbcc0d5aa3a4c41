"""The one door to scikit-image: masks and edges to polylines, and these back to pixels.

Strokes are stamped with round caps. Points are (x, y) in pixels from the picture's upper left corner, so that a pixel's middle is at one half. Does not know what the lines mean.
"""

import math
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from skimage import measure, morphology
from torch import Tensor

_WAYS = 96  # directions in which a hull is looked for


def closed_contours(mask: Float[Tensor, "h w"], level: float = 0.5) -> list[Float[Tensor, "_ 2"]]:
    """The closed level lines of a mask (marching squares), holes too; the last point is not the first again. Largest first."""
    padded = np.pad(mask.numpy(), 1)
    lines = [torch.from_numpy(line[:-1, ::-1] - 0.5).float() for line in measure.find_contours(padded, level)]
    return sorted((line for line in lines if len(line) > 3), key=lambda line: -abs(area(line)))


def area(points: Float[Tensor, "n 2"]) -> float:
    """The signed area of a polygon (shoelace)."""
    x, y = points[:, 0].double(), points[:, 1].double()
    return float((x * y.roll(-1) - x.roll(-1) * y).sum() / 2)


def length(points: Float[Tensor, "n 2"]) -> float:
    """The length of a polyline."""
    return float(points.diff(dim=0).norm(dim=1).sum())


def edge_lines(ridges: Float[Tensor, "h w"], low: float, high: float) -> list[Float[Tensor, "_ 2"]]:
    """Thin lines of a strength map (0 where it is no local maximum) as ordered polylines, split where lines meet.

    Kept is what exceeds `low` and hangs together with something above `high` (hysteresis, Canny 1986), one pixel thin.
    """
    values = ridges.numpy()
    parts = measure.label(values > low, connectivity=2)  # skimage's own hysteresis tears lines that go diagonally
    strong = np.unique(parts[values > high])
    return trace(torch.from_numpy(morphology.skeletonize(np.isin(parts, strong[strong > 0]))))


def trace(skeleton: Bool[Tensor, "h w"]) -> list[Float[Tensor, "_ 2"]]:
    """Ordered polylines of a one pixel thin drawing, split at junctions; loops end where they began. In the order of rows."""
    places = [(int(y), int(x)) for y, x in torch.nonzero(skeleton)]
    there = set(places)
    near = {place: _neighbours(place, there) for place in places}
    used: set[tuple[tuple[int, int], tuple[int, int]]] = set()
    lines = []
    for start in [p for p in places if len(near[p]) != 2] + places:
        for step in near[start]:
            if (start, step) in used:
                continue
            path = [start, step]
            while len(near[path[-1]]) == 2 and path[-1] != start:
                first, second = near[path[-1]]
                path.append(second if first == path[-2] else first)
            used.update(pairwise(path))
            used.update(pairwise(path[::-1]))
            lines.append(torch.tensor(path, dtype=torch.float32).flip(1) + 0.5)
    return lines


def _neighbours(place: tuple[int, int], there: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Beside it, and diagonally where no pixel beside both leads there anyway."""
    y, x = place
    found = [p for p in ((y, x + 1), (y + 1, x), (y, x - 1), (y - 1, x)) if p in there]
    for dy, dx in ((1, 1), (1, -1), (-1, -1), (-1, 1)):
        if (y + dy, x + dx) in there and (y + dy, x) not in there and (y, x + dx) not in there:
            found.append((y + dy, x + dx))
    return found


def join(lines: list[Float[Tensor, "_ 2"]], gap: float) -> list[Float[Tensor, "_ 2"]]:
    """Lines whose ends face each other across at most `gap` pixels as one, the nearest and straightest first."""
    lines = [line for line in lines if len(line) > 3]
    while len(lines) > 1:
        pairs = _facing(lines, gap)
        if not pairs:
            break
        used: set[int] = set()
        made = []
        for _, one, two, turn_one, turn_two in pairs:
            if one in used or two in used:
                continue
            used |= {one, two}
            made.append(torch.cat([lines[one].flip(0) if turn_one else lines[one], lines[two].flip(0) if turn_two else lines[two]]))
        lines = made + [line for number, line in enumerate(lines) if number not in used]
    return lines


def _facing(lines: list[Tensor], gap: float) -> list[tuple[float, int, int, bool, bool]]:
    """(cost, one, two, whether one is turned so that it ends at the gap, whether two is so that it begins there)."""
    ends = torch.stack([torch.stack([line[0], line[-1]]) for line in lines]).view(-1, 2)
    inner = torch.stack([torch.stack([line[min(8, len(line) - 1)], line[-min(9, len(line))]]) for line in lines]).view(-1, 2)
    out = F.normalize(ends - inner, dim=1)
    across = ends[None] - ends[:, None]
    far = across.norm(dim=2)
    toward = F.normalize(across, dim=2)
    level = torch.where(far < 4, -(out @ out.T), torch.minimum((toward * out[:, None]).sum(2), -(toward * out[None]).sum(2)))
    line = torch.arange(len(ends)) // 2
    good = (far <= gap) & (level > 0.8) & (-(out @ out.T) > 0.6) & (line[:, None] < line[None])
    cost = far + 2 * gap * (1 - level)
    found = [(float(cost[i, j]), i // 2, j // 2, i % 2 == 0, j % 2 == 1) for i, j in torch.nonzero(good).tolist()]
    return sorted(found)


def smooth(points: Float[Tensor, "n 2"], reach: float, closed: bool) -> Float[Tensor, "m 2"]:
    """A polyline sampled every pixel and blurred along itself over `reach` pixels; open ends stay where they are."""
    line = torch.cat([points, points[:1]]) if closed else points
    along = torch.cat([torch.zeros(1), line.diff(dim=0).norm(dim=1).cumsum(0)]).numpy()
    count = max(4, math.ceil(float(along[-1])) + 1)
    at = np.linspace(0, along[-1], count)
    even = np.stack([np.interp(at, along, line[:, axis].numpy()) for axis in (0, 1)], 1)
    even = even[:-1] if closed else even
    wide = min(max(1, math.ceil(3 * reach)), len(even) - 1)
    weights = np.exp(-0.5 * (np.arange(-wide, wide + 1) / max(reach, 1e-3)) ** 2)
    if closed:
        padded = np.pad(even, ((wide, wide), (0, 0)), mode="wrap")
    else:  # mirrored through the ends, which therefore stay
        padded = np.pad(even, ((wide, wide), (0, 0)), mode="reflect", reflect_type="odd")
    blurred = np.stack([np.convolve(padded[:, axis], weights / weights.sum(), "valid") for axis in (0, 1)], 1)
    return torch.from_numpy(blurred).float()


def hull(points: Float[Tensor, "n 2"]) -> Float[Tensor, "m 2"]:
    """The convex hull, to a few parts in a thousand: those points that lie farthest out in some direction, in order."""
    turn = torch.arange(_WAYS) * (2 * math.pi / _WAYS)
    farthest = (points @ torch.stack([turn.cos(), turn.sin()])).argmax(0)
    return points[torch.unique_consecutive(farthest)]


def simplified(points: Float[Tensor, "n 2"], tolerance: float) -> Float[Tensor, "m 2"]:
    """Those points of a polyline whose straight pieces stay within `tolerance` of it (Douglas & Peucker 1973); of a closed line, as it is, without its last point again."""
    return torch.from_numpy(measure.approximate_polygon(points.double().numpy(), tolerance)).float()


def fill(polygons: list[Float[Tensor, "_ 2"]], height: int, width: int, samples: int = 4) -> Float[Tensor, "1 h w"]:
    """The share of each pixel inside polygons by the even-odd rule, from `samples` x `samples` places in it."""
    high, wide = height * samples, width * samples
    turned = np.zeros((high, wide + 1), dtype=np.int32)
    for polygon in polygons:
        x, y = (polygon.double().numpy() * samples - 0.5).T
        ends = np.stack([x, y, np.roll(x, -1), np.roll(y, -1)])
        x0, y0, x1, y1 = np.where(ends[1] <= ends[3], ends, ends[[2, 3, 0, 1]])
        first, last = (np.ceil(edge).clip(0, high).astype(int) for edge in (y0, y1))  # rows that an edge crosses
        edge = np.repeat(np.arange(len(x0)), last - first)
        row = np.arange(len(edge)) - np.repeat((last - first).cumsum() - (last - first), last - first) + first[edge]
        meets = x0[edge] + (row - y0[edge]) / (y1 - y0)[edge] * (x1 - x0)[edge]
        np.add.at(turned, (row, np.ceil(meets).clip(0, wide).astype(int)), 1)
    inside = turned[:, :-1].cumsum(1) % 2
    return F.avg_pool2d(torch.from_numpy(inside).float()[None], samples)


def stroke(points: Float[Tensor, "n 2"], width: float, canvas: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """The canvas (coverage, 0 to 1) with a polyline on it, `width` pixels wide, round at joins and ends, one pixel soft."""
    high, wide = canvas.shape
    along = torch.cat([torch.zeros(1), points.diff(dim=0).norm(dim=1).cumsum(0)]).numpy()
    at = np.linspace(0, along[-1], max(2, math.ceil(float(along[-1]) * 4)))
    dots = torch.from_numpy(np.stack([np.interp(at, along, points[:, axis].numpy()) for axis in (0, 1)], 1)).float()
    reach = math.ceil(width / 2 + 1)
    step = torch.arange(-reach, reach + 1)
    offsets = torch.stack(torch.meshgrid(step, step, indexing="xy"), -1).view(1, -1, 2)
    pixels = dots.floor().long()[:, None] + offsets
    cover = (width / 2 + 0.5 - (pixels + 0.5 - dots[:, None]).norm(dim=-1)).clamp(0, 1) * min(1.0, width)
    there = (pixels >= 0).all(-1) & (pixels[..., 0] < wide) & (pixels[..., 1] < high)
    index = pixels[..., 1] * wide + pixels[..., 0]
    flat = canvas.flatten().scatter_reduce(0, index[there], cover[there], "amax")
    return flat.view(high, wide)
