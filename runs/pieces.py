"""python runs/pieces.py OUT [KIND ...]: the traces of src/muslin/assets/pieces.txt over the blocks that they were made on, as sheets to look at.

They were traced by eye on these pictures, enlarged over a grid in permille, and looked at like this; whoever finds one wrong corrects its line in the text and
runs this again. One line a block: its name, a tab, and what it is built of (docs/blocks.md).
"""

import sys
from pathlib import Path

from muslin.assets import MORE_BLOCKS, STARTER, TRACES
from muslin.base.image import encode_png, open_image
from muslin.data.loader import square
from muslin.data.sources import open_source
from muslin.data.traces import from_table, from_text
from muslin.export.sheets import contact_sheet
from muslin.studio.pieces import drawn_on

SIDE, COLUMNS, ROWS = 480, 4, 3


def main() -> None:
    """Twelve blocks a sheet, kind after kind."""
    out, kinds = Path(sys.argv[1]), sys.argv[2:]
    out.mkdir(parents=True, exist_ok=True)
    traced = from_table(TRACES.read_bytes(), TRACES.name)
    items = sorted(
        (item for path in (STARTER, MORE_BLOCKS) for item in open_source(path).items if item.name in traced), key=lambda i: i.name
    )
    chosen = [item for item in items if not kinds or item.label in kinds]
    for first in range(0, len(chosen), COLUMNS * ROWS):
        part = chosen[first : first + COLUMNS * ROWS]
        drawn = [drawn_on(square(open_image(item.content(), item.name).pixels), from_text(traced[item.name].text)) for item in part]
        sheet = contact_sheet(drawn, COLUMNS, SIDE, captions=[item.name[: item.name.find("-")] for item in part])
        (out / f"pieces-{first // (COLUMNS * ROWS) + 1:02d}.png").write_bytes(encode_png(sheet))


main()
