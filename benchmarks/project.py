"""How near a photo comes to itself in the generator: held-out garments projected, beside the nearest of 1000 random drafts.

    python benchmarks/project.py DATA=FOLDER OUT=FOLDER [N=20] [GENERATOR=garments-64]

Held out: pictures of garments256.zip that runs/garments.py leaves out (border >= 0.05 or uncertain >= 0.2) on which a mask can be found.
Prints a markdown table and writes OUT/project.png: target, nearest draft, projection. Drafts: all classes in turn, no truncation.
"""

import csv
import sys
import time
import zipfile
from pathlib import Path

import torch
import torch.nn.functional as F

from muslin.base.files import make_folder, write_bytes
from muslin.base.image import encode_png, open_image, resize
from muslin.data.ground import find_mask
from muslin.export.sheets import contact_sheet
from muslin.gan.generators import load_generator
from muslin.gan.invert import ProjectConfig, apart, look, project
from muslin.gan.latent import style_based

DRAFTS, BATCH = 1000, 50


def held_out(data, count, side):
    """(name, picture, mask) of garments that the generator never saw, spread over the classes."""
    with (data / "garments256.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if float(row["border"]) >= 0.05 or float(row["uncertain"]) >= 0.2]
    found = []
    with zipfile.ZipFile(data / "garments256.zip") as archive:
        for row in rows[:: max(1, len(rows) // (2 * count))]:
            pixels = open_image(archive.read(row["file"]), row["file"]).pixels
            mask = find_mask(pixels)
            if mask is not None and len(found) < 2 * count:
                small = F.interpolate(mask[None], size=(side, side), mode="bilinear", antialias=True)[0].clamp(0, 1)
                found.append((row["file"], resize(pixels, side, side), small))
    return [found[number * len(found) // count] for number in range(min(count, len(found)))]


@torch.no_grad()
def nearest_drafts(generator, targets):
    """(distance, picture) of the nearest of `DRAFTS` random designs for each target."""
    looks, best = [look(target[None]) for target in targets], [(9.0, target) for target in targets]
    for start in range(0, DRAFTS, BATCH):
        seeds = range(10_000 + start, 10_000 + start + BATCH)
        drawn = torch.stack(list(generator.draw_many(seeds, [seed % generator.network.classes for seed in seeds])))
        seen = look(drawn)
        for number, wanted in enumerate(looks):
            distances = apart(seen, wanted)
            found = int(distances.argmin())
            if float(distances[found]) < best[number][0]:
                best[number] = (float(distances[found]), drawn[found])
    return best


def main(data, out, count, which):
    generator = load_generator(which)
    network, made, sheet = style_based(generator), [], []
    targets = held_out(data, count, network.size)
    nearest = nearest_drafts(generator, [target for _, target, _ in targets])
    print("| garment | nearest of 1000 | projection | ratio | seconds |\n|---|---|---|---|---|")
    for (name, target, mask), (near, draft) in zip(targets, nearest, strict=True):
        began = time.perf_counter()
        *_, found = project(network, target, mask, ProjectConfig())
        seconds = time.perf_counter() - began
        made.append((near, found.distance, seconds))
        sheet += [target, draft, found.picture]
        print(f"| {name[:22]} | {near:.3f} | {found.distance:.3f} | {found.distance / near:.2f} | {seconds:.1f} |", flush=True)
    near, distance, seconds = (sum(column) / len(made) for column in zip(*made, strict=True))
    print(f"| **mean of {len(made)}** | {near:.3f} | {distance:.3f} | **{distance / near:.2f}** | {seconds:.1f} |")
    write_bytes(make_folder(out) / "project.png", encode_png(contact_sheet(sheet, columns=9, side=128, gap=6)))


if __name__ == "__main__":
    given = {"DATA": "data", "OUT": "project", "N": "20", "GENERATOR": "garments-64"}
    given |= dict(word.split("=", 1) for word in sys.argv[1:])
    main(Path(given["DATA"]), Path(given["OUT"]), int(given["N"]), given["GENERATOR"])
