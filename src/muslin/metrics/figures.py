"""All figures of one set of features against another, each with what every row adds to it; intervals and differences from that.

Frechet distance, kernel distance, precision, recall, density, coverage, copies, authenticity. Knows features only, no pictures.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.metrics.copying import authentic
from muslin.metrics.frechet import extrapolated, frechet, influence
from muslin.metrics.intervals import Figure, intervals, share_bounds
from muslin.metrics.kernel import kernel_rows
from muslin.metrics.manifold import overlap_rows
from muslin.metrics.novelty import nearest

NAMES = ("frechet", "kernel", "precision", "recall", "density", "coverage", "copies", "authenticity")
SHARES = ("precision", "recall", "coverage", "copies", "authenticity")
KERNEL_UNIT = 1000.0  # the kernel distance is told times this, as usual


@dataclass(frozen=True)
class Measured:
    """The figures in the order of NAMES, and what the rows of both sets add to each (mean zero)."""

    values: Float[Tensor, " k"]
    ours: Float[Tensor, "n k"]
    wanted: Float[Tensor, "m k"]
    extrapolated: float

    def figures(self, resamples: int, seed: int) -> dict[str, Figure]:
        """Each with its interval."""
        found = dict(zip(NAMES, intervals(self.values, [self.ours, self.wanted], resamples, seed), strict=True))
        rows = {name: len(self.wanted if name in ("recall", "coverage") else self.ours) for name in SHARES}
        return {name: share_bounds(figure, rows[name]) if name in SHARES else figure for name, figure in found.items()}


def axes_for(rows: int, features: int) -> int:
    """On how many principal axes a Frechet distance is taken: all where half the rows still have an inverse covariance, else rows / 4."""
    return features if rows > 2 * features else max(1, min(features, rows // 4))


def measure(
    ours: Float[Tensor, "n d"], wanted: Float[Tensor, "m d"], threshold: float, axes: Float[Tensor, "d a"] | None = None
) -> Measured:
    """All figures. `threshold` is below what distance a draft is a copy; `axes` are those of the Frechet distance (none: all features).

    Raises InputError where a set has no more than 5 rows.
    """
    rows = overlap_rows(ours, wanted)
    kernel, kernel_ours, kernel_wanted = kernel_rows(ours, wanted)
    a, b = (ours, wanted) if axes is None else (ours @ axes, wanted @ axes)
    moved_ours, moved_wanted = influence(a, b)
    copies = (nearest(ours, wanted)[0] < threshold).double()
    by_ours = {"precision": rows.precision, "density": rows.density, "copies": copies, "authenticity": authentic(ours, wanted).double()}
    by_wanted = {"recall": rows.recall, "coverage": rows.coverage}
    values = {"frechet": frechet(a, b), "kernel": kernel * KERNEL_UNIT} | {k: float(v.mean()) for k, v in (by_ours | by_wanted).items()}
    left = {"frechet": moved_ours, "kernel": kernel_ours * KERNEL_UNIT} | {k: v - v.mean() for k, v in by_ours.items()}
    right = {"frechet": moved_wanted, "kernel": kernel_wanted * KERNEL_UNIT} | {k: v - v.mean() for k, v in by_wanted.items()}
    return Measured(
        torch.tensor([values[name] for name in NAMES], dtype=torch.float64),
        _columns(left, len(ours)),
        _columns(right, len(wanted)),
        extrapolated(a, b, values["frechet"]),
    )


def differences(one: Measured, other: Measured, resamples: int, seed: int) -> dict[str, Figure]:
    """one - other, against the same wanted set: what that set's rows add to both cancels."""
    values, groups = one.values - other.values, [one.ours, -other.ours, one.wanted - other.wanted]
    return dict(zip(NAMES, intervals(values, groups, resamples, seed), strict=True))


def _columns(rows: dict[str, Tensor], count: int) -> Float[Tensor, "_ k"]:
    nothing = torch.zeros(count, dtype=torch.float64)
    return torch.stack([rows.get(name, nothing) for name in NAMES], 1)
