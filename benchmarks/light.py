"""How well a garment's folds and lines are told from its print: plain garments are printed with known cloth, and their light is looked for again.

    python benchmarks/light.py DATA [--garments 16] [--size 256] [--sheet OUT.png]

DATA holds garments256.zip, sketches256.zip and styles/. Garments and cloths are ones that the network was not trained on. Each plain garment (one whose own
light is all there is) gets each cloth as its albedo: the cloth's colours times the garment's lightness. The truth is the plain garment's shading, and its line
drawing within the outline. Told for lightness alone (what is usual), for colour Retinex (their lines are oriented energy) and for Muslin: the root mean square of what is
wrong with the shading inside the garment, its correlation with the truth, and how well lines are found (F1 within 3 px, at the best threshold).
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.image import encode_png, open_image, resize
from muslin.data.ground import extend, shrink, widest
from muslin.data.lines import oriented_energy
from muslin.data.sources import open_source
from muslin.export.sheets import contact_sheet
from muslin.style.enlarge import enlarge
from muslin.style.laying import lay
from muslin.style.relief import find_relief
from muslin.style.relief_samples import plain_garment
from muslin.style.retinex import print_in
from muslin.style.shading import light, plain, shading

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "runs"))
from fast_styler import HELD_OUT

KINDS = ("dress", "skirt", "shirt", "longsleeve", "pants", "outwear", "t-shirt", "shorts")
LEAST = 0.04  # a plain garment's shading varies by this; a paper cut-out has no folds to look for


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--garments", type=int, default=16)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--sheet", type=Path)
    asked = parser.parse_args()
    cloths = {
        name: open_image(asked.data / "styles" / f"{name}.jpg").pixels
        for name in HELD_OUT
        if (asked.data / "styles" / f"{name}.jpg").exists()
    }
    rows, seconds, shown, garments = {}, [], [], 0
    for picture, mask, drawn in plain_garments(asked):
        truth, garments = shading(picture, mask), garments + 1
        for name, cloth in cloths.items():
            printed = with_print(picture, mask, cloth)
            started = time.perf_counter()
            bare, _ = plain(printed, mask)
            seconds.append(time.perf_counter() - started)
            ways = {
                "lightness alone": shading(printed, mask),
                "Retinex": shading(by_hue(printed, mask), mask),
                "Muslin": shading(bare, mask),
            }
            lines = {
                "lightness alone": edges(printed),
                "Retinex": edges(by_hue(printed, mask)),
                "Muslin": find_relief(printed, mask).lines[0],
            }
            for way, shade in ways.items():
                rows.setdefault((way, name), []).append((*wrong(shade, truth, mask), score(lines[way], drawn, mask)))
            shown += [
                picture,
                printed,
                *(light(torch.full_like(picture, 0.2), shade, 1.0) * mask + picture * (1 - mask) for shade in (truth, *ways.values())),
                1 - 2 * drawn,
                (1 - 2 * lines["Muslin"]).expand(1, -1, -1),
            ]
    if asked.sheet:
        captions = ["plain", "printed", "its light", *ways, "drawn", "Muslin's lines"]
        shown = [one.expand(3, -1, -1) for one in shown]
        asked.sheet.write_bytes(encode_png(contact_sheet(shown, 16, 180, captions=captions * (len(shown) // 8))))
    table(rows, cloths, seconds, asked, garments)


def plain_garments(asked):
    """(picture, mask, line drawing) of held-out garments of one colour which have folds; kinds in turn."""
    drawings = {Path(item.name).stem: item for item in open_source(asked.data / "sketches256.zip").items}
    items = [item for number, item in enumerate(open_source(asked.data / "garments256.zip").items) if number % 20 == 0]
    by_kind = [[item for item in items if item.label == kind and Path(item.name).stem in drawings] for kind in KINDS]
    found = 0
    for turn in range(max(map(len, by_kind))):
        for of_kind in by_kind:
            if turn < len(of_kind) and found < asked.garments:
                item = of_kind[turn]
                picture, drawing = open_image(item.read()).pixels, open_image(drawings[Path(item.name).stem].read()).pixels[:1]
                if plain_garment(picture, drawing, item.label) is None:
                    continue
                picture, mask = enlarge(picture, asked.size)
                inside = shrink(mask, 4)
                if float(shading(picture, mask)[0][inside[0] > 0.9].std()) > LEAST:
                    yield picture, mask, (1 - resize(drawing, *mask.shape[1:])) / 2 * inside
                    found += 1


def with_print(picture, mask, cloth):
    """The garment cut from this cloth: its colours times the garment's lightness by its usual one."""
    lightness, inside = to_oklab(picture)[:1], mask[0] > 0.99
    lit = (lightness / lightness[0][inside].median()).clamp(0, 1.4)
    printed = from_oklab(to_oklab(lay(cloth, mask, 1.0, 0)) * lit)
    return picture * (1 - mask) + printed * mask


def by_hue(picture, mask):
    """Without what colour Retinex takes for print (muslin.style.retinex)."""
    lab, spread = to_oklab(picture), extend(picture, shrink(mask, 2))
    away = print_in(spread, to_oklab(spread)[:1], mask)
    return from_oklab(torch.cat([(lab[:1] - away * mask).clamp(0, 1), lab[1:]]))


def edges(picture):
    """The oriented energy of the lightness, at its best angle."""
    return oriented_energy(to_oklab(picture)[:1], 1.2).amax(0)


def wrong(shade, truth, mask):
    """Root mean square of the difference, and the correlation, well inside the garment."""
    inside = shrink(mask, 4)[0] > 0.9
    a, b = shade[0][inside], truth[0][inside]
    return float((a - b).square().mean().sqrt()), float(torch.corrcoef(torch.stack([a, b]))[0, 1])


def score(strength, drawn, mask):
    """F1 of the lines where `strength` is high against those drawn, each within 3 px of the other, at the best of 20 thresholds."""
    inside = shrink(mask, 6)[0] > 0.9
    there, best = (drawn[0] > 0.5) & inside, 0.0
    for share in torch.linspace(0.6, 0.99, 20).tolist():
        found = (strength > strength[inside].quantile(share)) & inside
        near_there, near_found = (widest(x[None, None].float(), 3)[0, 0] > 0 for x in (there, found))
        right, seen = float(near_there[found].float().mean()), float(near_found[there].float().mean())
        best = max(best, 2 * right * seen / (right + seen)) if right + seen > 0 else best
    return best


def table(rows, cloths, seconds, asked, garments):
    """One row for each cloth, and all."""
    ways = list(dict.fromkeys(way for way, _ in rows))
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads; {garments} plain garments, {asked.size} px; {statistics.median(seconds):.3f} s each\n"
    )
    print("| cloth | " + " | ".join(f"{way}: error | correlation | lines" for way in ways) + " |")
    print("|---" * (1 + 3 * len(ways)) + "|")
    for name in [*cloths, "all"]:
        each = {way: [row for cloth in cloths if name in (cloth, "all") for row in rows[way, cloth]] for way in ways}
        print(
            f"| {name} | "
            + " | ".join(
                f"{statistics.fmean(r[0] for r in each[way]):.3f} | {statistics.fmean(r[1] for r in each[way]):.2f} | {statistics.fmean(r[2] for r in each[way]):.2f}"
                for way in ways
            )
            + " |"
        )


if __name__ == "__main__":
    main()
