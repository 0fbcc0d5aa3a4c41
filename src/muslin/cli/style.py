"""`muslin style`."""

from pathlib import Path

import click

from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.argument("contents", nargs=-1, required=True, metavar="PICTURE...", type=options.Given())
@click.option("--style", "styles", multiple=True, required=True, help="Shipped style, picture or folder; NAME=WEIGHT with --mix.")
@click.option("--mix", is_flag=True, help="All styles at once, by their weights, instead of one picture for each.")
@click.option("--as", "mode", type=click.Choice(["style", "print"]), help="The look of the style, or its pattern itself, laid on in cm.")
@click.option("--fast", is_flag=True, help="One pass of the fast network: a draft. The same as --effort 0.")
@click.option("--effort", type=float, help="0: the draft, 0.5: the default, 1: four times the steps.")
@click.option("--colour", help="garment, style, or palette:FILE (.ase, .gpl, .csv): whose colours.")
@click.option("--colourways", default=1, show_default=True, help="So many sets of colours of each result.")
@click.option("--report", is_flag=True, help="Measure each result: report.json.")
@click.option("--preset", default="garment", show_default=True, help="garment, or article (the paper's bare formulas, whole picture).")
@click.option("--mask", type=options.Given(), metavar="FILE|FOLDER",
              help="The garment's mask: white is garment; same size as the picture. A folder: the one of each picture's name.")  # fmt: skip
@click.option("--where", type=click.Choice(["garment", "all"]), help="Only the garment, or the whole picture.")
@click.option("--repeat", type=click.Choice(["straight", "half-drop", "brick", "mirror", "as-is"]),
              help="Print: how the tiles go on; as-is: the style is a seamless tile already.")  # fmt: skip
@click.option("--repeat-cm", type=float, help="Print: width of the style's picture on the cloth.")
@click.option("--width-cm", type=float, help="Print: width of the garment as it lies.")
@click.option("--alpha", type=float, help="Content weight.")
@click.option("--beta", type=float, help="Style weight.")
@click.option("--tv", "smooth", type=float, help="Weight of total variation.")
@click.option("--statistic", type=click.Choice(["w2", "gram"]), help="Of the style's layers.")
@click.option("--content-layers", help="Names with commas; `muslin list backbones`.")
@click.option("--style-layers", help="Names with commas.")
@click.option("--layer-weights", help="w_l with commas, one for each style layer.")
@click.option("--folds", type=float, help="How much shading is kept, 0 to 1.")
@click.option("--zoom", type=float, help="Size of the style's motifs.")
@click.option("--size", type=int, help="Pixels of the longer side.")
@click.option("--steps", type=int, help="Steps at the coarsest scale.")
@click.option("--optimiser", type=click.Choice(["adam", "lbfgs"]), help="How the pixels go downhill.")
@click.option(
    "--backbone", help="embedded, vgg19, vgg16 or vgg19:FILE (.safetensors, or Keras's .h5; vgg19:rgb:FILE.h5 for one that is not BGR)."
)
@click.option("--device", help="cpu (the default), cuda, mps or auto, for the descent. Only one and the same device gives the same bits.")
@click.option("--seed", type=int, help="Where on the style's picture the cloth is cut.")
@click.option("--out", default=Path("dressed"), show_default=True, type=options.Given(), help="The folder to fill.")
@options.vouched
@options.settings
@options.as_json
def style(
    contents: tuple[Path, ...], styles: tuple[str, ...], mix: bool, preset: str, mask: Path | None, out: Path, fast: bool,
    colour: str | None, colourways: int, report: bool, rights: str, settings: tuple[str, ...], as_json: bool, **given: object,
) -> None:  # fmt: skip
    """Dress each PICTURE (files or folders) in each style: PNGs with recipes in OUT, and sheet.png.

    The background stays as it is, to the bit. The same command again makes only what is missing.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.base.errors import SettingError
        from muslin.studio.dressing import Wanted, dress_all, style_config

        effort = given["effort"] or next((text.partition("=")[2] for text in settings if text.startswith("effort=")), None)
        if fast and effort:
            raise SettingError(f"--effort {effort}: --fast is --effort 0; leave one of the two out")
        flags = [f"{name}={value}" for name, value in given.items() if value is not None]
        flags += ["effort=0"] if fast else []
        flags += options.colours(colour) if colour else []
        weighted = [options.named_or_weighted(text) for text in styles]
        config = style_config(preset, [*flags, *settings])
        yield from dress_all(list(contents), weighted, out, config, Wanted(mix, colourways, report, rights), mask)

    run(work, as_json)
