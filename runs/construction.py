"""Trains the shipped construction network: `construction.py DATA RUN`; the same command again goes on.

DATA holds styles/ with styles.csv (only rows with may_ship = yes are used). Learned from are the blocks that ship and their traces (pieces.txt), but for every eighth
and for the garments of benchmarks/styles.py, on which one measures (benchmarks/construction.py).
"""

import csv
import sys
from pathlib import Path

from fast_styler import HELD_OUT, show

from muslin.assets import MORE_BLOCKS, STARTER, TRACES
from muslin.base.image import open_image
from muslin.data.loader import square
from muslin.data.sources import Item, open_source
from muslin.data.traces import from_text
from muslin.style.construction_samples import Built, built_garment
from muslin.style.construction_train import train_construction

MEASURED = ("outwear/0a86d893", "skirt/25450d12", "dress/4142d3bc")  # of benchmarks/styles.py


def split() -> tuple[list[Item], list[Item], dict[str, str]]:
    """The blocks to learn from, those to measure on, and the traces of all by name."""
    traced = dict(line.split("\t") for line in TRACES.read_text().splitlines())
    items = sorted(
        (item for path in (STARTER, MORE_BLOCKS) for item in open_source(path).items if item.name in traced), key=lambda i: i.name
    )
    held = [item for number, item in enumerate(items) if number % 8 == 0 or item.name.startswith(MEASURED)]
    return [item for item in items if item not in held], held, traced


def read(item: Item, traced: dict[str, str]) -> Built | None:
    """A block as something to learn from."""
    return built_garment(square(open_image(item.content(), item.name).pixels), from_text(traced[item.name]))


def main(data: Path, run: Path) -> None:
    """Read everything into memory, train, print the losses."""
    with (data / "styles" / "styles.csv").open(newline="") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["may_ship"] == "yes"]
    styles = [open_image(data / "styles" / name).pixels for name in names if Path(name).stem not in HELD_OUT]
    learned, _, traced = split()
    for event in train_construction(run, [one for item in learned if (one := read(item, traced))], styles):
        show(event)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
