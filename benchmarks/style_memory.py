"""Peak memory and seconds of `muslin style` as a process of its own, beside what `memory_needed` says before it starts.

python benchmarks/style_memory.py [--sizes 512,1024,2048,4096] [-- words for muslin style, as in --fast or --as print]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from muslin.assets import STARTER
from muslin.data.sources import open_source
from muslin.studio.dressing import style_config
from muslin.style.dress import memory_needed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="512,1024,2048,4096")
    parser.add_argument("words", nargs="*")
    asked = parser.parse_args()
    print("| size | seconds | peak GiB | said before, GiB |\n|---|---|---|---|")
    for size in map(int, asked.sizes.split(",")):
        seconds, peak = run(size, asked.words)
        settings = [f"size={size}", *(["effort=0"] if "--fast" in asked.words else []), *(["mode=print"] if "print" in asked.words else [])]
        said = memory_needed(style_config("garment", settings))
        print(f"| {size} | {seconds:.1f} | {peak / 2**30:.2f} | {said / 2**30:.2f} |", flush=True)


def run(size, words):
    """(seconds, peak bytes) of one run on a dress of the starter set."""
    with tempfile.TemporaryDirectory() as folder:
        dress = next(item for item in open_source(STARTER).items if item.label == "dress")
        picture = Path(folder) / "dress.jpg"
        picture.write_bytes(dress.read())
        command = [sys.executable, "-m", "muslin", "style", str(picture), "--style", "weave_ikat", "--size", str(size), "--out", folder]
        command += ["--i-have-the-rights", "the starter set: CC0"]
        start = time.perf_counter()
        process = subprocess.Popen([*command, *words], stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"muslin style at {size} px ended with {status}")
        return time.perf_counter() - start, usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
