"""The kernel distance between two sets of features: unbiased squared MMD with a cubic kernel (Binkowski et al. 2018, eq. 4).

k(x, y) = (x y / d + 1)^3; the mean over random subsets of equal size, or of all rows at once with each row's share in it. Called KID
only on Inception's features. Does not extract any.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.seeds import seeded

_ROWS = 1024


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


def kernel_rows(ours: Float[Tensor, "n d"], wanted: Float[Tensor, "m d"]) -> tuple[float, Float[Tensor, " n"], Float[Tensor, " m"]]:
    """The estimate from all pairs of rows, and how much each row moves it, times the set's size (mean zero).

    In blocks; products in float32, sums in float64. Raises InputError below 2 rows.
    """
    if min(len(ours), len(wanted)) < 2:
        raise InputError(f"a kernel distance of {len(ours)} against {len(wanted)} pictures: at least 2 each are needed")
    near, across = _to_others(ours), _means(ours, wanted)
    far, back = _to_others(wanted), _means(wanted, ours)
    value = near.mean() + far.mean() - across.mean() - back.mean()
    moves = [2 * (a - b) for a, b in ((near, across), (far, back))]
    return float(value), moves[0] - moves[0].mean(), moves[1] - moves[1].mean()


def _to_others(x: Tensor) -> Tensor:
    # mean kernel of each row to the other rows of its own set
    own = ((x * x).sum(1).double() / x.shape[1] + 1) ** 3
    return (_means(x, x) * len(x) - own) / (len(x) - 1)


def _means(x: Tensor, y: Tensor) -> Tensor:
    return torch.cat([_kernel(rows, y).double().mean(1) for rows in x.split(_ROWS)])


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3
