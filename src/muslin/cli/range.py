"""`muslin range`."""

from pathlib import Path

import click

from muslin.assets import FINEST
from muslin.cli import options
from muslin.cli.show import run


@click.command("range")
@click.argument("designs", nargs=-1, required=True, metavar="DESIGN...")
@click.option("--style", "styles", multiple=True, required=True, help="Shipped style, picture or folder; again for more.")
@click.option("--as", "mode", type=click.Choice(["style", "print"]), help="The look of the style, or its pattern itself.")
@click.option("--colourways", default=1, show_default=True, help="So many sets of colours of each look.")
@click.option("--lock", default=0, help="So many inks of the first style are the palette of all looks.")
@click.option("--colour", help="garment, style, or palette:FILE (.ase, .gpl, .csv): whose colours.")
@click.option("--effort", type=float, help="0: the draft, 0.5: the default, 1: four times the steps.")
@click.option("--size", type=int, help="Pixels of the longer side.")
@click.option("--generator", default=FINEST, show_default=True, help="For seeds: a shipped generator, a file or a run's folder.")
@click.option("--class", "kind", default="", help="For seeds: the kind of garment. Default: the seed's turn among all.")
@click.option("--truncation", default=0.7, show_default=True, help="For seeds. 0: the mean garment, 1: the whole variety.")
@click.option("--out", default=Path("range"), show_default=True, type=options.Given(), help="The folder to fill.")
@options.vouched
@options.settings
@options.as_json
def range(
    designs: tuple[str, ...], styles: tuple[str, ...], colourways: int, lock: int, colour: str | None, generator: str, kind: str,
    truncation: float, out: Path, rights: str, settings: tuple[str, ...], as_json: bool, **given: object,
) -> None:  # fmt: skip
    """Compose a range: each DESIGN (seed, picture, folder) in each style, a line-up on one floor, and how well it holds together.

    One DESIGN and many styles: one silhouette in many prints. Many and one: one print over a line of silhouettes.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.base.errors import SettingError
        from muslin.gan.generators import load_generator
        from muslin.studio.composing import compose
        from muslin.studio.dressing import style_config
        from muslin.studio.editing import Source

        flags = [f"{name}={value}" for name, value in given.items() if value is not None]
        flags += options.colours(colour) if colour else []
        if lock and colour in ("garment", "style"):
            raise SettingError(f"--lock {lock}: the inks of the first style are everybody's colours then; leave --colour {colour} out")
        source = Source(load_generator(generator), kind, truncation)
        yield from compose(source, list(designs), list(styles), out, style_config("garment", [*flags, *settings]), colourways, lock, rights)

    run(work, as_json)
