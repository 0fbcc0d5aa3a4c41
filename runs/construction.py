"""Trains the shipped construction network: `construction.py DATA RUN`; the same command again goes on.

DATA holds garments256.zip and styles/ with styles.csv (only rows with may_ship = yes are used). Learned from are the blocks that ship and their traces (pieces.txt) and 598 more garments,
plain and printed, with theirs (traces.txt and more-traces.txt beside this script), but for every eighth and for the garments of benchmarks/styles.py, on which one measures (benchmarks/construction.py). Of the weights
that ship the first two stages were trained before there was more-traces.txt, the third after.
"""

import csv
import sys
from pathlib import Path

from fast_styler import HELD_OUT, show

from muslin.assets import BLOCKS, MORE_BLOCKS, STARTER, TRACES
from muslin.base.image import open_image
from muslin.data.loader import square
from muslin.data.sources import Item, open_source
from muslin.data.traces import from_table, from_text
from muslin.style.construction_samples import Built, built_garment
from muslin.style.construction_train import ConstructionTraining, train_construction

MORE_TRACES = [Path(__file__).with_name(name) for name in ("traces.txt", "more-traces.txt")]
MEASURED = ("outwear/0a86d893", "skirt/25450d12", "dress/4142d3bc")  # of benchmarks/styles.py


def split(data: Path) -> tuple[list[Item], list[Item], dict[str, str]]:
    """The garments to learn from, those to measure on, and the traces of all by name."""
    blocks, *more = (from_table(path.read_bytes(), path.name) for path in (TRACES, *MORE_TRACES))
    others = set(BLOCKS.read_text().split()) - set(blocks)  # shoes and hats: they are built of nothing that is traced
    learned, held = [item for path in (STARTER, MORE_BLOCKS) for item in open_source(path).items if item.name in others], list[Item]()
    for traced, paths in ((blocks, (STARTER, MORE_BLOCKS)), *((one, (data / "garments256.zip",)) for one in more)):
        items = sorted((item for path in paths for item in open_source(path).items if item.name in traced), key=lambda i: i.name)
        for number, item in enumerate(items):
            (held if number % 8 == 0 or item.name.startswith(MEASURED) else learned).append(item)
    return learned, held, {name: row.text for table in (blocks, *more) for name, row in table.items()}


def read(item: Item, traced: dict[str, str]) -> Built | None:
    """A block as something to learn from."""
    return built_garment(
        square(open_image(item.content(), item.name).pixels), from_text(traced[item.name]) if item.name in traced else None
    )


def main(data: Path, run: Path) -> None:
    """Read everything into memory, train, print the losses."""
    with (data / "styles" / "styles.csv").open(newline="") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["may_ship"] == "yes"]
    styles = [open_image(data / "styles" / name).pixels for name in names if Path(name).stem not in HELD_OUT]
    learned, _, traced = split(data)
    garments, start = [one for item in learned if (one := read(item, traced))], None
    for name, config in (
        ("first", ConstructionTraining()),
        ("second", ConstructionTraining(batches=2400, even=0.5, rare=3.0)),
        ("third", ConstructionTraining(batches=4000, even=0.5, rare=3.0)),
    ):  # first what is common, then what is rare too
        for event in train_construction(run / name, garments, styles, config, start):
            show(event)
        start = run / name / "construction.safetensors"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
