"""The command `muslin`: a group of commands, each loaded when it is called, so that --help answers at once."""

import errno
import importlib
import sys

import click

from muslin.base.errors import MuslinError

COMMANDS = {
    "design": ("muslin.cli.design", "Draft, choose, dress and lay out: a lookbook from nothing but this command."),
    "style": ("muslin.cli.style", "Dress pictures of your own in fabrics and artworks."),
    "fabric": ("muslin.cli.fabric", "Seamless repeats of a fabric or artwork, at print size."),
    "train": ("muslin.cli.gan", "Train a GAN on your archive, or go on with a run."),
    "generate": ("muslin.cli.gan", "Draw designs from a trained generator."),
    "evaluate": (
        "muslin.cli.evaluate",
        "Measure a generator (how real, how varied, how much it copies) or dressed pictures; with intervals and a page.",
    ),
    "prepare": ("muslin.cli.prepare", "The dataset doctor: check, mend and pack a folder of pictures."),
    "edit": ("muslin.cli.edit", "Steer a design: sliders, mixes, neighbours, walks; photos and sketches brought in."),
    "range": ("muslin.cli.range", "Compose a range: one silhouette in many cloths, one cloth on many silhouettes."),
    "flat": ("muslin.cli.flat", "Flat sketches: clean line art as SVG with layers, and PNG."),
    "pieces": ("muslin.cli.pieces", "How the garments of an archive are built, read from their pictures, to look at and correct."),
    "rights": ("muslin.cli.rights", "The rights ledger: whose each picture is, and whether it may be trained on or dressed with."),
    "originality": ("muslin.cli.originality", "Is it new: each design beside what it comes nearest to, with a calibrated verdict."),
    "history": ("muslin.cli.design", "Tell how a picture came to be: generated, chosen, edited, dressed, by whom, when."),
    "remake": ("muslin.cli.design", "Make a picture again from the recipe inside it."),
    "recipe": ("muslin.cli.design", "Show the recipe inside a picture."),
    "copy": ("muslin.cli.provenance", "Write a picture again as PNG, JPEG, WebP or TIFF, with its recipe or with the AI mark alone."),
    "keys": ("muslin.cli.provenance", "Make the studio's signing key, once."),
    "sign": ("muslin.cli.provenance", "Sign pictures: content credentials (C2PA) that any change breaks."),
    "verify": ("muslin.cli.provenance", "Tell who signed a picture, whether it was altered, and how it is marked."),
    "import": ("muslin.cli.exchange", "Bring in a generator that was trained in Keras."),
    "export": ("muslin.cli.exchange", "Take a generator or the fast styler out: Keras, TensorFlow, ONNX."),
    "list": ("muslin.cli.shelf", "What is there: generators, sliders, styles, backbones, presets, settings, licences."),
    "weights": ("muslin.cli.shelf", "Fetch a style backbone's weights (VGG19, VGG16), once."),
}
_OWN_NAMES = {"list": "list_", "import": "import_"}  # where the command's name is Python's


class _Lazy(click.Group):
    """Knows each command's one line without importing it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, _OWN_NAMES.get(cmd_name, cmd_name))
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            from muslin.base.errors import nearest

            raise click.UsageError(f"there is no command '{args[0]}'{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"muslin {version('muslin')}")
        ctx.exit()


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def group() -> None:
    """Muslin: a local, open studio for fashion design. It learns from your archive, drafts, dresses and prints."""


def main() -> None:
    """Entry point: bad usage and bad input end in one line and exit code 2; never a traceback for either."""
    try:
        code = group.main(standalone_mode=False)
    except click.ClickException as failure:
        from muslin.cli.show import fail

        fail(MuslinError(failure.format_message()), "--json" in sys.argv)
    except click.Abort:
        sys.exit(130)
    except MuslinError as failure:
        click.echo(f"muslin: {' '.join(str(failure).split())}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as failure:
        if failure.errno != errno.ENOSPC:
            raise
        click.echo(f"muslin: {failure.filename or 'the output'}: cannot be written, the disk is full; make room there", err=True)
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)
