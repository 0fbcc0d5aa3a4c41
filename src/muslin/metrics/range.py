"""Whether looks belong together: how alike a range is in colour, silhouette and cloth. Our own figures, each from 0 to 1."""

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.colour import to_oklab
from muslin.data.ground import box
from muslin.features.embedded import pooled

_COLOUR = 0.12  # OKLab: two palettes this far apart share little


@dataclass(frozen=True)
class Coherence:
    """1: all alike. `whole` is the geometric mean of the three."""

    colour: float  # exp(-d / 0.12) of the pairs' distance of colours, each a Gaussian in OKLab
    silhouette: float  # intersection over union of the pairs' masks, boxes laid on each other
    cloth: float  # cosine of the pairs' pooled features, 0 to 1
    whole: float

    def row(self) -> dict[str, float]:
        """The figures by name."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def coherence(pictures: list[Float[Tensor, "3 h w"]], masks: list[Float[Tensor, "1 h w"]]) -> Coherence:
    """The mean over all pairs of looks; one look alone is at one with itself."""
    colours = [_colours(picture, mask) for picture, mask in zip(pictures, masks, strict=True)]
    shapes = [_boxed(mask) for mask in masks]
    features = F.normalize(torch.cat([pooled((p * m + 1 - m)[None], 160) for p, m in zip(pictures, masks, strict=True)]), dim=1)
    pairs = [(i, j) for i in range(len(pictures)) for j in range(i)]
    if not pairs:
        return Coherence(1.0, 1.0, 1.0, 1.0)
    colour = sum(math.exp(-float((colours[i] - colours[j]).norm()) / _COLOUR) for i, j in pairs) / len(pairs)
    shape = sum(float(torch.minimum(shapes[i], shapes[j]).sum() / torch.maximum(shapes[i], shapes[j]).sum()) for i, j in pairs) / len(pairs)
    cloth = sum(float(features[i] @ features[j]) for i, j in pairs) / len(pairs)
    return Coherence(colour, shape, cloth, (colour * shape * max(cloth, 0.0)) ** (1 / 3))


def _colours(picture: Tensor, mask: Tensor) -> Tensor:
    """Mean and standard deviation of L, a, b inside: two Gaussians without covariance are as far apart in W2 as these vectors."""
    lab, area = to_oklab(picture), mask.sum().clamp(min=1)
    mean = (lab * mask).sum((1, 2)) / area
    return torch.cat([mean, ((lab - mean[:, None, None]).square() * mask).sum((1, 2)).div(area).sqrt()])


def _boxed(mask: Tensor) -> Tensor:
    top, bottom, left, right = box(mask)
    return F.interpolate(mask[None, :, top:bottom, left:right], size=(96, 96), mode="area")[0, 0]
