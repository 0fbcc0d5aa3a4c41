"""Trains the shipped relief network: `relief.py DATA RUN`; the same command again goes on.

DATA holds garments256.zip, sketches256.zip and styles/ with styles.csv (only rows with may_ship = yes are
used). Every 20th garment and the styles held out in fast_styler.py are not trained on: benchmarks/light.py measures on them.
"""

import csv
import sys
from pathlib import Path

from fast_styler import HELD_OUT, show

from muslin.base.image import open_image
from muslin.data.sources import open_source
from muslin.style.relief_samples import plain_garment
from muslin.style.relief_train import train_relief

CLOTHES = ("t-shirt", "longsleeve", "shirt", "dress", "skirt", "pants", "shorts", "outwear")  # no shoes, no hats


def main(data: Path, run: Path) -> None:
    """Read everything into memory, train, print the losses."""
    with (data / "styles" / "styles.csv").open(newline="") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["may_ship"] == "yes"]
    styles = [open_image(data / "styles" / name).pixels for name in names if Path(name).stem not in HELD_OUT]
    drawings = {Path(item.name).stem: item for item in open_source(data / "sketches256.zip").items}
    garments = []
    for number, item in enumerate(open_source(data / "garments256.zip").items):
        if number % 20 and item.label in CLOTHES and (drawing := drawings.get(Path(item.name).stem)):
            garments.append(plain_garment(open_image(item.read()).pixels, open_image(drawing.read()).pixels[:1], item.label))
    for event in train_relief(run, [one for one in garments if one], styles):
        show(event)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
