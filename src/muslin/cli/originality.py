"""`muslin originality`."""

from pathlib import Path

import click

from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.argument("designs", nargs=-1, required=True, metavar="DESIGN...", type=click.Path(path_type=Path))
@click.option(
    "--against", default="garments-64", show_default=True, help="A folder or zip of pictures, `starter`, `fashion-mnist`, an index."
)
@click.option("--held-out", default="", help="Pictures of the same kind, not trained on: what the thresholds are taken from.")
@click.option("--alarm", default=0.01, show_default=True, help="False-alarm rate: so often a new picture may be called a copy.")
@click.option("--index", type=options.Given(), help="Where the index is kept. Default: OUT/index.safetensors.")
@click.option("--lang", default="en", show_default=True, help="The report's language at first sight: en or zh.")
@click.option("--out", default=Path("originality"), show_default=True, type=options.Given(), help="The folder to fill.")
@options.as_json
def originality(
    designs: tuple[Path, ...], against: str, held_out: str, alarm: float, index: Path | None, lang: str, out: Path, as_json: bool
) -> None:
    """Say how near each DESIGN (files or folders) comes to the pictures it may have been learned from.

    OUT/index.html shows each design beside its nearest pictures, OUT/originality.json has the figures. Without --against:
    the 2,704 garments that the generator garments-64 learned from. An index is made once and used again.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.originality import Search, originality

        yield from originality(list(designs), out, Search(against, held_out, alarm, index, lang))

    run(work, as_json)
