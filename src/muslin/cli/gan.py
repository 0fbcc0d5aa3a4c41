"""`muslin train` and `muslin generate`."""

from pathlib import Path
from typing import Any

import click

from muslin.assets import FINEST
from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.argument("data")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--size", default=0, help="Pixels: 32, 64, 128, 256 or 512. Default: 64, or that of --init.")
@click.option(
    "--budget",
    default="",
    help="Time to train, as 30m or 2h: capacity, batch and length follow from this machine's speed (with --init length alone).",
)
@click.option("--init", default="", help="Start from this generator (shipped name, file, run): fine-tune, or grow to a larger --size.")
@click.option(
    "--preset",
    default="",
    help="`muslin list presets` shows them. Default: atelier-SIZE; with --init as that was made (garments-64: vae-gan-SIZE); fashion-mnist: classic.",
)
@click.option("--class", "classes", multiple=True, help="Only these classes; again for more.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@options.download
@options.vouched
@options.settings
@options.as_json
def train(data: str, folder: Path, budget: str, as_json: bool, **asked: Any) -> None:
    """Train on DATA (a folder or zip of pictures, `starter` or `fashion-mnist`) in the folder RUN.

    The same command again goes on where it was stopped. RUN/generator.safetensors is the best so far and ready to use
    at any time, RUN/sheet.png shows what it draws, RUN/log.csv and RUN/board hold the figures. Under
    `torchrun --nproc-per-node N -m muslin train ...` it runs on N GPUs or processes.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.training import Wish, train_on

        yield from train_on(data, folder, Wish(**asked, budget=options.duration(budget)))

    run(work, as_json)


@click.command()
@click.option("--generator", default=FINEST, show_default=True, help="A shipped generator, a .safetensors file or a run's folder.")
@click.option("--seeds", "seed_text", default="0-15", show_default=True, help="Numbers and ranges: 0-99, or 1,5,9.")
@click.option("--class", "classes", multiple=True, help="Kinds of garment; again for more. Default: all in turn.")
@click.option("--truncation", default=0.8, show_default=True, help="0: the mean garment, 1: the whole variety.")
@click.option(
    "--size", default=0, help="Pixels at which each is drawn anew: calm outline, smooth folds. Default: as the generator gives it."
)
@options.blocks
@options.vouched
@click.option("--out", default=Path("drafts"), show_default=True, type=options.Given(), help="The folder to fill.")
@click.option(
    "--device", default="cpu", show_default=True, help="auto, cpu, cuda or mps. Only one and the same device gives the same bits."
)
@options.runtime
@options.as_json
def generate(
    generator: str,
    seed_text: str,
    classes: tuple[str, ...],
    truncation: float,
    size: int,
    blocks: str,
    rights: str,
    out: Path,
    device: str,
    runtime: str,
    as_json: bool,
) -> None:
    """Draw designs: a PNG with its recipe for each seed, and sheet.png. The same seed is always the same design."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.drafts import generate
        from muslin.studio.runtimes import open_generator

        yield from generate(
            open_generator(generator, runtime, device), options.seeds(seed_text), classes, truncation, out, size, blocks, rights
        )

    run(work, as_json)
