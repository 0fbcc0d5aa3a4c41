"""`muslin style`."""

from pathlib import Path

import click

from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.argument("contents", nargs=-1, required=True, metavar="PICTURE...", type=click.Path(path_type=Path))
@click.option("--style", "styles", multiple=True, required=True, help="Shipped style, picture or folder; NAME=WEIGHT with --mix.")
@click.option("--mix", is_flag=True, help="All styles at once, by their weights, instead of one picture for each.")
@click.option("--preset", default="garment", show_default=True, help="garment, or article (the paper's bare formulas, whole picture).")
@click.option("--mask", type=click.Path(path_type=Path), help="The garment's mask: white is garment; same size as the picture.")
@click.option("--where", type=click.Choice(["garment", "all"]), help="Only the garment, or the whole picture.")
@click.option("--alpha", type=float, help="Content weight.")
@click.option("--beta", type=float, help="Style weight.")
@click.option("--folds", type=float, help="How much shading is kept, 0 to 1.")
@click.option("--zoom", type=float, help="Size of the style's motifs.")
@click.option("--size", type=int, help="Pixels of the longer side.")
@click.option("--steps", type=int, help="Steps at the coarsest scale.")
@click.option("--optimiser", type=click.Choice(["adam", "lbfgs"]), help="How the pixels go downhill.")
@click.option("--backbone", help="embedded, vgg19, vgg16 or vgg19:FILE.safetensors.")
@click.option("--seed", type=int, help="Where on the style's picture the cloth is cut.")
@click.option("--out", default=Path("dressed"), show_default=True, type=click.Path(path_type=Path), help="The folder to fill.")
@options.settings
@options.as_json
def style(
    contents: tuple[Path, ...], styles: tuple[str, ...], mix: bool, preset: str, mask: Path | None, out: Path,
    settings: tuple[str, ...], as_json: bool, **given: object,
) -> None:  # fmt: skip
    """Dress each PICTURE (files or folders) in each style: PNGs with recipes in OUT, and sheet.png.

    The background stays as it is, to the bit. The same command again makes only what is missing.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.dressing import dress_all, style_config

        flags = [f"{name}={value}" for name, value in given.items() if value is not None]
        weighted = [options.named_or_weighted(text) for text in styles]
        yield from dress_all(list(contents), weighted, out, style_config(preset, [*flags, *settings]), mix, mask)

    run(work, as_json)
