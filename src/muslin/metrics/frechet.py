"""The Frechet distance between two sets of pooled features, on the embedded encoder; never called FID, which needs Inception.

d^2 = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))  (Dowson & Landau 1982; Heusel et al. 2017, eq. 6)
"""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.image import from_bytes
from muslin.features import embedded


def pooled(pixels: UInt8[Tensor, "n c h w"], batch: int = 64) -> Float[Tensor, "n 1280"]:
    """Pooled EfficientNet-Lite0 features of pictures (grey or RGB, uint8), resized to 96 px."""
    return torch.cat([embedded.pooled(from_bytes(part).expand(-1, 3, -1, -1)) for part in pixels.split(batch)])


def frechet(ours: Float[Tensor, "n d"], wanted: Float[Tensor, "m d"]) -> float:
    """The squared distance of the two sets' Gaussians (0: the same). Raises InputError below 2 rows."""
    if len(ours) < 2 or len(wanted) < 2:
        raise InputError(f"a Frechet distance of {len(ours)} against {len(wanted)} pictures: at least 2 each are needed")
    (m1, c1), (m2, c2) = _gaussian(ours), _gaussian(wanted)
    values, vectors = torch.linalg.eigh(c1)
    root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ c2 @ root).clamp(min=0).sqrt().sum()
    return float((m1 - m2).square().sum() + c1.trace() + c2.trace() - 2 * cross)


def _gaussian(x: Tensor) -> tuple[Tensor, Tensor]:
    x = x.double()
    return x.mean(0), x.T.cov()
