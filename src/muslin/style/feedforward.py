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
from muslin.base.checkpoint import load_checkpoint, save_checkpoint
from muslin.base.config import as_dict, from_dict
from muslin.base.errors import InputError
from muslin.base.files import sha256_file
from muslin.base.machine import resolve_precision
from muslin.base.seeds import seeded_weights


@dataclass(frozen=True)
class FastConfig:
    """Channels at full, half, quarter and eighth size, and residual blocks at the eighth."""

    widths: tuple[int, ...] = (16, 32, 64, 96)
    blocks: int = 4


Spread = tuple[Tensor, Tensor]  # mean and standard deviation by channel, (b, c, 1, 1)


class FastStyler(nn.Module):
    """Content, start, mask and the style's statistics in; the picture out. About 0.9 million parameters."""

    def __init__(self, config: FastConfig | None = None) -> None:
        super().__init__()
        self.config = config or FastConfig()
        full, half, quarter, eighth = self.config.widths
        self.lift = nn.Conv2d(7, full, 3, padding=1, padding_mode="reflect")
        self.downs = nn.ModuleList([_down(full, half), _down(half, quarter), _down(quarter, eighth)])
        self.blocks = nn.ModuleList([_Block(eighth) for _ in range(self.config.blocks)])
        self.ups = nn.ModuleList([_conv(eighth, quarter), _conv(quarter, half), _conv(half, full)])
        self.joins = nn.ModuleList([_Block(quarter), _conv(half, half)])
        self.out = nn.Conv2d(full, 3, 3, padding=1, padding_mode="reflect")
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
        quarter = _restyle(quarter, F.avg_pool2d(mask, 4), style[0])
        x = _restyle(x, F.avg_pool2d(mask, 8), style[1])
        for block in self.blocks:
            x = block(x)
        x = self.joins[0](F.relu(self.ups[0](_twice(x))) + quarter)
        x = F.relu(self.joins[1](F.relu(self.ups[1](_twice(x))) + half))
        x = F.relu(self.ups[2](_twice(x))) + full
        made: Tensor = start + self.out(x).float()
        return made.clamp(-1, 1)


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _conv(width, width), _conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(F.relu(self.first(x)))
        return x + y


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


def _down(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, padding_mode="reflect")


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
        made: Tensor = net(*(x.contiguous(memory_format=torch.channels_last) for x in padded), mixed)
    return made[0, :, :height, :width].contiguous()


def _pad(x: Tensor) -> Tensor:
    down, right = -x.shape[2] % 8 + (32 if x.shape[2] < 32 else 0), -x.shape[3] % 8 + (32 if x.shape[3] < 32 else 0)
    return F.pad(x, (0, right, 0, down), mode="replicate") if down or right else x


def new_styler(config: FastConfig | None = None, seed: int = 0) -> FastStyler:
    """An untrained network whose first weights depend on the seed alone."""
    with seeded_weights("fast styler", seed):
        return FastStyler(config)


def save_styler(path: Path, net: FastStyler, card: dict[str, object]) -> Path:
    """fp16 safetensors with config and card. Raises DiskError."""
    tensors = {name: x.half() for name, x in net.state_dict().items()}
    return save_checkpoint(path, tensors, {"kind": "fast-styler", "config": as_dict(net.config), "card": card})


@lru_cache(maxsize=2)
def load_styler(path: Path = FAST_STYLER) -> tuple[FastStyler, str]:
    """The network, ready for use, and its file's sha256. Raises InputError where the file is no fast styler."""
    tensors, about = load_checkpoint(path)
    if about.get("kind") != "fast-styler":
        raise InputError(f"{path}: not a fast styler (it says: {about.get('kind', 'nothing')})")
    net = FastStyler(from_dict(FastConfig, about["config"]))
    try:
        net.load_state_dict({name: x.float() for name, x in tensors.items()})
    except RuntimeError as failure:
        raise InputError(f"{path}: its tensors do not fit its config; it is damaged or from another version") from failure
    return net.eval().to(memory_format=torch.channels_last), sha256_file(path)
