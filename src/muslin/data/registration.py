"""Bending one silhouette onto another, so that what lies on the first can be carried to the second.

Signed distances (Maurer, Qi & Raghavan 2003) are brought to agree along the edge by a free-form deformation: control points on a coarse net, whose
second differences cost (Rueckert et al. 1999). Coarse on purpose: a silhouette's proportions are taken, its corners stay its own. Knows
masks only. Uses scipy.ndimage for distances.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Float
from scipy import ndimage
from torch import Tensor

from muslin.data.ground import box

SIDE = 96  # px at which silhouettes are compared
_REACH, _NEAR, _FAR = 8.0, 6.0, 0.1  # px of these: distances count up to, an edge is near up to; the weight of what is not
_NET, _STEPS, _RATE = 9, 120, 0.02  # control points a side; steps, and their rate in halves of the picture
_STIFF, _STRETCH = 80.0, 20.0  # what second and first differences cost
_BACK = 60  # rounds of the way back from source to target
_SAME = torch.eye(2, 3)
_BENT, _SQUEEZED = 1.0, 0.3  # how bending, and boxes of other proportions, count in a cost


@dataclass(frozen=True)
class Bend:
    """Where each place of the target lies on a source: shifted by a net of control points, then framed (2, 3), in halves of the picture from its middle.

    `cost`: how far the outlines are apart and how much was bent: 0 for one like the other, below 0.1 good, above 0.3 poor.
    """

    frame: Float[Tensor, "2 3"]
    shift: Float[Tensor, "2 n n"]
    cost: float

    def carry(self, x: Float[Tensor, "c h w"], rows: int, columns: int) -> Float[Tensor, "c rows columns"]:
        """What lies on the source, as it lies on the target."""
        places = _grid(_SAME, rows, columns) + _spread(self.shift[None], rows, columns)
        there = places @ self.frame[:, :2].T + self.frame[:, 2]
        return F.grid_sample(x[None], there, mode="bicubic", padding_mode="border", align_corners=False)[0]

    def move(self, points: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
        """Where points of the source, (x, y) in shares of its sides, lie on the target: the same map the other way, by a fixed point."""
        net, away = _spread(self.shift[None], 2 * SIDE, 2 * SIDE).permute(0, 3, 1, 2), (2 * points - 1) - self.frame[:, 2]
        framed: Tensor = torch.linalg.solve(self.frame[:, :2], away.T).T
        place, best, least = framed, framed, torch.full((len(points),), torch.inf)
        for _ in range(_BACK):
            found = framed - F.grid_sample(net, place[None, None], padding_mode="border", align_corners=False)[0, :, 0].T
            wrong = (found - place).norm(dim=1)
            best, least = torch.where((wrong < least)[:, None], place, best), torch.minimum(wrong, least)
            place = (place + found) / 2  # half of the way: a strong bend would be overshot
        return (best + 1) / 2


def bend(target: Float[Tensor, "1 h w"], sources: Sequence[Float[Tensor, "1 h2 w2"]]) -> list[Bend]:
    """Each source silhouette bent onto the target (all in [0, 1], square, none empty); all at once."""
    frames = [_frame(mask, target) for mask in sources]
    framed = [
        F.grid_sample(mask[None], _grid(frame, 2 * SIDE, 2 * SIDE), align_corners=False)[0]
        for mask, frame in zip(sources, frames, strict=True)
    ]
    wanted, given = distance(target).clamp(-_REACH, _REACH)[None], torch.stack([distance(mask) for mask in framed]).clamp(-_REACH, _REACH)
    places = _grid(_SAME, SIDE, SIDE)
    weight = (wanted.abs() < _NEAR).float() + _FAR
    shift = torch.zeros(len(sources), 2, _NET, _NET, requires_grad=True)
    optimiser = torch.optim.Adam([shift], lr=_RATE)
    for step in range(_STEPS + 1):
        laid = F.grid_sample(given, places + _spread(shift, SIDE, SIDE), padding_mode="border", align_corners=False)
        apart = (weight * F.smooth_l1_loss(laid, wanted.expand_as(laid), reduction="none")).mean((1, 2, 3))
        bent = _bent(shift)
        if step < _STEPS:
            optimiser.zero_grad()
            (apart + bent).sum().backward()
            optimiser.step()
    squeezed = torch.stack([(frame[0, 0] / frame[1, 1]).log().abs() for frame in frames])
    costs = apart + _BENT * bent + _SQUEEZED * squeezed
    return [Bend(frame, one, float(cost)) for frame, one, cost in zip(frames, shift.detach(), costs.detach(), strict=True)]


def distance(mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 96 96"]:
    """Of each place the distance to the silhouette's edge in px of `SIDE`, positive within."""
    solid = F.interpolate(mask[None], (2 * SIDE, 2 * SIDE), mode="area")[0, 0].numpy() > 0.5
    away = ndimage.distance_transform_edt(solid) - ndimage.distance_transform_edt(~solid)
    return F.avg_pool2d(torch.from_numpy(away).float()[None], 2) / 2


def _grid(frame: Float[Tensor, "2 3"], rows: int, columns: int) -> Float[Tensor, "1 rows columns 2"]:
    return F.affine_grid(frame[None], [1, 1, rows, columns], align_corners=False)


def _spread(shift: Float[Tensor, "b 2 n n"], rows: int, columns: int) -> Float[Tensor, "b rows columns 2"]:
    return (_cubic(rows) @ shift @ _cubic(columns).T).permute(0, 2, 3, 1)


@lru_cache(maxsize=8)
def _cubic(length: int) -> Float[Tensor, "length n"]:
    """What each control point of a row gives to each place: cubic interpolation as a matrix, of which a step takes a third of the time."""
    return F.interpolate(torch.eye(_NET)[:, None, :, None], (length, 1), mode="bicubic", align_corners=True)[:, 0, :, 0].T.contiguous()


def _bent(shift: Float[Tensor, "b 2 n n"]) -> Float[Tensor, " b"]:
    """The bending energy of a net, and a little of its stretch."""
    down, across = shift[:, :, 1:] - shift[:, :, :-1], shift[..., 1:] - shift[..., :-1]
    twist = across[:, :, 1:] - across[:, :, :-1]
    second = [(down[:, :, 1:] - down[:, :, :-1]), (across[..., 1:] - across[..., :-1]), twist, twist]
    return _STIFF * sum(_power(x) for x in second) + _STRETCH * (_power(down) + _power(across))


def _power(x: Float[Tensor, "b 2 p q"]) -> Float[Tensor, " b"]:
    return x.square().mean((1, 2, 3))


def _frame(source: Float[Tensor, "1 h w"], target: Float[Tensor, "1 h2 w2"]) -> Float[Tensor, "2 3"]:
    """The target's box laid on the source's."""
    (middle, half), (middle2, half2) = _box(source), _box(target)
    scale = half / half2
    return torch.cat([torch.diag(scale), (middle - scale * middle2)[:, None]], 1)


def _box(mask: Float[Tensor, "1 h w"]) -> tuple[Float[Tensor, " 2"], Float[Tensor, " 2"]]:
    """Middle and half extent of a silhouette's box, across and down."""
    top, bottom, left, right = box(mask, 0.5)
    ends = torch.tensor([[left, top], [right, bottom]]) * 2 / torch.tensor([mask.shape[2], mask.shape[1]]) - 1
    return ends.mean(0), (ends[1] - ends[0]) / 2
