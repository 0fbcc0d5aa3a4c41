"""Plain convolutions with equalised weights, for networks that no latent modulates, and up-sampling for all. Knows no network."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class Conv(nn.Module):
    """Equalised convolution (Karras et al. 2018, section 4.1), same height and width; `scale` multiplies what comes out."""

    def __init__(self, inputs: int, outputs: int, kernel: int, bias: bool = True, scale: float = math.sqrt(2)) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.gain, self.scale, self.kernel = scale / math.sqrt(inputs * kernel * kernel), scale, kernel

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        """(b, inputs, h, w) -> (b, outputs, h, w)."""
        bias = None if self.bias is None else self.bias * self.scale
        return F.conv2d(x, self.weight * self.gain, bias, padding=self.kernel // 2)


class Down(nn.Module):
    """One resolution: two convolutions and half the size, beside a 1 x 1 shortcut; their sum is divided by sqrt(2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = Conv(inputs, inputs, 3)
        self.second = Conv(inputs, outputs, 3, scale=1.0)
        self.short = Conv(inputs, outputs, 1, bias=False, scale=math.sqrt(0.5))

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h2 w2"]:
        """(b, inputs, h, w) -> (b, outputs, h / 2, w / 2)."""
        y = F.leaky_relu(self.first(x), 0.2)
        y = F.leaky_relu(self.second(F.avg_pool2d(y, 2)), 0.2)
        return torch.as_tensor(y + self.short(F.avg_pool2d(x, 2)))


def upsample(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Twice the size by the bilinear filter [1, 3, 3, 1] / 4, edges repeated."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
