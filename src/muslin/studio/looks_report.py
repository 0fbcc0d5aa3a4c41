"""An evaluation of dressed pictures as plain data: every figure with its interval, by style, garment and kind; best and worst; another folder.

Works on rows that are measured already (`looks.judged`). Holds no time and no path of the machine.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch

from muslin.assets import ENCODER
from muslin.base.files import sha256_file
from muslin.metrics.intervals import Figure, crossed
from muslin.provenance.recipe import tools
from muslin.studio.evaluation_words import LOOKS, Remark, remark
from muslin.style.measure import CONTENT, HELD_OUT

Row = dict[str, Any]
LEAST = 3  # garments or styles that a mean needs for bounds
_NAMED, _FEW = 5, 6  # so many files are named in a remark; fewer levels than this make rough bounds


def report(folders: Sequence[tuple[str, list[Row]]], pairs: Sequence[tuple[int, int]], settings: Row, told: Sequence[Remark]) -> Row:
    """The whole report. `folders`: the name and the rows of the folder and, where there is one, of the other; `pairs` places in both."""
    name, rows = folders[0]
    sizes = sorted({row["size"] for _, found in folders for row in found})
    found: Row = {"kind": "looks", "tools": {key: tools()[key] for key in ("muslin", "torch")}, "settings": settings, "folder": name}
    found["features"] = {
        "encoder": {"name": "efficientnet-lite0", "sha256": sha256_file(ENCODER), "content": CONTENT, "style": list(HELD_OUT)},
        "resize": remark("looked at", sizes=[str(size) for size in sizes]).plain(),
        "interval": remark("crossed", resamples=settings["resamples"]).plain(),
    }
    found |= _group(rows, settings) | {f"by_{part}": _groups(rows, part, settings) for part in ("style", "garment", "kind")}
    order = sorted(rows, key=lambda row: row["figures"]["cloth_score"])
    strip = min(settings["strip"], len(rows) // 2)
    found |= {"best": [row["file"] for row in order[:strip]], "worst": [row["file"] for row in order[::-1][:strip]]}
    found["against"] = _against(folders, pairs, settings) if len(folders) > 1 else None
    lines = [*_flaws(rows), *([remark("sizes", sizes=[str(size) for size in sizes])] if len(sizes) > 1 else [])]
    if found["garments"] < _FEW or found["styles"] < _FEW:
        lines.append(remark("few looks", garments=found["garments"], styles=found["styles"]))
    for (folder, whole), places in zip(folders, zip(*pairs, strict=True), strict=False):
        if len(whole) > len(places):
            lines.append(remark("unpaired", count=len(whole) - len(places), folder=folder))
    return found | {"told": [line.plain() for line in (*told, *lines)], "rows": rows}


def _group(rows: list[Row], settings: Row) -> Row:
    """How many results, of how many garments and styles; each figure's mean; `before`: the mean style distance of the garments undressed."""
    figures: Row = {}
    for name in LOOKS:
        kept = [row for row in rows if row["figures"].get(name) is not None]
        if kept:
            figures[name] = _mean(kept, [row["figures"][name] for row in kept], settings)
    counts = {"results": len(rows)} | {f"{part}s": len({row[part] for row in rows}) for part in ("garment", "style")}
    return counts | {"before": sum(row["before"] for row in rows) / len(rows), "figures": figures}


def _mean(rows: list[Row], values: list[float], settings: Row) -> Row:
    """With bounds where garments or styles are enough of them; they stay within the values, so a share's within 0 to 1."""
    factors = [[row[part] for row in rows] for part in ("garment", "style")]
    if max(len(set(names)) for names in factors) < LEAST:
        return {"value": sum(values) / len(values), "low": None, "high": None}
    if len(set(zip(*factors, strict=True))) == len(set(factors[0])) == len(set(factors[1])):
        factors = factors[:1]  # each garment in a style of its own: one thing to draw anew, not two
    numbers = [torch.tensor([sorted(set(names)).index(name) for name in names]) for names in factors]
    return asdict(crossed(torch.tensor(values, dtype=torch.float64), numbers, settings["resamples"], settings["seed"]))


def _groups(rows: list[Row], part: str, settings: Row) -> list[Row]:
    """The groups of a part that is told (photos tell no kind), the worst first."""
    found = [
        {"name": name} | _group([row for row in rows if row[part] == name], settings) for name in sorted({row[part] for row in rows} - {""})
    ]
    return sorted(found, key=lambda group: -group["figures"]["cloth_score"]["value"])


def _against(folders: Sequence[tuple[str, list[Row]]], pairs: Sequence[tuple[int, int]], settings: Row) -> Row:
    (_, ours), (name, theirs) = folders
    found: Row = {"folder": name, "pairs": len(pairs), "differences": {}} | _group(theirs, settings)
    matched = [(ours[a], theirs[b]) for a, b in pairs]
    for figure in LOOKS:
        kept = [(a, b) for a, b in matched if None not in (a["figures"].get(figure), b["figures"].get(figure))]
        if kept:
            change = _mean([a for a, _ in kept], [a["figures"][figure] - b["figures"][figure] for a, b in kept], settings)
            beyond = change["low"] is not None and Figure(**change).beyond_noise
            found["differences"][figure] = change | {"beyond_noise": beyond}
    order = sorted(matched, key=lambda pair: pair[0]["figures"]["cloth_score"] - pair[1]["figures"]["cloth_score"])
    shown = order if len(order) <= 6 else order[:3] + order[-3:]
    return found | {"beside": [{"file": a["file"], "other": b["file"]} for a, b in shown], "rows": theirs}


def shortened(files: list[str]) -> list[str]:
    """The first names of a list, for a remark."""
    return [*files[:_NAMED], *(["..."] if len(files) > _NAMED else [])]


def _flaws(rows: list[Row]) -> list[Remark]:
    moved = [row["file"] for row in rows if (row["figures"]["silhouette"] or 1) < 0.99 or row["figures"]["silhouette"] == 0]
    changed = [row["file"] for row in rows if row["figures"]["background"]]
    found = (("outline", moved), ("ground", changed))
    return [remark(name, count=len(files), files=shortened(files)) for name, files in found if files]
