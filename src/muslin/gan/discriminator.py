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
from muslin.gan.layers import Conv, Down
from muslin.gan.synthesis import Dense, resolutions, width

_PATCH_WIDTHS = (32, 48, 64)
_SCALES_WIDTHS = (16, 40, 80, 128, 128)


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


class MultiScaleDiscriminator(nn.Module):
    """D(picture, class) -> scores of places, from some 45 px around each and from some 90 (Wang et al. 2018): seams and cloth, and collars.

    Departs: one trunk, heads at two depths of it, each with half the say; class by projection at each place.
    """

    def __init__(self, net: AtelierNet) -> None:
        super().__init__()
        near, far = _SCALES_WIDTHS[-2:]
        self.rgb = Conv(3, _SCALES_WIDTHS[0], 3)
        self.downs = nn.ModuleList(Down(a, b) for a, b in itertools.pairwise(_SCALES_WIDTHS))
        self.mix = Conv(far + 1, far, 3)
        self.scores = nn.ModuleList(Conv(width, 1, 1, scale=1.0) for width in (near, far))
        self.embeds = nn.ModuleList(nn.Embedding(max(net.classes, 1), width) for width in (near, far))

    def forward(self, images: Float[Tensor, "b 3 s s"], labels: Int[Tensor, " b"]) -> Float[Tensor, "b places"]:
        """Scores (unbounded; real is high), float32: a place each 8 x 8 pixels, then each 16 x 16, these weighed up to as much."""
        x = F.leaky_relu(self.rgb(images.contiguous(memory_format=torch.channels_last)), 0.2)
        for down in self.downs[:-1]:
            x = down(x)
        near, far = x, F.leaky_relu(self.mix(_with_spread(self.downs[-1](x))), 0.2)
        found = [self._scores(i, x, labels) for i, x in enumerate((near, far))]
        return torch.cat([found[0], found[1].repeat(1, 4)], 1)

    def _scores(self, which: int, x: Tensor, labels: Tensor) -> Tensor:
        belongs = (x * self.embeds[which](labels)[:, :, None, None]).sum(1) / math.sqrt(x.shape[1])
        return torch.as_tensor(self.scores[which](x)[:, 0].float() + belongs.float()).flatten(1)


DISCRIMINATORS: dict[str, type[Discriminator | PatchDiscriminator | MultiScaleDiscriminator]] = {
    "residual": Discriminator,
    "patch": PatchDiscriminator,
    "multi-scale": MultiScaleDiscriminator,
}


def _with_spread(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c1 h w"]:
    """One more channel: how much the maps of a group of four differ (Karras et al. 2018, section 3), against collapse."""
    group = 4 if len(x) % 4 == 0 else 1
    grouped = x.float().reshape(-1, group, *x.shape[1:])
    away = (grouped - grouped.mean(1, keepdim=True)).square().mean(1)
    spread = (away + 1e-8).sqrt().mean((1, 2, 3))
    wide = spread.repeat_interleave(group)[:, None, None, None].expand(-1, 1, *x.shape[2:])
    return torch.cat([x, wide.to(x.dtype)], 1)
