"""How near designs come to the pictures a generator learned from, and the share of them that come too near.

Too near: nearer than all but `alarm` of the training pictures come to their own neighbours. A held-out picture of the same kind
would be called a copy that often, so a copy rate of about `alarm` is as good as real. Twins do not count as neighbours.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError
from muslin.metrics.manifold import radii

_ROWS = 1024


def nearest(ours: Float[Tensor, "n d"], train: Float[Tensor, "m d"]) -> tuple[Float[Tensor, " n"], Tensor]:
    """For each of ours the distance to its nearest training picture, and which one that is."""
    found = [torch.cdist(rows, train).min(1) for rows in ours.split(_ROWS)]
    return torch.cat([f.values for f in found]), torch.cat([f.indices for f in found])


def copy_threshold(train: Float[Tensor, "m d"], alarm: float = 0.01) -> float:
    """The distance below which a design is called a copy, at a false-alarm rate of `alarm`. Raises InputError below 3 pictures."""
    if len(train) < 3:
        raise InputError(f"a copy threshold from {len(train)} pictures: at least 3 are needed")
    apart = radii(train - train.mean(0), 1)
    # twins, the same picture twice: 0 but for rounding, which is least around the middle
    apart = apart[apart > 1e-2 * float(apart.max())]
    return float(apart.quantile(alarm)) if len(apart) else 0.0


def copy_rate(ours: Float[Tensor, "n d"], train: Float[Tensor, "m d"], threshold: float) -> float:
    """The share of ours that lie within the threshold of a training picture."""
    return float((nearest(ours, train)[0] < threshold).float().mean())
