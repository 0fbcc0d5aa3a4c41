"""A garment's light told from its print: lightness whose steps go with a change of chroma is print, the rest is light and shade.

Colour Retinex (Land & McCann 1971; Funt, Drew & Brockington 1992): steps of print are taken out of the lightness's gradient, and what is
left is added up again (Poisson). OKLab is homogeneous, so that a / L and b / L are the same in light and in shade. In dense prints,
where few places would be left, lightness is regressed on chroma instead. Knows one light of one colour: of a black and
white print only steps too high for a shadow are taken. Says which garments are plain enough for the relief network to learn from (relief_samples.py),
and is what that is measured against (benchmarks/light.py).
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.colour import to_oklab
from muslin.base.image import blur, resize
from muslin.data.ground import at_size, ramp

_SIDE = 320  # px of the longer side at which print is looked for
_FINE = 300  # the longer side by this is the fineness of edges
_WINDOW = 30  # likewise: the neighbourhood in which a print is dense
_CHROMA, _TINT = 0.03, 0.12  # a step of chroma that is print, and how much more per step of lightness (lights have some colour)
_HIGH = 0.3  # a step of lightness that no shade makes
_DENSE = 0.65  # share of a neighbourhood within reach of print's edges, from which on print is dense
_DARK = 0.25  # OKLab: below, chroma is noise
_RIDGE = 1.2e-5  # a step of chroma of 0.0035, squared: fainter ones explain nothing

Gradient = tuple[Tensor, Tensor]  # across and down, each (h, w) or (c, h, w), in steps as high as an edge of this slope


def print_in(pixels: Float[Tensor, "3 h w"], lightness: Float[Tensor, "1 h w"], mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
    """What its print adds to a garment's OKLab lightness (0 on the mean).

    `pixels` (RGB in [-1, 1]), whose `lightness` that is, are the garment's own beyond its edge too (`ground.extend`), so that light does not end there.
    """
    height, width = mask.shape[1:]
    share = min(1.0, _SIDE / max(height, width))
    area = at_size(mask, max(2, round(height * share)), max(2, round(width * share)))
    small = resize(pixels, *area.shape[1:])
    added, edges = (resize(x, height, width) for x in _print(small, area))
    return added + (lightness - blur(lightness, max(height, width) / _FINE)) * edges.clamp(0, 1)


def _print(pixels: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    fine = max(mask.shape[1:]) / _FINE
    lab = blur(to_oklab(pixels), fine)
    solid, unit = (mask[0] > 0.5).float(), 3.5 * fine
    step, chroma = _gradient(lab[0] * unit), _gradient(lab[1:] / (lab[:1] + _DARK) * (0.6 + _DARK) * unit)
    reach = max(1, round(2.2 * fine))
    printed = _widened(_ramp(_size(chroma), _CHROMA + _TINT * _size(step)), reach)
    window = max(mask.shape[1:]) / _WINDOW
    share = blur((printed * solid)[None], window)[0] / blur(solid[None], window)[0].clamp(min=0.05)
    dense = ramp(share, _DENSE, _DENSE + 0.15)
    explained = _explained(step, chroma, window)
    rest = (step[0] - dense * explained[0], step[1] - dense * explained[1])
    edges = torch.maximum(_widened(_ramp(_size(rest), _HIGH), reach), printed * (1 - dense))
    across, down = (_filled(x, 1 - edges, 3 * reach) / unit for x in rest)
    across[:, -1], down[-1] = 0, 0
    added = lab[0] - _summed(across, down)
    return (added - (added * solid).sum() / solid.sum().clamp(min=1))[None], edges[None] * mask


def _gradient(x: Tensor) -> Gradient:
    """Forward differences, 0 behind the last row and column."""
    return F.pad(x[..., 1:] - x[..., :-1], (0, 1)), F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))


def _size(step: Gradient) -> Float[Tensor, "h w"]:
    total = step[0].square() + step[1].square()
    return (total if total.dim() == 2 else total.sum(0)).sqrt()


def _filled(x: Float[Tensor, "h w"], known: Float[Tensor, "h w"], around: float) -> Float[Tensor, "h w"]:
    """Where a slope is not known, that of what lies clear of it: light does not stop at the edge of a print."""
    clear = known * (1 - _widened(1 - known, 2))
    near = blur(torch.stack([x * clear, clear]), around)
    return x * known + near[0] / near[1].clamp(min=0.4) * (1 - known)


def _ramp(x: Tensor, threshold: Tensor | float) -> Tensor:
    return ramp(x / threshold, 0.7, 1.3)


def _widened(x: Float[Tensor, "h w"], radius: int) -> Float[Tensor, "h w"]:
    return F.max_pool2d(x[None, None], 2 * radius + 1, 1, radius)[0, 0]


def _explained(step: Gradient, chroma: Gradient, window: float) -> Gradient:
    """The part of the lightness's steps that follows from the steps of chroma (a ridge regression in each neighbourhood)."""

    def over(x: Gradient, y: Gradient) -> Tensor:
        return blur((x[0] * y[0] + x[1] * y[1])[None], window)[0]

    a, b = (chroma[0][0], chroma[1][0]), (chroma[0][1], chroma[1][1])
    aa, bb, ab, to_a, to_b = over(a, a) + _RIDGE, over(b, b) + _RIDGE, over(a, b), over(step, a), over(step, b)
    scale = 1 / (aa * bb - ab.square())
    by_a, by_b = (to_a * bb - to_b * ab) * scale, (to_b * aa - to_a * ab) * scale
    return by_a * a[0] + by_b * b[0], by_a * a[1] + by_b * b[1]


def _summed(across: Float[Tensor, "h w"], down: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """The picture, mean 0, whose forward differences are nearest to these (Poisson's equation, cosine transform by a mirrored FFT)."""
    height, width = across.shape
    source = across + down
    source[:, 1:] -= across[:, :-1]
    source[1:] -= down[:-1]
    mirrored = torch.cat([source, source.flip(1)], 1)
    waves = torch.fft.rfft2(torch.cat([mirrored, mirrored.flip(0)], 0))
    rows, columns = (2 * torch.cos(torch.arange(count) * math.pi / side) for count, side in ((2 * height, height), (width + 1, width)))
    factor = rows[:, None] + columns[None] - 4
    factor[0, 0] = 1
    waves = waves / factor
    waves[0, 0] = 0
    whole: Tensor = torch.fft.irfft2(waves, s=(2 * height, 2 * width))
    return whole[:height, :width]
