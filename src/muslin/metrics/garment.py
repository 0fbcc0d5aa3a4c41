"""What can be measured on a picture of a garment: its silhouette, its colours, its pattern. Sliders are named by these figures.

Everything is soft (no threshold that jumps), from the OKLab distance to the ground's colour, and for a batch at once. Knows garments
laid flat and upright on a plain ground; sees no garment's meaning: a hat has `sleeves`, too, and they say little.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.colour import to_oklab

_GROUND, _CLOTH = 0.04, 0.12  # OKLab distances at which a place counts as ground, and as cloth


@dataclass(frozen=True)
class Seen:
    """One batch, prepared: OKLab, the soft mask, and the mask's width (share of the side) at 41 heights from top to hem."""

    lab: Float[Tensor, "b 3 h w"]
    mask: Float[Tensor, "b h w"]
    profile: Float[Tensor, "b 41"]
    top: Float[Tensor, " b"]
    hem: Float[Tensor, " b"]

    def width_at(self, first: int, last: int) -> Float[Tensor, " b"]:
        """Mean width between two heights, in percent from the top."""
        return self.profile[:, first * 40 // 100 : last * 40 // 100 + 1].mean(1)

    def mean(self, values: Float[Tensor, "b h w"]) -> Float[Tensor, " b"]:
        """Mean over the cloth."""
        return (values * self.mask).sum((1, 2)) / self.mask.sum((1, 2)).clamp(min=1e-3)


@dataclass(frozen=True)
class Measure:
    """A figure, the words for less and more of it, and the kinds of garment on which it means what it says (none: all)."""

    of: Callable[[Seen], Float[Tensor, " b"]]
    less: str
    more: str
    kinds: tuple[str, ...] = ()


def see(pixels: Float[Tensor, "b 3 h w"]) -> Seen:
    """Prepare a batch of pictures in [-1, 1] on plain grounds."""
    lab = to_oklab(pixels)
    border = torch.cat([lab[:, :, 0], lab[:, :, -1], lab[:, :, :, 0], lab[:, :, :, -1]], 2)
    away = (lab - border.median(2).values[:, :, None, None]).square().sum(1).sqrt()
    mask = ((away - _GROUND) / (_CLOTH - _GROUND)).clamp(0, 1)
    height = mask.shape[1]
    rows = mask.mean(2)
    below = rows.cumsum(1) / rows.sum(1, keepdim=True).clamp(min=1e-4)
    top, hem = _crossing(below, 0.01), _crossing(below, 0.99)
    places = top[:, None] + (hem - top)[:, None] * torch.linspace(0, 1, 41)
    places = (places * height - 0.5).clamp(0, height - 1.001)
    low = places.long()
    share = places - low
    profile = rows.gather(1, low) * (1 - share) + rows.gather(1, low + 1) * share
    return Seen(lab, mask, profile, top, hem)


def measure_all(pixels: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, " b"]]:
    """Every figure of `MEASURES` for a batch of pictures in [-1, 1]."""
    seen = see(pixels)
    return {name: measure.of(seen) for name, measure in MEASURES.items()}


def _crossing(rising: Tensor, level: float) -> Tensor:
    """Where each row of a rising curve in [0, 1] crosses a level, as a share of its length, between places."""
    at = (rising < level).sum(1).clamp(max=rising.shape[1] - 1)
    high = rising.gather(1, at[:, None])[:, 0]
    low = rising.gather(1, (at - 1).clamp(min=0)[:, None])[:, 0] * (at > 0)
    return (at + (level - low) / (high - low).clamp(min=1e-4)) / rising.shape[1]


def _across(seen: Seen) -> Tensor:
    columns = seen.mask.mean(1)
    share = columns.cumsum(1) / columns.sum(1, keepdim=True).clamp(min=1e-4)
    return _crossing(share, 0.99) - _crossing(share, 0.01)


def _sleeves(seen: Seen) -> Tensor:
    """How far the garment reaches beyond its hem's width, by its height."""
    return (_across(seen) - seen.width_at(75, 95)) / (seen.hem - seen.top).clamp(min=0.05)


def _hollow(seen: Seen, first: float, last: float) -> Tensor:
    """Empty share of the middle (a tenth of the side) between two heights, in shares of the garment's own."""
    height, width = seen.mask.shape[1:]
    middle = seen.mask[:, :, round(width * 0.45) : round(width * 0.55)].mean(2)
    places = (torch.arange(height) + 0.5) / height
    down = (places - seen.top[:, None]) / (seen.hem - seen.top)[:, None].clamp(min=0.05)
    here = torch.sigmoid((down - first) * 60) * torch.sigmoid((last - down) * 60)
    return ((1 - middle) * here).sum(1) / here.sum(1).clamp(min=1e-3)


def _fine(seen: Seen) -> Tensor:
    """Strength of detail of about a 16th of the side and less, well inside the garment."""
    size = max(3, seen.mask.shape[1] // 16 | 1)
    inside = -F.max_pool2d(-seen.mask[:, None], size, 1, size // 2)
    light = seen.lab[:, :1]
    detail = (light - F.avg_pool2d(F.pad(light, [size // 2] * 4, mode="replicate"), size, 1)).square() * inside
    return (detail.sum((1, 2, 3)) / inside.sum((1, 2, 3)).clamp(min=1.0)).sqrt()


def _gradient(seen: Seen) -> Tensor:
    """Lightness of the upper half less that of the lower."""
    half = (seen.top + seen.hem)[:, None, None] / 2
    places = ((torch.arange(seen.mask.shape[1]) + 0.5) / seen.mask.shape[1])[None, :, None]
    upper = torch.sigmoid((half - places) * 40)
    parts = [
        (seen.lab[:, 0] * seen.mask * side).sum((1, 2)) / (seen.mask * side).sum((1, 2)).clamp(min=1e-3) for side in (upper, 1 - upper)
    ]
    return parts[0] - parts[1]


_TOPS = ("t-shirt", "longsleeve", "shirt", "outwear", "dress")
_LEGS = ("pants", "shorts")
MEASURES: dict[str, Measure] = {
    "length": Measure(lambda s: s.hem - s.top, "shorter", "longer"),
    "width": Measure(_across, "narrower", "wider"),
    "sleeves": Measure(_sleeves, "shorter sleeves", "longer sleeves", _TOPS),
    "shoulders": Measure(lambda s: s.width_at(8, 20) / s.width_at(40, 60).clamp(min=0.02), "narrower shoulders", "wider shoulders", _TOPS),
    "waist": Measure(
        lambda s: s.width_at(40, 60) * 2 / (s.width_at(15, 30) + s.width_at(75, 95)).clamp(min=0.02), "slimmer waist", "fuller waist"
    ),
    "flare": Measure(lambda s: s.width_at(80, 97) / s.width_at(35, 60).clamp(min=0.02), "straighter", "more flared"),
    "neckline": Measure(lambda s: _hollow(s, 0.0, 0.2), "higher neckline", "deeper neckline", _TOPS),
    "legs": Measure(lambda s: _hollow(s, 0.5, 1.0), "closer legs", "wider apart", _LEGS),
    "symmetry": Measure(lambda s: -(s.mask - s.mask.flip(2)).abs().mean((1, 2)), "less symmetric", "more symmetric"),
    "lightness": Measure(lambda s: s.mean(s.lab[:, 0]), "darker", "lighter"),
    "warmth": Measure(lambda s: s.mean(s.lab[:, 2]), "cooler", "warmer"),
    "redness": Measure(lambda s: s.mean(s.lab[:, 1]), "greener", "redder"),
    "colour": Measure(lambda s: s.mean(s.lab[:, 1:].square().sum(1).clamp(min=1e-8).sqrt()), "greyer", "more colourful"),
    "pattern": Measure(_fine, "plainer", "more pattern"),
    "fade": Measure(_gradient, "lighter hem", "lighter top"),
}
