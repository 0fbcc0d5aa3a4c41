"""What a small archive gains from a shipped generator: the same few pictures, learned from nothing, from garments-64 by a contest alone, and redrawn first.

    python benchmarks/transfer.py DATA OUT [--pictures 200] [--images 40000] [--start garments-64] [--size 64]

So many pictures of DATA are learned from, as even over its classes as they go; the others are what both are measured against, so that learning the few by
heart does not pay: Frechet distance, precision, recall, density, coverage on pooled EfficientNet-Lite0 features (96 px; not FID), 1,000
drafts. Copies are counted among the few. The row `the few` says what the pictures themselves reach. OUT takes the runs and a sheet of each; the
same command goes on. Give it DATA that the shipped generator has not seen: sketches, not its garments.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch
from quality import measure

from muslin.base.files import make_folder, write_bytes
from muslin.base.image import encode_png, from_bytes
from muslin.base.seeds import seeded
from muslin.data.images import Images
from muslin.data.loader import load_images
from muslin.export.sheets import contact_sheet
from muslin.gan.configs import PRESETS, lasting
from muslin.gan.generators import load_generator
from muslin.gan.start import Start
from muslin.gan.train import train
from muslin.metrics.frechet import pooled
from muslin.metrics.novelty import copy_rate, copy_threshold
from muslin.studio.judge import sample


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--images", type=int, default=40_000)
    parser.add_argument("--start", default="garments-64")
    parser.add_argument("--size", type=int, default=64)
    asked = parser.parse_args()
    few, rest = parted(load_images(asked.data, asked.size, 3), asked.pictures)
    wanted, known = pooled(rest.pixels), pooled(few.pixels)
    threshold = copy_threshold(wanted)
    make_folder(asked.out)
    print(json.dumps({"the few": measure(few.pixels, wanted, threshold)}), flush=True)
    start = Start(asked.start)
    contest, redrawing = (lasting(PRESETS[f"{family}-{asked.size}"], asked.images) for family in ("atelier", "vae-gan"))
    gentle = replace(contest, rate=contest.rate / 5)  # as `muslin train --init` does
    ways = {"from nothing": (contest, None), f"from {asked.start}, contest alone": (gentle, start)}
    for name, (config, begun) in (ways | {f"from {asked.start}, redrawing first": (redrawing, start)}).items():
        run = asked.out / name.replace(",", "").replace(" ", "-")
        for _ in train(run, few, config, start=begun):
            pass
        drawn = sample(load_generator(run / "latest.safetensors").network, few.labels, 1000)
        row = measure(drawn, wanted, threshold) | {"copies": copy_rate(pooled(drawn), known, threshold)}
        print(json.dumps({name: row}), flush=True)
        sheet = contact_sheet(list(from_bytes(drawn[:60])), columns=20, side=asked.size, gap=2)
        write_bytes(run / "drafts.png", encode_png(sheet, dpi=96))


def parted(images, count):
    """(so many pictures, the others): of each class in turn a random one, while there are any."""
    order = torch.randperm(len(images), generator=seeded(0, "few")).tolist()
    by_class = [[place for place in order if int(images.labels[place]) == label] for label in range(len(images.classes))]
    chosen = [places[turn] for turn in range(len(images)) for places in by_class if turn < len(places)][:count]
    others = sorted(set(range(len(images))) - set(chosen))

    def part(places):
        return Images(images.pixels[places], images.labels[places], images.classes, images.name, images.licence, images.rights)

    return part(chosen), part(others)


if __name__ == "__main__":
    main()
