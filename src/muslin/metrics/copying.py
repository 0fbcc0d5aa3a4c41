"""Whether a generator recites its training set: the data-copying test (Meehan, Chaudhuri & Dasgupta 2020) and authenticity (Alaa et al. 2022).

Works on features; distances are Euclidean. Does not say which draft is a copy: that is `novelty`.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from muslin.base.errors import InputError
from muslin.metrics.manifold import radii
from muslin.metrics.novelty import nearest

_LEAST = 20  # pictures of each side in a cell; a smaller one has no say (the paper's limit on a cell's generated share is 20 / n)


def copying_z(ours: Float[Tensor, " n"], held_out: Float[Tensor, " m"]) -> float:
    """The Mann-Whitney z of the distances to the nearest training picture, ours against held-out ones (section 2.2).

    Far below 0: ours are nearer than unseen real pictures are (copying). Near 0: as near. Far above: farther (underfitting).
    Ties count half. Raises InputError for an empty side.
    """
    n, m = len(ours), len(held_out)
    if not n or not m:
        raise InputError(f"a data-copying test of {n} drafts and {m} held-out pictures: at least 1 each is needed")
    order = held_out.sort().values
    below = torch.searchsorted(order, ours).double()
    wins = (below + torch.searchsorted(order, ours, right=True).double()).sum() / 2
    return (float(wins) - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)


def copying_z_by_cells(
    ours: Float[Tensor, " n"], held_out: Float[Tensor, " m"], cells: Int[Tensor, " n"], held_out_cells: Int[Tensor, " m"]
) -> float | None:
    """The mean of the cells' z, weighted by their held-out pictures (the paper's C_T); none where every cell is too small.

    Differs: cells are given (kinds of garment), not found by k-means, so that a person can name where copying happens.
    """
    total = weight = 0.0
    for cell in held_out_cells.unique():
        a, b = ours[cells == cell], held_out[held_out_cells == cell]
        if min(len(a), len(b)) >= _LEAST:
            total, weight = total + len(b) * copying_z(a, b), weight + len(b)
    return total / weight if weight else None


def authentic(ours: Float[Tensor, "n d"], train: Float[Tensor, "m d"]) -> Bool[Tensor, " n"]:
    """Whether each of ours is farther from its nearest training picture than that one is from its own nearest (section 3).

    About half of fresh samples are; of copies none. A training picture with a twin makes authentic what lies beside it.
    """
    if len(train) < 2:
        raise InputError(f"authenticity against {len(train)} training pictures: at least 2 are needed")
    apart, which = nearest(ours, train)
    return apart > radii(train, 1)[which]


def authenticity(ours: Float[Tensor, "n d"], train: Float[Tensor, "m d"]) -> float:
    """The share of ours that are authentic; see `authentic`."""
    return float(authentic(ours, train).float().mean())
