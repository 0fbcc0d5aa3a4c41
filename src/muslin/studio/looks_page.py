"""The page of an evaluation of dressed pictures: figures in plain words, styles, garments, the best and the worst beside what they are made of.

Opens the pictures it shows again; everything else is read from the report.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.image import open_image, resize
from muslin.base.seeds import seeded
from muslin.export.pages import inline, page
from muslin.export.plots import Interval, scatter, whiskers
from muslin.provenance.recipe import together
from muslin.studio.evaluation_page import number, share
from muslin.studio.evaluation_words import LOOKS
from muslin.studio.lookbook import CLASSES_ZH, cut_square
from muslin.studio.looks import Look, Pantry, materials
from muslin.style.measure import HELD_OUT

Row = dict[str, Any]
_COVER, _SHOWN = 12, 24  # pictures on the cover, drawn by lot and not chosen; groups in a table
_SIDE, _SWATCH = 320, 160
_AXES = (
    ("content distance: what has changed →", "内容距离：改变的程度 →"),
    ("↑ style distance: how far from the style", "↑ 风格距离：离目标风格多远"),
)


def looks_page(found: Row, measured: Sequence[Sequence[Look]], pantry: Pantry, language: str) -> str:
    """The HTML of a report (see `looks_report`). `measured`: the looks of the folder and, where there is one, of the other."""
    looks = {look.path.name: look for look in measured[0]}
    rows = {row["file"]: row for row in found["rows"]}
    others = found["against"]
    sides = [found["rows"], *([others["rows"]] if others else [])]
    return page(
        "looks",
        mark=together([look.recipe for look in looks.values()], beside=True),
        title=found["folder"],
        language=language,
        tools=found["tools"],
        found=found,
        heads=_heads(found),
        cover=[_picture(measured[0][place]) for place in _spread(len(looks), found["settings"]["seed"])],
        figures=[_figure(found, name) for name in LOOKS if name in found["figures"]],
        groups=[_table(found, part) for part in ("style", "kind", "garment") if 1 < len(found[f"by_{part}"]) < found["results"]],
        dots=scatter([[_dot(row) for row in side] for side in sides], *_AXES) if len(found["rows"]) > 2 else "",
        best=[_beside(looks[name], rows[name], pantry) for name in found["best"]],
        worst=[_beside(looks[name], rows[name], pantry) for name in found["worst"]],
        pairs=_pairs(found, looks, {look.path.name: look for look in measured[-1]}, pantry) if others else [],
        layers=", ".join(HELD_OUT),
    )


def _spread(count: int, seed: int) -> list[int]:
    return sorted(torch.randperm(count, generator=seeded(seed, "cover"))[:_COVER].tolist())


def _heads(found: Row) -> Row:
    """The four figures at the top: how much of the way to the style was gone, and what was kept."""
    figures = {name: figure["value"] for name, figure in found["figures"].items()}
    way = 1 - figures["style"] / found["before"] if found["before"] else 0.0
    shown = {
        "way": share(max(way, 0.0)),
        "style": number(figures["style"]),
        "before": number(found["before"]),
        "content": number(figures["content"]),
    }
    kept = {name: _shown(name, figures[name]) if name in figures else "" for name in ("silhouette", "shading")}
    changed = [row["figures"]["background"] for row in found["rows"] if row["figures"]["background"] is not None]
    return shown | kept | {"ground": max(changed) if changed else None}


def _figure(found: Row, name: str) -> Row:
    figure, others = found["figures"][name], found["against"]
    row: Row = {"words": LOOKS[name], "value": _shown(name, figure["value"]), "bounds": _bounds(name, figure)}
    row |= {"before": number(found["before"]) if name == "style" else "", "other": "", "change": "", "beyond": False, "better": 0}
    if others and name in others["figures"]:
        row["other"] = _shown(name, others["figures"][name]["value"])
    if others and name in others["differences"]:
        change = others["differences"][name]
        sign = "+" if change["value"] >= 0 else "−"
        moved = f"{abs(change['value']) * 100:.1f}" if LOOKS[name].share else number(abs(change["value"]))
        row |= {"change": sign + moved, "beyond": change["beyond_noise"], "better": change["value"] * LOOKS[name].better}
    return row


def _shown(name: str, value: float) -> str:
    return share(value) if LOOKS[name].share else number(value)


def _bounds(name: str, figure: Row) -> str:
    return "" if figure["low"] is None else f"{_shown(name, figure['low'])} – {_shown(name, figure['high'])}"


def _table(found: Row, part: str) -> Row:
    """One table and plot: the groups of a part, the worst first."""
    whole = found[f"by_{part}"]
    groups = whole[:_SHOWN]
    names = [(_short(group["name"]), CLASSES_ZH.get(group["name"], _short(group["name"]))) for group in groups]
    series: list[list[Interval | None]] = [[_interval(group["figures"][name]) for group in groups] for name in ("content", "style")]
    shown = [{name: _shown(name, figure["value"]) for name, figure in group["figures"].items()} for group in groups]
    rows = [
        {"en": en, "zh": zh, "results": group["results"], "before": number(group["before"]), "shown": figures}
        for (en, zh), group, figures in zip(names, groups, shown, strict=True)
    ]
    return {"part": part, "rows": rows, "more": len(whole) - len(groups), "plot": whiskers(names, series, share=False)}


def _interval(figure: Row) -> Interval:
    value = figure["value"]
    return value, value if figure["low"] is None else figure["low"], value if figure["high"] is None else figure["high"]


def _short(name: str) -> str:
    plain = name.replace("_", " ")
    return plain if len(plain) <= 26 else plain[:25] + "…"


def _dot(row: Row) -> tuple[float, float]:
    return row["figures"]["content"], row["figures"]["style"]


def _beside(look: Look, row: Row, pantry: Pantry) -> Row:
    """A look beside what it was made on and its styles."""
    content, _, group = materials(look, pantry)
    swatches = [inline(resize(cut_square(style.pixels), _SWATCH, _SWATCH)) for style, _ in group[:2]]
    figures = {name: _shown(name, row["figures"][name]) for name in ("cloth_score", "content", "style")}
    return {"picture": _picture(look), "content": inline(_small(content)), "swatches": swatches, "figures": figures} | {
        "garment": _short(look.garment),
        "style": _short(look.style),
    }


def _pairs(found: Row, looks: dict[str, Look], theirs: dict[str, Look], pantry: Pantry) -> list[Row]:
    rows = {row["file"]: row for row in found["rows"]}
    others = {row["file"]: row["figures"]["cloth_score"] for row in found["against"]["rows"]}
    shown = list[Row]()
    for pair in found["against"]["beside"]:
        row = _beside(looks[pair["file"]], rows[pair["file"]], pantry) | {"other": _picture(theirs[pair["other"]])}
        shown.append(row | {"scores": (row["figures"]["cloth_score"], number(others[pair["other"]]))})
    return shown


def _picture(look: Look) -> str:
    return inline(_small(open_image(look.path).pixels))


def _small(pixels: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 a b"]:
    factor = _SIDE / max(pixels.shape[1:])
    return pixels if factor >= 1 else resize(pixels, *(max(1, round(side * factor)) for side in pixels.shape[1:]))
