"""The kernel distance between two sets of features: unbiased squared MMD with a cubic kernel (Binkowski et al. 2018, eq. 4).

k(x, y) = (x y / d + 1)^3; the mean over random subsets of equal size. Called KID only on Inception's features. Does not extract any.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.seeds import seeded


def kernel_distance(ours: Float[Tensor, "n d"], wanted: Float[Tensor, "m d"], subsets: int = 50, size: int = 500) -> float:
    """Zero on average for two samples of one distribution (so it may come out below zero). Raises InputError below 2 rows."""
    size = min(size, len(ours), len(wanted))
    if size < 2:
        raise InputError(f"a kernel distance of {len(ours)} against {len(wanted)} pictures: at least 2 each are needed")
    rng, found = seeded(0, "kernel"), list[Tensor]()
    for _ in range(subsets):
        x = ours[torch.randperm(len(ours), generator=rng)[:size]].double()
        y = wanted[torch.randperm(len(wanted), generator=rng)[:size]].double()
        within = sum((_kernel(a, a).sum() - _kernel(a, a).trace()) / (size * (size - 1)) for a in (x, y))
        found.append(within - 2 * _kernel(x, y).mean())
    return float(torch.stack(found).mean())


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3
