"""A garment's relief beneath its print: a small network that was shown plain garments printed with known cloth (relief_samples.py).

It tells two things of each place: how lit it is, print left aside, and whether a line of construction (collar, placket, seam, gather)
runs there. Intrinsic images learned from one's own renderings, as Narihira, Maire & Yu (2015) did; a U-Net (Ronneberger et al. 2015) whose lightness
is the garment's own through a gate, so that plain cloth passes. Knows tensors only.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from muslin.assets import RELIEF
from muslin.base.colour import to_oklab
from muslin.base.config import from_dict
from muslin.base.image import resize
from muslin.base.seeds import seeded_weights
from muslin.data.ground import at_size, box
from muslin.data.lines import along_lines
from muslin.data.panels import Frame
from muslin.style.weights import load_network, save_network

KIND = "relief"
SIDE = 240  # px of the longer side at which a garment is looked at: that of those learned from
_RIM, _TRACE = 16, 0.01  # px of ground around it; of a mask: below, nothing is taken to be the garment
SCALE = 5.0  # the network works in relief times this, so that its figures are about 1
_FOLD, _SEAM = (4.0, 1.2), (5.0, 0.7)  # px: how far what is found is blurred along a line, and across it
FACTOR = 16  # sides are filled up to multiples of it


@dataclass(frozen=True)
class ReliefConfig:
    """Channels at full, half, quarter, eighth and sixteenth size."""

    widths: tuple[int, ...] = (16, 32, 48, 64, 96)


class ReliefNet(nn.Module):
    """What `seen` gives in, relief (times `SCALE`) and lines (logits) out. About 0.88 million parameters."""

    def __init__(self, config: ReliefConfig | None = None) -> None:
        super().__init__()
        self.config = config or ReliefConfig()
        widths = self.config.widths
        pairs = list(pairwise(widths))
        self.lift = nn.Conv2d(5, widths[0], 3, padding=1)
        self.downs = nn.ModuleList([nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairs])
        self.encoders = nn.ModuleList([_Block(width) for width in widths[1:]])
        self.middle = _Block(widths[-1])
        self.ups = nn.ModuleList([nn.Conv2d(b, a, 3, padding=1) for a, b in reversed(pairs)])
        self.decoders = nn.ModuleList([_Block(width) for width in reversed(widths[1:-1])])
        self.out = nn.Conv2d(widths[0], 3, 3, padding=1)
        with torch.no_grad():  # at first no line anywhere, and a third of what is seen is light
            self.out.weight.mul_(0.3)
            self.out.bias.copy_(torch.tensor([0.0, -2.0, -0.7]))  # type: ignore[union-attr]

    def features(self, garment: Float[Tensor, "b 5 h w"]) -> Float[Tensor, "b c h w"]:
        """What `out` tells from; height and width multiples of 16."""
        maps = [F.relu(self.lift(garment))]
        for down, encoder in zip(self.downs, self.encoders, strict=True):
            maps.append(F.relu(encoder(F.relu(down(maps[-1])))))
        x = self.middle(maps.pop())
        for number, up in enumerate(self.ups):
            x = F.relu(F.interpolate(up(x), scale_factor=2, mode="bilinear", align_corners=False) + maps.pop())
            x = F.relu(self.decoders[number](x)) if number < len(self.decoders) else x
        found: Tensor = x
        return found

    def forward(self, garment: Float[Tensor, "b 5 h w"]) -> tuple[Float[Tensor, "b 1 h w"], Float[Tensor, "b 1 h w"]]:
        """Height and width multiples of 16."""
        added, lines, gate = self.out(self.features(garment)).split(1, 1)
        return torch.sigmoid(gate) * garment[:, :1] + added, lines


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(F.relu(self.first(x)))
        return x + y


def seen(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "5 h w"]:
    """What the network sees of a garment: relative lightness, a and b less their means, all scaled; the mask; lightness. The ground is white."""
    lab = to_oklab(pixels * mask + 1 - mask)
    mean = (lab * mask).sum((1, 2), keepdim=True) / mask.sum().clamp(min=1)
    return torch.cat([relative(lab[:1], mask) * SCALE * mask, (lab[1:] - mean[1:]) * 10 * mask, mask * 2 - 1, lab[:1] * 2 - 1])


def relative(lightness: Float[Tensor, "1 h w"], mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
    """Lightness (OKLab) against the garment's mean, by what a step of light makes on such cloth: folds of black cloth count more."""
    typical = (lightness * mask).sum() / mask.sum().clamp(min=1)
    return (lightness - typical) / step(typical)


def step(typical: Tensor) -> Tensor:
    """What light makes on cloth of that lightness (OKLab), by how lit a place is: little on black."""
    return 0.35 + 0.65 * typical


@dataclass(frozen=True)
class Relief:
    """Of each place of a garment, 0 outside its mask: how lit it is (about 0 on the mean, -0.5 in a deep fold), the same blurred along its
    folds, and how surely a line of construction runs there (0 to 1)."""

    light: Float[Tensor, "1 h w"]
    calm: Float[Tensor, "1 h w"]
    lines: Float[Tensor, "1 h w"]


@dataclass(frozen=True)
class Glance:
    """A garment as a network looks at it: `x`, its longer side at 240 px or smaller, filled up to multiples of 16; and where that lies on the picture."""

    x: Float[Tensor, "1 5 h w"]
    size: tuple[int, int]
    part: Float[Tensor, "1 p q"]  # of the mask
    rows: slice
    columns: slice
    picture: tuple[int, int]

    def back(self, found: Float[Tensor, "c a b"]) -> Float[Tensor, "c H W"]:
        """What was found (of `size`), as large as the picture, 0 outside the garment."""
        if found.shape[1:] != self.part.shape[1:]:
            found = F.interpolate(found[None], self.part.shape[1:], mode="bicubic", align_corners=False)[0]
        whole = torch.zeros(len(found), *self.picture)
        whole[:, self.rows, self.columns] = found * self.part
        return whole

    def on(self, found: Float[Tensor, "c a b"], view: Frame) -> Float[Tensor, "c rows columns"]:
        """What was found, on the frame that panels are looked for in."""
        place = list[Tensor]()
        for begin, end, first, long, count in (
            (view.top, view.bottom, self.rows.start, self.part.shape[1], view.size[0]),
            (view.left, view.right, self.columns.start, self.part.shape[2], view.size[1]),
        ):
            at = begin - first + (torch.arange(count) + 0.5) * (end - begin) / count
            place.append(2 * at / long - 1)
        grid = torch.stack(torch.meshgrid(*place, indexing="ij")[::-1], -1)
        return F.grid_sample(found[None], grid[None], mode="bicubic", padding_mode="border", align_corners=False)[0]


def look(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"]) -> Glance | None:
    """A mask that is soft all over counts as whole; None where there is no garment."""
    if not bool((mask > _TRACE).any()):
        return None
    top, bottom, left, right = box(mask, _TRACE)
    share = min(1.0, SIDE / max(bottom - top, right - left))
    margin = math.ceil(_RIM / share)
    rows, columns = slice(max(0, top - margin), bottom + margin), slice(max(0, left - margin), right + margin)
    part = (mask / mask.amax())[:, rows, columns]
    high, wide = (max(2, round(side * share)) for side in part.shape[1:])
    small, area = resize(pixels[:, rows, columns], high, wide), at_size(part, high, wide)
    x = F.pad(seen(small, area)[None], (0, -wide % FACTOR, 0, -high % FACTOR), mode="replicate")
    return Glance(x.contiguous(memory_format=torch.channels_last), (high, wide), part, rows, columns, (mask.shape[1], mask.shape[2]))


@torch.no_grad()
def find_relief(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], glance: Glance | None = None) -> Relief:
    """As large as the picture; all 0 where there is no garment. `glance`: what `look` gives, where that is known already."""
    glance = glance or look(pixels, mask)
    if glance is None:
        return Relief(*(torch.zeros_like(mask) for _ in range(3)))
    lit, lines = (layer[0, :, : glance.size[0], : glance.size[1]] for layer in load_relief()(glance.x))
    lit, lines = lit / SCALE, lines.sigmoid()
    whole = glance.back(torch.cat([lit, along_lines(lit, *_FOLD), along_lines(lines, *_SEAM)]))
    return Relief(whole[:1], whole[1:2], whole[2:].clamp(0, 1))


def new_relief(config: ReliefConfig | None = None, seed: int = 0) -> ReliefNet:
    """An untrained network whose first weights depend on the seed alone."""
    with seeded_weights("relief", seed):
        return ReliefNet(config)


def save_relief(path: Path, net: ReliefNet, card: dict[str, object]) -> Path:
    """As `weights.save_network`. Raises DiskError."""
    return save_network(path, KIND, net, card)


@lru_cache(maxsize=2)
def load_relief(path: Path = RELIEF) -> ReliefNet:
    """The network, ready for use. Raises InputError where the file is no such network."""
    return load_network(path, KIND, "relief network", lambda config: ReliefNet(from_dict(ReliefConfig, config)))
