"""The opening of a garment that lies flat: the neck of a top, the waist of a skirt, where the inside of the back shows above the front's edge.

Found as the curve under the upper contour along which there is most of an edge and least beside it, of a family of symmetric ones: v, round or square.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.colour import to_oklab
from muslin.base.contours import fill
from muslin.base.image import blur, resize
from muslin.data.ground import at_size, box, extend, shrink

_WORK, _POINTS = 320, 41  # px of the longer side; points of a curve
_NECK, _DIP = (0.05, 0.3), 0.006  # of the width, how far from the middle a neck may end; of the height, how deep the contour dips between
_SURE = 0.5  # of an edge along the curve, less what is beside it: from there on it is an opening
_LOW = 0.25  # quantile along the curve that counts half beside the mean: a part that is missing costs
_BESIDE, _AWAY, _LEVEL = (
    60,
    0.35,
    0.06,
)  # of the longer side, how far beside is, and what is there counts; of the height, by how much one end is higher
_FALL = 40  # of the longer side: over how much the front's shadow falls


@dataclass(frozen=True)
class Opening:
    """The front's edge: `middle` and `half` its width by the garment's box (0 to 1), `depth` below its ends by the box's height, `shape` the exponent of its run:
    1 a v, 2 round, 3 and more square."""

    middle: float
    half: float
    depth: float
    shape: float

    def curve(self, mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "n 2"]:
        """(x, y) in px of the mask, from left to right; its ends lie on the upper contour."""
        return _curves(mask, torch.tensor([[self.middle, self.half, self.depth, self.shape]]))[0][0]

    def area(self, mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
        """What is seen of the inside, 0 to 1, one pixel soft; it goes on above the garment."""
        height, width = mask.shape[1:]
        curve = self.curve(mask)
        up = torch.tensor([0.0, -float(height)])
        return fill([torch.cat([curve, (curve[-1] + up)[None], (curve[0] + up)[None]])], height, width)


def find_opening(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], lines: Float[Tensor, "1 h w"]) -> Opening | None:
    """Of a garment with its lines of construction (`relief.Relief`); None where there is none to be seen."""
    height, width = mask.shape[1:]
    size = [max(2, round(side * min(1.0, _WORK / max(height, width)))) for side in (height, width)]
    small = at_size(mask, *size)
    if not bool((small > 0.5).any()):
        return None
    family = _family(small)
    curves, fits = _curves(small, family)
    if not bool(fits.any()):
        return None
    family, curves = family[fits], curves[fits]
    edge, off = _edge(resize(pixels, *size), small) + at_size(lines, *size), torch.tensor([0.0, max(size) / _BESIDE])
    gained = _at(edge, curves) - _AWAY * (_at(edge, curves + off) + _at(edge, curves - off))
    score = gained.mean(1) + 0.5 * gained.quantile(_LOW, 1)
    best = int(score.argmax())
    return Opening(*family[best].tolist()) if float(score[best]) >= _SURE else None


def in_shade(light: Float[Tensor, "1 h w"], area: Float[Tensor, "1 h w"], dark: float, less: float) -> Float[Tensor, "1 h w"]:
    """Light with the inside (`area`, an opening's) as dark as `dark` below the front's edge, by `less` lighter away from it; what lay there (a label) is gone."""
    side = max(area.shape[1:])
    away = (2 * blur(area, side / _FALL) - 1).clamp(0, 1)
    return torch.lerp(light, dark + less * away, area)


def _edge(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
    """How much of an edge there is, against the garment's usual: 0 to 1."""
    lab = blur(to_oklab(extend(pixels, shrink(mask, 2))), 1.0)
    padded = F.pad(lab[None], (1, 1, 1, 1), mode="replicate")[0]
    down, across = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1], padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    steps = (down.abs().sum(0, keepdim=True).square() + across.abs().sum(0, keepdim=True).square()).sqrt() * (shrink(mask, 3) > 0.9)
    usual = (steps * mask).sum() / mask.sum().clamp(min=1)
    return blur(steps / (steps + 2 * usual + 0.01), 0.8)


def _family(mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "n 4"]:
    """Curves from about one shoulder's highest point to the other's; none where the upper contour does not dip between them, as at a collar or a hood."""
    top, bottom, left, right = box(mask, 0.5)
    width, middle = right - left, _middle(mask)
    solid = blur((mask[:, top : (top + bottom) // 2, left:right] > 0.5).float(), 1.0)[0] > 0.5
    first = torch.where(solid.any(0), solid.int().argmax(0), bottom - top).float()
    near, far = (round(share * width) for share in _NECK)
    sides = first[max(0, middle - left - far) : middle - left - near + 1], first[middle - left + near : middle - left + far + 1]
    if min(len(side) for side in sides) < 2:
        return torch.empty(0, 4)
    one, other = max(0, middle - left - far) + int(sides[0].argmin()), middle - left + near + int(sides[1].argmin())
    if float(first[one : other + 1].amax() - torch.maximum(first[one], first[other])) < _DIP * (bottom - top):
        return torch.empty(0, 4)
    ends, steps = torch.tensor([one, other]) / width, torch.linspace(-0.03, 0.03, 7)
    return torch.cartesian_prod(
        ends.mean() + steps, float(ends[1] - ends[0]) / 2 + steps, torch.linspace(0.02, 0.3, 29), torch.tensor([1.0, 1.5, 2.0, 3.0])
    )


def _middle(mask: Float[Tensor, "1 h w"]) -> int:
    """The column in the middle of the body: of the lower half, beside which sleeves hang."""
    top, bottom, *_ = box(mask, 0.5)
    weight = mask[0, (top + bottom) // 2 : bottom].sum(0)
    return round(float((weight * torch.arange(len(weight))).sum() / weight.sum().clamp(min=1e-6)))


def _curves(mask: Float[Tensor, "1 h w"], family: Float[Tensor, "n 4"]) -> tuple[Float[Tensor, "n p 2"], Tensor]:
    """The curves, and which of them begin and end on the garment at about the same height and run through it."""
    top, bottom, left, right = box(mask, 0.5)
    solid = mask[0] > 0.5
    first = torch.where(solid.any(0), solid.int().argmax(0), bottom).float()
    middle, half, depth, shape = family.T[:, :, None].unbind(0)
    along = torch.linspace(-1, 1, _POINTS)
    across = left + (right - left) * (middle + half * along)
    ends = first[(across[:, [0, -1]]).long().clamp(0, mask.shape[2] - 1)]
    down = torch.lerp(ends[:, :1], ends[:, 1:], (along + 1) / 2) + depth * (bottom - top) * (1 - along.abs() ** shape)
    curves = torch.stack([across, down], -1)
    level = (ends[:, 0] - ends[:, 1]).abs() <= _LEVEL * (bottom - top)
    return curves, level & (_at(mask, curves)[:, 3:-3] > 0.5).all(1)


def _at(x: Float[Tensor, "1 h w"], curves: Float[Tensor, "n p 2"]) -> Float[Tensor, "n p"]:
    grid = curves * 2 / torch.tensor([x.shape[2], x.shape[1]]) - 1
    return F.grid_sample(x[None], grid[None], align_corners=False)[0, 0]
