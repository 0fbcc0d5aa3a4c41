"""`muslin rights`."""

from pathlib import Path

import click

from muslin.cli import options
from muslin.cli.show import run


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--licence", default="", help="Write: an SPDX name, or own work, public domain, all rights reserved.")
@click.option("--author", default="", help="Write: who made them.")
@click.option("--source", default="", help="Write: where they come from.")
@click.option(
    "--may-train", type=click.Choice(["yes", "no"]), default=None, help="Write: whether to learn from them, whatever the licence."
)
@click.option("--may-style", type=click.Choice(["yes", "no"]), default=None, help="Write: whether to dress with them or dress them.")
@click.option("--expires", default="", help="Write: the last day of these rights, as 2027-12-31.")
@click.option(
    "--only",
    default="",
    metavar="PATTERN",
    help="Write of these alone, as in dress/*. Default: with --licence those of unknown licence, else all.",
)
@click.option("--from", "taken", type=click.Path(path_type=Path), help="Write what a Croissant file tells (extra `croissant`).")
@click.option(
    "--croissant", is_flag=True, help="Write croissant.json beside the ledger, NAME.croissant.json beside a zip (extra `croissant`)."
)
@click.option(
    "--check", type=click.Choice(["train", "style"]), default=None, help="Stop with an error where a picture is not cleared for this."
)
@options.vouched
@options.as_json
def rights(
    data: Path, licence: str, author: str, source: str, may_train: str | None, may_style: str | None, expires: str, only: str,
    taken: Path | None, croissant: bool, check: str | None, rights: str, as_json: bool,
) -> None:  # fmt: skip
    """Tell, and write, what is known of the rights to the pictures of DATA (a folder, a zip, a style library).

    The ledger is rights.csv in the folder, or NAME.rights.csv beside a zip: file, title, author, licence, source, sha256,
    may_train, may_style, expires. `train`, `style`, `design`, `range`, `fabric`, `flat`, `edit project` and `edit sketch` stop at pictures
    that are not cleared.
    """

    def work():  # type: ignore[no-untyped-def]
        from muslin.studio.rights import Asked, Entry, ledger_of

        entry = Entry(licence, author, source, may_train or "", may_style or "", expires, only)
        yield from ledger_of(data, entry, Asked(check or "", taken, croissant, rights))

    run(work, as_json)
