"""The losses of style transfer: content (Gatys, Ecker & Bethge 2016), two style statistics in one table, colour, smoothness.

    L_total   = alpha L_content + beta L_style
    L_content = 1/2 sum (F - P)^2                                     (Gatys, eq. 1)
    G_ij      = sum_k F_ik F_jk                                       (eq. 3)
    gram      = sum_ij (G^S_ij - G^G_ij)^2                            (eq. 4, 5, without 1 / 4 N^2 M^2)
    w2        = |m^S - m^G|^2 + tr(C^S + C^G - 2 (C^S^1/2 C^G C^S^1/2)^1/2)     (Wasserstein-2 of two Gaussians: Dowson & Landau 1982)

Differs: G is divided by the area that is counted, so that size and mask do not matter. All sums in float32. Moments of several
styles, and of several tiles, are weighted sums: they add.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def content_loss(ours: Float[Tensor, "b c h w"], wanted: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """1/2 sum (F - P)^2."""
    return 0.5 * (ours.float() - wanted.float()).square().sum()


_NOISE = 2e-3  # roots of eigenvalues below this share of the largest are float32's rounding, not the style's
_PLAIN = 5e-3  # energy of a colour covariance below which a cloth is plain: what little varies then counts less


@dataclass(frozen=True)
class Moments:
    """What is kept of a feature map: the channels' mean (b, c, 1) and their second moment E[F F^T] (b, c, c)."""

    mean: Float[Tensor, "b c 1"]
    second: Float[Tensor, "b c c"]

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.mean + other.mean, self.second + other.second)

    def times(self, share: float) -> "Moments":
        """Its part of a sum of moments."""
        return Moments(self.mean * share, self.second * share)

    def covariance(self) -> Float[Tensor, "b c c"]:
        """E[F F^T] - m m^T."""
        return self.second - self.mean @ self.mean.transpose(1, 2)


def moments(
    features: Float[Tensor, "b c h w"], mask: Float[Tensor, "b 1 h w"] | None = None, area: Float[Tensor, " b"] | None = None
) -> Moments:
    """Mean and second moment of the channels, wherever they are. `mask` in [0, 1] weights the places.

    `area` divides instead of the mask's own sum: what a tile adds to the moments of the whole.
    """
    x = features.float().flatten(2)
    weighted = x if mask is None else x * mask.flatten(2)
    if area is None:
        area = torch.full((len(x),), float(x.shape[2])) if mask is None else mask.flatten(1).sum(1)
    by = area.clamp(min=1e-6).view(-1, 1, 1)
    return Moments(weighted.sum(2, keepdim=True) / by, weighted @ x.transpose(1, 2) / by)


def gram(features: Float[Tensor, "b c h w"], mask: Float[Tensor, "b 1 h w"] | None = None) -> Float[Tensor, "b c c"]:
    """G = F F^T / area: how the channels go together, wherever that is."""
    return moments(features, mask).second


@runtime_checkable
class StyleDistance(Protocol):
    """How far moments are from those wanted; made once for a target."""

    def __init__(self, wanted: Moments, balance: bool) -> None: ...

    def __call__(self, ours: Moments) -> Float[Tensor, " b"]:
        """The distance of each picture of the batch; 0 for the target's own moments."""
        ...


class Gram:
    """Squared difference of Gram matrices (the article's); with `balance` divided by the target's energy."""

    def __init__(self, wanted: Moments, balance: bool) -> None:
        self.wanted = wanted.second
        self.energy = self.wanted.square().sum((1, 2)).clamp(min=1e-12) if balance else torch.ones(())

    def __call__(self, ours: Moments) -> Float[Tensor, " b"]:
        """sum_ij (G^S - G^G)^2."""
        return (ours.second - self.wanted).square().sum((1, 2)) / self.energy


class Wasserstein:
    """Squared Wasserstein-2 distance of Gaussians; with `balance` divided by the target's energy, tr E[F F^T].

    Of the target's covariance the `RANK` largest directions count (all of narrow layers): tr (C^S^1/2 C^G C^S^1/2)^1/2 is
    tr (B^T C^G B)^1/2 for C^S = B B^T, a small matrix, and its gradient is 1/2 B (B^T C^G B)^-1/2 B^T: no backward through
    an eigendecomposition.
    """

    RANK = 96

    def __init__(self, wanted: Moments, balance: bool) -> None:
        self.mean = wanted.mean
        # in float64: of a map with fewer places than channels float32 may give no numbers at all
        values, vectors = (x.float() for x in torch.linalg.eigh(wanted.covariance().double()))
        values, vectors = values[:, -self.RANK :].clamp(min=0), vectors[:, :, -self.RANK :]
        self.factor = vectors * values.sqrt()[:, None]
        self.spread = values.sum(1)
        self.energy = wanted.second.diagonal(dim1=1, dim2=2).sum(1).clamp(min=1e-12) if balance else torch.ones(())

    def __call__(self, ours: Moments) -> Float[Tensor, " b"]:
        """|m - m'|^2 + tr(C + C' - 2 (C^1/2 C' C^1/2)^1/2)."""
        covariance = ours.covariance()
        small = self.factor.transpose(1, 2) @ covariance @ self.factor
        with torch.no_grad():
            values, vectors = (x.float() for x in torch.linalg.eigh(small.double()))
            root = values.clamp(min=0).sqrt()
            inverse = vectors @ ((root > _NOISE * root[:, -1:]).float() / root.clamp(min=1e-12))[:, :, None].mul(vectors.transpose(1, 2))
        # the value of the trace, with the gradient 1/2 <small^-1/2, d small>
        trace = root.sum(1) + 0.5 * (inverse * (small - small.detach())).sum((1, 2))
        spread = covariance.diagonal(dim1=1, dim2=2).sum(1)
        distance: Tensor = (ours.mean - self.mean).square().sum((1, 2)) + spread + self.spread - 2 * trace
        return distance.clamp(min=0) / self.energy


STYLES: dict[str, type[StyleDistance]] = {"gram": Gram, "w2": Wasserstein}


def style_loss(ours: Mapping[str, Moments], wanted: Mapping[str, StyleDistance], weights: Mapping[str, float]) -> Float[Tensor, " b"]:
    """sum_l w_l distance_l over the layers, for each picture of the batch."""
    return torch.stack([weight * wanted[layer](ours[layer]) for layer, weight in weights.items()]).sum(0)


def colour_loss(ours: Moments, wanted: Moments) -> Float[Tensor, ""]:
    """Squared difference of the pixels' means, and of their covariances by the wanted one's energy."""
    mean = (ours.mean - wanted.mean).square().sum()
    spread = (ours.covariance() - wanted.covariance()).square().sum() / wanted.covariance().square().sum().clamp(min=_PLAIN)
    return mean + spread


def variation(pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
    """At each place the mean absolute difference to the next one down and to the right (none: 0).

    Colour counts three times lightness, for speckle is mostly colour. Its mean is the total variation.
    """
    grey = pixels.mean(1, keepdim=True)
    parts = torch.cat([grey, 3 * (pixels - grey)], 1)
    down = F.pad((parts[:, :, 1:] - parts[:, :, :-1]).abs().mean(1, keepdim=True), (0, 0, 0, 1))
    return down + F.pad((parts[:, :, :, 1:] - parts[:, :, :, :-1]).abs().mean(1, keepdim=True), (0, 1))


def mask_at(mask: Float[Tensor, "b 1 h w"], like: Sequence[int]) -> Float[Tensor, "b 1 rows columns"]:
    """The mask at a feature map's size: the mean over each place's own pixels, so that a tile's is a cut-out of the whole's."""
    stride = max(1, round(mask.shape[2] / like[-2]), round(mask.shape[3] / like[-1]))
    pooled = F.avg_pool2d(mask, stride, ceil_mode=True)[..., : like[-2], : like[-1]]
    fits = pooled.shape[-2:] == tuple(like[-2:])
    return pooled if fits else F.adaptive_avg_pool2d(mask, (like[-2], like[-1]))
