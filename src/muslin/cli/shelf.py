"""`muslin list` and `muslin weights`."""

import click

from muslin.cli import options
from muslin.cli.show import run

WHAT = ("generators", "sliders", "styles", "backbones", "presets", "settings", "licences")


@click.command("list")
@click.argument("what", type=click.Choice(WHAT), default="generators")
def list_(what: str) -> None:
    """Show the shelf: generators, sliders, styles, backbones, presets, settings or licences."""
    from muslin.studio.shelf import shelf

    for line in shelf(what):
        click.echo(line)


@click.command()
@click.argument("name", type=click.Choice(["vgg19", "vgg16"]))
@options.as_json
def weights(name: str, as_json: bool) -> None:
    """Download NAME's weights of torchvision (once, checked by hash; a broken download goes on), cut to the convolutions."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.shelf import fetch_weights

        yield from fetch_weights("vgg19" if name == "vgg19" else "vgg16")

    run(work, as_json)
