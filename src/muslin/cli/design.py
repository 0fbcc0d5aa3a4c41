"""`muslin design`, `muslin remake`, `muslin history`, `muslin recipe`."""

from pathlib import Path

import click

from muslin.assets import FINEST
from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.option("--generator", default=FINEST, show_default=True, help="A shipped generator, a .safetensors file or a run's folder.")
@click.option("--style", "styles", multiple=True, help="A shipped style, a picture or a folder; again for more. Default: all shipped.")
@click.option("--count", default=24, show_default=True, help="How many designs.")
@click.option("--looks", default=1, show_default=True, help="Styles for each design; 0: every design in every style.")
@click.option("--class", "classes", multiple=True, help="Kinds of garment; again for more. Default: all but hats and shoes.")
@click.option("--truncation", default=0.7, show_default=True, help="0: the mean garment, 1: the whole variety.")
@click.option("--pool", default=12, show_default=True, help="Drafts to choose each design from.")
@options.blocks
@click.option("--against", default="", help="Drop copies of this data set; none: do not look. Default: what the generator learned from.")
@click.option("--seed", default=0, show_default=True, help="Another seed, another collection.")
@click.option("--size", default=512, show_default=True, help="Pixels of a look's side.")
@click.option(
    "--backbone",
    default="embedded",
    show_default=True,
    help="Style features: embedded, vgg19, vgg16, vgg19:FILE (.safetensors, or Keras's .h5; vgg19:rgb:FILE.h5 for one that is not BGR).",
)
@options.runtime
@click.option("--title", default="Muslin", show_default=True, help="The lookbook's title.")
@click.option("--lang", default="en", show_default=True, help="The lookbook's language at first sight: en or zh.")
@click.option("--out", default=Path("lookbook"), show_default=True, type=options.Given(), help="The folder to fill.")
@options.vouched
@options.settings
@options.as_json
def design(
    generator: str, styles: tuple[str, ...], count: int, looks: int, classes: tuple[str, ...], truncation: float, pool: int, blocks: str, against: str, seed: int,
    size: int, backbone: str, runtime: str, title: str, lang: str, out: Path, rights: str, settings: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Draft garments with a GAN, choose, dress them by style transfer, and lay out a lookbook (OUT/index.html).

    The same command again goes on where it was stopped. Style settings: --set style.alpha=3, --set style.folds=0.5 ...
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.base.config import overlay
        from muslin.studio.pipeline import DesignConfig, design
        from muslin.studio.runtimes import open_generator
        from muslin.studio.styles import find_styles, shipped
        from muslin.style.configs import StyleConfig

        style = StyleConfig(size=size, backbone=backbone, seed=seed)
        config = DesignConfig(count, looks, pool, seed, truncation, classes, title, lang, blocks, against, rights, style)
        config = overlay(config, settings)
        yield from design(out, open_generator(generator, runtime), find_styles(list(styles) or shipped()), config)

    run(work, as_json)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=options.Given(), help="The new file. Default: NAME.remade.png beside it.")
@click.option("--generator", help="The generator's file, when it is not a shipped one.")
@click.option(
    "--look-in", multiple=True, type=click.Path(path_type=Path), help="Folders, and zips of blocks, where the recipe's pictures are."
)
@click.option("--size", default=0, help="A design at print size: drawn anew at that many pixels, calm outline, smooth folds.")
@click.option("--blocks", default="", metavar="DATA", help="Make the design up on a garment of `starter`, a folder or zip; none: on none.")
@options.vouched
@options.as_json
def remake(
    file: Path, out: Path | None, generator: str | None, look_in: tuple[Path, ...], size: int, blocks: str, rights: str, as_json: bool
) -> None:
    """Make FILE again from the recipe inside it, and say whether it is the same, bit for bit."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.remake import remake

        yield from remake(file, out, generator, list(look_in), size, blocks, rights)

    run(work, as_json)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def history(file: Path) -> None:
    """Tell how FILE came to be, newest first: generated, chosen, edited, dressed, when, and by whom where MUSLIN_HAND named one."""
    from muslin.studio.history import history

    for line in history(file):
        click.echo(line)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def recipe(file: Path) -> None:
    """Show the recipe inside FILE as JSON."""
    import json
    from dataclasses import asdict

    from muslin.provenance.recipe import read_recipe

    click.echo(json.dumps(asdict(read_recipe(file)), indent=2, ensure_ascii=False))
