"""Oriented energy of a picture: how much each place looks like a line or an edge, at each of some angles; and a blur along its lines.

Filters of Freeman & Adelson (1991), elongated; energy of Morrone & Owens (1987). Knows no garment: what a line means is the caller's.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.image import blur

ANGLES = 12
_LONG = 4.0  # how many times as long as wide a filter is
# of `along_lines`, by its length: what light is compared with, and where angles agree
_AROUND, _NEAR = 1.25, 0.5


def oriented_energy(channels: Float[Tensor, "c h w"], wide: float) -> Float[Tensor, "a h w"]:
    """sqrt(sum over channels of even^2 + odd^2) at each of 12 angles, evenly from 0 to pi: lines and steps alike, in units of a step.

    `wide` is half a line's width in pixels.
    """
    _, rows, columns = channels.shape
    # a transform goes round, so a rim on each side; and sides that are quick to transform
    height, width = (32 * math.ceil((side + 32) / 32) for side in (rows, columns))
    y, x = torch.meshgrid(torch.fft.fftfreq(height) * height, torch.fft.fftfreq(width) * width, indexing="ij")
    above, before = (height - rows) // 2, (width - columns) // 2
    rim = (before, width - columns - before, above, height - rows - above)
    waves = torch.fft.rfft2(F.pad(channels, rim, mode="replicate"))
    found = []
    for number in range(ANGLES):
        turn = math.pi * number / ANGLES
        u = (x * math.cos(turn) + y * math.sin(turn)) / (math.sqrt(2) * wide)
        v = (y * math.cos(turn) - x * math.sin(turn)) / (wide * _LONG)
        bell = torch.exp(-u * u - v * v / 2)
        even, odd = 0.9213 * (2 * u * u - 1) * bell, (0.978 * u**3 - 2.205 * u) * bell
        unit = odd[u > 0].sum().abs()  # what a step of 1 gives
        both = torch.fft.rfft2(torch.stack([even - even.mean(), odd]) / unit)
        answer = torch.fft.irfft2(waves[None] * both[:, None], s=(height, width))
        found.append(answer.square().sum((0, 1)).sqrt()[above : above + rows, before : before + columns])
    return torch.stack(found)


def along_lines(light: Float[Tensor, "c h w"], long: float, wide: float) -> Float[Tensor, "c h w"]:
    """A picture's light blurred over `long` px along the line that each place lies on, and over `wide` px across; what comes after the first layer along the same lines.

    The angle is that whose blur leaves most contrast: what has no direction (grain, cloth of its own) goes, folds and seams stay.
    """
    reach = math.ceil(2.2 * long)
    y, x = torch.meshgrid(*2 * (torch.arange(-reach, reach + 1.0),), indexing="ij")
    turns = torch.arange(ANGLES)[:, None, None] * math.pi / ANGLES
    u, v = x * turns.cos() + y * turns.sin(), y * turns.cos() - x * turns.sin()
    bars = torch.exp(-(u / long).square() / 2 - (v / wide).square() / 2)
    bars = torch.where(bars > 1e-20, bars, 0.0)  # what is next to nothing makes a convolution twenty times as slow
    bars = bars / bars.sum((1, 2), keepdim=True)
    padded = F.pad(light[:, None], (reach, reach, reach, reach), mode="replicate")
    blurred = F.conv2d(padded, bars[:, None])
    # where there is nothing, all angles count alike
    energy = blur((blurred[0] - blur(light[:1], _AROUND * long)).square(), _NEAR * long) + 1e-8
    weight = (energy / energy.amax(0)).square().square().square()  # how clearly the best angle wins
    return (blurred * weight).sum(1) / weight.sum(0)
