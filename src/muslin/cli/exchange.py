"""`muslin export`."""

from pathlib import Path

import click

from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.argument("generator")
@click.option("--to", "target", required=True, help="What to write: onnx.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file.")
@options.as_json
def export(generator: str, target: str, out: Path, as_json: bool) -> None:
    """Write GENERATOR (a shipped one, a file, a run, or `fast`: the fast style network) as a file that needs no Muslin.

    The file is compared with the network before it is kept, and the largest difference is told.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.exchange import export

        yield from export(generator, target, out)

    run(work, as_json)
