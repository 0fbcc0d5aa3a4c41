"""A training set in memory: all pictures as uint8, their classes, and how batches are drawn. Does not read files."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from muslin.base.machine import out_of_memory
from muslin.base.seeds import seeded


@dataclass(frozen=True)
class Images:
    """`pixels` (n, channels, size, size) uint8, `labels` (n,) in [0, len(classes)), names of the classes, and the set's name."""

    pixels: UInt8[Tensor, "n c h w"]
    labels: Int[Tensor, " n"]
    classes: tuple[str, ...]
    name: str = "images"
    licence: str = "unknown"
    rights: dict[str, Any] = field(default_factory=dict)  # the sum of its pictures' rights (`base.rights.Cleared.plain`), for cards

    def __len__(self) -> int:
        return len(self.pixels)

    def to(self, device: torch.device) -> "Images":
        """The same set with its pictures on a device, decoded once and never copied again; where they do not fit there they stay, and are copied batch by batch."""
        try:
            return replace(self, pixels=self.pixels.to(device), labels=self.labels.to(device))
        except RuntimeError as failure:
            if not out_of_memory(failure):
                raise
            return self

    def fingerprint(self) -> dict[str, Any]:
        """Name, number of pictures, classes, and a sha256 of pixels, labels and classes: whether a run goes on with what it began with."""
        told = hashlib.sha256(repr((self.classes, tuple(self.pixels.shape))).encode())
        for part in (self.labels, self.pixels):
            told.update(part.cpu().contiguous().numpy().data)
        return {"name": self.name, "pictures": len(self), "classes": list(self.classes), "sha256": told.hexdigest()}

    def take(self, which: Int[Tensor, " k"], device: torch.device | None = None) -> tuple[Float[Tensor, "k c h w"], Int[Tensor, " k"]]:
        """Pictures in [-1, 1] and labels of the places `which`, on `device` (default: where the set is)."""
        which, at = which.to(self.pixels.device), device or self.pixels.device
        return self.pixels[which].to(at).float() / 127.5 - 1, self.labels[which].to(at)

    def shuffled(self, seed: int, epoch: int, start: int, count: int) -> Int[Tensor, " k"]:
        """Places `start` ... `start + count` of this epoch's own order; fewer at the epoch's end."""
        order = torch.randperm(len(self), generator=seeded(seed, "order", epoch))
        return order[start : start + count]

    def even(self, count: int, generator: torch.Generator) -> Int[Tensor, " k"]:
        """Random places, each class as likely as the others however few pictures it has."""
        present, counts, first, by_class = self._by_class
        drawn = present[torch.randint(len(present), (count,), generator=generator)]
        within = (torch.rand(count, generator=generator, dtype=torch.float64) * counts[drawn]).long()
        return by_class[first[drawn] + within]

    @cached_property
    def ground(self) -> float:
        """1 where the pictures stand on a light ground, -1 on a dark one: by the mean of their borders."""
        some = self.pixels[:1000].float()
        border = torch.cat([some[..., 0, :], some[..., -1, :], some[..., :, 0], some[..., :, -1]], -1)
        return 1.0 if float(border.mean()) > 127 else -1.0

    @cached_property
    def _by_class(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        # classes that have pictures; pictures in each class; where each class begins in the last, the places sorted by class
        labels = self.labels.cpu()
        counts = torch.bincount(labels, minlength=len(self.classes))
        return labels.unique(), counts, counts.cumsum(0) - counts, torch.argsort(labels, stable=True)
