"""What silhouettes are like: framed, compared with known garments' of the same kind, lopsided, full.

Drafts are chosen by it: whatever else is lost when a garment is dressed, its outline stays. Known are the starter set's 294 real garments.
Solidity is the share of its convex hull that a shape fills (scikit-image's `regionprops` has the same word). Uses scipy.spatial for the hull.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from scipy.spatial import ConvexHull
from torch import Tensor

from muslin.assets import STARTER
from muslin.base.image import from_bytes
from muslin.data.ground import box, find_mask
from muslin.data.loader import load_images, padded

_FRAME = 32  # px
_SEEN = 64  # px at which known garments are looked at
_FULLEST, _SMOOTH = 0.95, 0.02  # quantile of a kind's solidity; how much fuller a draft's calm contour makes it


@dataclass(frozen=True)
class Outlines:
    """Known garments: `shapes` framed silhouettes, the kind and the solidity of each."""

    shapes: Float[Tensor, "m p"]
    kinds: Sequence[str]
    solidity: Float[Tensor, " m"]

    def of(self, kind: str) -> Bool[Tensor, " m"]:
        """Which are of that kind; all of them where none is."""
        own = torch.tensor([name == kind for name in self.kinds])
        return own if own.any() else torch.ones_like(own)

    def covers(self, mask: Float[Tensor, "1 h w"], kind: str) -> float:
        """Mean intersection over union of a silhouette with the three of its kind that cover it best."""
        outline, known = framed(mask), self.shapes[self.of(kind)]
        union = torch.maximum(outline, known).sum(1).clamp(min=1e-6)
        return float((torch.minimum(outline, known).sum(1) / union).topk(min(3, len(known))).values.mean())

    def lump(self, mask: Float[Tensor, "1 h w"], kind: str) -> bool:
        """Whether a silhouette is fuller than known garments of its kind: a coat without a gap at its sleeves. No where none is known."""
        return kind in self.kinds and solidity(mask) > float(self.solidity[self.of(kind)].quantile(_FULLEST)) + _SMOOTH


@lru_cache(maxsize=1)
def known_outlines() -> Outlines:
    """The starter set's, looked at once."""
    images = load_images(STARTER, _SEEN, 3)
    found = [find_mask(picture) for picture in from_bytes(images.pixels)]
    masks = [mask for mask in found if mask is not None]
    kinds = [images.classes[int(label)] for label, mask in zip(images.labels, found, strict=True) if mask is not None]
    return Outlines(torch.stack([framed(mask) for mask in masks]), kinds, torch.tensor([solidity(mask) for mask in masks]))


def framed(mask: Float[Tensor, "1 h w"]) -> Float[Tensor, " p"]:
    """A silhouette cut to its box, in the middle of a square of 32 px: its shape, wherever and however large it is."""
    if not bool((mask > 0.5).any()):
        return torch.zeros(_FRAME**2)
    top, bottom, left, right = box(mask, 0.5)
    return F.interpolate(padded(mask[:, top:bottom, left:right])[None], (_FRAME, _FRAME), mode="area").flatten()


def lopsided(mask: Float[Tensor, "1 h w"]) -> float:
    """The share of a silhouette that its mirror image, about the middle of its own box, leaves uncovered: 0 (symmetric) to 1."""
    columns = (mask[0].sum(0) > 0.5).nonzero()[:, 0]
    if len(columns) == 0:
        return 1.0
    cut = mask[0][:, int(columns[0]) : int(columns[-1]) + 1]
    return float((cut - cut.flip(1)).clamp(min=0).sum() / cut.sum())


def solidity(mask: Float[Tensor, "1 h w"]) -> float:
    """The share of its convex hull that a silhouette fills, 0 to 1; 1 for an empty one."""
    solid = mask[0] > 0.5
    rows = solid.any(1).nonzero()[:, 0]
    if len(rows) == 0:
        return 1.0
    first, last = solid[rows].int().argmax(1), solid.shape[1] - solid[rows].flip(1).int().argmax(1)
    corners = [(x, y + down) for down in (0, 1) for x, y in zip(torch.cat([first, last]).tolist(), rows.repeat(2).tolist(), strict=True)]
    return float(solid.sum()) / float(ConvexHull(np.array(corners)).volume)  # in the plane its volume is its area
