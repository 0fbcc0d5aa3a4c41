"""Oriented energy of a picture: how much each place looks like a line or an edge, at each of some angles.

Filters of Freeman & Adelson (1991), elongated; energy of Morrone & Owens (1987). Knows no garment: what a line means is the caller's.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

ANGLES = 12
_LONG = 4.0  # how many times as long as wide a filter is


def oriented_energy(channels: Float[Tensor, "c h w"], wide: float, angles: int = ANGLES) -> Float[Tensor, "a h w"]:
    """sqrt(sum over channels of even^2 + odd^2) at each of `angles`, evenly from 0 to pi: lines and steps alike, in units of a step.

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
    for number in range(angles):
        turn = math.pi * number / angles
        u = (x * math.cos(turn) + y * math.sin(turn)) / (math.sqrt(2) * wide)
        v = (y * math.cos(turn) - x * math.sin(turn)) / (wide * _LONG)
        bell = torch.exp(-u * u - v * v / 2)
        even, odd = 0.9213 * (2 * u * u - 1) * bell, (0.978 * u**3 - 2.205 * u) * bell
        unit = odd[u > 0].sum().abs()  # what a step of 1 gives
        both = torch.fft.rfft2(torch.stack([even - even.mean(), odd]) / unit)
        answer = torch.fft.irfft2(waves[None] * both[:, None], s=(height, width))
        found.append(answer.square().sum((0, 1)).sqrt()[above : above + rows, before : before + columns])
    return torch.stack(found)
