"""`muslin train` and `muslin generate`."""

from pathlib import Path

import click

from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.argument("data")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--preset", default="", help="article, classic, atelier-32 or atelier-64. Default: classic for fashion-mnist, else atelier-32."
)
@click.option("--class", "classes", multiple=True, help="Only these classes; again for more.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@options.download
@options.settings
@options.as_json
def train(
    data: str, folder: Path, preset: str, classes: tuple[str, ...], device: str, download: bool, settings: tuple[str, ...], as_json: bool
) -> None:
    """Train on DATA (a folder or zip of pictures, `starter` or `fashion-mnist`) in the folder RUN.

    The same command again goes on where it was stopped. RUN/generator.safetensors is ready to use at any time,
    RUN/sheet.png shows what it draws, RUN/log.csv holds the figures.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.training import train_on

        yield from train_on(data, folder, preset, settings, classes, device, download)

    run(work, as_json)


@click.command()
@click.option("--generator", default="garments-32", show_default=True, help="A shipped generator, a .safetensors file or a run's folder.")
@click.option("--seeds", "seed_text", default="0-15", show_default=True, help="Numbers and ranges: 0-99, or 1,5,9.")
@click.option("--class", "classes", multiple=True, help="Kinds of garment; again for more. Default: all in turn.")
@click.option("--truncation", default=0.8, show_default=True, help="0: the mean garment, 1: the whole variety.")
@click.option("--out", default=Path("drafts"), show_default=True, type=click.Path(path_type=Path), help="The folder to fill.")
@options.as_json
def generate(generator: str, seed_text: str, classes: tuple[str, ...], truncation: float, out: Path, as_json: bool) -> None:
    """Draw designs: a PNG with its recipe for each seed, and sheet.png. The same seed is always the same design."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.gan.generators import load_generator
        from muslin.studio.training import generate

        yield from generate(load_generator(generator), options.seeds(seed_text), classes, truncation, out)

    run(work, as_json)
