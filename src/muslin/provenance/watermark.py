"""An invisible mark in the pixels that only the holder of a key can find: spread spectrum in the middle bands of 8 x 8 DCT blocks (Cox et al. 1997).

The pattern repeats every 128 px, so that one circular correlation finds it after any crop. Departs: no message, one bit, found or not.
It holds against accidents (JPEG, resizing, crops), not against somebody who wants it gone; other keys cannot see it.
"""

import hashlib
import math
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.image import luma, resize

SIDE = 128  # pixels of the pattern
LEAST = 256  # a picture with a shorter side than this holds too little of it
_TINY = 64  # a side below which nothing is looked for
SURE = 7.0  # of a score; see `score`
_SCALES = (1.0, 2.0, 4 / 3, 1.5, 0.5)  # a picture is also tried enlarged and reduced, in case it was resized
_SEEN = 1024  # pixels of the part that is looked at
_BAND = [(u, v) for u in range(8) for v in range(8) if 2 <= u + v <= 5]
_FAINT, _STRONG, _SHARE = 0.6, 2.5, 0.18  # levels of 255: on flat ground, at most, and for each level of the texture around


def embed(pixels: Float[Tensor, "3 h w"], key: bytes) -> Float[Tensor, "3 h w"]:
    """The picture with the key's pattern: stronger where texture hides it, on all three channels alike."""
    light = _light(pixels)
    height, width = light.shape
    strength = (_FAINT + _SHARE * 127.5 * _spread(light)).clamp(max=_STRONG) / 127.5
    tiled = pattern(key).repeat(-(-height // SIDE), -(-width // SIDE))[:height, :width]
    return (pixels + strength * tiled).clamp(-1, 1)


def found(pixels: Float[Tensor, "3 h w"], key: bytes) -> float:
    """The best score over the scales that are tried; above SURE the mark is there.

    In a picture without it, each of 128 x 128 places at 5 scales is a draw of about a normal distribution: one beyond 7 has a chance of
    82,000 x 1.3e-12 = 1e-7.
    """
    if min(pixels.shape[1:]) < _TINY:
        return 0.0
    wanted = pattern(key)
    return max(score(spectrum, wanted) for spectrum in spectra(pixels))


def spectra(pixels: Float[Tensor, "3 h w"]) -> Iterator[Tensor]:
    """The spectrum at each scale that is tried, of the middle of the picture."""
    for scale in _SCALES:
        most = round(_SEEN / max(scale, 1))
        height, width = min(pixels.shape[1], most), min(pixels.shape[2], most)
        top, left = (pixels.shape[1] - height) // 2, (pixels.shape[2] - width) // 2
        part = pixels[:, top : top + height, left : left + width]
        yield waves(_light(part if scale == 1 else resize(part, round(height * scale), round(width * scale))))


def waves(light: Float[Tensor, "h w"]) -> Tensor:
    """What of a picture's light can hold the pattern: detail, evened out, laid over itself every SIDE px, as a spectrum (128, 65)."""
    rest = ((light - _mean(light, 5)) / (_spread(light) + 2 / 127.5)).clamp(-3, 3)
    height, width = rest.shape
    rest = torch.nn.functional.pad(rest, (0, -width % SIDE, 0, -height % SIDE))
    spectrum = torch.fft.rfft2(rest.reshape(rest.shape[0] // SIDE, SIDE, -1, SIDE).sum((0, 2)))
    even: Tensor = spectrum / (spectrum.abs() + spectrum.abs().mean() + 1e-12)  # no one wave of the picture's own may outshout the others
    return even


def score(spectrum: Tensor, wanted: Float[Tensor, "128 128"]) -> float:
    """How far the best place of the pattern stands out from all its places, in standard deviations."""
    places = torch.fft.irfft2(spectrum * torch.fft.rfft2(wanted).conj(), s=(SIDE, SIDE))
    return float((places.max() - places.mean()) / (places.std() + 1e-12))


def pattern(key: bytes) -> Float[Tensor, "128 128"]:
    """The key's pattern, of mean 0 and standard deviation 1: a sign for each middle coefficient of each block, from SHAKE-256."""
    steps = torch.arange(8.0)
    basis = torch.cos(math.pi * (2 * steps[None] + 1) * steps[:, None] / 16) / 2
    basis[0] /= math.sqrt(2)
    drawn = hashlib.shake_256(key).digest(len(_BAND) * 32)
    bits = torch.tensor([byte >> shift & 1 for byte in drawn for shift in range(8)]).reshape(len(_BAND), 16, 16)
    blocks = torch.zeros(16, 16, 8, 8)
    for signs, (u, v) in zip(bits, _BAND, strict=True):
        blocks[:, :, u, v] = signs * 2.0 - 1
    made = (basis.T @ blocks @ basis).permute(0, 2, 1, 3).reshape(SIDE, SIDE)
    return made / made.std()


def _light(pixels: Tensor) -> Tensor:
    return luma(pixels)[0]


def _mean(light: Tensor, side: int) -> Tensor:
    around = torch.nn.functional.pad(light[None, None], (side // 2,) * 4, mode="reflect")
    return torch.nn.functional.avg_pool2d(around, side, 1)[0, 0]


def _spread(light: Tensor) -> Tensor:
    return (_mean(light * light, 9) - _mean(light, 9) ** 2).clamp(min=0).sqrt()
