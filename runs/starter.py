"""Remakes the starter set that ships: `python runs/starter.py DATA` with the garments256 set and the styles folder in DATA.

Which pictures: runs/starter.txt, picked by hand from the plainest garments (no logos, no characters). Bytes as they are, but for the
photographed cloths in SWATCHES: a clean part of each, without pockets, plackets, hems and seams, made to go on at the same scale.
"""

import csv
import io
import json
import sys
import zipfile
from pathlib import Path

from muslin.assets import LICENSES, STARTER, STYLES
from muslin.base.files import make_folder, sha256, whole, write_bytes, write_text
from muslin.base.image import encode_jpeg, open_image
from muslin.style.repeats import make_tile, tiled

HERE = Path(__file__).resolve().parent
SWATCHES = {  # left, top, width and height of the clean part in pixels, and whether it is continued as a seamless repeat
    "fabric_chevron_knit.jpg": (12, 40, 220, 214, True),
    "fabric_gingham_yellow.jpg": (64, 44, 136, 210, True),
    "fabric_leaf_mono.jpg": (0, 0, 240, 225, False),
    "fabric_leopard.jpg": (132, 0, 100, 256, True),
    "fabric_madras_rainbow.jpg": (163, 125, 91, 130, True),
    "fabric_polka_teal.jpg": (0, 40, 190, 165, False),
    "fabric_tartan_cream.jpg": (0, 45, 112, 205, True),
}
SIDE = 256  # px of a swatch that is continued


def main(data: Path) -> None:
    """Write starter.zip, styles/ and LICENSES.csv into the package."""
    names = (HERE / "starter.txt").read_text().split()
    garments = {row["file"]: row for row in csv.DictReader((data / "garments256.csv").open())}
    styles = {row["file"]: row for row in csv.DictReader((data / "styles" / "styles.csv").open())}
    ledger, images = [], []
    with whole(STARTER) as part, zipfile.ZipFile(part, "w") as out, zipfile.ZipFile(data / "garments256.zip") as archive:
        for name in (n for n in names if not n.startswith("styles/")):
            content, row = archive.read(name), garments[name]
            out.writestr(zipfile.ZipInfo(name), content)
            entry = {"file": name, "class": row["class"], "licence": row["licence"], "source": row["source"], "sha256": sha256(content)}
            images.append(entry)
            author = "contributors of the Clothing Dataset"
            ledger.append([f"starter.zip/{name}", f"{row['class']} (photograph, cut out)", author, row["licence"], row["source"]])
        listing = {"name": "starter", "licence": "CC0-1.0", "size": 256, "classes": sorted({i["class"] for i in images}), "images": images}
        out.writestr(zipfile.ZipInfo("dataset.json"), json.dumps(listing, indent=1))
    make_folder(STYLES)
    for name in (n.removeprefix("styles/") for n in names if n.startswith("styles/")):
        row = styles[name]
        assert row["may_ship"] == "yes", name
        content, note = swatch(name, (data / "styles" / name).read_bytes())
        write_bytes(STYLES / name, content)
        ledger.append([f"styles/{name}", row["title"], row["author"], row["licence"], row["source"] + note])
    weights = [
        ["efficientnet-lite0.safetensors", "EfficientNet-Lite0, ImageNet weights, fp16", "Google (Tan & Le 2019)", "Apache-2.0", "PyTorch port"],
        ["fashion-mnist-28.safetensors", "the article's GAN on Fashion-MNIST", "Muslin", "Apache-2.0 (data: MIT, Zalando)", "runs/fashion-mnist-28.sh"],
        ["garments-64.safetensors", "style-based GAN on CC0 garments", "Muslin", "Apache-2.0 (data: CC0-1.0)", "runs/garments-64.sh"],
        ["fashion-mnist-32.safetensors", "style-based GAN on Fashion-MNIST", "Muslin", "Apache-2.0 (data: MIT)", "runs/fashion-mnist-32.sh"],
    ]  # fmt: skip
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "title", "author", "licence", "origin"])
    writer.writerows(weights + ledger)
    write_text(LICENSES, text.getvalue())


def swatch(name: str, content: bytes) -> tuple[bytes, str]:
    """The bytes that ship for a style, and what its row of the licences says of the cut."""
    if name not in SWATCHES:
        return content, ""
    left, top, width, height, repeated = SWATCHES[name]
    part = open_image(content).pixels[:, top : top + height, left : left + width].contiguous()
    if not repeated:
        return encode_jpeg(part, 92), f"; cropped {left},{top},{width}x{height}px"
    part = tiled(make_tile(part).pixels, 8, 8)[:, :SIDE, :SIDE].contiguous()
    return encode_jpeg(part, 92), f"; cropped {left},{top},{width}x{height}px, evened and repeated"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
