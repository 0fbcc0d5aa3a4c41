"""A training set in memory: all pictures as uint8, their classes, and how batches are drawn. Does not read files."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from muslin.base.seeds import seeded


@dataclass(frozen=True)
class Images:
    """`pixels` (n, channels, size, size) uint8, `labels` (n,) in [0, len(classes)), names of the classes, and the set's name."""

    pixels: UInt8[Tensor, "n c h w"]
    labels: Int[Tensor, " n"]
    classes: tuple[str, ...]
    name: str = "images"
    licence: str = "unknown"

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, which: Int[Tensor, " k"]) -> tuple[Float[Tensor, "k c h w"], Int[Tensor, " k"]]:
        """Pictures in [-1, 1] and labels of the places `which`."""
        return self.pixels[which].float() / 127.5 - 1, self.labels[which]

    def shuffled(self, seed: int, epoch: int, start: int, count: int) -> Int[Tensor, " k"]:
        """Places `start` ... `start + count` of this epoch's own order; fewer at the epoch's end."""
        order = torch.randperm(len(self), generator=seeded(seed, "order", epoch))
        return order[start : start + count]

    def even(self, count: int, generator: torch.Generator) -> Int[Tensor, " k"]:
        """Random places, each class as likely as the others however few pictures it has."""
        present = self.labels.unique()
        drawn = present[torch.randint(len(present), (count,), generator=generator)]
        counts = torch.bincount(self.labels, minlength=len(self.classes))
        by_class = torch.argsort(self.labels, stable=True)
        first = counts.cumsum(0) - counts
        within = (torch.rand(count, generator=generator, dtype=torch.float64) * counts[drawn]).long()
        return by_class[first[drawn] + within]
