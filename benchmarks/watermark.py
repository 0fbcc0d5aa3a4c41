"""Whether the invisible mark survives, on garments of the starter set at 512 px. `python benchmarks/watermark.py`, about a minute on two cores; a number after it: so many pictures (8).

Also what it finds where it should find nothing: the same garments and as many woven styles, unmarked, with 200 keys each.
"""

import statistics
import sys

import torch

from muslin.assets import STARTER, STYLES
from muslin.base.image import encode_jpeg, encode_png, open_image, resize
from muslin.data.sources import open_source
from muslin.provenance.watermark import SURE, embed, found, pattern, score, spectra

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 8
KEYS = 200


def jpeg(pixels, quality):
    return open_image(encode_jpeg(pixels, quality)).pixels


TREATMENTS = {
    "as it is (PNG)": lambda x: x,
    "JPEG 90": lambda x: jpeg(x, 90),
    "JPEG 70": lambda x: jpeg(x, 70),
    "JPEG 50": lambda x: jpeg(x, 50),
    "resized to 50 %": lambda x: resize(x, 256, 256),
    "resized to 50 %, JPEG 80": lambda x: jpeg(resize(x, 256, 256), 80),
    "resized to 60 %": lambda x: resize(x, 307, 307),
    "cropped to 80 %": lambda x: x[:, 37:447, 61:471],
    "cropped to 80 %, JPEG 70": lambda x: jpeg(x[:, 37:447, 61:471], 70),
}


def nothing_to_find(pictures):
    """The best score of each key in each unmarked picture."""
    wanted = [pattern(f"key {number}".encode()) for number in range(KEYS)]
    for pixels in pictures:
        spectrums = list(spectra(pixels))
        yield from (max(score(spectrum, one) for spectrum in spectrums) for one in wanted)


def main():
    items = open_source(STARTER).items
    plain = [resize(open_image(item.read(), item.name).pixels, 512, 512) for item in items[:: len(items) // COUNT][:COUNT]]
    woven = [resize(open_image(path).pixels, 512, 512) for path in sorted(STYLES.glob("*.jpg"))[:COUNT]]
    marked = [open_image(encode_png(embed(pixels, b"ours"))).pixels for pixels in plain]
    noise = [float(10 * torch.log10(4 / (ours - pixels).square().mean())) for ours, pixels in zip(marked, plain, strict=True)]
    print(f"{COUNT} pictures, PSNR {statistics.median(noise):.1f} dB (least {min(noise):.1f})")
    print("| treatment | found | score, median | least |\n|---|---|---|---|")
    for name, treat in TREATMENTS.items():
        scores = [found(treat(pixels), b"ours") for pixels in marked]
        print(f"| {name} | {sum(s > SURE for s in scores)} of {COUNT} | {statistics.median(scores):.1f} | {min(scores):.1f} |")
    nothing = sorted(nothing_to_find(plain + woven))
    middle, late = statistics.median(nothing), nothing[int(len(nothing) * 0.99)]
    print(
        f"nothing to find: {sum(s > SURE for s in nothing)} of {len(nothing)} found; median {middle:.1f}, 99 % below {late:.1f}, highest {nothing[-1]:.1f}"
    )


if __name__ == "__main__":
    main()
