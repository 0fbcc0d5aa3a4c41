"""`muslin fabric`."""

from pathlib import Path

import click

from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.argument("styles", nargs=-1, required=True, metavar="STYLE...")
@click.option("--repeat", type=click.Choice(["straight", "half-drop", "brick", "mirror", "as-is"]), default="straight", show_default=True,
              help="How the tiles go on; as-is: the picture is a seamless tile already.")  # fmt: skip
@click.option("--cm", default=20.0, show_default=True, help="Width of one tile on the cloth.")
@click.option("--dpi", default=300.0, show_default=True, help="Dots an inch.")
@click.option("--even", default=1.0, show_default=True, help="How much uneven light of the photograph is taken out, 0 to 1.")
@click.option(
    "--colour", "palette", default="", metavar="palette:FILE", help="A palette of inks: .ase, .gpl or .csv. Default: the style's own."
)
@click.option("--colourways", default=1, show_default=True, help="So many sets of colours, the first the style's own.")
@click.option("--tiff", is_flag=True, help="TIFF of 16 bits instead of PNG.")
@click.option("--out", default=Path("fabric"), show_default=True, type=options.Given(), help="The folder to fill.")
@options.vouched
@options.as_json
def fabric(
    styles: tuple[str, ...],
    repeat: str,
    cm: float,
    dpi: float,
    even: float,
    palette: str,
    colourways: int,
    tiff: bool,
    out: Path,
    rights: str,
    as_json: bool,
) -> None:
    """Make seamless repeats of STYLEs (shipped names, pictures, folders) at print size, each with a 3 x 3 proof.

    The seam figure is about 1 or less where no seam can be found. `muslin remake FILE` makes a repeat again.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.base.config import from_dict
        from muslin.studio.fabric import FabricConfig, fabric
        from muslin.studio.styles import find_styles

        inks = options.palette(palette) if palette not in ("", "style") else ()
        config = from_dict(FabricConfig, {"repeat": repeat, "cm": cm, "dpi": dpi, "even": even, "inks": inks})
        yield from fabric(find_styles(list(styles)), out, config, "tiff" if tiff else "png", colourways, rights)

    run(work, as_json)
