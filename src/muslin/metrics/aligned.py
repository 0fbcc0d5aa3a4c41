"""How alike two pictures are once one is laid on the other: the best correlation of their detail over flip, shift, scale and crop.

Normalised cross-correlation inside a window by Fourier transforms (Padfield 2012, eq. 2 and 3) of band-passed luma. Band-passing takes
out what copies change without being other pictures: exposure, hue, sharpness. Knows pictures, not files.
"""

from collections.abc import Callable
from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Int8
from torch import Tensor

from muslin.base.image import blur, luma
from muslin.data.ground import find_mask

SIDE = 64  # pixels at which pictures are compared
FRAME = 80  # what a comparison is laid out on: room for shifts of 8 pixels (an eighth of the side) each way
SCALES = (1.0, 0.9, 0.8, 0.7)  # of the one that is laid on the other: a crop of 80 % of the side is seen at 0.8
_MARGIN = 5  # of a scaled one: the band-pass of a crop's rim knows nothing of what was beyond
_FINE, _COARSE = 0.6, 3.0  # the band, as the two blurs' standard deviations in pixels
FINE = 10  # so many of the most alike are compared at full size
_LEAST = 0.03  # of the other picture's detail, in the window: less is a bare ground, on which anything fits


def detail(pixels: Float[Tensor, "b 3 h w"], side: int = SIDE) -> Float[Tensor, "b {side} {side}"]:
    """Band-passed luma of pictures in [-1, 1]."""
    small = F.interpolate(luma(pixels), size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    return blur(small[:, 0], _FINE) - blur(small[:, 0], _COARSE)


def on_white(pixels: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 h w"]:
    """The garment on white where a plain ground is found, else the picture as it is: another ground is no other design."""
    small = F.interpolate(pixels[None], size=(96, 96), mode="bilinear", antialias=True, align_corners=False)[0]
    mask = find_mask(small)
    if mask is None:
        return pixels
    mask = F.interpolate(mask[None], size=pixels.shape[1:], mode="bilinear", align_corners=False)[0]
    return pixels * mask + (1 - mask)


def rough(details: Float[Tensor, "b side side"]) -> Int8[Tensor, "b half half"]:
    """`detail` at half the size and of one strength, small enough to be kept for each picture of an index (1 KB)."""
    half = F.avg_pool2d(details[:, None], 2)[:, 0]
    return (half / half.abs().amax((1, 2), keepdim=True).clamp(min=1e-3) * 127).round().to(torch.int8)


def similarity(pixels: Float[Tensor, "3 h w"], others: Float[Tensor, "k side side"]) -> Float[Tensor, " k"]:
    """For each other picture's `detail` the best correlation, 1: the same picture; 0: nothing in common. A blank picture has 0."""
    return ranked(pixels, rough(others), lambda places: others[places])


@torch.no_grad()
def ranked(
    pixels: Float[Tensor, "3 h w"], roughs: Int8[Tensor, "k half half"], exact: Callable[[Int[Tensor, " f"]], Tensor]
) -> Float[Tensor, " k"]:
    """`similarity` of pictures whose detail `exact` gives by their places, asked for the `FINE` most alike of their `rough` ones alone.

    All are compared at half the size first; those that are less alike there than the best keep what they had.
    """
    templates = _templates(pixels)
    if len(roughs) <= FINE:
        return _best(templates, exact(torch.arange(len(roughs))), 1)
    found = _best(F.avg_pool2d(templates, 2), roughs.float() / 127, 2)
    best = found.topk(FINE).indices
    fine = _best(templates, exact(best), 1)
    found = torch.minimum(found, fine.max())  # half the detail is easier to match: no rough figure may beat the exact ones
    found[best] = fine
    return found


def _best(templates: Float[Tensor, "s 2 n n"], others: Float[Tensor, "k m m"], shrunk: int) -> Float[Tensor, " k"]:
    """The best correlation over scales, flips and shifts."""
    frame, room = FRAME // shrunk, (FRAME - SIDE) // shrunk
    norms = templates.square().sum((2, 3)).sqrt()
    if float(norms.max()) < 1e-3 or not len(others):
        return torch.zeros(len(others))
    bands, counts, allowed = _windows(shrunk)
    laid = F.pad(others, (room // 2, room - room // 2, room // 2, room - room // 2))
    energy, total = (bands @ inside[:, None] @ bands.mT for inside in (laid.square(), laid))
    spectra, at, shifts = torch.fft.rfft2(templates).conj(), torch.fft.rfft2(laid)[:, None], allowed.shape[1]
    spread = (energy - total.square() / counts).clamp(min=0)
    whole = laid.square().sum((1, 2))[:, None, None, None]
    fits = allowed & (spread > _LEAST * whole) & (spread > 1e-6)
    over = torch.where(fits, spread.clamp(min=1e-6).rsqrt(), 0.0)
    best = torch.zeros(len(others))
    for flip in range(2):
        product = torch.fft.irfft2(at * (spectra[:, flip] / norms[:, flip, None, None].clamp(min=1e-6)), s=(frame, frame))
        best = torch.maximum(best, _peak(product[..., :shifts, :shifts] * over).amax(1))
    return best.clamp(0, 1)


def _peak(found: Float[Tensor, "k s n n"]) -> Float[Tensor, "k s"]:
    """The highest value between the pixels: that of parabolas through the highest one and its neighbours."""
    n = found.shape[2]
    flat = found.flatten(2)
    top, place = flat.max(2)
    row, column = place // n, place % n
    for before, after in (
        ((row - 1) % n * n + column, (row + 1) % n * n + column),
        (row * n + (column - 1) % n, row * n + (column + 1) % n),
    ):
        a, b = (flat.gather(2, at[..., None])[..., 0] for at in (before, after))
        bend = (2 * flat.gather(2, place[..., None])[..., 0] - a - b).clamp(min=1e-6)
        sure = (a > 0) & (b > 0)  # a neighbour that does not fit tells nothing
        top = top + torch.where(sure, (a - b).square() / (8 * bend), 0.0)
    return top


def _templates(pixels: Tensor) -> Tensor:
    """(scales, 2, FRAME, FRAME): the picture at each scale, as it is and flipped, without its mean."""
    out = torch.zeros(len(SCALES), 2, FRAME, FRAME)
    for number, scale in enumerate(SCALES):
        side, rim = _extent(scale)
        made = detail(pixels[None], side)[0]
        for flip, one in enumerate((made, made.flip(1))):
            inner = one[rim : side - rim, rim : side - rim]
            out[number, flip, rim : side - rim, rim : side - rim] = inner - inner.mean()
    return out


@lru_cache(maxsize=2)
def _windows(shrunk: int) -> tuple[Tensor, Tensor, Tensor]:
    """Square windows as matrices (a row for each shift) that sum a picture inside them, how many pixels they hold, and which shifts count.

    One shift more than counts anywhere: the rim of zeros at which `_peak` stops.
    """
    most = (FRAME - _extent(min(SCALES))[0]) // shrunk + 2
    bands = torch.zeros(len(SCALES), most, FRAME // shrunk)
    allowed, counts = torch.zeros(len(SCALES), most, most, dtype=torch.bool), list[float]()
    for number, scale in enumerate(SCALES):
        side, rim = _extent(scale)
        window = torch.zeros(FRAME)
        window[rim : side - rim] = 1
        window = window.unflatten(0, (-1, shrunk)).mean(1)
        shifts = (FRAME - side) // shrunk + 1
        for shift in range(shifts):
            bands[number, shift] = window.roll(shift)
        allowed[number, :shifts, :shifts] = True
        counts.append(float(window.sum()) ** 2)
    return bands, torch.tensor(counts)[:, None, None], allowed


def _extent(scale: float) -> tuple[int, int]:
    return round(SIDE * scale), 0 if scale == 1 else _MARGIN
