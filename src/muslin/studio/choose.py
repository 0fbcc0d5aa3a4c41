"""From many drafts the few worth dressing: like real garments, calm and known in outline, no copies, and as unlike each other as can be.

Greedy MAP of a determinantal point process with quality (Kulesza & Taskar 2012, section 3.1; fast greedy: Chen et al. 2018,
algorithm 1) on pooled features of the embedded encoder. Departs: kinds take turns. Deterministic. Knows pictures, not seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from muslin.assets import STARTER
from muslin.base.image import from_bytes
from muslin.base.seeds import seeded
from muslin.data.loader import load_images
from muslin.features.embedded import pooled
from muslin.metrics.manifold import radii
from muslin.metrics.novelty import copy_threshold, nearest

BLOCK = 16  # pictures looked at at once
WIDTH = 0.8  # features of unit length this far apart are unlike
ASIDE = 1e-3  # weight of what is set aside: taken before a twin, after everything else
_CARE = 4.0  # how much realism counts where there is hardly a choice: what looks like nothing is not taken for variety
_ROWS, _LEAST, _FINE = 1024, 1e-15, 1e4  # the last: figures nearer to each other than its inverse are equal


@dataclass(frozen=True)
class Pool:
    """What choosing knows of n drafts: features of unit length, names of kinds, who may be chosen, how lopsided each is.

    Beside known garments' silhouettes (`data.outlines`), where they were looked at: `outline`, how well those cover each one's; `lump`, whether
    it is fuller than theirs.
    """

    points: Float[Tensor, "n d"]
    kinds: Sequence[str]
    usable: Bool[Tensor, " n"]
    lopsided: Float[Tensor, " n"]
    outline: Float[Tensor, " n"] | None = None
    lump: Bool[Tensor, " n"] | None = None


@dataclass(frozen=True)
class Chosen:
    """Places in the pool, best first; how many were set aside and why; whether known garments could be compared with."""

    places: Int[Tensor, " k"]
    lumps: int
    lopsided: int
    copies: int
    compared: bool


class Determinant:
    """Greedy maximum of log det L over the chosen: L_ij = q_i q_j exp(-|x_i - x_j|^2 / (2 WIDTH^2)).

    `gains` are log(q_i^2 v_i): v_i is what the chosen leave unexplained of x_i (1 at first, 0 for a twin of a chosen one).
    Rows of L are made when they are needed, so that memory grows with the chosen and not with the square of the pool.
    """

    def __init__(self, points: Float[Tensor, "n d"], quality: Float[Tensor, " n"], width: float = WIDTH) -> None:
        self.points, self.width = points.double(), width
        self.weight = 2 * quality.double().log()
        self.rest = torch.ones(len(points), dtype=torch.float64)
        self.known = list[Tensor]()  # rows of the Cholesky factor
        self.gains = self.weight

    def take(self, place: int) -> None:
        """One more row of the Cholesky factor (Chen et al. 2018, equation 8)."""
        alike = (-(self.points - self.points[place]).square().sum(1) / (2 * self.width**2)).exp()
        for row in self.known:
            alike = alike - row[place] * row
        row = alike / self.rest[place].clamp(min=_LEAST).sqrt()
        self.known.append(row)
        self.rest = (self.rest - row.square()).clamp(min=_LEAST)
        self.gains = self.weight + self.rest.log()


def choose(pool: Pool, count: int, known: Float[Tensor, "m d"] | None = None) -> Chosen:
    """At most `count` usable drafts, kinds as evenly as there are drafts of them.

    Quality q = c^(r + o) n s: realism r and novelty n in [0, 1] as `realism` and `novelty` have it; o is the share of its kind whose
    outlines known garments cover less; s is `ASIDE` for lumps and for the more lopsided half of what is left of a kind (what is drawn as its
    own mirror image is not), and 1 for the others; c is how many of these others there are for each one wanted (`_CARE` at least): the more there are, the more
    realism and outline count.
    `known` are real garments; where the drafts are of another sort (line drawings), no use is made of them. Which pictures are
    chosen does not depend on their order (of twins, whose features are equal, the first is).
    """
    order = _by_content(pool)
    pool = _reordered(pool, order)
    compared = known is not None and fits(pool.points[pool.usable], known)
    known = known if compared else None
    new = torch.ones(len(order)) if known is None else novelty(pool.points, known)
    lumps = pool.usable & pool.lump if pool.lump is not None and compared else torch.zeros_like(pool.usable)
    bent = bent_half(replace(pool, usable=pool.usable & ~lumps))
    choice = max(int((pool.usable & ~bent & ~lumps).sum()) / max(count, 1), _CARE)
    real = realism(pool, known) + (0 if pool.outline is None or known is None else ranked(pool.outline, pool))
    quality = choice ** real.double() * new.double().clamp(min=ASIDE) * torch.where(bent | lumps, ASIDE, 1.0)
    places = in_turns(Determinant(pool.points, quality), pool.usable, pool.kinds, count)
    return Chosen(order[places], int(lumps.sum()), int(bent.sum()), int(((new == 0) & pool.usable).sum()), compared)


def in_turns(rule: Determinant, usable: Bool[Tensor, " n"], kinds: Sequence[str], count: int) -> Int[Tensor, " k"]:
    """At most `count` places, best first: each next has the largest gain among the kinds that have the fewest so far."""
    left, chosen = usable.clone(), list[int]()
    numbers = _numbers(kinds)
    taken = torch.zeros(int(numbers.max()) + 1 if len(kinds) else 0, dtype=torch.long)
    while len(chosen) < count and left.any():
        counts = taken[numbers]
        now = left & (counts == counts[left].min())
        place = int(_rounded(torch.where(now, rule.gains, -torch.inf)).argmax())
        rule.take(place)
        chosen.append(place)
        left[place] = False
        taken[numbers[place]] += 1
    return torch.tensor(chosen, dtype=torch.long)


def realism(pool: Pool, known: Float[Tensor, "m d"] | None = None) -> Float[Tensor, " n"]:
    """The share of the usable drafts of its own kind that look less real than this one; 0 for what is not usable.

    Less real: farther from its three nearest known garments (on average), or, without known ones, from its third nearest draft.
    """
    usable = pool.usable.nonzero()[:, 0]
    points, far = pool.points[usable].double(), torch.full((len(pool.usable),), torch.inf, dtype=torch.float64)
    if known is not None:
        far[usable] = torch.cat([away_from(rows, known.double()) for rows in points.split(_ROWS)])
    elif len(usable) > 1:
        far[usable] = radii(points, min(3, len(usable) - 1))
    return ranked(-far, pool)


def novelty(points: Float[Tensor, "n d"], known: Float[Tensor, "m d"]) -> Float[Tensor, " n"]:
    """0 for a copy of a known garment (see metrics.novelty), 1 at half as far again as that threshold, straight between."""
    away = nearest(points.double(), known.double())[0] / max(copy_threshold(known), 1e-6)
    return ((away - 1) / 0.5).clamp(0, 1)


def fits(points: Float[Tensor, "n d"], known: Float[Tensor, "m d"]) -> bool:
    """Whether the known garments tell anything of these drafts: half of them come as near to one as known ones to each other."""
    if len(points) == 0 or len(known) < 3:
        return False
    return float(nearest(points, known)[0].median()) <= float(radii(known, 1).quantile(0.99))


@lru_cache(maxsize=4)
def known_garments(side: int) -> Float[Tensor, "m d"]:
    """Features of the starter set's 294 real garments, seen `side` pixels wide as the drafts are; taken once."""
    pixels = load_images(STARTER, side, 3).pixels
    return features(list(from_bytes(pixels)))


@torch.no_grad()
def features(pictures: Sequence[Float[Tensor, "3 _ _"]]) -> Float[Tensor, "n d"]:
    """Pooled features of unit length.

    Always in blocks of `BLOCK` of one size, the last one filled up, so that a picture's bits do not depend on its company.
    """
    found, sizes = dict[int, Tensor](), dict[torch.Size, list[int]]()
    for place, picture in enumerate(pictures):
        sizes.setdefault(picture.shape, []).append(place)
    for places in sizes.values():
        for start in range(0, len(places), BLOCK):
            block = places[start : start + BLOCK]
            filled = torch.stack([pictures[place] for place in block + block[-1:] * (BLOCK - len(block))])
            found |= zip(block, F.normalize(pooled(filled), dim=1), strict=False)
    return torch.stack([found[place] for place in range(len(pictures))])


def away_from(rows: Float[Tensor, "n d"], known: Float[Tensor, "m d"]) -> Float[Tensor, " n"]:
    """Mean distance to the three nearest known garments."""
    return torch.cdist(rows, known).topk(min(3, len(known)), largest=False).values.mean(1)


def _reordered(pool: Pool, order: Int[Tensor, " n"]) -> Pool:
    outline, lump = (None if value is None else value[order] for value in (pool.outline, pool.lump))
    return Pool(
        pool.points[order], [pool.kinds[place] for place in order.tolist()], pool.usable[order], pool.lopsided[order], outline, lump
    )


def _by_content(pool: Pool) -> Int[Tensor, " n"]:
    """An order that only the drafts' features decide, and not their last bits, which differ with the number of threads: equal gains are settled by it."""
    way = torch.randn(pool.points.shape[1], generator=seeded("choose"), dtype=torch.float64)
    keys = (pool.points.double() @ way).tolist()
    return torch.tensor(sorted(range(len(keys)), key=lambda place: (pool.kinds[place], keys[place])), dtype=torch.long)


def bent_half(pool: Pool) -> Bool[Tensor, " n"]:
    """Usable drafts that are more lopsided than half of their kind's, and lopsided at all (see `draft_outline`)."""
    return (ranked(-pool.lopsided, pool) < 0.5) & pool.usable & (pool.lopsided > 0)


def ranked(value: Float[Tensor, " n"], pool: Pool) -> Float[Tensor, " n"]:
    """For each usable draft the share of the others of its kind that have less (equals get the same); 0 for the rest; one alone has 1."""
    share, numbers = torch.zeros(len(value)), _numbers(pool.kinds)
    for number in numbers.unique():
        own = (pool.usable & (numbers == number)).nonzero()[:, 0]
        told = _rounded(value[own])
        less = torch.searchsorted(told.sort().values, told)
        share[own] = less.float() / (len(own) - 1) if len(own) > 1 else torch.ones(len(own))
    return share


def _rounded(value: Tensor) -> Tensor:
    """What differs in the last bits alone, as with another number of threads, is equal."""
    return (value.double() * _FINE).round()


def _numbers(kinds: Sequence[str]) -> Int[Tensor, " n"]:
    names = {name: number for number, name in enumerate(sorted(set(kinds)))}
    return torch.tensor([names[kind] for kind in kinds], dtype=torch.long)
