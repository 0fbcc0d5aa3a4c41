"""Augmentation that both real and generated pictures go through (Zhao et al. 2020): shift, scale, light.

No hue, no rotation: colour and uprightness are the product. White comes in from the sides. Differentiable; shift and
scale are one product with a row matrix and one with a column matrix, which is cheap.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def augment(
    images: Float[Tensor, "b c h w"], generator: torch.Generator, translate: float, scale: float, light: float
) -> Float[Tensor, "b c h w"]:
    """A changed copy; `translate` and `scale` as shares of the side, `light` as the span of the ink's strength."""
    b, _, h, w = images.shape
    draw = torch.rand(4, b, generator=generator, device=generator.device).to(images) * 2 - 1
    zoom = (1 + scale * draw[0])[:, None]
    rows = _resample(h, zoom, translate * draw[1][:, None])
    columns = _resample(w, zoom, translate * draw[2][:, None])
    ink = images - 1  # zero is white, so what comes in from outside is white
    moved = rows[:, None] @ ink @ columns[:, None].transpose(2, 3)
    return 1 + moved * (1 + light * draw[3])[:, None, None, None]  # the ground stays white, or the generator's would not


def _resample(size: int, zoom: Tensor, shift: Tensor) -> Float[Tensor, "b s s"]:
    # row i of the matrix holds the two bilinear weights of where pixel i comes from
    centre = (size - 1) / 2
    places = (torch.arange(size, device=zoom.device) - centre) / zoom + centre - shift * size
    grid = torch.arange(size, device=zoom.device)
    return (1 - (places[:, :, None] - grid).abs()).clamp(min=0)
