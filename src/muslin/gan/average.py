"""The running average of a generator's weights (Karras et al. 2018): smoother pictures than any single step's weights."""

import copy

import torch
from torch import nn


class Average:
    """Exponential average with a half-life in images; short at first (a twentieth of what was seen), so that it starts well."""

    def __init__(self, network: nn.Module, half_life: int) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.half_life = half_life

    @torch.no_grad()
    def update(self, network: nn.Module, batch: int, seen: int) -> None:
        """Take in the weights after one step of `batch` images, `seen` so far. A half-life of 0 is a plain copy."""
        life = min(self.half_life, seen / 20)
        keep = 0.5 ** (batch / life) if life > 0 else 0.0
        ours: list[torch.Tensor] = list(self.network.parameters())
        theirs: list[torch.Tensor] = list(network.parameters())
        torch._foreach_lerp_(ours, theirs, 1 - keep)
        for mine, new in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(new)
