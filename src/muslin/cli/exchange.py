"""`muslin import` and `muslin export`."""

from pathlib import Path

import click

from muslin.cli import options
from muslin.cli.show import run


@click.group("import")
def import_() -> None:
    """Bring in what was trained elsewhere."""


@import_.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--range", "asked", default="", type=click.Choice(["", "-1..1", "0..1", "0..255"]), help="Of its output. Default: by its last layer."
)
@click.option("--data", default="", help="What it learned from, for its card.")
@click.option("--licence", default="", help="Of what it learned from.")
@options.as_json
def keras(file: Path, out: Path, asked: str, data: str, licence: str, as_json: bool) -> None:
    """A Keras generator FILE (.keras or .h5) becomes OUT (.safetensors), for `muslin generate --generator OUT`, `design` and `evaluate`.

    A chain of standard layers from a latent to a square picture. No code of the file is run: Lambda layers, custom objects and pickles
    are refused; a layer without translation is named.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.exchange import import_keras

        yield from import_keras(file, out, asked, data, licence)

    run(work, as_json)


@click.command()
@click.argument("generator")
@click.option("--to", "target", required=True, type=click.Choice(["keras", "savedmodel", "onnx"]), help="The other program's form.")
@click.option("--out", required=True, type=options.Given(), help="The file (.keras, .onnx) or the folder (savedmodel) to write.")
@options.as_json
def export(generator: str, target: str, out: Path, as_json: bool) -> None:
    """GENERATOR (shipped name, file, run, or `fast`: the fast style network) for programs without Muslin; compared before it is called done.

    keras: a .keras file of standard layers, for Keras 3 on TensorFlow, JAX or torch. savedmodel: a folder for TensorFlow Serving. onnx: for
    onnxruntime and others; a generator with a W space also gives NAME.w.onnx.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.exchange import export_generator

        yield from export_generator(generator, target, out)

    run(work, as_json)
