"""Makes the training folders of the shipped generators out of the Clothing Dataset's cut-outs: `garments.py DATA OUT`.

DATA holds garments256.zip, garments256.csv and sketches256.zip (CLASS/NAME.jpg and .png). Kept: pictures whose garment touches the
photograph's border on less than 5 % of it (column `border`) and whose mask was sure (column `uncertain` below 0.2).
Writes OUT/garments and OUT/sketches with a folder for each class, and OUT/*/dataset.json with classes, sources and the licence.
"""

import csv
import json
import sys
import zipfile
from pathlib import Path


def main(data: Path, out: Path) -> None:
    """Copy what is kept."""
    with (data / "garments256.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if float(row["border"]) < 0.05 and float(row["uncertain"]) < 0.2]
    for name, ending in (("garments", ".jpg"), ("sketches", ".png")):
        listed = []
        with zipfile.ZipFile(data / f"{name}256.zip") as archive:
            there = set(archive.namelist())
            for row in rows:
                member = Path(row["file"]).with_suffix(ending).as_posix()
                if member in there:
                    target = out / name / member
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(archive.read(member))
                    listed.append({"file": member, "class": row["class"], "source": row["source"]})
        about = {"name": f"Clothing Dataset, {name}", "licence": "CC0-1.0", "images": listed}
        (out / name / "dataset.json").write_text(json.dumps(about, indent=1))
        print(name, len(listed))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
