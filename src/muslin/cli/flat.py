"""`muslin flat`."""

from pathlib import Path

import click

from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...", type=click.Path(path_type=Path))
@click.option("--detail", default=0.5, show_default=True, help="How many lines inside the silhouette, 0 to 1.")
@click.option("--height-mm", default=300.0, show_default=True, help="How tall the garment is on the page.")
@click.option("--out", default=Path("flats"), show_default=True, type=options.Given(), help="The folder to fill.")
@options.vouched
@options.as_json
def flat(pictures: tuple[Path, ...], detail: float, height_mm: float, out: Path, rights: str, as_json: bool) -> None:
    """Draw each PICTURE (files or folders; a garment on a plain ground, or cut out) as a fashion flat: SVG with layers, and PNG.

    The layers silhouette, seams and details open in Inkscape and Illustrator. Several pictures get a sheet.png besides.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.flat import FlatConfig, flat

        yield from flat(list(pictures), out, FlatConfig(detail, height_mm), rights)

    run(work, as_json)
