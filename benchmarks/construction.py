"""How well it is seen how a garment is built: lines and parts, against traces, of garments that the network did not learn from.

    python benchmarks/construction.py DATA [--sheet OUT.png]

(Most of them the relief network, whose body it began with and whose lines both columns use, has seen when it learned light; no trace of them was seen.) DATA holds garments256.zip and styles/ (cloths that were held out). Garments are every eighth of the traced and those of benchmarks/styles.py (runs/construction.py), as they are and, the plain ones,
printed with the held-out cloths. Lines: F1 within 3 px of 256, at the best threshold for all of them. Parts: intersection over union, all garments together; of buttons, fronts and seams across F1 within 3 px. Told for what is
used (the construction network's lines where the relief network's agree; curves of `style.seams` on them, else the network's parts), and for what came before it: the relief network's lines, and curves on them.
"""

import argparse
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.contours import stroke
from muslin.base.image import encode_png, open_image
from muslin.data.panels import find_panels
from muslin.export.sheets import contact_sheet
from muslin.style.construction import PARTS, find_construction
from muslin.style.laying import lay
from muslin.style.reading import seen_panels
from muslin.style.relief import find_relief
from muslin.style.seams import find_seams

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "runs"))
from construction import read, split
from fast_styler import HELD_OUT

NEAR = 3  # px
KINDS = {"front": ("front",), "across": ("waist", "yoke")}  # parts that are lines, and the panels that they part


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sheet", type=Path)
    asked = parser.parse_args()
    _, held, traced = split(asked.data)
    garments = [one for item in held if (one := read(item, traced))]
    cloths = [
        open_image(asked.data / "styles" / f"{name}.jpg").pixels for name in HELD_OUT if (asked.data / "styles" / f"{name}.jpg").exists()
    ]
    print(
        f"{len(garments)} garments, {sum(one.plain for one in garments)} of them printed with {len(cloths)} cloths, 256 px, torch {torch.__version__}"
    )
    if not cloths:
        sys.exit(f"{asked.data}: none of the held-out cloths is in its styles/")
    shown = []
    for name, pairs in (
        ("as they are", [(one, None) for one in garments]),
        ("printed", [(one, c) for one in garments if one.plain for c in cloths]),
    ):
        ways = {"before": [], "construction": []}
        truth, seconds = [], 0.0
        for one, cloth in pairs:
            lit, built, mask, pixels = one.split()
            pixels = pixels if cloth is None else with_print(lit, mask, cloth)
            lines = find_relief(pixels, mask).lines
            areas = area_of(find_seams(pixels, mask, lines, find_panels(mask)), mask, torch.zeros_like(mask))
            ways["before"].append(torch.cat([lines, areas]) * mask)
            started = time.perf_counter()
            found = find_construction(pixels, mask, lines)
            seconds += time.perf_counter() - started
            areas = area_of(seen_panels(pixels, mask, found, find_panels(mask)), mask, found.folded())
            ways["construction"].append(torch.cat([found.lines, areas]) * mask)
            truth.append(built * (mask > 0.95))
            if len(shown) < 4 * 3 * 24 and cloth is (None if name == "as they are" else cloths[len(shown) // 4 % len(cloths)]):
                shown += [
                    pixels,
                    1 - 2 * ways["before"][-1][:1].expand(3, -1, -1),
                    1 - 2 * found.lines.expand(3, -1, -1),
                    1 - 2 * areas[:3],
                ]
        for way, seen in ways.items():
            told(name, way, torch.stack(seen), torch.stack(truth))
        print(f"{name}: {1000 * seconds / len(pairs):.0f} ms a garment for the network, {torch.get_num_threads()} threads")
    if asked.sheet:
        asked.sheet.write_bytes(encode_png(contact_sheet(shown, columns=12, side=128)))


def with_print(lit, mask, cloth):
    """A plain garment cut anew: the cloth lit by it, on white."""
    lab, factor = to_oklab(lay(cloth, mask, 1.0, 0)), (1 + lit).clamp(0.05, 1.6)
    return from_oklab(torch.cat([(lab[:1] * factor).clamp(0, 1), lab[1:] * (0.5 + 0.5 * factor)])) * mask + 1 - mask


def area_of(panels, mask, folded):
    """Where the parts lie, (p, h, w); of what is a line, the line."""
    rows = []
    for part in PARTS[:-1]:
        own = [panel for panel in panels if panel.kind in KINDS.get(part, (part,))]
        if part in KINDS:
            drawn = torch.zeros(mask.shape[1:])
            for panel in own:
                drawn = stroke(panel.seam, 4.0, drawn)
            rows.append(drawn[None])
        else:
            rows.append(torch.stack([panel.area(*mask.shape[1:]) for panel in own]).amax(0) if own else torch.zeros_like(mask))
    return torch.cat([*rows, folded])


def told(name, way, seen, truth):
    """A line of figures."""
    best = max((f1(seen[:, :1] > threshold, truth[:, :1] > 0.5), float(threshold)) for threshold in torch.linspace(0.05, 0.95, 19))
    parts = []
    for number, kind in enumerate(PARTS, 1):
        one, other = seen[:, number : number + 1] > 0.5, truth[:, number : number + 1] > 0.5
        figure = f1(one, other) if kind in (*KINDS, "button") else float((one & other).sum() / (one | other).sum().clamp(min=1))
        parts.append(f"{kind} {figure:.2f}")
    print(f"{name}, {way}: lines F1 {best[0]:.2f} (at {best[1]:.2f}), {', '.join(parts)}")


def f1(found, real):
    """Of lines, within `NEAR` px."""
    right, there = (
        (one * wide(other)).sum() / one.sum().clamp(min=1) for one, other in ((found.float(), real.float()), (real.float(), found.float()))
    )
    return float(2 * right * there / (right + there).clamp(min=1e-6))


def wide(x):
    """Within so many pixels."""
    return F.max_pool2d(x, 2 * NEAR + 1, 1, NEAR)


if __name__ == "__main__":
    main()
