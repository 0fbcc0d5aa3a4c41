"""Trains the shipped fast styler: `fast_styler.py DATA GARMENTS RUN`; the same command again goes on.

DATA holds styles/ and styles.csv (only rows with may_ship = yes are used), GARMENTS is the folder that runs/garments.py makes. Every 20th garment
and the styles of `HELD_OUT` are not trained on: benchmarks/styles.py measures on them.
"""

import csv
import sys
from pathlib import Path

from muslin.base.events import Event, Step
from muslin.base.image import open_image
from muslin.data.sources import open_source
from muslin.style.train import FastTraining, train_styler

HELD_OUT = (
    "paint_great_wave", "weave_ikat", "weave_seigaiha", "fabric_leopard", "fabric_houndstooth_red", "fabric_bouquet",
    "fabric_madras_rainbow", "pattern_circles_3",
)  # fmt: skip


def main(data: Path, garments: Path, run: Path) -> None:
    """Read everything into memory, train, print the losses."""
    with (data / "styles" / "styles.csv").open(newline="") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["may_ship"] == "yes"]
    styles = [open_image(data / "styles" / name).pixels for name in names if Path(name).stem not in HELD_OUT]
    items = open_source(garments).items
    pictures = [open_image(item.read()).pixels for number, item in enumerate(items) if number % 20]
    for event in train_styler(run, pictures, styles, FastTraining()):
        show(event)


def show(event: Event) -> None:
    """One line for each piece of news."""
    if isinstance(event, Step):
        print(event.done, event.total, {name: round(value, 4) for name, value in event.figures.items()}, flush=True)
    else:
        print(event, flush=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
