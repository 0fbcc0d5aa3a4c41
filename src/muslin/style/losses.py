"""The article's losses (Gatys, Ecker & Bethge 2016): content, Gram style, and two small helpers: colour and smoothness.

    L_total   = alpha L_content + beta L_style
    L_content = 1/2 sum (F - P)^2                       (eq. 1)
    G_ij      = sum_k F_ik F_jk                         (eq. 3)
    L_style   = sum_l w_l sum_ij (G^S_ij - G^G_ij)^2    (eq. 4, 5, without 1 / 4 N^2 M^2)

Differs: G is divided by the area that is counted, so that size and mask do not matter. All sums in float32.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def content_loss(ours: Float[Tensor, "b c h w"], wanted: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """1/2 sum (F - P)^2."""
    return 0.5 * (ours.float() - wanted.float()).square().sum()


def gram(features: Float[Tensor, "b c h w"], mask: Float[Tensor, "b 1 h w"] | None = None) -> Float[Tensor, "b c c"]:
    """G = F F^T / area: how the channels go together, wherever that is. `mask` in [0, 1] weights the places."""
    x = features.float()
    if mask is None:
        flat = x.flatten(2)
        return flat @ flat.transpose(1, 2) / flat.shape[2]
    flat, weight = x.flatten(2), mask.flatten(2)
    return (flat * weight) @ flat.transpose(1, 2) / weight.sum(2, keepdim=True).clamp(min=1e-6)


def style_loss(ours: Mapping[str, Tensor], wanted: Mapping[str, Tensor], weights: Mapping[str, float], balance: bool) -> Float[Tensor, ""]:
    """sum_l w_l sum (G^S - G^G)^2 over Gram matrices by layer; with `balance` each divided by sum (G^S)^2."""
    total = torch.zeros(())
    for layer, weight in weights.items():
        squares = (ours[layer] - wanted[layer]).square().sum()
        total = total + weight * (squares / wanted[layer].square().sum().clamp(min=1e-12) if balance else squares)
    return total


def colour_moments(
    pixels: Float[Tensor, "b 3 h w"], mask: Float[Tensor, "b 1 h w"] | None = None
) -> tuple[Float[Tensor, "b 3 1"], Float[Tensor, "b 3 3"]]:
    """Mean and covariance of the colours inside the mask."""
    weight = torch.ones_like(pixels[:, :1]) if mask is None else mask
    flat, w = pixels.flatten(2), weight.flatten(2)
    area = w.sum(2, keepdim=True).clamp(min=1e-6)
    mean = (flat * w).sum(2, keepdim=True) / area
    centred = flat - mean
    return mean, (centred * w) @ centred.transpose(1, 2) / area


def colour_loss(ours: tuple[Tensor, Tensor], wanted: tuple[Tensor, Tensor]) -> Float[Tensor, ""]:
    """Squared difference of means, and of covariances by the wanted one's energy."""
    mean = (ours[0] - wanted[0]).square().sum()
    spread = (ours[1] - wanted[1]).square().sum() / wanted[1].square().sum().clamp(min=1e-4)
    return mean + spread


def total_variation(pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, ""]:
    """Mean absolute difference of neighbours; colour counts three times lightness, for speckle is mostly colour."""
    grey = pixels.mean(1, keepdim=True)
    parts = torch.cat([grey, 3 * (pixels - grey)], 1)
    down = (parts[:, :, 1:] - parts[:, :, :-1]).abs().mean()
    return down + (parts[:, :, :, 1:] - parts[:, :, :, :-1]).abs().mean()


def mask_at(mask: Float[Tensor, "b 1 h w"] | None, like: Sequence[int]) -> Float[Tensor, "b 1 rows columns"] | None:
    """The mask at a feature map's size (area average)."""
    return None if mask is None else F.adaptive_avg_pool2d(mask, (like[-2], like[-1]))
