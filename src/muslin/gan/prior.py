"""Where garments lie in W, learned by the mapping: z -> w is fitted to the codes of the training pictures, class by class.

What an autoencoder's codes are like is known only once it is trained (Ghosh et al. 2020): z drawn from the normal prior falls between
them, and is drawn as something between garments. The energy distance (Szekely & Rizzo 2013) of drawn w to codes closes most of that gap, and a
pull of each to the nearest code of its class the rest: w then lie about as near to codes as codes to each other, and skirts have no sleeves.
Departs: not a density, but the mapping that is there, so nothing downstream changes. Knows no pictures.
"""

import copy

import torch
from jaxtyping import Float, Int
from torch import Tensor

from muslin.base.seeds import seeded
from muslin.gan.synthesis import Mapping

STEPS = 1500
_NEAR = 0.1  # weight of the pull, beside the energy distance's 1
_RATE, _DRAWN, _CLASSES = 0.1, 192, 4  # the rate at unit weights; each step looks at so many codes of so many classes


def fit_mapping(mapping: Mapping, codes: Float[Tensor, "n w"], labels: Int[Tensor, " n"], seed: int = 0, steps: int = STEPS) -> Mapping:
    """A copy of the mapping whose w are distributed as the codes are in each class; classes without codes stay about as they were.

    Two to four codes of a class are too few to say how it is spread: it then draws near them. Same seed, same weights.
    """
    fitted, rng = copy.deepcopy(mapping), seeded(seed, "prior")
    by_class = {int(label): codes[labels == label] for label in labels.unique()}
    kinds = [label for label, own in by_class.items() if len(own) > 1]
    # the layers' weights are larger by 1 / rate than what they do
    parts = ((fitted.layers.parameters(), _RATE / fitted.rate), (fitted.embed.parameters(), _RATE))
    optimiser = torch.optim.Adam([{"params": part, "most": rate} for part, rate in parts], betas=(0.9, 0.99))
    for step in range(steps if kinds else 0):
        for group in optimiser.param_groups:
            group["lr"] = group["most"] * (1 - step / steps)
        losses = []
        for place in torch.randperm(len(kinds), generator=rng)[:_CLASSES].tolist():
            own = by_class[kinds[place]]
            z = torch.randn(_DRAWN, mapping.embed.embedding_dim, generator=rng).to(codes)
            wanted = own[torch.randint(len(own), (_DRAWN,), generator=rng).to(own.device)]
            drawn = fitted(z, torch.full((_DRAWN,), kinds[place], device=codes.device))
            losses.append(energy_distance(drawn, wanted) + _NEAR * torch.cdist(drawn, own).min(1).values.mean())
        optimiser.zero_grad()
        torch.stack(losses).sum().backward()
        optimiser.step()
    with torch.no_grad():
        for label, own in by_class.items():
            fitted.get_buffer("w_mean")[label] = own.mean(0)
    return fitted


def energy_distance(a: Float[Tensor, "n w"], b: Float[Tensor, "m w"]) -> Float[Tensor, ""]:
    """2 E|a - b| - E|a - a'| - E|b - b'|, pairs with oneself left out: 0 on average for samples of one distribution. n, m above 1."""
    within = [torch.cdist(x, x).sum() / (len(x) * (len(x) - 1)) for x in (a, b)]
    return 2 * torch.cdist(a, b).mean() - within[0] - within[1]
