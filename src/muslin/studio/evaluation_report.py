"""An evaluation as plain data: what was held against what, every figure with its interval, the baseline, kinds, copying, the other generator.

Works on features that are there already. Holds no time and no path of the machine, so that a resumed run writes the same bytes.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from muslin.data.images import Images
from muslin.gan.generators import Loaded
from muslin.metrics.copying import copying_z, copying_z_by_cells
from muslin.metrics.figures import Measured, axes_for, differences, measure
from muslin.metrics.frechet import extrapolated, frechet, influence, principal_axes
from muslin.metrics.intervals import Figure, intervals
from muslin.metrics.kernel import kernel_rows
from muslin.metrics.novelty import copy_threshold, nearest
from muslin.provenance.recipe import tools
from muslin.studio.evaluation_words import Remark, remark
from muslin.studio.gathering import digest

Row = dict[str, Any]


@dataclass(frozen=True)
class Drawn:
    """A generator's drafts as features by the look's name, their classes in the generator (`labels`) and in the training set (`kinds`)."""

    generator: Loaded
    features: dict[str, Tensor]
    labels: Int[Tensor, " n"]
    kinds: Int[Tensor, " n"]

    @property
    def embedded(self) -> Float[Tensor, "n d"]:
        """On the embedded encoder."""
        return next(rows for name, rows in self.features.items() if name.startswith("embedded"))


@dataclass(frozen=True)
class Bench:
    """What all figures of a report share: the training set's features, the copy threshold, the axes (none: all), the settings."""

    wanted: Float[Tensor, "m d"]
    threshold: float
    axes: Float[Tensor, "d a"] | None
    variance: float
    settings: Row

    def measure(self, ours: Tensor, wanted: Tensor | None = None) -> Measured:
        """All figures of some drafts (or pictures) against the training set or a part of it."""
        return measure(ours, self.wanted if wanted is None else wanted, self.threshold, self.axes)

    def rows(self, measured: Measured) -> Row:
        """Figures with intervals as plain values."""
        figures = measured.figures(self.settings["resamples"], self.settings["seed"])
        found = {name: asdict(figure) for name, figure in figures.items()}
        found["frechet"]["extrapolated"] = measured.extrapolated
        return found


def report(
    sides: Sequence[Drawn],
    wanted: dict[str, Tensor],
    images: Images,
    held_out: Images | None,
    held: dict[str, Tensor] | None,
    settings: Row,
    told: Sequence[Remark],
) -> Row:
    """The whole report; `sides` are the generator and, where there is one, the other."""
    name = next(name for name in wanted if name.startswith("embedded"))
    bench, lines = _bench(wanted[name], min(len(side.labels) for side in sides), settings)
    measured = [bench.measure(side.embedded) for side in sides]
    found: Row = {"kind": "evaluation", "tools": {key: tools()[key] for key in ("muslin", "torch")}, "settings": settings}
    found |= {"generator": _card(sides[0]), "reference": _set(images), "held_out": _set(held_out) if held_out else None}
    found["features"] = {
        "names": {key: rows.shape[1] for key, rows in wanted.items()},
        "resize": remark("resize", side=images.pixels.shape[2]).plain(),
        "frechet_axes": wanted[name].shape[1] if bench.axes is None else bench.axes.shape[1],
        "variance_in_axes": bench.variance,
        "copy_threshold": bench.threshold,
        "kernel_unit": "times 1000",
        "interval": remark("interval", resamples=settings["resamples"]).plain(),
    }
    found["figures"] = bench.rows(measured[0])
    found["baseline"] = _baseline(bench, sides[0].embedded)
    found["classes"] = _classes(sides[0], bench, images)
    found["copying"] = _copying(sides[0], wanted[name], images, held_out, held[name] if held else None)
    found["against"] = None
    if len(sides) > 1:
        apart = differences(measured[0], measured[1], settings["resamples"], settings["seed"])
        rows = {key: asdict(figure) | {"beyond_noise": figure.beyond_noise} for key, figure in apart.items()}
        found["against"] = {"generator": _card(sides[1]), "figures": bench.rows(measured[1]), "differences": rows}
    found["drafts"] = _ranked(sides[0], wanted[name], settings)
    found["inception"] = _inception(sides, wanted, settings)
    lines += [*_few_for_fid(sides, wanted), *_small(found["classes"], settings), *([] if held_out else [remark("no held out")])]
    found["told"] = [line.plain() for line in (*told, *lines)]
    return found


def _bench(wanted: Tensor, drafts: int, settings: Row) -> tuple[Bench, list[Remark]]:
    count, features = min(drafts, len(wanted)), wanted.shape[1]
    axes, share, lines = None, 1.0, list[Remark]()
    if axes_for(count, features) < features:
        axes, share = principal_axes(wanted, axes_for(count, features))
        lines = [remark("few", drafts=drafts, pictures=len(wanted), features=features, axes=axes.shape[1], share=share)]
    return Bench(wanted, copy_threshold(wanted), axes, share, settings), lines


def _baseline(bench: Bench, ours: Tensor) -> Row:
    """Two halves of the training set; and as many drafts, where there are, against such a half: fewer pictures make a Frechet distance larger."""
    one, other = bench.wanted[::2], bench.wanted[1::2]
    fewer = ours[: len(one)]
    a, b = (fewer, other) if bench.axes is None else (fewer @ bench.axes, other @ bench.axes)
    return {
        "pictures": [len(one), len(other)],
        "figures": bench.rows(bench.measure(one, other)),
        "frechet_of_as_many_drafts": frechet(a, b) if len(fewer) == len(one) else None,
    }


def _classes(side: Drawn, bench: Bench, images: Images) -> list[Row]:
    axes, labels, rows = principal_axes(bench.wanted, bench.settings["class_axes"])[0], images.labels.cpu(), list[Row]()
    for number, name in enumerate(images.classes):
        ours, wanted = side.kinds == number, labels == number
        row: Row = {"class": name, "pictures": int(wanted.sum()), "drafts": int(ours.sum()), "figures": None}
        if int(side.kinds.max()) >= 0 and min(row["pictures"], row["drafts"]) >= bench.settings["class_least"]:
            measured = measure(side.embedded[ours], bench.wanted[wanted], bench.threshold, axes)
            row["figures"] = bench.rows(measured)
        rows.append(row)
    return rows if int(side.kinds.max()) >= 0 else []


def _small(classes: list[Row], settings: Row) -> list[Remark]:
    small = [
        remark("counted", kind=[row["class"]], pictures=row["pictures"], drafts=row["drafts"]) for row in classes if row["figures"] is None
    ]
    return [remark("small", least=settings["class_least"], kinds=small)] if small else []


def _copying(side: Drawn, wanted: Tensor, images: Images, held_out: Images | None, held: Tensor | None) -> Row | None:
    if held_out is None or held is None:
        return None
    apart, held_apart = nearest(side.embedded, wanted)[0], nearest(held, wanted)[0]
    known = {name: number for number, name in enumerate(images.classes)}
    cells = torch.tensor([known.get(name, -2) for name in held_out.classes])[held_out.labels.cpu()]
    return {
        "z": copying_z(apart, held_apart),
        "z_by_class": copying_z_by_cells(apart, held_apart, side.kinds, cells),
        "held_out": len(held),
    }


def _few_for_fid(sides: Sequence[Drawn], wanted: dict[str, Tensor]) -> list[Remark]:
    for name, rows in wanted.items():
        fewest = min(len(rows), *(len(side.labels) for side in sides))
        if name.startswith("inception") and fewest <= rows.shape[1]:
            return [remark("few for fid", pictures=fewest, features=rows.shape[1])]
    return []


def _ranked(side: Drawn, wanted: Tensor, settings: Row) -> Row:
    """Drafts by their distance to the nearest training picture: the least and the most, and some between beside their three nearest."""
    apart = nearest(side.embedded, wanted)[0]
    order, strip = apart.argsort(stable=True), min(settings["strip"], len(apart) // 2)

    def row(place: int) -> Row:
        kind = side.generator.classes[int(side.labels[place])] if side.generator.conditional else "garment"
        return {"seed": settings["seed"] + place, "label": int(side.labels[place]), "class": kind, "distance": float(apart[place])}

    between = [int(order[round(share * (len(apart) - 1))]) for share in (0, 0.1, 0.25, 0.5, 0.75, 0.9)]
    beside = [
        row(p) | {"nearest": torch.cdist(side.embedded[p : p + 1], wanted)[0].topk(3, largest=False).indices.tolist()} for p in between
    ]
    first = [row(place) for place in range(strip)]
    return {
        "first": first,
        "best": [row(int(p)) for p in order[:strip]],
        "worst": [row(int(p)) for p in order[-strip:].flip(0)],
        "beside": beside,
    }


def _inception(sides: Sequence[Drawn], wanted: dict[str, Tensor], settings: Row) -> Row | None:
    """FID and KID of each generator: only what was looked at with Inception may be called so. Always on all 2,048 features."""
    name = next((name for name in wanted if name.startswith("inception")), None)
    if name is None:
        return None
    found: Row = {}
    for key, side in zip(("generator", "against"), sides, strict=False):
        ours, theirs = side.features[name], wanted[name]
        kernel, *rows = kernel_rows(ours, theirs)
        moved = influence(ours, theirs)
        groups = [torch.stack([a, b * 1000], 1) for a, b in zip(moved, rows, strict=True)]
        values = torch.tensor([frechet(ours, theirs), kernel * 1000])
        figures: list[Figure] = intervals(values, groups, settings["resamples"], settings["seed"])
        found[key] = {"fid": asdict(figures[0]) | {"extrapolated": extrapolated(ours, theirs)}, "kid": asdict(figures[1])}
    return found


def _card(side: Drawn) -> Row:
    one = side.generator
    return {
        "name": one.name,
        "family": one.family,
        "sha256": one.sha256,
        "size": one.network.size,
        "drafts": len(side.labels),
        "card": one.card,
    }


def _set(images: Images) -> Row:
    _, channels, _, side = images.pixels.shape
    return {
        "name": images.name,
        "pictures": len(images),
        "side": side,
        "channels": channels,
        "classes": list(images.classes),
        "licence": images.licence,
        "digest": digest(images.pixels),
    }
