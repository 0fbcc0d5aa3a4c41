"""OKLab (Ottosson 2020): a colour space in which distances are about as large as they look. sRGB in and out."""

import torch
from jaxtyping import Float
from torch import Tensor

_TO_LMS = torch.tensor(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]]
)
_TO_LAB = torch.tensor(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099], [0.0259040371, 0.7827717662, -0.8086757660]]
)
_FROM_LAB, _FROM_LMS = torch.linalg.inv(_TO_LAB), torch.linalg.inv(_TO_LMS)


def to_oklab(pixels: Float[Tensor, "*b 3 h w"]) -> Float[Tensor, "*b 3 h w"]:
    """RGB in [-1, 1] to L in [0, 1], a and b in about [-0.4, 0.4]."""
    lms = torch.einsum("ij,...jhw->...ihw", _TO_LMS, to_linear(pixels))
    return torch.einsum("ij,...jhw->...ihw", _TO_LAB, lms.clamp(min=0) ** (1 / 3))


def from_oklab(lab: Float[Tensor, "*b 3 h w"]) -> Float[Tensor, "*b 3 h w"]:
    """L, a, b to RGB in [-1, 1]; colours beyond sRGB are clamped."""
    lms = torch.einsum("ij,...jhw->...ihw", _FROM_LAB, lab) ** 3
    return from_linear(torch.einsum("ij,...jhw->...ihw", _FROM_LMS, lms))


def to_linear(pixels: Float[Tensor, "*b c h w"]) -> Float[Tensor, "*b c h w"]:
    """sRGB in [-1, 1] to linear light in [0, 1] (IEC 61966-2-1)."""
    x = (pixels.clamp(-1, 1) + 1) / 2
    return torch.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def from_linear(light: Float[Tensor, "*b c h w"]) -> Float[Tensor, "*b c h w"]:
    """Linear light to sRGB in [-1, 1], clamped."""
    x = light.clamp(0, 1)
    return torch.where(x <= 0.0031308, x * 12.92, 1.055 * x.clamp(min=1e-8) ** (1 / 2.4) - 0.055) * 2 - 1
