"""`muslin list` and `muslin weights`."""

import click

WHAT = ("generators", "styles", "backbones", "presets", "settings", "licences")


@click.command("list")
@click.argument("what", type=click.Choice(WHAT), default="generators")
def list_(what: str) -> None:
    """Show the shelf: generators, styles, backbones, presets, settings or licences."""
    from muslin.studio.shelf import shelf

    for line in shelf(what):
        click.echo(line)


@click.command()
@click.argument("name", type=click.Choice(["vgg19", "vgg16"]))
def weights(name: str) -> None:
    """Download NAME's weights through torchvision (once, checked by hash), cut to the convolutions and keep them."""
    from muslin.features.vgg import load_vgg

    click.echo(f"{load_vgg('vgg19' if name == 'vgg19' else 'vgg16', download=True).name}: ready; use --backbone {name}")
