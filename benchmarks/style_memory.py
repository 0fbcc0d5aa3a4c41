"""Peak memory and seconds of `muslin style` as a process of its own, beside what `memory_needed` says before it starts.

python benchmarks/style_memory.py [--sizes 512,1024,2048,4096] [--garment FILE] [--photo] [-- words for muslin style, as in --fast or --as print]

The garment is a dress of the starter set, or the picture FILE; with --photo it is enlarged to the size first, as a camera would have taken it,
so that it lies in memory too.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from muslin.assets import STARTER
from muslin.base.image import encode_png, open_image, resize
from muslin.data.sources import open_source
from muslin.studio.dressing import style_config
from muslin.style.dress import memory_needed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="512,1024,2048,4096")
    parser.add_argument("--garment", type=Path)
    parser.add_argument("--photo", action="store_true")
    parser.add_argument("words", nargs="*")
    asked = parser.parse_args()
    print("| size | seconds | peak GiB | said before, GiB |\n|---|---|---|---|")
    for size in map(int, asked.sizes.split(",")):
        seconds, peak = run(size, asked)
        settings = [f"size={size}", *(["effort=0"] if "--fast" in asked.words else []), *(["mode=print"] if "print" in asked.words else [])]
        said = memory_needed(style_config("garment", settings))
        print(f"| {size} | {seconds:.1f} | {peak / 2**30:.2f} | {said / 2**30:.2f} |", flush=True)


def run(size, asked):
    """(seconds, peak bytes) of one run."""
    with tempfile.TemporaryDirectory() as folder:
        dress = next(item for item in open_source(STARTER).items if item.label == "dress")
        taken, picture = asked.garment.read_bytes() if asked.garment else dress.read(), Path(folder) / "garment.png"
        pixels = open_image(taken).pixels
        factor = size / max(pixels.shape[1:]) if asked.photo else 1
        picture.write_bytes(encode_png(resize(pixels, *(round(side * factor) for side in pixels.shape[1:]))))
        command = [sys.executable, "-m", "muslin", "style", str(picture), "--style", "weave_ikat", "--size", str(size), "--out", folder]
        command += ["--i-have-the-rights", "the starter set: CC0"]
        start = time.perf_counter()
        process = subprocess.Popen([*command, *asked.words], stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"muslin style at {size} px ended with {status}")
        return time.perf_counter() - start, usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
