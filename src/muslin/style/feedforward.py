"""The fast styler: one pass of a small network, any style. It moves the *start* (the cloth laid on the garment, or the bare
content) to where the optimisation would take it.

After adaptive instance normalisation (Huang & Belongie 2017), statistics inside the mask; the style is looked at by the same
encoder. Differs: a residual on the start, so that an untrained network gives the start; up-sampling is bilinear, down-sampling by even kernels:
no checkerboard. Knows tensors only.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from muslin.assets import FAST_STYLER
from muslin.base.config import from_dict
from muslin.base.files import sha256_file
from muslin.base.machine import resolve_precision
from muslin.base.seeds import seeded_weights
from muslin.style.weights import load_network, save_network


@dataclass(frozen=True)
class FastConfig:
    """Channels at full, half, quarter and eighth size, and residual blocks at the eighth."""

    widths: tuple[int, ...] = (16, 32, 64, 96)
    blocks: int = 4


KIND = "fast-styler"
STRIP = 64  # rows at full size that are worked on at once
Spread = tuple[Tensor, Tensor]  # mean and standard deviation by channel, (b, c, 1, 1)


class FastStyler(nn.Module):
    """Content, start, mask and the style's statistics in; the picture out. About 0.9 million parameters."""

    def __init__(self, config: FastConfig | None = None) -> None:
        super().__init__()
        self.config = config or FastConfig()
        full, half, quarter, eighth = self.config.widths
        self.lift = _conv(7, full)
        self.downs = nn.ModuleList([_down(full, half), _down(half, quarter), _down(quarter, eighth)])
        self.blocks = nn.ModuleList([_Block(eighth) for _ in range(self.config.blocks)])
        self.ups = nn.ModuleList([_conv(eighth, quarter), _conv(quarter, half), _conv(half, full)])
        self.joins = nn.ModuleList([_Block(quarter), _conv(half, half)])
        self.out = _conv(full, 3)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias if self.out.bias is not None else torch.zeros(3))

    def encode(self, content: Tensor, start: Tensor, mask: Tensor) -> list[Tensor]:
        """Maps at full, half, quarter and eighth size."""
        maps = [F.relu(self.lift(torch.cat([content, start, mask * 2 - 1], 1)))]
        for down in self.downs:
            maps.append(F.relu(down(maps[-1])))
        return maps

    def measure(self, style: Float[Tensor, "b 3 h w"]) -> list[Spread]:
        """The style's mean and standard deviation by channel at quarter and eighth size."""
        maps = self.encode(style, style, torch.ones_like(style[:, :1]))
        return [_spread(x, None) for x in maps[2:]]

    def forward(
        self, content: Float[Tensor, "b 3 h w"], start: Float[Tensor, "b 3 h w"], mask: Float[Tensor, "b 1 h w"], style: list[Spread]
    ) -> Float[Tensor, "b 3 h w"]:
        """Pictures in [-1, 1], masks in [0, 1]; height and width multiples of 8, at least 32."""
        full, half, quarter, x = self.encode(content, start, mask)
        x = F.relu(self.ups[2](_twice(self._deep(half, quarter, x, mask, style)))) + full
        made: Tensor = start + self.out(x).float()
        return made.clamp(-1, 1)

    def _deep(self, half: Tensor, quarter: Tensor, x: Tensor, mask: Tensor, style: list[Spread]) -> Tensor:
        """The restyled map at half size, from the encoder's maps at half, quarter and eighth size."""
        quarter = _restyle(quarter, F.avg_pool2d(mask, 4), style[0])
        x = _restyle(x, F.avg_pool2d(mask, 8), style[1])
        for block in self.blocks:
            x = block(x)
        x = self.joins[0](F.relu(self.ups[0](_twice(x))) + quarter)
        return F.relu(self.joins[1](F.relu(self.ups[1](_twice(x))) + half))

    @torch.no_grad()
    def draw(
        self, content: Float[Tensor, "1 3 h w"], start: Float[Tensor, "1 3 h w"], mask: Float[Tensor, "1 1 h w"], style: list[Spread]
    ) -> Float[Tensor, "1 3 h w"]:
        """As `forward`, the maps at full size by strips of rows and never whole: a third of the time at 1024 px, and of the memory."""
        height, inputs = content.shape[2], (content, start, mask)
        strips = [(top, min(top + STRIP, height)) for top in range(0, height, STRIP)]
        down: nn.Conv2d = self.downs[0]  # type: ignore[assignment]
        half = torch.cat([F.relu(_on_rows(down, self._lifted(inputs, top, bottom))) for top, bottom in strips], 2)
        maps = [half]
        for deeper in list(self.downs)[1:]:
            maps.append(F.relu(deeper(maps[-1])))
        half = self._deep(maps[0], maps[1], maps[2], mask, style)
        up: nn.Conv2d = self.ups[2]  # type: ignore[assignment]
        made = torch.empty_like(start)
        for top, bottom in strips:
            first, last = max(0, top - 1), min(height, bottom + 1)
            above, below = max(0, first // 2 - 1), min(height // 2, last // 2 + 2)
            twice = _twice(half[:, :, above:below])[:, :, max(0, first - 1) - 2 * above : min(height, last + 1) - 2 * above]
            edge = max(0, first - 1)
            x = F.relu(_on_rows(up, _rows(twice, first - 1 - edge, last + 1 - edge)))
            x = _rows(x, top - 1 - first, bottom + 1 - first) + self._lifted(inputs, top, bottom)
            made[:, :, top:bottom] = (start[:, :, top:bottom] + _on_rows(self.out, x).float()).clamp(-1, 1)
        return made

    def _lifted(self, inputs: tuple[Tensor, Tensor, Tensor], top: int, bottom: int) -> Tensor:
        """The map at full size of rows `top` to `bottom` and of one more on each side, the picture's edges reflected."""
        content, start, mask = inputs
        first, last = max(0, top - 1), min(content.shape[2], bottom + 1)
        x = torch.cat([_rows(each, first - 1, last + 1) for each in (content, start, mask * 2 - 1)], 1)
        x = F.relu(_on_rows(self.lift, x.contiguous(memory_format=torch.channels_last)))
        return _rows(x, top - 1 - first, bottom + 1 - first)


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _conv(width, width), _conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(F.relu(self.first(x)))
        return x + y


class _Conv(nn.Conv2d):
    """A convolution of a picture whose border is reflected by one pixel; by `cat`, which takes half the time of torch's own filling up."""

    def forward(self, x: Tensor) -> Tensor:
        return _on_rows(self, torch.cat([x[:, :, 1:2], x, x[:, :, -2:-1]], 2))


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return _Conv(inputs, outputs, 3)


def _down(inputs: int, outputs: int) -> nn.Conv2d:
    return _Conv(inputs, outputs, 4, stride=2)


def _on_rows(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """A convolution of rows that bring their neighbours along: only columns are filled up, by reflection."""
    x = torch.cat([x[..., 1:2], x, x[..., -2:-1]], 3)
    return F.conv2d(x, conv.weight, conv.bias, conv.stride)


def _rows(x: Tensor, top: int, bottom: int) -> Tensor:
    """Rows `top` to `bottom`, those beyond the first and the last by reflection."""
    height = x.shape[2]
    if top >= 0 and bottom <= height:
        return x[:, :, top:bottom]
    rows = torch.arange(top, bottom).abs()
    return x[:, :, torch.where(rows < height, rows, 2 * (height - 1) - rows)]


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _spread(x: Tensor, mask: Tensor | None) -> Spread:
    x = x.float()
    weight = torch.ones_like(x[:, :1]) if mask is None else mask
    area = weight.sum((2, 3), keepdim=True).clamp(min=1e-3)
    mean = (x * weight).sum((2, 3), keepdim=True) / area
    variance = ((x - mean).square() * weight).sum((2, 3), keepdim=True) / area
    return mean, (variance + 1e-4).sqrt()


def _restyle(x: Tensor, mask: Tensor, style: Spread) -> Tensor:
    mean, deviation = _spread(x, mask)
    return ((x.float() - mean) / deviation * style[1] + style[0]).to(x.dtype)


@torch.no_grad()
def draft(
    net: FastStyler,
    content: Float[Tensor, "3 h w"],
    start: Float[Tensor, "3 h w"],
    mask: Float[Tensor, "1 h w"] | None,
    styles: list[tuple[Float[Tensor, "3 a b"], float]],
) -> Float[Tensor, "3 h w"]:
    """One picture of any size in one pass; several styles mix by weight (their statistics add)."""
    _, height, width = content.shape
    area = torch.ones_like(content[:1]) if mask is None else mask
    padded = [_pad(x[None]) for x in (content, start, area)]
    with torch.autocast("cpu", torch.bfloat16, enabled=resolve_precision("auto", torch.device("cpu")) == "bfloat16"):
        whole, mixed = sum(weight for _, weight in styles), list[Spread]()
        for style, weight in styles:
            part = [(m * (weight / whole), d * (weight / whole)) for m, d in net.measure(_pad(style[None]))]
            mixed = [(a[0] + b[0], a[1] + b[1]) for a, b in zip(mixed, part, strict=True)] if mixed else part
        made = net.draw(padded[0], padded[1], padded[2], mixed)
    return made[0, :, :height, :width].contiguous()


def _pad(x: Tensor) -> Tensor:
    down, right = -x.shape[2] % 8 + (32 if x.shape[2] < 32 else 0), -x.shape[3] % 8 + (32 if x.shape[3] < 32 else 0)
    return F.pad(x, (0, right, 0, down), mode="replicate") if down or right else x


def new_styler(config: FastConfig | None = None, seed: int = 0) -> FastStyler:
    """An untrained network whose first weights depend on the seed alone."""
    with seeded_weights("fast styler", seed):
        return FastStyler(config)


def save_styler(path: Path, net: FastStyler, card: dict[str, object]) -> Path:
    """As `weights.save_network`. Raises DiskError."""
    return save_network(path, KIND, net, card)


@lru_cache(maxsize=2)
def load_styler(path: Path = FAST_STYLER) -> tuple[FastStyler, str]:
    """The network, ready for use, and its file's sha256. Raises InputError where the file is no fast styler."""
    return load_network(path, KIND, "fast styler", lambda config: FastStyler(from_dict(FastConfig, config))), sha256_file(path)
