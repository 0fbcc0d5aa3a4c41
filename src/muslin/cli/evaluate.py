"""`muslin evaluate`."""

from pathlib import Path

import click

from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.argument("generator")
@click.option("--data", required=True, help="The training set: a folder or zip of pictures, `starter` or `fashion-mnist`.")
@click.option("--samples", default=5000, show_default=True, help="How many drafts are drawn.")
@click.option("--against", default="", help="Another generator to compare with.")
@click.option("--held-out", default="", help="Pictures that the generator never saw: turns the data-copying test on.")
@click.option("--class", "classes", multiple=True, help="Only these kinds of the training set; again for more.")
@click.option("--truncation", default=1.0, show_default=True, help="1: the whole variety, as figures are usually told.")
@click.option("--seed", default=0, show_default=True, help="Of the first draft; the next drafts have the next seeds.")
@click.option(
    "--inception", type=click.Path(path_type=Path), help="Inception's weights, for FID and KID; default: torch's cache, if there."
)
@click.option("--out", default=Path("evaluation"), show_default=True, type=click.Path(path_type=Path), help="The folder to fill.")
@click.option("--lang", default="en", show_default=True, type=click.Choice(["en", "zh"]), help="The page's language at first sight.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="resamples, pictures (of DATA at most), class_least, class_axes or strip.",
)
@options.download
@options.as_json
def evaluate(
    generator: str, data: str, samples: int, against: str, held_out: str, classes: tuple[str, ...], truncation: float, seed: int,
    inception: Path | None, out: Path, lang: str, settings: tuple[str, ...], download: bool, as_json: bool,
) -> None:  # fmt: skip
    """Measure how good GENERATOR (shipped name, file or run) is: a page in OUT/index.html, the figures in OUT/evaluation.json.

    Every figure has an interval and, beside it, what two halves of the training set give. The same command goes on where it was
    stopped. Nothing is downloaded: FID and KID are told only where Inception's weights are on this machine.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.base.config import overlay
        from muslin.base.events import Refused
        from muslin.data.images import Images
        from muslin.data.loader import load_images
        from muslin.gan.generators import load_generator
        from muslin.studio.evaluate import EvaluateConfig, evaluate

        config = overlay(EvaluateConfig(samples=samples, truncation=truncation, seed=seed), settings)
        one, other = load_generator(generator), load_generator(against) if against else None
        size, channels, bad = one.network.size, one.network.channels, list[Refused]()

        def read(name: str) -> Images:
            return load_images(name, size, channels, classes, lambda file, reason: bad.append(Refused(file, reason)), download)

        images, unseen = read(data), read(held_out) if held_out else None
        yield from bad
        yield from evaluate(one, images, out, config, other, unseen, inception, lang)

    run(work, as_json)
