"""`muslin prepare`."""

from pathlib import Path

import click

from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--size", default=256, show_default=True, help="Pixels of a side.")
@click.option("--no-masks", is_flag=True, help="Do not look for the garments' masks.")
@click.option("--keep-twins", is_flag=True, help="Keep pictures that repeat others.")
@click.option("--licence", default="", help="For pictures that say nothing of their rights, as in `own work`.")
@options.as_json
def prepare(source: Path, target: Path, size: int, no_masks: bool, keep_twins: bool, licence: str, as_json: bool) -> None:
    """Check, mend and pack SOURCE (a folder or zip; sub-folders are classes) into the zip TARGET, with a report.

    Turns, converts, squares and resizes; drops twins; finds masks; names every file that cannot be used and goes on.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.data.prepare import PrepareConfig, prepare

        yield from prepare(source, target, PrepareConfig(size, not no_masks, not keep_twins, licence=licence))

    run(work, as_json)
