"""What G and D minimise, as a table: scores of real and generated pictures in, a scalar out. Does not know networks.

Scores are D's raw outputs (b,), high for real. A row is two functions and whether generated pictures are penalised too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Loss:
    """`discriminator(real, fake)` and `generator(real, fake)`; `both`: gradient penalty at real and generated (R1 and R2)."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    both: bool


def _relativistic(winner: Tensor, loser: Tensor) -> Tensor:
    """softplus(-(winner - loser)), mean: each picture is judged beside another (Jolicoeur-Martineau 2018; Huang et al. 2024)."""
    return F.softplus(loser - winner).mean()


LOSSES: dict[str, Loss] = {
    "relativistic": Loss(_relativistic, lambda real, fake: _relativistic(fake, real), both=True),
    # Goodfellow et al. 2014, the non-saturating form, with R1 alone (Mescheder et al. 2018)
    "non-saturating": Loss(
        lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
        lambda real, fake: F.softplus(-fake).mean(),
        both=False,
    ),
}
