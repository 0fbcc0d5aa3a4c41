"""The Frechet distance between two sets of pooled features; on the embedded encoder never called FID, which needs Inception.

d^2 = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))  (Dowson & Landau 1982; Heusel et al. 2017, eq. 6)

Too few pictures make it too large: by about c / n (Chong & Forsyth 2020), and with no more pictures than features the covariances
have no inverse. `extrapolated` takes the first away, `principal_axes` is for the second. `influence` is what each row does to it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.image import from_bytes
from muslin.features import embedded

_ROWS, _COLUMNS = 4096, 512


@dataclass(frozen=True)
class Gaussian:
    """Mean and unbiased covariance of a set's rows, in float64."""

    mean: Float[Tensor, " d"]
    cov: Float[Tensor, "d d"]


def pooled(pixels: UInt8[Tensor, "n c h w"], batch: int = 64) -> Float[Tensor, "n 1280"]:
    """Pooled EfficientNet-Lite0 features of pictures (grey or RGB, uint8), resized to 96 px."""
    return torch.cat([embedded.pooled(from_bytes(part).expand(-1, 3, -1, -1)) for part in pixels.split(batch)])


def frechet(ours: Float[Tensor, "n d"], wanted: Float[Tensor, "m d"]) -> float:
    """The squared distance of the two sets' Gaussians (0: the same). Raises InputError below 2 rows."""
    if len(ours) < 2 or len(wanted) < 2:
        raise InputError(f"a Frechet distance of {len(ours)} against {len(wanted)} pictures: at least 2 each are needed")
    return frechet_of(gaussian(ours), gaussian(wanted))


def frechet_of(a: Gaussian, b: Gaussian) -> float:
    """The squared distance of two Gaussians: C1 C2 has the eigenvalues of L' C2 L where C1 = L L'."""
    root, failed = torch.linalg.cholesky_ex(a.cov)
    if int(failed) or not bool(root.isfinite().all()):  # no inverse: the longer way
        values, vectors = torch.linalg.eigh(a.cov)
        root = vectors * values.clamp(min=0).sqrt()
    cross = torch.linalg.eigvalsh(root.T @ b.cov @ root).clamp(min=0).sqrt().sum()
    return float((a.mean - b.mean).square().sum() + a.cov.trace() + b.cov.trace() - 2 * cross)


def gaussian(rows: Float[Tensor, "n d"]) -> Gaussian:
    """Products of the centred rows in their own precision, a block at a time, summed in float64 (float32 is as good to 1e-5)."""
    wide, parts = rows.shape[1], rows.split(_ROWS)
    mean = torch.stack([part.sum(0, dtype=torch.float64) for part in parts]).sum(0) / len(rows)
    total = torch.zeros(wide, wide, dtype=torch.float64)
    for part in parts:
        centred = part - mean.to(rows.dtype)
        for first in range(0, wide, _COLUMNS):  # a covariance is symmetric: the part on and right of the diagonal
            stop = min(first + _COLUMNS, wide)
            total[first:stop, first:] += centred[:, first:stop].T @ centred[:, first:]
    return Gaussian(mean, (total.triu() + total.triu(1).T) / (len(rows) - 1))


def extrapolated(ours: Float[Tensor, "n d"], wanted: Float[Tensor, "m d"], whole: float | None = None) -> float:
    """The distance without its bias, to first order: twice that of all rows less that of halves (Chong & Forsyth 2020, two points).

    `whole` is that of all rows where it is known. May come out below zero where the sets are alike. Raises InputError below 4 rows.
    """
    halves = [frechet(ours[first::2], wanted[first::2]) for first in (0, 1)]
    return 2 * (frechet(ours, wanted) if whole is None else whole) - sum(halves) / 2


def principal_axes(rows: Float[Tensor, "n d"], count: int) -> tuple[Float[Tensor, "d k"], float]:
    """The `count` directions in which a set varies most, and the share of its variance that lies in them."""
    values, vectors = torch.linalg.eigh(gaussian(rows).cov)
    share = float(values[-count:].sum() / values.sum().clamp(min=1e-30))
    return vectors[:, -count:].to(rows.dtype), share


def influence(ours: Float[Tensor, "n d"], wanted: Float[Tensor, "m d"]) -> tuple[Float[Tensor, " n"], Float[Tensor, " m"]]:
    """How much each row moves the distance, times the set's size: its first derivative by the row's weight, each of mean zero.

    From the Gaussians' optimal maps T and 1/T (x -> T x carries C1 to C2): 2 (m1 - m2) x + x'(1 - T) x for a centred row x of ours.
    """
    a, b = gaussian(ours), gaussian(wanted)
    values, vectors = torch.linalg.eigh(a.cov)
    kept = values > 1e-10 * values[-1]
    root, back = vectors[:, kept] * values[kept].sqrt(), vectors[:, kept] / values[kept].sqrt()
    inner, turn = torch.linalg.eigh(root.T @ b.cov @ root)
    scale = inner.clamp(min=0).sqrt()
    inverse = torch.where(scale > 1e-5 * scale.sum(), 1 / scale, 0.0)  # no scale at all where every row is the same
    step = a.mean - b.mean
    return _moved(ours, a.mean, step, back @ turn, scale), _moved(wanted, b.mean, -step, root @ turn, inverse)


def _moved(rows: Tensor, mean: Tensor, step: Tensor, turn: Tensor, scale: Tensor) -> Tensor:
    found = []
    for part in rows.split(_ROWS):
        x = part - mean
        found.append(2 * x @ step + x.square().sum(1) - ((x @ turn).square() * scale).sum(1))
    all_rows = torch.cat(found)
    return all_rows - all_rows.mean()
