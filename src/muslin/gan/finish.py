"""The finishing net: a small picture drawn again at twice its size, with the edges and seams that it lacks.

A U-Net (Ronneberger et al. 2015) whose output is added to the enlarged picture, half of its work at the small size. Does not know the generator
nor how it is trained.
"""

import itertools

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from muslin.gan.layers import Conv, upsample

_WIDTHS = (1.0, 1.6, 2.4, 3.2)  # of the net's width, at the small size and each time halved
_LAST = 0.6  # likewise, at twice the size
_LEAK = 0.2


class Finish(nn.Module):
    """(b, 3, side, side) -> (b, 3, 2 side, 2 side), about [-1, 1]; side a multiple of 8. `width`: channels at the small size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths, last = [round(width * share) for share in _WIDTHS], round(width * _LAST)
        pairs = list(itertools.pairwise(widths))
        self.first = Conv(3, widths[0], 3)
        self.keeps = nn.ModuleList(Conv(a, a, 3) for a, _ in pairs)
        self.downs = nn.ModuleList(Conv(a, b, 3) for a, b in pairs)
        self.middle = nn.ModuleList(Conv(widths[-1], widths[-1], 3) for _ in range(3))
        self.ups = nn.ModuleList(Twice(b + a, a) for a, b in reversed(pairs))
        self.large = Twice(widths[0], last)
        self.rgb = Conv(last, 3, 3, scale=0.2)  # quiet at the start

    def forward(self, small: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 s2 s2"]:
        """The picture, finished; float32."""
        x, skips = active(self.first(small.contiguous(memory_format=torch.channels_last))), list[Tensor]()
        for keep, down in zip(self.keeps, self.downs, strict=True):
            skips.append(active(keep(x)))
            x = active(down(F.avg_pool2d(skips[-1], 2)))
        for layer in self.middle:
            x = x + 0.5 * active(layer(x))
        for up in self.ups:
            x = up(torch.cat([upsample(x), skips.pop()], 1))
        x = self.rgb(self.large(upsample(x))).float()
        return upsample(small).float() + torch.as_tensor(x)


class Twice(nn.Module):
    """Two convolutions, each activated."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.one, self.two = Conv(inputs, outputs, 3), Conv(outputs, outputs, 3)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        """(b, inputs, h, w) -> (b, outputs, h, w)."""
        return active(self.two(active(self.one(x))))


def active(x: Tensor) -> Tensor:
    """Leaky relu of slope 0.2."""
    return F.leaky_relu(x, _LEAK)
