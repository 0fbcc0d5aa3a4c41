"""How good dressed pictures are, a whole folder of them: measured one by one, each kept, so that the same command goes on.

Compares two folders where another is named. The counterpart for generators is `evaluate`.
"""

import json
import time
import zipfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muslin.assets import ENCODER
from muslin.base.config import as_dict
from muslin.base.errors import InputError, MuslinError, SettingError
from muslin.base.events import Event, Finished, Note, Refused, Saved, Step, Warned
from muslin.base.files import make_folder, sha256, sha256_file, write_json, write_text
from muslin.provenance.recipe import tools
from muslin.studio.evaluation_words import Remark, remark
from muslin.studio.looks import Look, Pantry, find_looks, judged, partners
from muslin.studio.looks_page import looks_page
from muslin.studio.looks_report import report, shortened
from muslin.studio.places import check_page

Row = dict[str, Any]


@dataclass(frozen=True)
class LooksConfig:
    """How looks are summed up and shown. Equal settings give equal bits on one machine."""

    seed: int = 0  # of the bootstrap
    resamples: int = 1000
    strip: int = 6  # pictures among the best and among the worst

    def __post_init__(self) -> None:
        for name, low, high in (("resamples", 100, 100_000), ("strip", 1, 60)):
            if not low <= getattr(self, name) <= high:
                raise SettingError(f"{name}={getattr(self, name)}: should be {low} to {high:,}")


def evaluate_looks(
    folder: Path, out: Path, config: LooksConfig, pantry: Pantry, against: Path | None = None, language: str = "en"
) -> Iterator[Event]:
    """OUT/evaluation.json and OUT/index.html of the looks in a folder. Figures of each are kept in OUT/looks.

    A look whose ingredients are not here is a `Refused` event. Raises InputError where there are no looks, or none can be measured, or
    two folders have none in common.
    """
    began, told = time.monotonic(), list[Remark]()
    check_page(out, "evaluation.json")
    if missing := [place for place in pantry.places if not (place.is_dir() or zipfile.is_zipfile(place))]:
        raise InputError(f"{missing[0]}: no such folder or zip; --look-in names folders of pictures, and zips of blocks")
    sides, measured = list[tuple[str, list[Row]]](), list[list[Look]]()
    found = [(one, *find_looks(one)) for one in (folder, *([against] if against else []))]
    if against and not partners(found[0][1], found[1][1]):
        raise InputError(f"{against}: holds no garment of {folder} in the same styles; dress the same pictures in the same styles in both")
    for one, looks, others in found:
        told += [remark("no looks", count=len(others), files=shortened(others))] if others else []
        rows, lines = yield from _rows(one, looks, out / "looks", pantry)
        told += lines
        kept = {row["file"] for row in rows}
        measured.append([look for look in looks if look.path.name in kept])
        same = against and folder.resolve().name == against.resolve().name
        sides.append(("/".join(one.resolve().parts[-2:]) if same else one.resolve().name, rows))
    pairs = partners(measured[0], measured[1]) if against else []
    if against and not pairs:
        raise InputError(f"{against}: no look that could be measured is in both folders")
    summed = report(sides, pairs, as_dict(config), told)
    yield from (Warned(line["en"]) for line in summed["told"])
    page = looks_page(summed, measured, pantry, language)
    yield Saved(write_json(out / "evaluation.json", summed))
    yield Saved(write_text(out / "index.html", page))
    yield from (Note(line) for line in _lines(summed))
    yield Finished(out / "index.html", time.monotonic() - began)


def _rows(folder: Path, looks: list[Look], kept: Path, pantry: Pantry) -> Generator[Event, None, tuple[list[Row], list[Remark]]]:
    rows, reasons, made_by = list[Row](), list[str](), json.dumps([sha256_file(ENCODER), tools()["muslin"]])
    for number, look in enumerate(looks, 1):
        path = kept / f"{sha256((look.digest + made_by).encode())[:24]}.json"
        row = _kept(path)
        try:
            if row is None:
                row = judged(look, pantry)
                write_json(make_folder(kept) / path.name, row)
            else:
                pantry.check(look)  # its page shows them
            rows.append(row | {"file": look.path.name, "kind": pantry.kind(look)})
        except MuslinError as failure:
            reasons.append(str(failure).replace(str(look.path), look.path.name))  # no path of this machine in reports
            yield Refused(str(look.path), str(failure))
        yield Step(folder.name or "looks", number, len(looks))
    if not rows:
        raise InputError(f"{folder}: none of {len(looks)} looks could be measured; the first: {reasons[0]}")
    return rows, [remark("not found", count=len(reasons), why=reasons[0])] if reasons else []


def _kept(path: Path) -> Row | None:
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return row if isinstance(row, dict) and "figures" in row else None


def _lines(found: Row) -> Iterator[str]:
    yield f"{found['results']} results of {found['garments']} garments in {found['styles']} styles; style distance before: {found['before']:.3g}"
    for name, figure in found["figures"].items():
        bounds = "" if figure["low"] is None else f" ({figure['low']:.4g} to {figure['high']:.4g})"
        yield f"{name}: {figure['value']:.4g}{bounds}"
    other = found["against"] or {"differences": {}}
    for name, change in other["differences"].items():
        beyond = "beyond noise" if change["beyond_noise"] else "within noise"
        yield f"{name} less that of {other['folder']}: {change['value']:+.4g}, {beyond} ({other['pairs']} pairs)"
