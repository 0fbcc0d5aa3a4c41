"""What content credentials add to a look of 512 px: milliseconds and kilobytes, by format. `python benchmarks/credentials.py`, a few seconds.

Warm, the median of 20 runs. Not named c2pa.py: a script's folder is searched first, and it would hide the package. `sign` is the C2PA signature alone; `muslin sign` also reads the file, checks it, and writes it whole.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from muslin.assets import STARTER, STYLES
from muslin.base.files import sha256_file, write_bytes
from muslin.base.image import encode_jpeg, encode_png, encode_webp, open_image, resize
from muslin.base.tiff import encode_tiff
from muslin.data.sources import open_source
from muslin.provenance.credentials import check, manifest, sign
from muslin.provenance.keys import load_studio, make_keys
from muslin.provenance.recipe import Recipe, tools
from muslin.provenance.xmp import build
from muslin.studio.verify import signed

RUNS = 20


def milliseconds(work: Callable[[], object]) -> float:
    work()
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1000


def main() -> None:
    item = next(item for item in open_source(STARTER).items if item.label == "dress")
    pixels = resize(open_image(item.read(), item.name).pixels, 512, 512)
    style = STYLES / "weave_ikat.jpg"
    row = {"file": style.name, "sha256": sha256_file(style), "licence": "CC0", "weight": 1.0}
    generator = {"name": "garments-64", "sha256": "ab" * 32, "seed": 1, "truncation": 0.7}
    recipe = Recipe("look", generator, styles=[row], settings={"size": 512}, made_with=tools(), licence={style.name: "CC0"})
    whole = recipe.xmp(whole=True)
    files = {
        "a.png": encode_png(pixels, text=recipe.text()),
        "a.jpg": encode_jpeg(pixels, dpi=300, xmp=whole),
        "a.webp": encode_webp(pixels, xmp=whole),
        "a.tiff": encode_tiff(pixels, 300, recipe.plain(), recipe.xmp()),
    }
    folder = Path(tempfile.mkdtemp())
    os.environ["MUSLIN_HOME"] = str(folder)
    make_keys("Benchmark")
    studio, about = load_studio(), manifest("a", recipe.mark(), recipe)
    print("| 512 px | file, KB | sign, ms | muslin sign, ms | verify, ms | added, KB |\n|---|---|---|---|---|---|")
    for name, content in files.items():
        path = write_bytes(folder / name, content)
        done = sign(content, about, studio)
        figures = [milliseconds(lambda content=content: sign(content, about, studio))]
        figures.append(milliseconds(lambda path=path: write_bytes(folder / "out", signed(path, studio))))
        figures.append(milliseconds(lambda done=done: check(done, studio.anchors)))
        told = " | ".join(f"{figure:.1f}" for figure in figures)
        print(f"| {path.suffix[1:]} | {len(content) / 1000:.0f} | {told} | {(len(done) - len(content)) / 1000:.1f} |")
    print(f"XMP: {len(recipe.xmp()) / 1000:.1f} KB, {milliseconds(lambda: build(recipe.mark())):.3f} ms")


if __name__ == "__main__":
    main()
