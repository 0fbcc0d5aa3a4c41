"""The garment's mask on a plain ground: OKLab distance to the border's colour, flood from the border, holes, soft edge.

Says None where the ground is not plain or nothing stands on it. Uses scipy.ndimage for components.
"""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from scipy import ndimage
from torch import Tensor

from muslin.base.colour import to_oklab
from muslin.base.image import blur, resize
from muslin.data.silhouette import hanger, mended, stuck_out

_PLAIN = 0.6  # share of the border that must be of the ground's colour
_DRAFT = 128  # px: a smaller picture is a draft, whose colours at the edge are nobody's
_LEAST, _MOST = 0.01, 0.95  # share of the picture that a garment covers
_HARDLY = 0.98  # share above which transparency cuts nothing out: rounded corners, a rim


def ground_colour(pixels: Float[Tensor, "c h w"]) -> Float[Tensor, " c"]:
    """The median colour of the border, [-1, 1]."""
    return _border(pixels).median(1).values


def find_mask(pixels: Float[Tensor, "3 h w"], sharp: float = 0.5, reach: int = 0) -> Float[Tensor, "1 h w"] | None:
    """1 on the garment, 0 on the ground, between on the edge; None when there is no plain ground or no garment on it.

    `sharp` is where between the ground's colour and the garment's (0 to 1) a blurred edge is cut, `reach` how wide the
    blur is in pixels (0: a 64th of the side). Silhouettes with
    holes keep those of 0.4 % of the picture or more that show the ground's very colour.
    """
    away, near = from_ground(pixels)
    field = _garment_field(away, near) if near else None
    if field is None:
        return None
    return _mended(_soft_edge(away, field, near, sharp, reach or _blur_width(away, field)))


def outline(pixels: Float[Tensor, "3 h w"]) -> Bool[Tensor, "h w"] | None:
    """Whatever the ground's colour does not flood from the border: the silhouette as one sees it, by no measure of contrast.

    None when there is no plain ground or no garment on it.
    """
    away, near = from_ground(pixels)
    return flood(away, near) if near else None


def flood(away: Float[Tensor, "h w"], near: float) -> Bool[Tensor, "h w"] | None:
    """`outline`, of what `from_ground` gives."""
    field = _garment_field(away, near)
    return None if field is None else torch.from_numpy(field)


def from_ground(pixels: Float[Tensor, "3 h w"]) -> tuple[Float[Tensor, "h w"], float]:
    """Each place's OKLab distance to the ground's colour, and up to where it counts as ground (0: the ground is not plain)."""
    lab = to_oklab(pixels)
    ground = _border(lab).median(1).values
    away = (lab - ground[:, None, None]).square().sum(0).sqrt()
    edge = _border(away[None])[0]
    near = float(edge.quantile(0.5)) * 4 + 0.012
    plain = float((edge < max(near, 0.08)).float().mean()) >= _PLAIN
    return away, near if plain else 0.0


def _garment_field(away: Tensor, near: float) -> np.ndarray | None:
    """Where the garment is, hard: what a flood of near-ground colour from the border does not reach, without specks."""
    like_ground = (away < near).numpy()
    outside = from_border(like_ground)
    holes = like_ground & ~outside & (away < near / 2).numpy()
    outside |= large_parts(holes, 0.004 * holes.size)
    large = min(outside.shape) >= _DRAFT
    garment = ndimage.binary_opening(~outside, iterations=1) if large else ~outside
    # dark checks of a rim that light ones cut off belong to what they lie beside
    near_it = ndimage.binary_dilation(garment, iterations=min(garment.shape) // _DRAFT) if large else garment
    parts, count = ndimage.label(near_it)
    if count == 0:
        return None
    sizes = np.bincount(parts[garment], minlength=count + 1)
    kept = garment & (sizes >= 0.1 * sizes[1:].max())[parts]
    share = kept.mean()
    return kept if _LEAST <= share <= _MOST else None


def _soft_edge(away: Tensor, garment: np.ndarray, near: float, sharp: float, radius: int) -> Tensor:
    """The level set of the colour distance near the hard edge, one pixel wide, by the strength of the cloth nearest inside.

    The strongest around would not do: beside a dark check a light one would be taken for ground.
    """
    inside = torch.from_numpy(garment).float()[None, None]
    core = widest(-inside, radius) < -0.5  # well inside: garment whatever its colour
    strength = widest(away[None, None] * inside, radius)
    if bool(core.any()) and min(garment.shape) >= _DRAFT:
        own, near_core = _carried_out(away, core[0, 0]), widest(core.float(), 2 * radius) > 0
        strength = torch.where(near_core, torch.minimum(own, strength), strength)
    level = (strength * sharp).clamp(min=near)
    soft = ((away - level) / (0.2 * level) + 0.5).clamp(0, 1)
    reach = widest(inside, 1)
    return torch.where(core, 1.0, soft * reach)[0]


def _mended(soft: Tensor) -> Tensor:
    """With the notches closed that cloth of the ground's own colour leaves in the contour."""
    solid = soft[0] > 0.5
    whole = mended(solid)
    closed = widest((whole & ~solid).float()[None, None], 1) * whole
    return torch.maximum(soft, F.avg_pool2d(closed, 3, 1, 1)[0])


def _carried_out(away: Tensor, core: Tensor) -> Tensor:
    """The value of the nearest core place, (1, 1, h, w), found on at most 512 px."""
    step = max(1, max(away.shape) // 512)
    values, hard = away[::step, ::step], core[::step, ::step]
    if not bool(hard.any()):
        return away[None, None]
    own = extend(values[None], hard[None].float())[None]
    return own if step == 1 else F.interpolate(own, size=away.shape, mode="bilinear", align_corners=False)


def _blur_width(away: Tensor, garment: np.ndarray) -> int:
    """How many pixels inside the contour colours are still mixed with the ground's: few on a sharp picture, a 64th of the side at most."""
    step = max(1, min(away.shape) // 256)
    depth = np.ceil(ndimage.distance_transform_edt(garment[::step, ::step])).astype(int)
    values, last, most = away.numpy()[::step, ::step], 0.0, max(1, min(away.shape) // 64)
    for ring in range(1, most // step + 1):
        strength = float(np.median(values[depth == ring])) if (depth == ring).any() else 0.0
        if strength <= 1.1 * last:
            return max(1, (ring - 1) * step)
        last = strength
    return most


def from_border(mask: np.ndarray) -> np.ndarray:
    """The parts of a hard mask (h, w) that touch the picture's border."""
    parts, _ = ndimage.label(mask)
    rim = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    return np.isin(parts, rim[rim > 0])


def large_parts(mask: np.ndarray, least: float, share: float = 0) -> np.ndarray:
    """The parts of a hard mask (h, w) with at least `least` pixels, and at least `share` of the largest one's."""
    parts, _ = ndimage.label(mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.isin(parts, np.flatnonzero(sizes >= max(least, share * sizes.max(), 1)))


def cut_out(alpha: Float[Tensor, "1 h w"] | None) -> Float[Tensor, "1 h w"] | None:
    """The garment as a picture's transparency cuts it out; None without any, or where no more than corners or a rim are transparent."""
    return None if alpha is None or float((alpha > 0.5).float().mean()) > _HARDLY else alpha


def extend(pixels: Float[Tensor, "c h w"], inside: Float[Tensor, "1 h w"]) -> Float[Tensor, "c h w"]:
    """Each pixel outside (`inside` < 1) takes the colour of the nearest one inside; nothing to do where there is none."""
    hard = inside[0].numpy() >= 0.999
    if not hard.any():
        return pixels
    nearest = ndimage.distance_transform_edt(~hard, return_distances=False, return_indices=True)
    place = torch.from_numpy(nearest[0] * hard.shape[1] + nearest[1]).flatten()
    return pixels.flatten(1).index_select(1, place).view_as(pixels)  # a quarter of the time that two indices take


def shrink(mask: Float[Tensor, "1 h w"], pixels: int) -> Float[Tensor, "1 h w"]:
    """The mask eroded by some pixels."""
    return -widest(-mask[None], pixels)[0] if pixels > 0 else mask


def ramp(x: Tensor, none: float, whole: float) -> Tensor:
    """0 at `none`, 1 at `whole`, straight between."""
    return ((x - none) / (whole - none)).clamp(0, 1)


def masked_blur(x: Float[Tensor, "c h w"], mask: Float[Tensor, "1 h w"], sigma: float) -> Float[Tensor, "c h w"]:
    """Blurred by what the mask covers alone."""
    return blur(x * mask, sigma) / blur(mask, sigma).clamp(min=1e-3)


def at_size(mask: Float[Tensor, "1 h w"], rows: int, columns: int) -> Float[Tensor, "1 rows columns"]:
    """A mask at another size."""
    return resize(mask * 2 - 1, rows, columns).clamp(-1, 1) / 2 + 0.5  # resize keeps to [-1, 1]


def box(mask: Float[Tensor, "1 h w"], level: float = 0.01) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of what a mask that is not empty has above `level` (bottom and right not included)."""
    rows, columns = (mask[0] > level).any(1).nonzero()[:, 0], (mask[0] > level).any(0).nonzero()[:, 0]
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def widest(x: Float[Tensor, "b c h w"], radius: int) -> Float[Tensor, "b c h w"]:
    """The largest value within a square of `radius` px, (b, c, h, w): rows, then columns, since a maximum is separable."""
    return _running_most(_running_most(x, radius, 3), radius, 2)


def _running_most(x: Tensor, radius: int, dim: int) -> Tensor:
    # windows of 1, 2, 4, ... from halves, the last two overlapping: a pooling would look at each place `2 * radius + 1` times
    length, wide = 2 * radius + 1, 1
    most = F.pad(x, (radius, radius, 0, 0) if dim == 3 else (0, 0, radius, radius), value=-torch.inf)
    while wide < length:
        step = min(wide, length - wide)
        most = torch.maximum(most.narrow(dim, 0, most.shape[dim] - step), most.narrow(dim, step, most.shape[dim] - step))
        wide += step
    return most


def on_border(mask: Float[Tensor, "1 h w"]) -> float:
    """The share of a picture's border that a mask covers, 0 to 1."""
    return float(_border(mask).mean())


def _border(x: Tensor) -> Tensor:
    depth = max(1, min(x.shape[1:]) // 50)
    sides = (x[:, :depth], x[:, -depth:], x[:, :, :depth], x[:, :, -depth:])
    return torch.cat([side.flatten(1) for side in sides], 1)


def lift_from_black(grey: Float[Tensor, "1 h w"]) -> Float[Tensor, "3 h2 w2"]:
    """A grey garment on black (Fashion-MNIST's form), cleaned of specks and laid on white in the tones of unbleached cloth."""
    value = (F.pad(grey, [grey.shape[2] // 7] * 4, value=-1.0) + 1) / 2
    soft = F.avg_pool2d(F.pad(value[None], (1, 1, 1, 1), mode="replicate"), 3, 1)[0]
    parts, count = ndimage.label(ndimage.binary_fill_holes((soft[0] > 0.22).numpy()))
    if count == 0:
        return torch.ones(3, *value.shape[1:])
    largest = 1 + int(np.bincount(parts.ravel())[1:].argmax())
    near = F.max_pool2d(torch.from_numpy(parts == largest).float()[None, None], 3, 1, 1)[0]
    alpha = ((soft - 0.22) / 0.12 + 0.5).clamp(0, 1) * near
    alpha = torch.maximum(alpha, torch.from_numpy(ndimage.binary_erosion(parts == largest)).float()[None])
    light, dark = torch.tensor([0.70, 0.60, 0.42])[:, None, None], torch.tensor([-0.25, -0.36, -0.50])[:, None, None]
    cloth = dark + (light - dark) * (0.6 * soft + 0.4 * value).clamp(0, 1)
    return 1 + alpha * (cloth - 1)


def without_specks(mask: Float[Tensor, "1 h w"], least: float = 0.05) -> Float[Tensor, "1 h w"]:
    """The mask without parts smaller than `least` of its largest one."""
    solid = (mask[0] > 0.02).numpy()
    kept = large_parts(solid, 0, least)
    return mask if (kept == solid).all() else mask * torch.from_numpy(kept).float()


def beside(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], photo: bool) -> Float[Tensor, "1 h w"]:
    """1 on what the mask has besides the garment, 0 elsewhere, soft by a pixel: a hook, threads (`silhouette.stuck_out`); in a photo, a hanger."""
    solid = mask[0] > 0.5
    found = [(stuck_out(solid, lambda: to_oklab(pixels)), 2)]
    if photo:  # a hanger is looked for on a small picture
        found.append((hanger(solid, pixels), max(2, round(max(solid.shape) / 200))))
    wide = [widest(out.float()[None, None], reach) for out, reach in found if bool(out.any())]
    return F.avg_pool2d(torch.stack(wide).amax(0), 3, 1, 1)[0] if wide else torch.zeros_like(mask)
