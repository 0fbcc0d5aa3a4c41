"""The page of an evaluation: figures in plain words, kinds, strips of drafts, drafts beside their nearest pictures, training curves.

Draws the drafts it shows again from their seeds; everything else is read from the report.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from muslin.base.image import from_bytes
from muslin.data.images import Images
from muslin.export.pages import inline, page
from muslin.export.plots import Interval, curve, whiskers
from muslin.gan.generators import Loaded
from muslin.gan.log import Log
from muslin.provenance.recipe import together
from muslin.studio.cook import draft_recipe
from muslin.studio.evaluation_words import CURVES, WORDS
from muslin.studio.lookbook import CLASSES_ZH

Row = dict[str, Any]
_FIRST = 12  # drafts on the cover: the first ones, not chosen
_SIDE = 128


def evaluation_page(found: Row, generator: Loaded, images: Images, language: str) -> str:
    """The HTML of a report (see `evaluation_report`)."""
    psi, drafts = found["settings"]["truncation"], found["drafts"]
    cover = [row["picture"] for row in _drawn(generator, drafts["first"][:_FIRST], psi)]
    beside = _drawn(generator, drafts["beside"], psi)
    for row in beside:
        row["pictures"] = [_picture(from_bytes(images.pixels[place])) for place in row["nearest"]]
    return page(
        "evaluation",
        mark=together([draft_recipe(generator, found["settings"]["seed"], 0, psi)], beside=True),
        title=generator.name,
        language=language,
        tools=found["tools"],
        found=found,
        cover=cover,
        rows=_rows(found),
        kinds=[_kind(row) for row in found["classes"]],
        plot=_plot(found["classes"]),
        best=_drawn(generator, drafts["best"], psi),
        worst=_drawn(generator, drafts["worst"], psi),
        beside=beside,
        curves=_curves(generator),
    )


def number(value: float) -> str:
    """As a person reads it: two or three digits that mean something, thousands apart."""
    size = abs(value)
    if size < 0.0005:
        return "0"
    places = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3
    return f"{value:,.{places}f}".replace("-", "−")


def share(value: float) -> str:
    """In percent; a small one with its first digit."""
    return f"{value:.1%}" if 0 < value < 0.1 or 0.99 < value < 0.9995 else f"{value:.0%}"


def _rows(found: Row) -> list[Row]:
    """The rows of the table of figures."""
    other, rows = found["against"], list[Row]()
    for name, figure in found["figures"].items():
        row = _row(name, figure, found["baseline"]["figures"][name])
        if other:
            change = other["differences"][name]
            row["other"] = _shown(name, other["figures"][name]["value"])
            row |= {
                "change": _signed(name, change["value"]),
                "beyond": change["beyond_noise"],
                "better": change["value"] * WORDS[name].better,
            }
        rows.append(row)
    inception = found["inception"] or {}
    for name, figure in inception.get("generator", {}).items():
        row = _row(name, figure, None)
        if other:
            row["other"] = _shown(name, inception["against"][name]["value"])
        rows.append(row)
    return rows


def _row(name: str, figure: Row, real: Row | None) -> Row:
    words = WORDS[name]
    bounds = f"{_shown(name, figure['low'])} – {_shown(name, figure['high'])}"
    row = {
        "words": words,
        "value": _shown(name, figure["value"]),
        "bounds": bounds,
        "other": "",
        "change": "",
        "beyond": False,
        "better": 0,
    }
    return row | {
        "real": _shown(name, real["value"]) if real else "",
        "extrapolated": number(figure["extrapolated"]) if "extrapolated" in figure else "",
    }


def _shown(name: str, value: float) -> str:
    return share(value) if WORDS[name].share else number(value)


def _signed(name: str, value: float) -> str:
    # points of a hundred for a share: +3 % could be read as 3 % of it
    sign = "+" if value >= 0 else "−"
    return sign + (f"{abs(value) * 100:.1f}" if WORDS[name].share else number(abs(value)))


def _kind(row: Row) -> Row:
    figures = row["figures"] or {}
    shown = {name: _shown(name, figure["value"]) for name, figure in figures.items()}
    return {
        "en": row["class"],
        "zh": _chinese(row),
        "pictures": row["pictures"],
        "drafts": row["drafts"],
        "shown": shown,
    }


def _chinese(row: Row) -> str:
    return CLASSES_ZH.get(row["class"], str(row["class"]))


def _plot(classes: Sequence[Row]) -> str:
    kept = [row for row in classes if row["figures"]]
    names = [(str(row["class"]), _chinese(row)) for row in kept]
    series: list[list[Interval | None]] = [[_interval(row["figures"][name]) for row in kept] for name in ("precision", "coverage")]
    return whiskers(names, series) if kept else ""


def _interval(figure: Row) -> Interval:
    return figure["value"], figure["low"], figure["high"]


def _drawn(generator: Loaded, rows: Sequence[Row], psi: float) -> list[Row]:
    pictures = generator.draw_many([row["seed"] for row in rows], [row["label"] for row in rows], psi)
    return [row | {"picture": _picture(picture), "zh": _chinese(row)} for row, picture in zip(rows, pictures, strict=True)]


def _picture(pixels: Tensor) -> str:
    # small pictures are enlarged by whole pixels, as they are
    factor = max(1, _SIDE // pixels.shape[2])
    return inline(pixels.repeat_interleave(factor, 1).repeat_interleave(factor, 2))


def _curves(generator: Loaded) -> list[Row]:
    """Of the log beside the generator, where there is one."""
    log = Log(generator.path.parent / "log.csv")
    log.load(10**15)
    found = []
    for name, (english, chinese) in CURVES.items():
        points = [(row["images"], row[name]) for row in log.rows if name in row]
        if len(points) > 1:
            found.append({"en": english, "zh": chinese, "svg": curve(points), "last": number(points[-1][1])})
    return found
