"""python runs/pieces.py OUT [KIND ...]: the traces of src/muslin/assets/pieces.txt over the blocks that they were made on, as sheets to look at.

They were traced by eye on these pictures, enlarged over a grid in permille, and looked at like this; whoever finds one wrong corrects its line in the text and
runs this again. One line a block: its name, a tab, and what it is built of (docs/blocks.md).
"""

import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from muslin.assets import MORE_BLOCKS, STARTER, TRACES
from muslin.base.image import open_image, to_bytes
from muslin.data.loader import square
from muslin.data.sources import open_source
from muslin.data.traces import CLOSED, curved, from_text

SIDE, COLUMNS, ROWS = 480, 4, 3
COLOURS = {"inside": "#d00", "front": "#e60", "waist": "#0a0", "yoke": "#0aa", "band": "#0a0", "rib": "#690", "collar": "#e0e", "cuff": "#80f", "pocket": "#00f"}  # fmt: skip


def tile(picture: torch.Tensor, text: str) -> Image.Image:
    """A block with its traces, dark cloth lifted so that one sees them."""
    seen = Image.fromarray(to_bytes(square(picture)).permute(1, 2, 0).numpy()).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    seen = seen.point([round(255 * (value / 255) ** 0.6) for value in range(256)] * 3)
    pen = ImageDraw.Draw(seen)
    for trace in from_text(text):
        points = [(x * SIDE / 1000, y * SIDE / 1000) for x, y in (trace.points if trace.kind in CLOSED else curved(trace.points)).tolist()]
        if trace.kind == "button":
            for x, y in [(x * SIDE / 1000, y * SIDE / 1000) for x, y in trace.points.tolist()]:
                pen.ellipse([x - 3, y - 3, x + 3, y + 3], outline="#f00")
        else:
            pen.line(points + points[: trace.kind in CLOSED], fill=COLOURS.get(trace.kind, "#09f"), width=1)
    return seen


def main() -> None:
    """Twelve blocks a sheet, kind after kind."""
    out, kinds = Path(sys.argv[1]), sys.argv[2:]
    out.mkdir(parents=True, exist_ok=True)
    traced = dict(line.split("\t") for line in TRACES.read_text().splitlines())
    items = sorted(
        (item for path in (STARTER, MORE_BLOCKS) for item in open_source(path).items if item.name in traced), key=lambda i: i.name
    )
    chosen = [item for item in items if not kinds or item.label in kinds]
    for first in range(0, len(chosen), COLUMNS * ROWS):
        sheet = Image.new("RGB", (COLUMNS * SIDE, ROWS * SIDE), "white")
        for place, item in enumerate(chosen[first : first + COLUMNS * ROWS]):
            shown = tile(open_image(item.content(), item.name).pixels, traced[item.name])
            ImageDraw.Draw(shown).text((6, 6), item.name[: item.name.find("-", len(item.label) + 1)], fill="#000")
            sheet.paste(shown, (place % COLUMNS * SIDE, place // COLUMNS * SIDE))
        sheet.save(out / f"pieces-{first // (COLUMNS * ROWS) + 1:02d}.png")


main()
