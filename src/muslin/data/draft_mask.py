"""A generator's draft (48 to 128 px) cut out as one would draw it: few calm curves, corners sharp, gaps beside sleeves open, folds without grain.

A draft's edge is a haze that wavers by a pixel, and its gaps are never quite as white as its ground. So the contour lies where the
cloth's own strength has fallen to half; what is nearly its own mirror image becomes it; few Bezier curves are fitted to
that. A finished draft's grain has no direction, its folds and seams have one. Photographs have true edges: `ground.find_mask`. Uses scipy.ndimage for components.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from scipy import ndimage
from torch import Tensor

from muslin.base.contours import area, closed_contours, fill
from muslin.base.curves import fit_curve, flatten
from muslin.base.image import blur, luma, resize
from muslin.data.ground import extend, flood, from_border, from_ground, large_parts, widest
from muslin.data.lines import along_lines

_SIDES = 48, 128  # px of the longer side: with fewer a curve is a guess, with more it is a photograph
_WORK, _GLANCE = 512, 256  # px of the longer side at which the contour is sought, and where its curves are not needed
_REACH = (0.7, 3.0, 2.0)  # px of the draft: how far the cloth's own strength goes (blur, widest, blur again)
_STRENGTH, _SURE = 0.5, 0.8  # shares of that strength: from there on it is cloth; near the edge, from there on of the cloth's own colour
_RIM, _HAZE = 3.0, 0.9  # px of the draft: what is near the edge, and what of it nobody's colour
_GAP, _LOOP = 0.002, 0.004  # least shares of the picture: of a closed gap, and of any hole that shows the ground's very colour
_DEEP, _CLEAR = 0.32, 0.3  # a gap's median share of the strength, at most; OKLab: of paler cloth no gap can be told from a fold
_SLIM, _MIDDLE = 2.0, 0.17  # a gap's height by its width; half the width where no gap is, but plackets
_SPECK, _LEAST, _MOST = 0.1, 0.01, 0.95  # least part by the largest one; shares of the picture that a garment covers
_CALM, _TOLERANCE, _WAVER, _CORNER = 0.6, 0.5, 2.0, 30  # px of the draft: blur, how far curves may leave it, blur along it; degrees
_FINISHED, _FOLD, _SOFT = 96, (4.0, 0.9), 0.5  # px: drafts of that side have grain; a fold's length and breadth; how soft cloth is
_DEEPER = 1.6  # times: how deep folds are drawn
_AGREES = 0.6  # intersection over union with what the ground's colour floods: a line drawing is all holes
_ALIKE, _OFF = 0.9, 0.03  # intersection over union with its mirror image that makes it that; how far beside the middle the axis may be
_ONE_SIDED, _MARGIN = 1.7, 4.0  # px of the draft: half the breadth of what only one side has; how far a contour goes on beyond the picture
_ROWS = 256  # at a time


@dataclass(frozen=True)
class Cut:
    """A draft's garment at some size: `mask` 1 on it, 0 on the ground, the edge one pixel soft; its `cloth`, which goes on beyond the edge."""

    mask: Float[Tensor, "1 h w"]
    cloth: Float[Tensor, "3 h w"]


@dataclass(frozen=True)
class _Found:
    """What is known of a draft's garment at some scale: the enlarged draft, where cloth is, where it is so for sure, the outline calmed."""

    large: Float[Tensor, "3 h w"]
    solid: Bool[Tensor, "h w"]
    sure: Bool[Tensor, "h w"]
    calm: Float[Tensor, "1 h w"]


def cut_draft(draft: Float[Tensor, "3 a b"], height: int, width: int) -> Cut | None:
    """The garment of a draft in [-1, 1]; None where none stands on a plain ground, for drawings of lines, and outside of 48 to 128 px."""
    found, scale = _find(draft, _WORK), _WORK / max(draft.shape[1:])
    if found is None:
        return None
    rim = round(_MARGIN * scale)  # what goes on beyond the picture is not rounded at its border
    around = F.pad(found.calm[None], (rim,) * 4, mode="replicate")[0, 0]
    lines = [line - rim for line in closed_contours(around) if abs(area(line)) >= _GAP / 2 * found.calm.numel()]
    curves = [flatten(fit_curve(line, _TOLERANCE * scale, True, _WAVER * scale, _CORNER)) for line in lines]
    cloth = extend(found.large, _own(found, scale).float()[None])
    if max(draft.shape[1:]) >= _FINISHED:
        cloth = resize(_folded(resize(cloth, *draft.shape[1:])), *cloth.shape[1:])
    return Cut(_filled(curves, cloth.shape[1:], height, width), resize(blur(cloth, _SOFT * scale), height, width))


def draft_outline(draft: Float[Tensor, "3 a b"]) -> Float[Tensor, "1 256 256"] | None:
    """The same silhouette before its curves, soft, of a square draft, quickly; None where `cut_draft` has none."""
    found = _find(draft, _GLANCE)
    return None if found is None else found.calm


def _find(draft: Tensor, side: int) -> _Found | None:
    if not _SIDES[0] <= max(draft.shape[1:]) <= _SIDES[1]:
        return None
    scale = side / max(draft.shape[1:])
    large = resize(draft, *(max(2, round(length * scale)) for length in draft.shape[1:]))
    away, near = from_ground(large)
    strength, flooded = _strength(away, scale), flood(away, near) if near else None
    solid = None if flooded is None else _solid(away, strength, near, scale)
    if solid is None or flooded is None or int((solid & flooded).sum()) < _AGREES * int((solid | flooded).sum()):
        return None
    return _Found(large, solid, away >= _SURE * strength, evened(blur(solid.float()[None], _CALM * scale), scale))


def _strength(away: Float[Tensor, "h w"], scale: float) -> Float[Tensor, "h w"]:
    """How far the cloth around is from the ground's colour, which a light print or the haze between two sleeves is not."""
    first, reach, second = (share * scale for share in _REACH)
    return blur(widest(blur(away[None], first)[None], round(reach))[0], second)[0]


def _solid(away: Float[Tensor, "h w"], strength: Float[Tensor, "h w"], near: float, scale: float) -> Bool[Tensor, "h w"] | None:
    """What stands out from the ground by half of the cloth's own strength, without specks, its closed holes filled but for gaps."""
    faint = (away < (_STRENGTH * strength).clamp(min=near)).numpy()
    outside = from_border(faint)
    share = torch.where(strength > _CLEAR, away / strength.clamp(min=_CLEAR), 1.0).numpy()
    outside |= _gaps(faint & ~outside, share, (away < near / 2).numpy(), ~outside)
    kept = large_parts(ndimage.binary_opening(~outside, iterations=round(scale)), 0, _SPECK)
    return torch.from_numpy(kept) if _LEAST <= kept.mean() <= _MOST else None


def _gaps(holes: np.ndarray, share: np.ndarray, bare: np.ndarray, garment: np.ndarray) -> np.ndarray:
    """Of closed holes those that show the ground: upright ones beside the middle, as between sleeve and body, or what is of its very colour.

    What is bright, upright and in the middle is a placket.
    """
    found = np.zeros_like(holes)
    columns = np.flatnonzero(garment.any(0))
    labels, _ = ndimage.label(holes)
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        part = labels[place] == number
        size, (height, width) = part.sum() / holes.size, part.shape
        middle = (place[1].start + place[1].stop) / 2
        beside = abs((middle - columns[0]) / max(columns[-1] - columns[0], 1) - 0.5) > _MIDDLE
        gap = size >= _GAP and height >= _SLIM * width and beside and np.median(share[place][part]) <= _DEEP
        if gap or (size >= _LOOP and (part & bare[place]).sum() >= 0.5 * part.sum()):
            found[place] |= part
    return found


def evened(calm: Float[Tensor, "1 h w"], scale: float) -> Float[Tensor, "1 h w"]:
    """Halfway to the mirror image about the axis that fits best, where that is nearly the same already.

    What only one side has (a gap, a strap, a notch) stays as it is: the halves differ there by more than a wavering edge.
    """
    width = calm.shape[2]
    columns = (calm[0] > 0.5).any(0).nonzero()[:, 0]
    ends, off = int(columns[0] + columns[-1]), round(2 * _OFF * width)

    def mirrored(shift: int) -> Tensor:
        return calm.flip(2).roll(ends + shift - (width - 1), 2)

    def alike(shift: int) -> float:
        ours, other = calm[:, ::4], mirrored(shift)[:, ::4]
        return float(torch.minimum(ours, other).sum() / torch.maximum(ours, other).sum())

    best = max(range(-off, off + 1), key=alike)
    if alike(best) < _ALIKE:
        return calm
    other, reach = mirrored(best), round(_ONE_SIDED * scale)
    apart = ((calm > 0.5) != (other > 0.5)).float()[None]
    thick = widest(-widest(-apart, reach), 3 * reach)[0]
    return torch.where(thick > 0.5, calm, (calm + other) / 2)


def _own(found: _Found, scale: float) -> Bool[Tensor, "h w"]:
    """Where colours are the garment's own: all that is well inside, and nearer to the edge what is as strong as that."""
    deep, inside = (-widest(-found.solid.float()[None, None], round(far * scale))[0, 0] > 0.5 for far in (_RIM, _HAZE))
    own = deep | (inside & found.sure)
    return own if bool(own.any()) else found.solid


def _folded(cloth: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 h w"]:
    """With the light along its folds and seams and no grain across them; colours are softened as they are."""
    grey = luma(cloth)
    return (blur(cloth, _FOLD[1] * 2) + _DEEPER * (along_lines(grey, *_FOLD) - blur(grey, _FOLD[1] * 2))).clamp(-1, 1)


def _filled(curves: list[Tensor], size: torch.Size, height: int, width: int) -> Float[Tensor, "1 {height} {width}"]:
    """Polygons drawn on a picture of `size`, at another size, some rows at a time."""
    to = torch.tensor([width / size[1], height / size[0]])
    strips = ((top, min(_ROWS, height - top)) for top in range(0, height, _ROWS))
    return torch.cat([fill([curve * to - torch.tensor([0.0, top]) for curve in curves], rows, width) for top, rows in strips], 1)
