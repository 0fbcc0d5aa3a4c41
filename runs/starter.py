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
AUTHOR = "contributors of the Clothing Dataset"
SIDE = 256  # px of a swatch that is continued


def main(data: Path) -> None:
    """Write starter.zip, styles/ and their rows of LICENSES.csv into the package."""
    names = (HERE / "starter.txt").read_text().split()
    ledger = pack(data, [name for name in names if not name.startswith("styles/")], STARTER)
    styles = {row["file"]: row for row in csv.DictReader((data / "styles" / "styles.csv").open())}
    make_folder(STYLES)
    for name in (n.removeprefix("styles/") for n in names if n.startswith("styles/")):
        row = styles[name]
        assert row["may_ship"] == "yes", name
        content, note = swatch(name, (data / "styles" / name).read_bytes())
        write_bytes(STYLES / name, content)
        ledger.append([f"styles/{name}", row["title"], row["author"], row["licence"], row["source"] + note])
    keep_ledger(ledger, ("starter.zip/", "styles/"))


def pack(data: Path, names: list[str], to: Path) -> list[list[str]]:
    """Garments of DATA's garments256.zip as a zip with its listing; their rows of the ledger."""
    garments = {row["file"]: row for row in csv.DictReader((data / "garments256.csv").open())}
    images = []
    with whole(to) as part, zipfile.ZipFile(part, "w") as out, zipfile.ZipFile(data / "garments256.zip") as archive:
        for name in names:
            content, row = archive.read(name), garments[name]
            out.writestr(zipfile.ZipInfo(name), content)
            images.append(
                {"file": name, "class": row["class"], "licence": row["licence"], "source": row["source"], "sha256": sha256(content)}
            )
        listing = {"name": to.stem, "licence": "CC0-1.0", "size": 256, "classes": sorted({i["class"] for i in images}), "images": images}
        out.writestr(zipfile.ZipInfo("dataset.json"), json.dumps(listing, indent=1))
    return [[f"{to.name}/{i['file']}", f"{i['class']} (photograph, cut out)", AUTHOR, i["licence"], i["source"]] for i in images]


def keep_ledger(rows: list[list[str]], begins: tuple[str, ...]) -> None:
    """LICENSES.csv with these rows in the place of those whose files begin so."""
    with LICENSES.open(newline="", encoding="utf-8") as file:
        head, *old = csv.reader(file)
    first = next((place for place, row in enumerate(old) if row[0].startswith(begins)), len(old))
    others = [row for row in old if not row[0].startswith(begins)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *others[:first], *rows, *others[first:]])
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
