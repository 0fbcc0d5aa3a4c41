"""How sure a figure is: bootstrap percentiles over rows (Efron & Tibshirani 1993), from each row's share in the figure.

A figure that is no plain mean (Frechet, kernel) is resampled through its influence: its first derivative by each row's weight. That
is the bootstrap to first order, at the cost of a mean, and without the bias that doubled rows bring into a covariance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from muslin.base.seeds import seeded


@dataclass(frozen=True)
class Figure:
    """A value and the bounds between which it lies with 95 % confidence."""

    value: float
    low: float
    high: float

    @property
    def beyond_noise(self) -> bool:
        """For a difference: whether its interval leaves zero out."""
        return not self.low <= 0 <= self.high


def intervals(values: Float[Tensor, " k"], groups: Sequence[Float[Tensor, "_ k"]], resamples: int, seed: int) -> list[Figure]:
    """k figures at once. Each group holds the rows (mean zero) of one set that was drawn on its own; sets are resampled apart."""
    rng, moved = seeded(seed, "bootstrap"), torch.zeros(resamples, len(values), dtype=torch.float64)
    for rows in groups:
        n, rows = len(rows), rows.double()
        for number in range(resamples):
            weights = torch.bincount(torch.randint(n, (n,), generator=rng), minlength=n).double()
            moved[number] += weights @ rows / n
    bounds = (values.double() + moved).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64), dim=0)
    return [Figure(float(v), float(low), float(high)) for v, low, high in zip(values, bounds[0], bounds[1], strict=True)]


def crossed(values: Float[Tensor, " n"], factors: Sequence[Int[Tensor, " n"]], resamples: int, seed: int) -> Figure:
    """The mean of values that share things (the same garment, the same style): the levels of each factor are resampled, not the rows.

    A row weighs the product of how often its levels were drawn (Owen 2007, "The pigeonhole bootstrap"). Plain resampling of the rows of a
    grid would call a mean far surer than it is. `factors` number each row's level, 0 or more.
    """
    rng, weights = seeded(seed, "bootstrap"), torch.ones(resamples, len(values), dtype=torch.float64)
    for levels in factors:
        found, own = levels.unique(return_inverse=True)
        drawn = torch.randint(len(found), (resamples, len(found)), generator=rng)
        counts = torch.zeros(resamples, len(found), dtype=torch.float64).scatter_add_(
            1, drawn, torch.ones(drawn.shape, dtype=torch.float64)
        )
        weights *= counts[:, own]
    whole = weights.sum(1)
    means = (weights @ values.double())[whole > 0] / whole[whole > 0]  # of an uneven grid a draw may hold no row at all
    low, high = means.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Figure(float(values.double().mean()), low, high)


def share_bounds(figure: Figure, count: int) -> Figure:
    """A share kept within 0 to 1; where all rows agreed, resampling sees no doubt and the rule of three (3 / n) stands in."""
    low, high = max(figure.low, 0.0), min(figure.high, 1.0)
    if figure.value <= 0:
        low, high = 0.0, min(1.0, 3 / count)
    elif figure.value >= 1:
        low, high = max(0.0, 1 - 3 / count), 1.0
    return Figure(figure.value, low, high)
