"""How well a garment's folds are told from its print: plain garments are printed with known cloth, and their light is looked for again.

    python benchmarks/light.py DATA [--garments 12] [--size 256] [--sheet OUT.png]

DATA holds garments256.zip and styles/. Each plain garment (one whose own light is all there is) gets each cloth as its albedo: the cloth's colours times the
garment's lightness. The truth is the plain garment's shading. Told for lightness alone (what is usual) and for Muslin: the root mean square of what is
wrong with the shading inside the garment, and its correlation with the truth.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.errors import MuslinError
from muslin.base.image import encode_png, open_image
from muslin.data.ground import shrink
from muslin.data.sources import open_source
from muslin.export.sheets import contact_sheet
from muslin.style.configs import StyleConfig
from muslin.style.dress import canvas
from muslin.style.shading import lay, light, plain, shading

PRINTS = (
    "weave_ikat",
    "fabric_leopard",
    "fabric_hibiscus_green",
    "fabric_roses_teal",
    "fabric_camouflage",
    "weave_seigaiha",
    "weave_tartan_red",
    "weave_gingham",
)
KINDS = ("dress", "skirt", "shirt", "longsleeve", "pants", "outwear", "t-shirt", "shorts")
LEAST = 0.06  # a plain garment's shading varies by this; a paper cut-out has no folds to look for


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--garments", type=int, default=12)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--sheet", type=Path)
    asked = parser.parse_args()
    cloths = {
        name: open_image(asked.data / "styles" / f"{name}.jpg").pixels
        for name in PRINTS
        if (asked.data / "styles" / f"{name}.jpg").exists()
    }
    rows, seconds, shown = {}, [], []
    for picture, mask in plain_garments(asked):
        truth = plain(picture, mask)[1]
        for name, cloth in cloths.items():
            printed = with_print(picture, mask, cloth)
            started = time.perf_counter()
            found = plain(printed, mask)[1]
            seconds.append(time.perf_counter() - started)
            ways = {"lightness alone": shading(printed, mask), "Muslin": found}
            for way, shade in ways.items():
                rows.setdefault((way, name), []).append(wrong(shade, truth, mask))
            shown += [
                picture,
                printed,
                *(light(torch.full_like(picture, 0.2), shade, 1.0) * mask + picture * (1 - mask) for shade in (truth, *ways.values())),
            ]
    if asked.sheet:
        captions = ["plain", "printed", "its light", "lightness alone", "Muslin"]
        asked.sheet.write_bytes(encode_png(contact_sheet(shown, 10, 200, captions=captions * (len(shown) // 5))))
    table(rows, cloths, seconds, asked)


def plain_garments(asked):
    """(picture, mask) of garments in which no print is found and which have folds; kinds in turn."""
    source = open_source(asked.data / "garments256.zip")
    by_kind = [iter([item for item in source.items if item.label == kind]) for kind in KINDS]
    found = 0
    while found < asked.garments:
        for items in by_kind:
            for item in items:
                try:
                    picture, mask = canvas(open_image(item.read()).pixels, StyleConfig(size=asked.size))
                except MuslinError:
                    continue
                inside = shrink(mask, 4)[0] > 0.9
                if torch.equal(plain(picture, mask)[0], picture) and float(shading(picture, mask)[0][inside].std()) > LEAST:
                    yield picture, mask
                    found += 1
                    break
            if found == asked.garments:
                return


def with_print(picture, mask, cloth):
    """The garment cut from this cloth: its colours times the garment's lightness by its usual one."""
    lightness, inside = to_oklab(picture)[:1], mask[0] > 0.99
    lit = (lightness / lightness[0][inside].median()).clamp(0, 1.4)
    printed = from_oklab(to_oklab(lay(cloth, mask, 1.0, 0)) * lit)
    return picture * (1 - mask) + printed * mask


def wrong(shade, truth, mask):
    """Root mean square of the difference, and the correlation, well inside the garment."""
    inside = shrink(mask, 4)[0] > 0.9
    a, b = shade[0][inside], truth[0][inside]
    return float((a - b).square().mean().sqrt()), float(torch.corrcoef(torch.stack([a, b]))[0, 1])


def table(rows, cloths, seconds, asked):
    """One row for each cloth, and all."""
    ways = list(dict.fromkeys(way for way, _ in rows))
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads; {asked.garments} plain garments, {asked.size} px; {statistics.median(seconds):.3f} s each\n"
    )
    print("| cloth | " + " | ".join(f"{way}: error | correlation" for way in ways) + " |")
    print("|---" * (1 + 2 * len(ways)) + "|")
    for name in [*cloths, "all"]:
        each = {way: [row for cloth in cloths if name in (cloth, "all") for row in rows[way, cloth]] for way in ways}
        print(
            f"| {name} | "
            + " | ".join(
                f"{statistics.fmean(r[0] for r in each[way]):.3f} | {statistics.fmean(r[1] for r in each[way]):.2f}" for way in ways
            )
            + " |"
        )


if __name__ == "__main__":
    main()
