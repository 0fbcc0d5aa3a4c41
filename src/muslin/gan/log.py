"""`log.csv` of a run: images seen and figures, a row for each report; rewritten whole at each checkpoint."""

import csv
import io
from pathlib import Path

from muslin.base.errors import InputError
from muslin.base.files import write_text


class Log:
    """Rows in memory, and the file. What was logged after the checkpoint that a run goes back to is dropped."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, list[dict[str, float]]()

    def load(self, seen: int) -> None:
        """The rows of the file up to `seen` images."""
        self.rows = [row for row in self.rows if row["images"] <= seen]
        if self.path.exists():
            try:
                with self.path.open(newline="") as file:
                    rows = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
                self.rows = [row | {"images": int(row["images"])} for row in rows if row["images"] <= seen]
            except (KeyError, ValueError, TypeError, csv.Error) as failure:
                raise InputError(f"{self.path}: not a log of a training ({failure}); move it away, or name another folder") from failure

    def add(self, seen: int, figures: dict[str, float]) -> None:
        """One more row, or more figures for the last one when it is of the same moment."""
        if self.rows and self.rows[-1]["images"] == seen:
            self.rows[-1] |= figures
        else:
            self.rows.append({"images": seen, **figures})

    def write(self) -> None:
        """The whole file."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(key for row in self.rows for key in row)))
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())
