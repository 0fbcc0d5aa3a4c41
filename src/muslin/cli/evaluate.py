"""`muslin evaluate`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from muslin.base.errors import SettingError
from muslin.base.events import Event, Refused
from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.argument("subject", metavar="GENERATOR|FOLDER")
@click.option("--data", default="", help="Of a generator: the training set, a folder or zip of pictures, `starter` or `fashion-mnist`.")
@click.option("--samples", default=5000, show_default=True, help="How many drafts are drawn.")
@click.option("--against", default="", help="Another generator (or folder of dressed pictures) to compare with.")
@click.option("--held-out", default="", help="Pictures that the generator never saw: turns the data-copying test on.")
@click.option("--class", "classes", multiple=True, help="Only these kinds of the training set; again for more.")
@click.option("--truncation", default=1.0, show_default=True, help="1: the whole variety, as figures are usually told.")
@click.option("--seed", default=0, show_default=True, help="Of the first draft, the next drafts have the next seeds; and of the intervals.")
@click.option(
    "--inception", type=click.Path(path_type=Path), help="Inception's weights, for FID and KID; default: torch's cache, if there."
)
@click.option("--look-in", multiple=True, type=click.Path(path_type=Path), help="Of dressed pictures: where what they were made on lies.")
@click.option("--drawn-by", default="", metavar="GENERATOR", help="Of looks on drafts that no shipped generator drew: its file.")
@click.option("--out", default=Path("evaluation"), show_default=True, type=options.Given(), help="The folder to fill.")
@click.option("--lang", default="en", show_default=True, type=click.Choice(["en", "zh"]), help="The page's language at first sight.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="`muslin list settings` shows them.",
)
@options.download
@options.as_json
@click.pass_context
def evaluate(context: click.Context, /, subject: str, data: str, as_json: bool, **given: Any) -> None:
    """Measure how good GENERATOR (shipped name, file or run) is, or the dressed pictures in FOLDER: OUT/index.html, OUT/evaluation.json.

    Every figure has an interval. The same command goes on where it was stopped. A generator's figures stand beside what two halves of
    the training set give; nothing is downloaded: FID and KID are told only where Inception's weights are on this machine. FOLDER is
    what `muslin style`, `design` or `range` has filled; garments and styles are found by the recipes, there, here and in --look-in.
    """

    def work():  # type: ignore[no-untyped-def]
        if data or not Path(subject).is_dir():
            _refuse(context, _LOOKS, "is for dressed pictures")
            yield from _drafts(subject, data, **{name: value for name, value in given.items() if name not in _LOOKS})
        else:
            _refuse(context, _DRAFTS, "says nothing of dressed pictures")
            looks = Path(subject) / "looks"  # of what `design` has filled
            folder = str(looks) if looks.is_dir() else subject
            yield from _looks(folder, **{name: value for name, value in given.items() if name not in _DRAFTS})

    run(work, as_json)


_DRAFTS = ("samples", "held_out", "classes", "truncation", "inception", "download")
_LOOKS = ("look_in", "drawn_by")


def _drafts(
    subject: str, data: str, samples: int, against: str, held_out: str, classes: tuple[str, ...], truncation: float, seed: int,
    inception: Path | None, out: Path, lang: str, settings: tuple[str, ...], download: bool,
) -> Iterator[Event]:  # fmt: skip
    from muslin.base.config import overlay
    from muslin.data.images import Images
    from muslin.data.loader import load_images
    from muslin.gan.generators import load_generator
    from muslin.studio.evaluate import EvaluateConfig, evaluate

    if not data:
        raise SettingError(f"{subject}: what did it learn from? Name it with --data (or give a folder of dressed pictures)")
    config = overlay(EvaluateConfig(samples=samples, truncation=truncation, seed=seed), settings)
    one, other = load_generator(subject), load_generator(against) if against else None
    size, channels, bad = one.network.size, one.network.channels, list[Refused]()

    def read(name: str) -> Images:
        return load_images(name, size, channels, classes, lambda file, reason: bad.append(Refused(file, reason)), download)

    images, unseen = read(data), read(held_out) if held_out else None
    yield from bad
    yield from evaluate(one, images, out, config, other, unseen, inception, lang)


def _looks(
    subject: str, against: str, seed: int, look_in: tuple[Path, ...], drawn_by: str, out: Path, lang: str, settings: tuple[str, ...]
) -> Iterator[Event]:
    from muslin.base.config import overlay
    from muslin.studio.evaluate_looks import LooksConfig, evaluate_looks
    from muslin.studio.looks import Pantry

    config, pantry = overlay(LooksConfig(seed=seed), settings), Pantry(look_in, drawn_by or None)
    yield from evaluate_looks(Path(subject), out, config, pantry, Path(against) if against else None, lang)


def _refuse(context: click.Context, names: tuple[str, ...], why: str) -> None:
    """Raises SettingError for an option of the other kind of evaluation, which would do nothing."""
    given = [name for name in names if context.get_parameter_source(name) not in (ParameterSource.DEFAULT, None)]
    if given:
        flag = next(option.opts[0] for option in context.command.params if option.name == given[0])
        raise SettingError(f"{flag} {why}; leave it out")
