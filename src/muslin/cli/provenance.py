"""`muslin copy`, `muslin keys`, `muslin sign`, `muslin verify`."""

import json
import sys
from pathlib import Path

import click

from muslin.base.errors import MuslinError
from muslin.cli import options
from muslin.cli.show import fail, run


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--clean", is_flag=True, help="For the public: without recipe, seed, settings, hand and parents. The AI mark stays.")
@click.option("--watermark", is_flag=True, help="Also an invisible mark in the pixels, which only this studio's key finds.")
@click.option("--quality", default=90, show_default=True, help="Of JPEG and WebP, 1 to 100.")
@options.as_json
def copy(file: Path, out: Path, clean: bool, watermark: bool, quality: int, as_json: bool) -> None:
    """Write FILE again as OUT: PNG, JPEG, WebP or TIFF by its suffix, with the recipe and the AI mark inside.

    Credentials do not come along, as the file is another: copy first, sign last.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.copying import copy

        yield from copy(file, out, clean, quality, watermark)

    run(work, as_json)


@click.command()
@click.option("--name", default="Studio", show_default=True, help="What others will read as the signer.")
def keys(name: str) -> None:
    """Make the studio's signing key and certificates, once, in MUSLIN_HOME/keys or ~/.config/muslin/keys.

    To trust another studio, put its root.pem into the folder `trusted` there.
    """
    from muslin.provenance.keys import make_keys

    folder = make_keys(name)
    click.echo(f"{folder}: keys for '{name}', good for ten years. Keep signing.key to yourself, and a copy of it in a safe place.")
    click.echo(f"Others trust your signatures when they have {folder / 'root.pem'}.")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=options.Given(), help="A folder for signed copies. Default: the files themselves are signed.")
@click.option(
    "--time-stamp",
    "stamp",
    default="",
    envvar="MUSLIN_TIME_STAMP",
    metavar="URL",
    help="A time-stamping authority (RFC 3161): it is sent a digest of each signature, so that this outlasts your certificate.",
)
@options.as_json
def sign(files: tuple[Path, ...], out: Path | None, stamp: str, as_json: bool) -> None:
    """Sign FILES with the studio's key (C2PA content credentials): how they were made, of what, and that nobody may train on them."""

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.verify import sign_files

        yield from sign_files(list(files), out, stamp)

    run(work, as_json)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--remake", is_flag=True, help="Also make the picture again from its recipe, and compare bit for bit.")
@click.option("--generator", help="For --remake: the generator's file, when it is not a shipped one.")
@click.option("--look-in", multiple=True, type=click.Path(path_type=Path), help="For --remake: folders where the recipe's pictures are.")
@click.option("--json", "as_json", is_flag=True, help="The verdict as one line of JSON on standard output.")
def verify(file: Path, remake: bool, generator: str | None, look_in: tuple[Path, ...], as_json: bool) -> None:
    """Tell who signed FILE, whether it was altered since, how it is marked, and whether its recipe is there.

    Exit code 0: nothing speaks against it (also where it is not signed, or by a stranger); 1: altered, its credentials gone, or remade
    otherwise; 2: no picture, or the check cannot be made.
    """
    from muslin.studio.verify import Verdict, lines, verify

    try:
        *_, verdict = verify(file, remake, generator, list(look_in))
    except MuslinError as failure:
        fail(failure, as_json)
    assert isinstance(verdict, Verdict)
    click.echo(json.dumps(verdict.as_dict(), ensure_ascii=False) if as_json else "\n".join(lines(verdict)))
    sys.exit(0 if verdict.fine else 1)
