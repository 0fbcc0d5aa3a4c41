"""Randomness as an argument: every generator is made here from numbers that a recipe can carry. No global seed."""

import contextlib
import hashlib
from collections.abc import Iterator

import torch


def seeded(*parts: int | str) -> torch.Generator:
    """A CPU generator that depends on all of `parts` and on nothing else.

    The parts are hashed (SHA-256, first 63 bits), so that seeds 0 and 1 are as unlike as 0 and 10**9.
    """
    text = "/".join(f"{type(part).__name__}:{part}" for part in parts)
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
    return torch.Generator().manual_seed(number)


@contextlib.contextmanager
def seeded_weights(*parts: int | str) -> Iterator[None]:
    """Inside, PyTorch's layers draw their first weights from a seed of `parts`; afterwards the global state is as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeded(*parts).initial_seed())
        yield
