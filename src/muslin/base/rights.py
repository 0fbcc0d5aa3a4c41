"""What is known of a picture's rights, and whether it may be trained on or used as a style. SPDX names (packaging), plus three of the house.

Not legal advice: the table says what a licence's own text allows. Non-commercial licences count as forbidden, since designs
are made to be sold; whoever knows better writes it in the ledger, or vouches for it by name.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from muslin.base.errors import InputError, SettingError, nearest
from muslin.base.files import sha256

Use = Literal["train", "style"]
WORDS: dict[Use, str] = {"train": "training", "style": "styling"}
OWN, PUBLIC, RESERVED, UNKNOWN = "own work", "public domain", "all rights reserved", "unknown"


@dataclass(frozen=True)
class Terms:
    """What a licence asks: `against` is the reason it stands against such use, `credit` to name the author, `alike` to share alike."""

    against: str = ""
    credit: bool = False
    alike: bool = False


_FREE, _CREDIT = Terms(), Terms(credit=True)
_TERMS = {
    OWN: _FREE, PUBLIC: _FREE, RESERVED: Terms("under all rights reserved"), "CC0-1.0": _FREE, "PDDL-1.0": _FREE, "Unlicense": _FREE,
    "0BSD": _FREE, "MIT-0": _FREE, "MIT": _CREDIT, "Apache-2.0": _CREDIT, "BSD-2-Clause": _CREDIT, "BSD-3-Clause": _CREDIT, "ISC": _CREDIT,
    "ODC-By-1.0": _CREDIT, "CDLA-Permissive-1.0": _CREDIT, "CDLA-Permissive-2.0": _FREE, "OGL-UK-3.0": _CREDIT, "etalab-2.0": _CREDIT,
    "ODbL-1.0": Terms(credit=True, alike=True), "FAL-1.3": Terms(credit=True, alike=True),
}  # fmt: skip
_CC = re.compile(r"CC-BY(-NC)?(-ND|-SA)?-(\d\.\d)(-[A-Z]+)?")
_URL = re.compile(r"(?:https?://)?(?:www\.)?creativecommons\.org/(licenses|publicdomain)/([a-z-]+)(?:/(\d\.\d))?(?:/[a-z.]*)*")
_USUAL = (*_TERMS, *(f"CC-BY{kind}-{number}" for kind in ("", "-SA", "-ND", "-NC", "-NC-SA", "-NC-ND") for number in ("3.0", "4.0")))


@dataclass(frozen=True)
class Rights:
    """One row of a ledger. `may_train`, `may_style`: what the ledger says itself (None: the licence decides); `expires`: the last good day."""

    licence: str = UNKNOWN
    author: str = ""
    source: str = ""
    title: str = ""
    sha256: str = ""
    may_train: bool | None = None
    may_style: bool | None = None
    expires: date | None = None

    def plain(self) -> dict[str, str]:
        """As text, empty values left out: a ledger's or dataset.json's row."""
        return {name: text for name, value in vars(self).items() if (text := _text(value))}

    def must_fit(self, content: bytes, name: str) -> None:
        """Raises InputError where these rights were written for other bytes under that name."""
        if self.sha256 not in ("", sha256(content)):
            raise InputError(f"{name}: changed since its rights were written (sha256); write them anew with `muslin rights`")

    def credit(self) -> str:
        """The attribution line, where the licence asks for one: title, author, licence, source. Else empty."""
        terms = terms_of(self.licence)
        if terms is None or not terms.credit:
            return ""
        what = ", ".join(part for part in (self.title, self.author or "author unknown") if part)
        return f"{what}, {known(self.licence)}" + (f", {self.source}" if self.source else "")


def from_row(row: dict[str, Any], where: str, otherwise: Rights | None = None) -> Rights:
    """Rights from text values by name; those missing or empty are `otherwise`'s. Raises InputError naming `where` and the value."""
    found: dict[str, Any] = {}
    for name in (field.name for field in fields(Rights)):
        text = str(row.get(name) if row.get(name) is not None else "").strip()
        if text:
            found[name] = _parsed(name, text, where)
    return replace(otherwise or Rights(), **found)


def known(licence: str) -> str:
    """A licence's usual name: SPDX, or the house's. Takes Creative Commons addresses, SPDX addresses and loose spellings.

    Remarks in brackets are left out. Raises InputError, naming the nearest, for a licence that nobody knows.
    """
    text = re.sub(r"(?<=\S)\s*\(.*\)\s*$", "", licence.strip()).strip()
    plain = text.lower().replace("_", " ")
    if plain in (OWN, PUBLIC, RESERVED, UNKNOWN, ""):
        return plain or UNKNOWN
    address = _URL.fullmatch(plain)
    if address:
        text = _from_address(address)
        if text == PUBLIC:
            return text
    text = text.rsplit("spdx.org/licenses/", 1)[-1].removesuffix(".html")
    text = {"cc0": "CC0-1.0", "cc0 1.0": "CC0-1.0"}.get(text.lower(), text)
    if text.lower().startswith("cc by"):
        text = re.sub(r"\s+", "-", text)
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        hint = nearest(text, _USUAL)
        raise InputError(f"licence '{licence}': nobody knows it{hint}; write an SPDX name, or {OWN}, {PUBLIC}, {RESERVED}") from None


def terms_of(licence: str) -> Terms | None:
    """What a licence asks; None where Muslin does not know. `A AND B` asks for both, `A OR B` for the lighter."""
    try:
        name = known(licence)
    except InputError:
        return None
    if " AND " in name and " OR " not in name:
        parts = [terms_of(part) for part in name.split(" AND ")]
        return _both([part for part in parts if part]) if all(parts) else None
    if " OR " in name and " AND " not in name:
        choices = [part for part in map(terms_of, name.split(" OR ")) if part]
        return min(choices, key=lambda terms: (terms.against, terms.alike, terms.credit), default=None)
    creative = _CC.fullmatch(name)
    if creative:
        against = "which allows no commercial use" if creative[1] else "which allows no changed versions" if creative[2] == "-ND" else ""
        return Terms(f"under {name}, {against}" if against else "", credit=True, alike=creative[2] == "-SA")
    return _TERMS.get(name)


def objection(rights: Rights, use: Use, today: date | None = None) -> tuple[str, bool]:
    """Why a picture may not be used so, empty where it may; and whether a person may vouch for it all the same.

    What the ledger forbids itself (may_train, may_style, a day that has passed) nobody vouches away: the ledger must be changed.
    """
    if rights.expires and (today or datetime.now(UTC).date()) > rights.expires:
        return f"whose rights ended on {rights.expires}", False
    own = rights.may_train if use == "train" else rights.may_style
    if own is not None:
        return ("", True) if own else (f"of which the ledger says may_{use}: no", False)
    if known_or_empty(rights.licence) in (UNKNOWN, ""):
        return ("of unknown rights" if rights.licence in (UNKNOWN, "") else f"under '{rights.licence}', a licence that nobody knows"), True
    terms = terms_of(rights.licence)
    if terms is None:
        return f"under {known(rights.licence)}, of which Muslin does not know what it allows", True
    return terms.against, True


def known_or_empty(licence: str) -> str:
    """`known`, or empty for a licence that nobody knows."""
    try:
        return known(licence)
    except InputError:
        return ""


@dataclass(frozen=True)
class Cleared:
    """The sum of what was used: pictures by licence, attribution lines, licences that ask to share alike, and who vouched for what."""

    licences: dict[str, int]
    credits: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    vouched: dict[str, Any] | None = None

    def text(self) -> str:
        """In a line: `CC0-1.0`, or `CC0-1.0 (2,704), own work (200)`; with who vouched."""
        return _line(self.licences) + (f"; {self.vouched['pictures']:,} vouched for by {self.vouched['by']}" if self.vouched else "")

    def told(self) -> dict[str, str]:
        """For a recipe's `made`: who vouched, where anyone did."""
        return {"rights": f"{self.vouched['by']} vouched for {self.vouched['pictures']:,} pictures"} if self.vouched else {}

    def plain(self) -> dict[str, Any]:
        """For cards and recipes, empty parts left out."""
        parts = {"licences": self.licences, "credits": list(self.credits), "share_alike": list(self.alike), "vouched": self.vouched}
        return {name: value for name, value in parts.items() if value}


def clear(named: Iterable[tuple[str, Rights]], use: Use, where: str, vouched_by: str = "", today: date | None = None) -> Cleared:
    """The sum of the rights of pictures (name, rights). Raises InputError with the list of those that may not be used so.

    `vouched_by`: a person who says that she has the rights to what the list names; kept in the result.
    """
    named = list(named)
    reasons, firm, doubtful = dict[str, list[str]](), False, 0
    for name, rights in named:
        reason, may_vouch = objection(rights, use, today)
        doubtful += bool(reason)
        if reason and not (may_vouch and vouched_by.strip()):
            reasons.setdefault(reason, []).append(name)
            firm = firm or not may_vouch
    if reasons:
        raise InputError(_stopped(reasons, len(named), use, where, firm))
    vouched = {"by": vouched_by.strip(), "on": f"{datetime.now(UTC):%Y-%m-%d}", "pictures": doubtful} if doubtful else None
    counts = _counts(rights for _, rights in named)
    credits = dict.fromkeys(line for _, rights in named if (line := rights.credit()))
    return Cleared(counts, tuple(credits), share_alike(counts), vouched)


def share_alike(licences: Iterable[str]) -> tuple[str, ...]:
    """Those of the licences that ask that what is made from the picture be shared under the same one."""
    return tuple(sorted({known_or_empty(name) for name in licences if (terms := terms_of(name)) and terms.alike}))


def sum_of(rights: Iterable[Rights]) -> str:
    """The licences of pictures in a line, most frequent first, with counts where there are several."""
    return _line(_counts(rights))


def check_name(vouched_by: str | None) -> str:
    """The name of who vouches, or empty. Raises SettingError for a name that is none."""
    if vouched_by is not None and not vouched_by.strip():
        raise SettingError("--i-have-the-rights '': write the name of the person or house who says so")
    return (vouched_by or "").strip()


def _counts(rights: Iterable[Rights]) -> dict[str, int]:
    counts = Counter(known_or_empty(one.licence) or one.licence for one in rights)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _line(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} ({count:,})" if len(counts) > 1 else name for name, count in counts.items())


def _stopped(reasons: dict[str, list[str]], total: int, use: Use, where: str, firm: bool) -> str:
    told = [f"{len(names):,} {reason} ({', '.join(names[:3])}{f' and {len(names) - 3:,} more' if len(names) > 3 else ''})"
            for reason, names in reasons.items()]  # fmt: skip
    count = sum(map(len, reasons.values()))
    remedy = (
        "change the ledger" if firm else "write down what you know with `muslin rights`, or vouch for them with --i-have-the-rights NAME"
    )
    return f"{where}: {count:,} of {total:,} pictures are not cleared for {WORDS[use]}: {'; '.join(told)}; {remedy}"


def _from_address(address: re.Match[str]) -> str:
    kind, name, number = address[1], address[2], address[3] or "4.0"
    if kind == "publicdomain":
        return "CC0-1.0" if name == "zero" else PUBLIC
    return f"CC-{name.upper()}-{number}"


def _both(parts: list[Terms]) -> Terms:
    against = next((part.against for part in parts if part.against), "")
    return Terms(against, any(part.credit for part in parts), any(part.alike for part in parts))


def _parsed(name: str, text: str, where: str) -> Any:
    if name in ("may_train", "may_style"):
        if text.lower() not in ("yes", "true", "1", "no", "false", "0"):
            raise InputError(f"{where}: {name} '{text}': should be yes or no, or empty for what the licence says")
        return text.lower() in ("yes", "true", "1")
    if name == "expires":
        try:
            return date.fromisoformat(text[:10] if text[10:11] in ("T", " ") else text)
        except ValueError:
            raise InputError(f"{where}: expires '{text}': should be a day, as in 2027-12-31") from None
    return text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None or value == UNKNOWN else str(value)
