"""A garment's silhouette put right: eaten notches closed; hooks, threads, a hanger's bar and clips told apart from the cloth.

By shape at the garment's own scale (the root of its area), found on at most 320 px. Gaps between sleeve and body, between legs, and
inside straps are deep or wide, and stay. A hanger of the garment's own colour, or of wood, stays with the cloth. Uses scipy.ndimage.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from scipy import ndimage
from torch import Tensor

from muslin.base.colour import to_oklab

_WORK = 320  # px of the longer side on which shapes are looked at
_NOTCHES = (0.012, 0.025)  # half the width of what is closed, by the root of the garment's area
_DEEP = 2.5  # times that half width: a gap that lies deeper below the broad contour is a real one
_WIDE = 0.075  # the radius of a broad contour, likewise
_THIN = (0.012, 0.018, 0.027, 0.04)  # half the width of what sticks out, likewise
_LONG = 3.0  # times that half width: what is shorter is a corner
_ALIKE, _SHARE = 0.1, 0.04  # OKLab distance within which colours are one cloth's, and the share of a garment that makes one its own
_TOP, _BODY = 0.35, 0.3  # of the garment's height: where a hanger may be, and below which all is the garment's own
_GREY = 0.05  # OKLab chroma of black and white plastic, and of metal
_LEAST, _MOST, _THICK = 0.002, 0.15, 0.07  # a hanger's area by the garment's, and half its thickness by the root of that
_HOOK = (
    0.03,
    0.15,
    0.075,
)  # the least height of a hanger's hook by the silhouette's; by its width, the most that it spans and, on the mean, has of plastic or wire
_OPEN = 0.25  # share of a hanger's rim that lies on the ground


def mended(solid: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """With narrow, shallow notches of the contour closed, as a light motif on a light ground leaves them."""
    return _at_work_size(solid, _mend)


def stuck_out(solid: Bool[Tensor, "h w"], colours: Callable[[], Float[Tensor, "3 h w"]]) -> Bool[Tensor, "h w"]:
    """What sticks out of the garment long and thin, with one free end, and is no cloth: a hanger's hook, threads, cords, labels.

    No cloth is what stands up in the middle of the top, as a hook does, or has a colour (OKLab, from `colours`, asked for
    where anything is thin) that the garment itself hardly has: a strap or sash of the garment's own cloth stays.
    """
    out = solid & ~_at_work_size(solid, _without_stuck_out)
    if not bool(out.any()):
        return out
    lab = colours()
    parts, _ = ndimage.label(out.numpy(), np.ones((3, 3)))
    body = lab[:, solid & ~out]
    body = body[:, :: max(1, body.shape[1] // 4000)]
    for number, place in enumerate(ndimage.find_objects(parts), 1):
        part = torch.from_numpy(parts[place] == number)
        own = lab[(slice(None), *place)][:, part].median(1).values
        like = float(((body - own[:, None]).square().sum(0).sqrt() < _ALIKE).float().mean())
        if like >= _SHARE and not _is_hook(place, solid):
            out[place] &= ~part
    return out


def hanger(solid: Bool[Tensor, "h w"], pixels: Float[Tensor, "3 h w"]) -> Bool[Tensor, "h w"]:
    """A hanger's bar and clips: grey, thin, at the top and along the ground, of a colour that the garment (RGB in [-1, 1]) below hardly has."""
    height, width = solid.shape
    size = _work_size(height, width)
    small, seen = (F.interpolate(x[None].float(), size=size, mode="area")[0] for x in (solid[None], pixels))
    found = torch.from_numpy(_hanger((small[0] > 0.5).numpy(), to_oklab(seen)))
    return F.interpolate(found[None, None].float(), size=(height, width), mode="bilinear", align_corners=False)[0, 0] > 0.5


def _hanger(solid: np.ndarray, lab: Tensor) -> np.ndarray:
    area, alien = float(solid.sum()), _alien_on_top(solid, lab)
    if not alien.any():
        return alien
    hook = _hook(solid) & solid
    found = alien.copy()
    alien |= hook
    ground, inside = ndimage.binary_dilation(~solid, iterations=2), ndimage.distance_transform_edt(alien)
    parts, count = ndimage.label(alien, np.ones((3, 3)))
    sizes = np.bincount(parts.ravel())
    rims = np.bincount(parts[inside == 1], minlength=count + 1)
    along = np.bincount(parts[(inside == 1) & ground], minlength=count + 1) / np.maximum(rims, 1)
    hangs = np.bincount(parts[hook], minlength=count + 1) > 0  # from a hook: it, and what is seen through the neck
    own = np.bincount(parts[found], minlength=count + 1)  # with little of another colour it is a collar, or a strap
    thin = (along >= _OPEN) & (_highest(inside, parts, count) <= _THICK * area**0.5)
    fits = (sizes >= _LEAST * area) & (sizes <= _MOST * area) & (thin | hangs)
    fits &= (own >= _LEAST * area) & (own >= 0.5 * sizes)
    fits[0] = False
    out = fits[parts]
    # what the hanger alone held to the garment: ground that shows between them
    parts, count = ndimage.label(solid & ~out)
    sizes, near = np.bincount(parts.ravel()), np.unique(parts[ndimage.binary_dilation(out, iterations=2)])
    loose = np.isin(np.arange(count + 1), near) & (sizes < 0.05 * sizes[1:].max(initial=0))
    loose[0] = False
    both: np.ndarray = out | loose[parts]
    return both


def _hook(solid: np.ndarray) -> np.ndarray:
    """What stands up narrow in the middle of a silhouette's top, down to where it is wide, and a little around it; nothing where the top is wide."""
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    top, most = solid.copy(), _HOOK[1] * (columns[-1] - columns[0] + 1)
    spans = solid.shape[1] - solid[rows].argmax(1) - solid[rows, ::-1].argmax(1)
    wide = np.flatnonzero(spans > most)
    top[rows[0] + (int(wide[0]) if len(wide) else 0) :] = False
    held = np.flatnonzero(top.any(1))
    thin = top.sum() <= _HOOK[2] / _HOOK[1] * most * len(held)  # a neck or a bobble is not
    narrow = thin and len(held) >= _HOOK[0] * len(rows) and abs(np.flatnonzero(top[held[-1]]).mean() - columns.mean()) < most
    found: np.ndarray = ndimage.binary_dilation(top, iterations=2) if narrow else np.zeros_like(solid)
    return found


def _alien_on_top(solid: np.ndarray, lab: Tensor) -> np.ndarray:
    """Grey places in the garment's upper part whose colour is not found below it."""
    rows = np.flatnonzero(solid.any(1))
    top, height = (int(rows[0]), int(rows[-1] - rows[0])) if len(rows) else (0, 0)
    body, high = ndimage.binary_erosion(solid, iterations=3), solid.copy()
    body[: top + int(_BODY * height)] = False
    high[top + int(_TOP * height) :] = False
    high &= (torch.hypot(lab[1], lab[2]) < _GREY).numpy()
    own, here = (lab[:, torch.from_numpy(part)].T for part in (body, high))
    alien = np.zeros_like(solid)
    if len(own) < 200 or not len(here):
        return alien
    like = (torch.cdist(here, own[:: max(1, len(own) // 400)]) < _ALIKE).float().mean(1)
    alien[high] = (like < _SHARE / 2).numpy()
    smooth: np.ndarray = ndimage.binary_closing(ndimage.binary_opening(alien), iterations=2) & solid
    return smooth


def _is_hook(place: tuple[slice, slice], solid: Tensor) -> bool:
    rows, columns = solid.any(1).nonzero()[:, 0], solid.any(0).nonzero()[:, 0]
    height, width = float(rows[-1] - rows[0]), float(columns[-1] - columns[0])
    middle = (place[1].start + place[1].stop) / 2 - float(columns[0])
    return bool(place[0].start - float(rows[0]) < 0.03 * height and abs(middle - width / 2) < 0.1 * width)


def _at_work_size(solid: Tensor, change: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    height, width = solid.shape
    size = _work_size(height, width)
    small = F.interpolate(solid[None, None].float(), size=size, mode="area")[0, 0] > 0.5
    if not bool(small.any()):
        return solid
    (rows, columns), changed = ndimage.find_objects(small.numpy().astype(np.uint8))[0], small.clone()
    changed[rows, columns] = torch.from_numpy(change(small[rows, columns].numpy()))
    more, less = ((x.float()[None, None]) for x in (changed & ~small, small & ~changed))
    more, less = (F.interpolate(x, size=(height, width), mode="bilinear", align_corners=False)[0, 0] > 0.5 for x in (more, less))
    return (solid | more) & ~less


def _work_size(height: int, width: int) -> list[int]:
    factor = min(1.0, _WORK / max(height, width))
    return [max(1, round(side * factor)) for side in (height, width)]


def _mend(solid: np.ndarray) -> np.ndarray:
    root = float(np.sqrt(solid.sum()))
    if _NOTCHES[-1] * root < 1:
        return solid
    rim = 2 + int(_WIDE * root)
    around = np.pad(solid, rim)
    from_solid = ndimage.distance_transform_edt(~around)
    # how deep a gap is below the garment's broad contour: an armpit or the top of a trouser gap goes on deeper than a notch
    depth = ndimage.distance_transform_edt(_shrunk(from_solid <= _WIDE * root, _WIDE * root) | around)
    whole = around.copy()
    for radius in (share * root for share in _NOTCHES if share * root >= 1):
        gaps, count = ndimage.label(_shrunk(from_solid <= radius, radius) & ~around, np.ones((3, 3)))
        if count:
            whole |= (gaps > 0) & (_highest(depth, gaps, count) <= _DEEP * radius)[gaps]
    inside: np.ndarray = whole[rim:-rim, rim:-rim]
    return inside


def _without_stuck_out(solid: np.ndarray) -> np.ndarray:
    root, left = float(np.sqrt(solid.sum())), solid.copy()
    inside = ndimage.distance_transform_edt(np.pad(_holes_filled(solid), 1))[1:-1, 1:-1]  # filled: a strap has both ends on the garment
    for radius in (share * root for share in _THIN if share * root >= 1):
        if not (inside > radius).any():
            break
        beyond = ndimage.distance_transform_edt(inside <= radius) - radius  # the distance to what a disc of this radius reaches
        parts, count = ndimage.label(solid & (beyond > 0), np.ones((3, 3)))
        if count:
            left &= ~((parts > 0) & (_highest(beyond, parts, count) >= _LONG * radius)[parts])
    return left


def _holes_filled(solid: np.ndarray) -> np.ndarray:
    parts, _ = ndimage.label(np.pad(~solid, 1, constant_values=True))
    filled: np.ndarray = (parts != parts[0, 0])[1:-1, 1:-1]
    return filled


def _highest(values: np.ndarray, parts: np.ndarray, count: int) -> np.ndarray:
    found = np.zeros(count + 1)
    np.maximum.at(found, parts[parts > 0], values[parts > 0])
    return found


def _shrunk(solid: np.ndarray, radius: float) -> np.ndarray:
    inner: np.ndarray = ndimage.distance_transform_edt(solid) > radius
    return inner
