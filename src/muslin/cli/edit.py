"""`muslin edit`: sliders, slide, strips, mix, vary, class, walk, project, sketch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from muslin.assets import FINEST
from muslin.base.errors import SettingError
from muslin.cli import options
from muslin.cli.show import run

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
_generator: Decorator = click.option(
    "--generator", default=FINEST, show_default=True, help="A shipped generator, a .safetensors file or a run's folder."
)
_out: Decorator = click.option("--out", default=Path("edited"), show_default=True, type=options.Given(), help="The folder to fill.")


def _source(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options by which a seed becomes a design."""
    for option in (
        click.option("--truncation", default=0.7, show_default=True, help="For seeds. 0: the mean garment, 1: the whole variety."),
        click.option("--class", "kind", default="", help="For seeds: the kind of garment. Default: the seed's turn among all."),
        _generator,
        _out,
        options.as_json,
    ):
        command = option(command)
    return command


def _open(generator: str, kind: str, truncation: float) -> Any:
    from muslin.gan.generators import load_generator
    from muslin.studio.editing import Source

    return Source(load_generator(generator), kind, truncation)


@click.group()
def edit() -> None:
    """Steer a design: DESIGN is a seed (a number) or a PNG that Muslin drew.

    Each result carries its recipe with its parents inside: `muslin history FILE` tells it, `muslin remake FILE` makes it again.
    """


@edit.command()
@_generator
@click.option("--designs", default=40, show_default=True, help="How many designs the directions are tried on.")
@options.as_json
def sliders(generator: str, designs: int, as_json: bool) -> None:
    """Find the sliders of a generator and keep them beside it (some minutes). All that ship with a W space have theirs."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.gan.generators import load_generator
        from muslin.studio.sliders import find_sliders

        if not 10 <= designs <= 1000:
            raise SettingError(f"designs={designs}: should be 10 to 1000")
        yield from find_sliders(load_generator(generator), designs)

    run(work, as_json)


@edit.command()
@click.argument("design")
@click.option("--set", "amounts", multiple=True, metavar="SLIDER=AMOUNT", help="As length=+1.2 (standard deviations); again for more.")
@_source
def slide(design: str, amounts: tuple[str, ...], generator: str, kind: str, truncation: float, out: Path, as_json: bool) -> None:
    """Move sliders of DESIGN: --set length=+1.2 --set warmth=-1. Without --set: which there are."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.editing import slide

        yield from slide(_open(generator, kind, truncation), design, options.amounts(amounts), out)

    run(work, as_json)


@edit.command()
@click.argument("designs", nargs=-1, required=True, metavar="DESIGN...")
@click.option("--slider", "only", multiple=True, help="Only this one; again for more.")
@click.option("--steps", default=5, show_default=True, type=click.IntRange(3, 15), help="Pictures from least to most.")
@_source
def strips(designs: tuple[str, ...], only: tuple[str, ...], steps: int, as_json: bool, out: Path, **source: Any) -> None:
    """Every slider from least to most on each DESIGN, as sheets to look at."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.editing import strips

        yield from strips(_open(**source), list(designs), out, only, steps)

    run(work, as_json)


@edit.command()
@click.argument("designs", nargs=-1, required=True, metavar="DESIGN...")
@click.option("--shape", default="", help="Weights of the designs for silhouette and parts, with commas. Default: even.")
@click.option("--look", default="", help="Weights for colour and cloth.")
@_source
def mix(designs: tuple[str, ...], shape: str, look: str, as_json: bool, out: Path, **source: Any) -> None:
    """Blend DESIGNs: `mix 3 8 --shape 1,0 --look 0,1` is the structure of 3 with the look of 8."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.editing import blend, equal_weights

        yield from blend(_open(**source), list(designs), equal_weights(len(designs), shape, look), out)

    run(work, as_json)


@edit.command()
@click.argument("design")
@click.option("--distance", default=0.25, show_default=True, help="Near 0: stay close. 1: surprise me.")
@click.option("--count", default=7, show_default=True, help="How many neighbours.")
@click.option("--seed", default=0, show_default=True, help="Another seed, other neighbours.")
@_source
def vary(design: str, distance: float, count: int, seed: int, as_json: bool, out: Path, **source: Any) -> None:
    """Neighbours of DESIGN at a distance."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.editing import vary

        yield from vary(_open(**source), design, distance, count, seed, out)

    run(work, as_json)


@edit.command("class")
@click.argument("design")
@click.option("--to", "kinds", multiple=True, help="The kind wanted; again for more. Default: all.")
@_source
def class_(design: str, kinds: tuple[str, ...], as_json: bool, out: Path, **source: Any) -> None:
    """DESIGN as another kind of garment, its look kept."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.editing import change_class

        yield from change_class(_open(**source), design, kinds, out)

    run(work, as_json)


@edit.command()
@click.argument("designs", nargs=-1, required=True, metavar="DESIGN...")
@click.option("--form", type=click.Choice(["gif", "webp", "mp4"]), default="gif", show_default=True, help="mp4 needs the extra `video`.")
@click.option("--frames", default=24, show_default=True, help="For each way.")
@click.option("--keep", default=0, show_default=True, help="So many designs of each way as PNGs of their own.")
@_source
def walk(designs: tuple[str, ...], form: str, frames: int, keep: int, as_json: bool, out: Path, **source: Any) -> None:
    """A film from DESIGN to DESIGN and back, and a strip."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.editing import walk

        yield from walk(_open(**source), list(designs), out, form, frames, keep)

    run(work, as_json)


@edit.command()
@click.argument("photo", type=click.Path(path_type=Path))
@_generator
@_out
@options.vouched
@options.as_json
def project(photo: Path, generator: str, out: Path, rights: str, as_json: bool) -> None:
    """Bring PHOTO into the generator: the design nearest to it, on which all sliders work."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.bringing import bring_photo

        yield from bring_photo(_open(generator, "", 0.7), photo, out, rights=rights)

    run(work, as_json)


@edit.command()
@click.argument("drawing", type=click.Path(path_type=Path))
@click.option("--count", default=8, show_default=True, help="How many designs.")
@click.option("--seed", default=0, show_default=True, help="Another seed, other designs.")
@click.option("--class", "kind", default="", help="Only this kind of garment. Default: whichever has such outlines.")
@_generator
@_out
@options.vouched
@options.as_json
def sketch(drawing: Path, count: int, seed: int, kind: str, generator: str, out: Path, rights: str, as_json: bool) -> None:
    """Designs that keep the outline of DRAWING (a line drawing or a filled silhouette) and differ inside."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.bringing import bring_sketch

        yield from bring_sketch(_open(generator, kind, 0.7), drawing, out, count, seed, rights)

    run(work, as_json)
