"""`muslin pieces`."""

from pathlib import Path

import click

from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.argument("archive")
@click.option("--out", default=Path("pieces"), show_default=True, type=options.Given(), help="The folder to fill.")
@options.as_json
def pieces(archive: str, out: Path, as_json: bool) -> None:
    """Read how the garments of ARCHIVE (a folder, a zip, or `starter`) are built: collars, openings, fronts, waistbands, cuffs, pockets, buttons.

    OUT/pieces.txt has a row for each, OUT/pieces-NN.png show them. Correct the file and put it into the archive: `muslin design --blocks ARCHIVE` builds
    on it, and `muslin style` and `muslin flat` dress and draw the archive's pictures by it. Rows that are there already are kept.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.pieces import pieces

        yield from pieces(archive, out)

    run(work, as_json)
