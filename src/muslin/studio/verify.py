"""Signs pictures, and tells of a picture who signed it, whether it was altered since, what it is marked as, and whether its recipe holds.

The signed file's XMP says that it was about to be signed, so that credentials which another program threw away are missed.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from muslin.base.errors import InputError
from muslin.base.events import Event, Finished, Note, Saved, Step
from muslin.base.files import make_folder, read_bytes, write_bytes
from muslin.base.image import XMP, open_image, read_text
from muslin.base.packets import kind_of, with_packet
from muslin.provenance.credentials import Report, by_studio, check, manifest, sign
from muslin.provenance.keys import Studio, anchors, load_studio, watermark_key
from muslin.provenance.recipe import read_marks
from muslin.provenance.watermark import SURE, found
from muslin.provenance.xmp import MACHINE_MADE, Mark, build, with_hint
from muslin.studio.copying import marks_of
from muslin.studio.remake import compared, remade

_FINE = ("this studio", "a trusted studio", "foreign", "expired", "unsigned")


_STATES = {
    "this studio": "signed by this studio ({who}), unaltered",
    "a trusted studio": "signed by {who}, whose root you trust, unaltered",
    "foreign": "unaltered since it was signed; the signer calls itself {who}, and nothing here vouches for that",
    "expired": "unaltered, but the certificate of {who} is out of date: who signed it is not sure any more",
    "altered": "ALTERED or damaged since it was made ({why})",
    "stripped": "was signed by {who}, and the credentials are GONE: another program has written this file",
    "unsigned": "not signed",
}


@dataclass(frozen=True)
class Verdict:
    """`state`: one of _FINE, or altered or stripped; `mark`: IPTC's term; `recipe`: there, none or unreadable; `remade`: what came of it."""

    file: str
    state: str
    signed_by: str
    mark: str
    recipe: str
    remade: str = ""
    watermark: str = ""  # this studio's: found or none; empty where it was not looked for
    codes: tuple[str, ...] = ()
    producer: str = ""  # who answers for it by China's AIGC label
    stamped: str = ""  # when it was signed, by a time-stamping authority
    stamp_trusted: bool = False  # whose root is trusted here

    @property
    def fine(self) -> bool:
        """Nothing speaks against the file; a signature that proves nothing speaks neither way."""
        return self.state in _FINE and self.remade in ("", "the same, bit for bit")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"fine": self.fine}


def sign_files(files: list[Path], out: Path | None = None, stamp: str = "") -> Iterator[Event]:
    """Sign pictures that Muslin marked, in place or as copies in the folder `out`. Raises InputError at the first that cannot be.

    `stamp`: the address of a time-stamping authority; it gets a digest of each signature, nothing else.
    """
    started, studio = time.monotonic(), load_studio()
    names = [file.name for file in files]
    if out is not None and (twice := sorted({name for name in names if names.count(name) > 1})):
        raise InputError(f"{twice[0]}: two files of that name for one folder; sign them into folders of their own")
    target = Path()
    for file in files:
        target = file if out is None else make_folder(out) / file.name
        yield Saved(write_bytes(target, signed(file, studio, stamp)))
        yield Note(f"{target.name}: signed by {studio.name}{' and time-stamped' if stamp else ''}")
    yield Finished(target if len(files) == 1 else out or target.parent, time.monotonic() - started)


def signed(file: Path, studio: Studio, stamp: str = "") -> bytes:
    """The bytes of `file` with credentials. What was altered, or signed by others, is not signed over. Raises InputError."""
    content, name = read_bytes(file), str(file)
    recipe, mark = marks_of(content, name)
    before = check(content, studio.anchors)
    if before.state == "altered":
        raise InputError(f"{name}: was altered or damaged ({before.codes[0]}); signing would hide that: sign the file it was made from")
    if before.state != "none" and not by_studio(content, studio):
        raise InputError(f"{name}: is signed by {before.by} already; to sign it as yours make a copy with `muslin copy` first")
    _, there = read_marks(content, name)
    if before.state == "none" and there and there.signed:
        raise InputError(
            f"{name}: was signed by {there.signed}, and another program has written it since; signing would hide that: sign the file it was "
            "made from, or a copy made with `muslin copy`"
        )
    packet = read_text(content, name).get(XMP, "")
    hinted = with_packet(content, with_hint(packet if "</rdf:RDF>" in packet else build(mark), studio.name), name)
    return sign(hinted, manifest(file.name, mark, recipe), studio, stamp)


def verify(file: Path, remake: bool = False, generator: str | None = None, look_in: list[Path] | None = None) -> Iterator[Event | Verdict]:
    """Check `file`; last comes the Verdict. `remake`: also cook its recipe again and compare the pixels.

    Raises InputError where it is no picture, and where `remake` is asked of one without a recipe, or an ingredient is missing.
    """
    content, name = read_bytes(file), str(file)
    report = check(content, anchors()) if kind_of(content) else Report("none")
    try:
        recipe, mark = read_marks(content, name)
        told = "there" if recipe else "none"
    except InputError:
        if report.state == "none":
            raise
        recipe, mark, told = None, None, "unreadable"
    source = recipe.source() if recipe else mark.source if mark else report.source
    state = _state(report, mark, content)
    by = report.by or (mark.signed if mark and state == "stripped" else "")
    verdict = Verdict(name, state, by, source, told, watermark=_watermark(content, name), codes=report.codes)
    verdict = replace(verdict, producer=mark.producer if mark else "", stamped=report.stamped, stamp_trusted=report.stamp_trusted)
    if remake and state != "altered":
        if recipe is None:
            raise InputError(f"{name}: carries no recipe to remake it from")
        for news in remade(recipe, generator, [file.parent, Path(), *(look_in or [])]):
            if isinstance(news, Step):
                yield news
            else:
                verdict = replace(verdict, remade=compared(news, content, name))
    yield verdict


def _state(report: Report, mark: Mark | None, content: bytes) -> str:
    if report.state == "none":
        return "stripped" if mark and mark.signed else "unsigned"
    if report.state != "trusted":
        return report.state
    try:
        return "this studio" if by_studio(content, load_studio()) else "a trusted studio"
    except InputError:  # roots to trust, and no keys of its own
        return "a trusted studio"


def _watermark(content: bytes, name: str) -> str:
    """Looked for where there is a key, and a picture that can be decoded."""
    key = watermark_key()
    if not key:
        return ""
    try:
        return "found" if found(open_image(content, name).pixels, key) > SURE else "none"
    except InputError:
        return ""


def lines(verdict: Verdict) -> list[str]:
    """A verdict in plain words, one fact a line."""
    who, told = verdict.signed_by or "somebody", _STATES[verdict.state]
    plain = [f"{verdict.file}: {told.format(who=who, why=', '.join(verdict.codes))}"]
    plain.append(f"  mark: {_marked(verdict.mark)}")
    plain.append(f"  recipe: {verdict.recipe}" + {"there": "; `muslin history` tells it"}.get(verdict.recipe, ""))
    more = {"AIGC label": f"produced by {verdict.producer}" if verdict.producer else ""}
    vouched = "by an authority whose root you trust" if verdict.stamp_trusted else "by an authority that nothing here vouches for"
    more |= {"time stamp": f"{verdict.stamped}, {vouched}" if verdict.stamped else ""}
    more |= {"watermark": f"this studio's was {verdict.watermark}" if verdict.watermark == "found" else "", "remade": verdict.remade}
    return plain + [f"  {name}: {text}" for name, text in more.items() if text]


def _marked(source: str) -> str:
    if not source:
        return "none"
    return f"{source} ({'made or edited by a machine' if source in MACHINE_MADE else 'not made by a generative model'})"
