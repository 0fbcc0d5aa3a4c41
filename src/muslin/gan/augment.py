"""Augmentation that both real and generated pictures go through (Karras et al. 2020b; Zhao et al. 2020): shift, scale, light, cut.

Each change is made with probability `strength`, so that most pictures stay as they are and the generator learns those.
No hue, no rotation: colour and uprightness are the product. The ground comes in from the sides. Differentiable; shift and
scale are one product with a row matrix and one with a column matrix, which is cheap and twice differentiable.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.gan.configs import Spans

DRAWS = 11  # random numbers for each picture


def augment(
    images: Float[Tensor, "b c h w"], draws: Float[Tensor, "b d"], strength: Tensor, spans: Spans, ground: float = 1.0
) -> Float[Tensor, "b c h w"]:
    """A changed copy. `draws` are uniform in [0, 1), `DRAWS` for each picture; `strength` in [0, 1] is the probability of each change; a cut, which hides most, comes half as often.

    `ground` is what comes in from the sides and shows where something is cut: 1 white, -1 black.
    """
    *_, h, w = images.shape
    draws = draws.to(images)
    amounts = (draws[:, :5] * 2 - 1) * (draws[:, 5:10] < strength)
    zoom = torch.exp(spans.scale * amounts[:, 0])[:, None]
    rows = _resample(h, zoom, spans.translate * amounts[:, 1][:, None])
    columns = _resample(w, zoom, spans.translate * amounts[:, 2][:, None])
    ink = images - ground  # zero is the ground, so what comes in from outside is ground
    moved = rows[:, None] @ ink @ columns[:, None].transpose(2, 3)
    light = 1 + spans.light * amounts[:, 3]  # the ground stays as it is, or the generator's would not
    where = torch.stack([draws[:, 4], draws[:, 10]], 1) * (1 + spans.cut) - spans.cut / 2  # the middle of what is cut out
    side = spans.cut / 2 * (draws[:, 9] < strength / 2)
    kept = 1 - (_within(h, where[:, 0], side)[:, :, None] * _within(w, where[:, 1], side)[:, None, :])
    return ground + moved * light[:, None, None, None] * kept[:, None]


def _resample(size: int, zoom: Tensor, shift: Tensor) -> Float[Tensor, "b s s"]:
    # row i of the matrix holds the two bilinear weights of where pixel i comes from
    centre = (size - 1) / 2
    grid = torch.arange(size, device=zoom.device)
    places = (grid - centre) / zoom + centre - shift * size
    return (1 - (places[:, :, None] - grid).abs()).clamp(min=0)


def _within(size: int, middle: Tensor, half: Tensor) -> Float[Tensor, "b s"]:
    # 1 where a pixel lies in the strip that is cut out, all as shares of the side
    places = (torch.arange(size, device=middle.device) + 0.5) / size
    return ((places - middle[:, None]).abs() < half[:, None]).to(middle)
