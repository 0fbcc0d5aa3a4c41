"""Options that several commands share, and how their values are read."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from muslin.base.errors import SettingError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

as_json: Decorator = click.option("--json", "as_json", is_flag=True, help="Events as JSON lines on standard output.")
settings: Decorator = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Any setting; `muslin list settings` shows them."
)
vouched: Decorator = click.option(
    "--i-have-the-rights", "rights", metavar="NAME", envvar="MUSLIN_RIGHTS", callback=lambda _, __, name: _checked(name),
    help="Who says so, where a picture's rights are unknown or closed; kept in cards and recipes.",
)  # fmt: skip
blocks: Decorator = click.option(
    "--blocks", default="", metavar="DATA",
    help="Garments on whose construction drafts are made up: `starter`, a folder or zip, none. Default: starter in a design by a generator that ships.",
)  # fmt: skip
download: Decorator = click.option("--download", is_flag=True, help="Fetch what is missing (Fashion-MNIST).")

runtime: Decorator = click.option(
    "--runtime",
    default="torch",
    show_default=True,
    type=click.Choice(["torch", "onnx"]),
    help="What draws the drafts; onnx: onnxruntime, without torch's networks (docs/onnx.md). A .onnx file as generator asks for it too.",
)


class Given(click.Path):
    """A path that is not the empty text of a variable that was never set, which would be the folder where one stands."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click asks for it. Fails for the empty text."""
        if value == "":
            self.fail("an empty name; name a file or folder", param, ctx)
        return super().convert(value, param, ctx)


def _checked(name: str | None) -> str:
    from muslin.base.rights import check_name

    return check_name(name)


def seeds(text: str) -> list[int]:
    """`3`, `0-99` or `1,5,9-12` as numbers, at most 100,000. Raises SettingError."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            start, end = int(first), int(last) if dash else int(first)
        except ValueError:
            raise SettingError(f"--seeds {text}: write numbers and ranges, as in 0-99 or 1,5,9") from None
        if end < start or len(found) + end - start >= 100_000:
            raise SettingError(f"--seeds {text}: ranges go upwards and hold at most 100,000 in all")
        found += range(start, end + 1)
    return found


def duration(text: str) -> float:
    """`30m`, `2h`, `1h30m` or `90s` in seconds; 0 for nothing. Raises SettingError."""
    found = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?", text.strip())
    seconds = sum(float(part or 0) * unit for part, unit in zip(found.groups(), (3600, 60, 1), strict=True)) if found else 0
    if text and not seconds:
        raise SettingError(f"--budget {text}: write a time, as in 30m, 2h or 1h30m")
    return seconds


def named_or_weighted(text: str) -> tuple[str, float]:
    """`NAME` or `NAME=WEIGHT`. Raises SettingError."""
    name, equals, weight = text.rpartition("=")
    if not equals or os.path.lexists(text):  # which is False for names too long, where Path's raises
        return text, 1.0
    try:
        number = float(weight)
    except ValueError:
        return text, 1.0
    if not 0 < number < 1e6:
        raise SettingError(f"--style {text}: the weight should be more than 0 and less than a million")
    return name, number


def palette(text: str) -> tuple[str, ...]:
    """`palette:FILE` as inks, #rrggbb. Raises SettingError and InputError."""
    if text == "garment":
        raise SettingError("--colour garment: there is no garment here; write palette:FILE, or style for the style's own")
    from muslin.data.palettes import read_palette

    kind, colon, file = text.partition(":")
    if kind != "palette" or not colon or not file:
        raise SettingError(f"--colour {text}: write garment, style, or palette:FILE with an .ase, .gpl or .csv file")
    return tuple(ink.colour for ink in read_palette(Path(file)))


def colours(text: str) -> list[str]:
    """`garment`, `style` or `palette:FILE` as settings of the style. Raises SettingError and InputError."""
    if text in ("garment", "style"):
        return [f"keep={text}"]
    return ["keep=palette", f"inks={','.join(palette(text))}"]


def amounts(texts: tuple[str, ...]) -> dict[str, float]:
    """`length=+1.2` as a slider's name and amount. Raises SettingError."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name.strip() in found:
            raise SettingError(f"--set {text}: {name.strip()} is set twice; leave one of them out")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise SettingError(f"--set {text}: write SLIDER=AMOUNT, as in length=+1.2") from None
    return found
