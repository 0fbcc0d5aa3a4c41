"""Whether a design is a copy: nearest pictures of an index in two views, features and aligned pixels, and a calibrated verdict.

Candidates come by features (embedded encoder; colour and grey, as the picture is and on white), which is quick and lets go of
some; each is then laid on the design (metrics.aligned). Thresholds are what pictures of the same kind, not in the index, reach by
chance. Knows rows, not files. How sure the detector is: docs/originality.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int8, UInt8
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.image import decode, encode_jpeg, luma, resize
from muslin.features.embedded import pooled
from muslin.metrics.aligned import SIDE, detail, on_white, ranked, rough

CANDIDATES = 64  # by each of the two kinds of features: 150 of 150 crops in another hue are among them (by 24: 97 %)
DIMENSIONS = 128  # features are kept by their main directions in the indexed set
SAME = 0.98  # pictures of the set itself that are more alike than this are one photograph twice, and no measure of chance


@dataclass(frozen=True)
class Row:
    """One picture as the index keeps it: two feature vectors of unit length, and a thumbnail as JPEG."""

    colour: Float[Tensor, " d"]
    grey: Float[Tensor, " d"]
    thumbnail: bytes


@dataclass(frozen=True)
class Index:
    """n pictures by name: features in `DIMENSIONS` main directions (`mean`, `basis` bring a new one there), thumbnails end to end,
    and their `aligned.rough` details, so that only the most alike are decoded.

    `chance_similar` and `chance_away` are sorted: what pictures of the same kind that are not in the index reach against it.
    """

    names: tuple[str, ...]
    colour: Float[Tensor, "n p"]
    grey: Float[Tensor, "n p"]
    mean: Float[Tensor, "2 d"]
    basis: Float[Tensor, "2 d p"]
    thumbnails: UInt8[Tensor, " bytes"]
    ends: Tensor
    rough: Int8[Tensor, "n h h"]
    chance_similar: Float[Tensor, " m"] = field(default_factory=lambda: torch.zeros(0))
    chance_away: Float[Tensor, " m"] = field(default_factory=lambda: torch.zeros(0))
    held_out: str = ""  # where those came from; empty: the index's own pictures, each left out in turn

    def __len__(self) -> int:
        return len(self.names)

    def thumbnail(self, place: int) -> Float[Tensor, "3 s s"]:
        """The picture, `SIDE` pixels wide, on white, in [-1, 1]."""
        start = int(self.ends[place - 1]) if place else 0
        return decode(self.thumbnails[start : int(self.ends[place])].numpy().tobytes())

    @cached_property
    def points(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Features as float32 (p, n), in colour and in grey, each with the squares of their lengths."""
        colour, grey = self.colour.T.float().contiguous(), self.grey.T.float().contiguous()
        return (colour, colour.square().sum(0)), (grey, grey.square().sum(0))


@dataclass(frozen=True)
class Neighbour:
    """A picture of the index: its place, how alike it is when laid on the design (0 to 1), how far its features are."""

    place: int
    similarity: float
    away: float


@dataclass(frozen=True)
class Finding:
    """A design's nearest pictures, nearest first, and the verdict: distinct, close or copy.

    `percentile`: the share of pictures of the same kind, new to the index, that come no nearer to it than this design: 50 is usual, 100
    is nearer than all of them.
    """

    verdict: str
    similarity: float
    percentile: float
    neighbours: tuple[Neighbour, ...]


def look_at(pictures: Sequence[Float[Tensor, "3 _ _"]]) -> list[Row]:
    """The rows of some pictures, each put on white where it stands on a plain ground."""
    whites = [on_white(picture) for picture in pictures]
    colour, grey = features(whites)
    return [Row(c, g, encode_jpeg(resize(w, SIDE, SIDE), 90)) for c, g, w in zip(colour, grey, whites, strict=True)]


def features(pictures: Sequence[Float[Tensor, "3 _ _"]]) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """Pooled features of unit length, in colour and of the luma alone (which another hue leaves as it is)."""
    small = torch.cat([F.interpolate(p[None], size=(96, 96), mode="bilinear", antialias=True, align_corners=False) for p in pictures])
    both = F.normalize(pooled(torch.cat([small, luma(small).expand(-1, 3, -1, -1)])), dim=1)
    return both[: len(small)], both[len(small) :]


def make_index(names: Sequence[str], rows: Sequence[Row]) -> Index:
    """An index without thresholds. Raises InputError below 3 pictures."""
    if len(rows) < 3:
        raise InputError(f"an index of {len(rows)} pictures: at least 3 are needed")
    kinds = [torch.stack([getattr(row, kind).float() for row in rows]) for kind in ("colour", "grey")]
    means = torch.stack([kind.mean(0) for kind in kinds])
    bases = torch.stack([_main_directions(kind[:5000] - mean) for kind, mean in zip(kinds, means, strict=True)])
    colour, grey = ((kind - mean) @ base for kind, mean, base in zip(kinds, means, bases, strict=True))
    ends = torch.tensor([len(row.thumbnail) for row in rows]).cumsum(0)
    blob = torch.frombuffer(bytearray(b"".join(row.thumbnail for row in rows)), dtype=torch.uint8)
    roughs = torch.cat([rough(detail(decode(row.thumbnail)[None])) for row in rows])
    return Index(tuple(names), colour.half(), grey.half(), means, bases, blob, ends, roughs)


@torch.no_grad()
def nearest(index: Index, picture: Float[Tensor, "3 h w"], keep: int = 5, leave_out: frozenset[int] = frozenset()) -> tuple[Neighbour, ...]:
    """The `keep` pictures of the index most like this one, the most alike first."""
    white = on_white(picture)
    views = [white] if float((white - picture).abs().mean()) < 0.02 else [white, picture]
    found, away = _candidates(index, views, leave_out)

    @cache
    def known(place: int) -> Tensor:
        return detail(index.thumbnail(place)[None])[0]

    def exact(places: Tensor) -> Tensor:
        return torch.stack([known(found[place]) for place in places.tolist()]) if len(places) else torch.zeros(0, SIDE, SIDE)

    alike = torch.stack([ranked(view, index.rough[found], exact) for view in views]).max(0).values
    order = alike.argsort(descending=True)[:keep].tolist()
    return tuple(Neighbour(found[i], float(alike[i]), float(away[found[i]])) for i in order)


def judged(index: Index, neighbours: tuple[Neighbour, ...], alarm: float = 0.01) -> Finding:
    """The verdict at a false-alarm rate. `close`: what five times as many new pictures reach, by pixels or by features."""
    if not neighbours:
        return Finding("distinct", 0.0, 0.0, ())
    best, away = neighbours[0].similarity, min(n.away for n in neighbours)
    copy, close, near = thresholds(index, alarm)
    verdict = "copy" if best > copy else "close" if best > close or away < near else "distinct"
    percentile = 100 * float((index.chance_similar < best).float().mean())
    return Finding(verdict, best, percentile, neighbours)


def thresholds(index: Index, alarm: float = 0.01) -> tuple[float, float, float]:
    """(similarity above which it is a copy, above which it is close, feature distance below which it is close)."""
    if not len(index.chance_similar):
        raise InputError("the index has no thresholds yet; calibrate it")
    similar, away = index.chance_similar, index.chance_away
    return float(similar.quantile(1 - alarm)), float(similar.quantile(max(1 - 5 * alarm, 0))), float(away.quantile(alarm))


def _candidates(index: Index, views: list[Tensor], leave_out: frozenset[int]) -> tuple[list[int], Tensor]:
    """Places by either kind of features, and the colour distance of every picture to the nearer view."""
    places, away = set[int](), torch.full((len(index),), torch.inf)
    for which, rows in enumerate(features(views)):
        points = (rows - index.mean[which]) @ index.basis[which]
        known, squares = index.points[which]  # by columns: one product reads them three times faster
        apart = (squares + points.square().sum(1, keepdim=True) - 2 * points @ known).amin(0).clamp(min=0).sqrt()
        away = torch.minimum(away, apart) if which == 0 else away
        apart[list(leave_out)] = torch.inf
        places |= set(apart.topk(min(CANDIDATES, len(index) - len(leave_out)), largest=False).indices.tolist())
    return sorted(places), away


def _main_directions(rows: Tensor) -> Tensor:
    """(d, p): the eigenvectors of the largest variances."""
    _, vectors = torch.linalg.eigh((rows.T @ rows).double())  # float32 does not settle where most variances are 0
    found: Tensor = vectors[:, -DIMENSIONS:].flip(1).contiguous().to(rows.dtype)
    return found
