"""The residual discriminator of `atelier` (Karras et al. 2020): down by averaging, spread of the batch, class by projection.

Constant factors are folded into the weights' gains. Departs: plain average pooling instead of a filtered down-sampling, projection by an embedding (Miyato & Koyama 2018).
"""

import itertools
import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from muslin.gan.configs import AtelierNet
from muslin.gan.synthesis import Dense, resolutions, width

_PATCH_WIDTHS = (32, 48, 64)


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


class Discriminator(nn.Module):
    """D(picture, class) -> one score (unbounded; real is high)."""

    def __init__(self, net: AtelierNet) -> None:
        super().__init__()
        widths = [width(net, r) for r in reversed(resolutions(net.size))]
        self.rgb = Conv(3, widths[0], 1)
        self.downs = nn.ModuleList(Down(a, b) for a, b in itertools.pairwise(widths))
        self.mix = Conv(widths[-1] + 1, widths[-1], 3)
        self.dense = Dense(widths[-1] * 16, widths[-1])
        self.score = Dense(widths[-1], 1)
        self.embed = nn.Embedding(max(net.classes, 1), widths[-1])

    def forward(self, images: Float[Tensor, "b 3 s s"], labels: Int[Tensor, " b"]) -> Float[Tensor, " b"]:
        """Scores, float32."""
        x = F.leaky_relu(self.rgb(images.contiguous(memory_format=torch.channels_last)), 0.2)
        for down in self.downs:
            x = down(x)
        x = F.leaky_relu(self.mix(_with_spread(x)), 0.2)
        x = F.leaky_relu(self.dense(x.flatten(1)), 0.2).float() * math.sqrt(2)
        belongs = (x * self.embed(labels)).sum(1) / math.sqrt(x.shape[1])
        return torch.as_tensor(self.score(x)[:, 0].float() + belongs)


class PatchDiscriminator(nn.Module):
    """D(picture, class) -> a score for each place, from the 32 px around it (PatchGAN, Isola et al. 2017): cloth and edges, not the whole.

    Departs: the blocks of `Discriminator`, class by projection at each place.
    """

    def __init__(self, net: AtelierNet) -> None:
        super().__init__()
        self.rgb = Conv(3, _PATCH_WIDTHS[0], 3)
        self.downs = nn.ModuleList(Down(a, b) for a, b in itertools.pairwise(_PATCH_WIDTHS))
        self.mix = Conv(_PATCH_WIDTHS[-1], _PATCH_WIDTHS[-1], 3)
        self.score = Conv(_PATCH_WIDTHS[-1], 1, 1, scale=1.0)
        self.embed = nn.Embedding(max(net.classes, 1), _PATCH_WIDTHS[-1])

    def forward(self, images: Float[Tensor, "b 3 s s"], labels: Int[Tensor, " b"]) -> Float[Tensor, "b places"]:
        """Scores (unbounded; real is high), float32, one for each 4 x 4 pixels."""
        x = F.leaky_relu(self.rgb(images.contiguous(memory_format=torch.channels_last)), 0.2)
        for down in self.downs:
            x = down(x)
        x = F.leaky_relu(self.mix(x), 0.2).float()
        belongs = (x * self.embed(labels)[:, :, None, None]).sum(1) / math.sqrt(x.shape[1])
        return torch.as_tensor(self.score(x)[:, 0].float() + belongs).flatten(1)


DISCRIMINATORS: dict[str, type[Discriminator | PatchDiscriminator]] = {"residual": Discriminator, "patch": PatchDiscriminator}


def _with_spread(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c1 h w"]:
    """One more channel: how much the maps of a group of four differ (Karras et al. 2018, section 3), against collapse."""
    group = 4 if len(x) % 4 == 0 else 1
    grouped = x.float().reshape(-1, group, *x.shape[1:])
    away = (grouped - grouped.mean(1, keepdim=True)).square().mean(1)
    spread = (away + 1e-8).sqrt().mean((1, 2, 3))
    wide = spread.repeat_interleave(group)[:, None, None, None].expand(-1, 1, *x.shape[2:])
    return torch.cat([x, wide.to(x.dtype)], 1)
