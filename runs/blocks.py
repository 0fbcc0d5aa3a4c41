"""Remakes blocks.zip: `python runs/blocks.py DATA` with the garments256 set in DATA.

Garments beside the starter set on which drafts are made up: those of src/muslin/assets/blocks.txt that starter.zip has not. They were picked by eye from some 500 that
a machine had put forward (plain cloth, a clean silhouette): no logos, labels, hangers or hard shadows, collar, neck and waist well seen. Bytes as they are.
"""

import sys
import zipfile
from pathlib import Path

from starter import keep_ledger, pack

from muslin.assets import BLOCKS, MORE_BLOCKS, STARTER


def main(data: Path) -> None:
    """Write blocks.zip and its rows of LICENSES.csv into the package."""
    with zipfile.ZipFile(STARTER) as archive:
        there = set(archive.namelist())
    keep_ledger(pack(data, [name for name in BLOCKS.read_text().split() if name not in there], MORE_BLOCKS), (f"{MORE_BLOCKS.name}/",))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
