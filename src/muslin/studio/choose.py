"""From many drafts the few worth dressing: whole garments first, oddities dropped, then as unlike each other as can be.

Greedy k-centre (Gonzalez 1985) on pooled features of the embedded encoder. Deterministic. Knows pictures, not seeds.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from muslin.features.embedded import pooled


def features(pictures: list[Float[Tensor, "3 h w"]]) -> Float[Tensor, "n d"]:
    """Pooled features of unit length, a picture at a time (so that they do not depend on their company)."""
    return torch.cat([F.normalize(pooled(picture[None]), dim=1) for picture in pictures])


def choose_evenly(points: Float[Tensor, "n d"], usable: Bool[Tensor, " n"], kinds: list[str], count: int) -> Int[Tensor, " k"]:
    """As `choose`, each kind in turn getting its share; what one kind cannot fill goes to the others."""
    order: list[int] = []
    share = -(-count // len(set(kinds)))
    ranked = [choose(points, torch.tensor([n == k for n in kinds]) & usable, share).tolist() for k in sorted(set(kinds))]
    for turn in range(share):
        order += [places[turn] for places in ranked if turn < len(places)]
    spare = usable.clone()
    spare[order] = False
    missing = count - len(order)
    if missing > 0:
        order += choose(points, spare, missing).tolist()
    return torch.tensor(order[:count], dtype=torch.long)


def choose(points: Float[Tensor, "n d"], usable: Bool[Tensor, " n"], count: int, odd: float = 0.6) -> Int[Tensor, " k"]:
    """Places of the chosen, at most `count`, best first.

    The share `odd` of usable points that lie farthest from their third nearest neighbour is set aside (used only if
    the others do not suffice); among the rest each next one is the farthest from all chosen so far.
    """
    places = usable.nonzero()[:, 0]
    if len(places) <= count:
        return places
    away = torch.cdist(points[places], points[places])
    lonely = away.sort(1).values[:, min(3, len(places) - 1)]
    keep = max(count, round(len(places) * (1 - odd)))
    ordinary = lonely.argsort(stable=True)[:keep]
    away = away[ordinary][:, ordinary]
    chosen = [int(away.mean(1).argmin())]
    while len(chosen) < count:
        nearest = away[:, chosen].min(1).values
        nearest[chosen] = -1
        chosen.append(int(nearest.argmax()))
    return places[ordinary[torch.tensor(chosen)]]
