"""How good a generator is while it learns: the Frechet distance to its training set, and whether it copies from it, by three figures.

Both on the embedded encoder's pooled features; the training set's are taken once. The same seeds each time, classes as
often as the training set has them.
"""

import math
import time
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from muslin.base.image import to_bytes
from muslin.base.seeds import seeded
from muslin.data.images import Images
from muslin.metrics.copying import authenticity, copying_z
from muslin.metrics.frechet import frechet, pooled
from muslin.metrics.manifold import radii
from muslin.metrics.novelty import copy_rate, copy_threshold, nearest

MOST = 10_000  # training pictures that are looked at


class Judge:
    """Called with a generator's network; `count` drafts each time."""

    def __init__(self, images: Images, count: int = 1000) -> None:
        self.images, self.count = images, count

    def __call__(self, network: Any) -> dict[str, float]:
        """`distance` (0 is the training set itself), `copies` (share of the drafts), `authenticity` and `copying_z` (metrics.copying).

        `copying_z` stands in for the data-copying test: nothing is held out here, so the drafts' distances to the nearest training picture are
        set against those of the training pictures to each other. Far below 0 is copying. `muslin evaluate --held-out` has the test itself.
        """
        return self._figures(pooled(sample(network, self.images.labels, self.count)))

    def seconds(self, network: Any) -> float:
        """About what a judgement takes here, from a few drafts. The training set is looked at too, once for all judgements."""
        few = max(self.count // 20, 1)
        self._figures(pooled(sample(network, self.images.labels, few)))  # looks at the training set, and warms up
        began = time.monotonic()
        ours = pooled(sample(network, self.images.labels, few))
        looked = time.monotonic()
        self._figures(ours)
        return (looked - began) * self.count / few + time.monotonic() - looked

    def _figures(self, ours: Float[Tensor, "n d"]) -> dict[str, float]:
        scores = {"distance": frechet(ours, self.features), "copies": copy_rate(ours, self.features, self.threshold)}
        if len(self.features) < 2:
            return scores
        apart = copying_z(nearest(ours, self.features)[0], radii(self.features, 1))
        return scores | {"authenticity": authenticity(ours, self.features), "copying_z": apart}

    @cached_property
    def features(self) -> Tensor:
        """Of the training set, or of a fixed random part of it."""
        chosen = torch.randperm(len(self.images), generator=seeded(0, "judge", "set"))[:MOST]
        return pooled(self.images.pixels[chosen.to(self.images.pixels.device)].cpu())

    @cached_property
    def threshold(self) -> float:
        """Below this distance a draft is a copy; a held-out picture would be taken for one 1 % of the time.

        Two pictures: nearer than they are to each other. One, or the same again and again, says nothing of how alike others would be: all is a copy.
        """
        if len(self.features) == 2:
            return float(radii(self.features, 1).min()) or math.inf
        return (copy_threshold(self.features) if len(self.features) > 2 else 0.0) or math.inf


@torch.no_grad()
def sample(network: Any, labels: Tensor, count: int, first: int = 0, batch: int = 50) -> UInt8[Tensor, "n c s s"]:
    """Drafts as uint8, drawn with random classes in the proportions of `labels`; sample number i is always the same latent."""
    device = next(network.parameters()).device
    z, classes = sampled(network, labels, count, first)
    parts = zip(z.split(batch), classes.split(batch), strict=True)
    return torch.cat([to_bytes(network(a.to(device), b.to(device)).clamp(-1, 1).cpu()) for a, b in parts])


def sampled(network: Any, labels: Tensor, count: int, first: int = 0) -> tuple[Float[Tensor, "n z"], Int[Tensor, " n"]]:
    """The latents and classes that `sample` draws from."""
    rng = seeded(first, "judge", "latents")
    z = torch.randn(count, network.z_size, generator=rng)
    return z, labels.cpu()[torch.randint(len(labels), (count,), generator=rng)]
