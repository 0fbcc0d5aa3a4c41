"""How well two sets of features overlap: precision and recall (Kynkaanniemi et al. 2019), density and coverage (Naeem et al. 2020).

A set's manifold is the union of balls around its points, each as wide as the distance to the point's k-th neighbour. Works in
blocks of rows, so that memory stays small.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError

_ROWS = 1024


@dataclass(frozen=True)
class Overlap:
    """Shares in [0, 1]; density may exceed 1. Precision and density: do ours look real; recall and coverage: is all there."""

    precision: float
    recall: float
    density: float
    coverage: float


@dataclass(frozen=True)
class Rows:
    """What each picture adds to an overlap: ours to precision and density, the wanted ones to recall and coverage."""

    precision: Float[Tensor, " n"]
    density: Float[Tensor, " n"]
    recall: Float[Tensor, " m"]
    coverage: Float[Tensor, " m"]


def overlap(ours: Float[Tensor, "n d"], wanted: Float[Tensor, "m d"], near: int = 3, dense: int = 5) -> Overlap:
    """`near` neighbours for precision and recall, `dense` for density and coverage, as in the papers.

    Raises InputError where a set has no more than `dense` rows.
    """
    rows = overlap_rows(ours, wanted, near, dense)
    return Overlap(*(float(part.mean()) for part in (rows.precision, rows.recall, rows.density, rows.coverage)))


def overlap_rows(ours: Float[Tensor, "n d"], wanted: Float[Tensor, "m d"], near: int = 3, dense: int = 5) -> Rows:
    """The figures of `overlap` before the mean is taken. Raises InputError where a set has no more than `dense` rows."""
    if min(len(ours), len(wanted)) <= dense:
        raise InputError(f"precision and recall of {len(ours)} against {len(wanted)} pictures: more than {dense} each are needed")
    wanted_reach, wanted_wide = radii(wanted, near), radii(wanted, dense)
    inside, counts = list[Tensor](), list[Tensor]()
    recalled = torch.zeros(len(wanted), dtype=torch.bool)
    covered = torch.zeros(len(wanted), dtype=torch.bool)
    for rows, reach in zip(ours.split(_ROWS), radii(ours, near).split(_ROWS), strict=True):
        between = torch.cdist(rows, wanted)
        inside.append((between <= wanted_reach).any(1))
        counts.append((between <= wanted_wide).sum(1))
        recalled |= (between <= reach[:, None]).any(0)
        covered |= (between <= wanted_wide).any(0)
    return Rows(torch.cat(inside).double(), torch.cat(counts).double() / dense, recalled.double(), covered.double())


def radii(points: Float[Tensor, "n d"], k: int) -> Float[Tensor, " n"]:
    """For each point the distance to its k-th neighbour, itself not counted."""
    return torch.cat([torch.cdist(rows, points).topk(k + 1, largest=False).values[:, k] for rows in points.split(_ROWS)])
