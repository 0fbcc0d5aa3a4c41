"""Run a notebook from top to bottom, small, and keep it with its outputs: `python notebooks/run.py notebooks/muslin.ipynb FOLDER`.

In FOLDER lie then the notebook with outputs and the pictures that it made. Needs `pip install -e '.[notebooks]'`.
"""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def main(notebook: Path, folder: Path) -> None:
    """Raises nbclient's CellExecutionError at the first cell that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("MUSLIN_NOTEBOOK", "small")
    book = nbformat.read(notebook, as_version=4)
    try:
        NotebookClient(book, timeout=1200, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    finally:
        nbformat.write(book, folder / notebook.name)
    print(f"{notebook.name}: {len(book.cells)} cells ran; {len(list(folder.rglob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
