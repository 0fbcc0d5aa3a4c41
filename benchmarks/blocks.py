"""What making up on blocks does to drafts: how near the result's outline is to the draft's and to the block's, how new it still is, and what it takes.

    python benchmarks/blocks.py [--drafts 200] [--blocks starter] [--generator garments-128] [--out blocks]      about 1.5 s a draft on one thread

By kind of garment, of drafts as they come (seeds 0 ..., truncation 0.7, none chosen): how many are made up; intersection over union of outlines, each
brought to one size, of the result with its draft (ours) and with its block (lent), and of draft and block before (apart); of how many the nearest of the
pictures that the generator learned from is the block itself; copies among the drafts, and among them made up (`muslin originality`'s verdict). A sheet of all.
"""

import argparse
import time
from pathlib import Path

import torch

from muslin.assets import INDEXES
from muslin.base.files import make_folder, write_bytes
from muslin.base.image import encode_png, resize
from muslin.data.draft_mask import draft_outline
from muslin.data.ground import find_mask
from muslin.data.loader import square
from muslin.data.outlines import framed
from muslin.export.sheets import contact_sheet
from muslin.gan.generators import load_generator
from muslin.studio.blocks import open_blocks
from muslin.studio.cook import as_picture
from muslin.studio.indexing import load_index
from muslin.studio.screening import compared

COLUMNS = ("drafts", "made up", "ours", "lent", "apart", "nearest is the block", "copies before", "copies", "seconds")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drafts", type=int, default=200)
    parser.add_argument("--blocks", default="starter")
    parser.add_argument("--generator", default="garments-128")
    parser.add_argument("--out", type=Path, default=Path("blocks"))
    asked = parser.parse_args()
    generator, index = load_generator(asked.generator), load_index(INDEXES[asked.generator])
    *_, blocks = open_blocks(asked.blocks)
    kinds = len(generator.classes)
    drafts = generator.draw_many(range(asked.drafts), [seed % kinds for seed in range(asked.drafts)], 0.7)
    rows, shown = {name: [] for name in generator.classes}, []
    for seed, draft in enumerate(drafts):
        kind = generator.classes[seed % kinds]
        row, made = look(blocks, index, as_picture(draft), kind, seed)
        rows[kind].append(row)
        shown.append(resize(as_picture(draft) if made is None else made.pixels, 256, 256))
    make_folder(asked.out)
    sheet = contact_sheet(shown, columns=kinds, side=140, captions=[f"{generator.classes[n % kinds]} {n}" for n in range(len(shown))])
    write_bytes(asked.out / "sheet.png", encode_png(sheet, dpi=96))
    print("| | " + " | ".join(COLUMNS) + " |\n" + "|---" * (len(COLUMNS) + 1) + "|")
    for name, found in [*rows.items(), ("all", [row for each in rows.values() for row in each])]:
        print(f"| {name} | " + " | ".join(summed(found)) + " |")


def look(blocks, index, picture, kind, seed):
    """One draft made up on its best block: the figures, and the pattern (None where no block fits)."""
    began = time.monotonic()
    found, before = next(blocks.patterns(picture, kind, 512, seed), None), compared(picture, index).verdict == "copy"
    if found is None:
        return {"copies before": before, "copies": before}, None
    (block, made), seconds = found, time.monotonic() - began
    lent = find_mask(square(blocks.picture(block).pixels))
    shapes = [framed(mask) for mask in (made.mask, draft_outline(picture), lent)]
    new = compared(made.pixels, index)
    nearest = index.names[new.neighbours[0].place] if new.neighbours else ""
    row = {"made up": True, "ours": union(*shapes[:2]), "lent": union(shapes[0], shapes[2]), "apart": union(*shapes[1:])}
    row |= {
        "nearest is the block": Path(nearest).name == Path(block["file"]).name,
        "copies before": before,
        "copies": new.verdict == "copy",
    }
    return row | {"seconds": seconds}, made


def union(one, other):
    """Intersection over union of two soft shapes."""
    return float(torch.minimum(one, other).sum() / torch.maximum(one, other).sum())


def summed(rows):
    """A row of the table: counts, and means of what is made up."""
    out = [str(len(rows))]
    for name in COLUMNS[1:]:
        values = [row[name] for row in rows if name in row]
        counted = name in ("made up", "nearest is the block", "copies before", "copies")
        out.append(str(sum(values)) if counted else f"{sum(values) / max(len(values), 1):.2f}")
    return out


if __name__ == "__main__":
    main()
