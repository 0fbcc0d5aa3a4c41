"""The one door to c2pa: content credentials (C2PA 2.x) written into PNG, JPEG, WebP and TIFF bytes, and read with what they are worth.

Nothing goes over the network (no remote manifest, no revocation list) but to a time-stamping authority that is named. No thumbnails. Does not know files or keys' places.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from muslin.base.errors import InputError, SettingError
from muslin.base.packets import broken_chunk, kind_of
from muslin.provenance.keys import Studio, need_extra
from muslin.provenance.recipe import Recipe
from muslin.provenance.xmp import SCHEME, Mark

State = Literal["trusted", "foreign", "expired", "altered", "none"]
FORMS = ("image/png", "image/jpeg", "image/webp", "image/tiff")
_MINING = ("data_mining", "ai_inference", "ai_training", "ai_generative_training")  # the four entries of CAWG's assertion
_EXPIRED = {"signingCredential.expired", "claimSignature.outsideValidity"}
_FOREIGN = {"signingCredential.untrusted"}


@dataclass(frozen=True)
class Report:
    """What a file's credentials are worth. `by` and `serial` are only claims unless `state` is trusted; `codes`: C2PA's failure codes."""

    state: State
    by: str = ""
    serial: str = ""
    source: str = ""  # IPTC's term in the signed action
    codes: tuple[str, ...] = ()
    stamped: str = ""  # when, ISO 8601, by an RFC 3161 time stamp that fits the signature
    stamp_trusted: bool = False  # its authority leads to one of the roots
    manifest: dict[str, Any] = field(default_factory=dict)


def manifest(title: str, mark: Mark, recipe: Recipe | None) -> dict[str, Any]:
    """What is signed: made by Muslin, of which ingredients (names and hashes), and that the picture is not for training."""
    made = list(ingredients(recipe)) if recipe else []
    program = {"name": "Muslin", "version": mark.version or "0"}
    action: dict[str, Any] = {"action": "c2pa.created", "digitalSourceType": SCHEME + mark.source, "softwareAgent": program}
    if made:
        action["parameters"] = {"ingredientIds": [row["label"] for row in made]}
    mining = {f"cawg.{entry}": {"use": "notAllowed"} for entry in _MINING}
    return {
        "claim_generator_info": [program],
        "title": title,
        "ingredients": made,
        "assertions": [
            {"label": "c2pa.actions", "data": {"actions": [action]}},
            {"label": "cawg.training-mining", "data": {"entries": mining}},
        ],
    }


def ingredients(recipe: Recipe) -> Iterator[dict[str, Any]]:
    """Each generator, picture and mask of the recipe's tree once, by name and sha256; the parents themselves by what they are."""
    seen: set[str] = set()
    for number, (what, row) in enumerate(_rows(recipe.plain_dict())):
        key = str(row.get("sha256") or row)
        if key in seen:
            continue
        seen.add(key)
        name, told = str(row.get("file") or row.get("name") or what), [what]
        told += [f"{word} {row[word]}" for word in ("sha256", "licence", "author") if row.get(word)]
        made = {"title": name, "relationship": "inputTo", "label": f"i{number}", "description": ", ".join(told)}
        if row.get("sha256"):
            made["instance_id"] = f"sha256:{row['sha256']}"
        yield made | ({"data_types": [{"type": "c2pa.types.model"}]} if what == "generator" else {})


def _rows(plain: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for what in ("generator", "content", "mask"):
        if plain.get(what):
            yield what, plain[what]
    for style in plain.get("styles") or []:
        yield "style", style
    for parent in plain.get("parents") or []:
        yield (
            f"parent, {parent.get('kind')}",
            {"name": f"a {parent.get('kind')} made before", "made": parent.get("made"), "edit": parent.get("edit")},
        )
        yield from _rows(parent)


def sign(content: bytes, about: dict[str, Any], studio: Studio, stamp: str = "") -> bytes:
    """`content` with credentials. What it had of them is replaced. `stamp`: address of a time-stamping authority (RFC 3161), asked once.

    Raises SettingError for an address that is none; InputError for other formats, damage, keys out of date, and an authority that fails.
    """
    need_extra()
    if stamp and not stamp.startswith(("http://", "https://")):
        raise SettingError(f"--time-stamp {stamp}: should be an authority's address, as in http://timestamp.example.org")
    import c2pa

    form, out = kind_of(content), io.BytesIO()
    if form not in FORMS:
        raise InputError(f"{about['title']}: not a PNG, JPEG, WebP or TIFF; make a copy in one of these with `muslin copy`")
    try:
        info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, studio.chain.encode(), studio.key.encode(), stamp or None)
        with (
            c2pa.Context.from_dict(_settings(studio.anchors), signer=c2pa.Signer.from_info(info)) as context,
            c2pa.Builder.from_json(json.dumps(about), context=context) as builder,
        ):
            builder.sign(form, io.BytesIO(content), out)
    except c2pa.C2paError as failure:
        remedy = f"is the time-stamping authority {stamp} there? Else sign without --time-stamp" if stamp else "copy or export it again"
        raise InputError(f"{about['title']}: cannot be signed ({failure}); {_out_of_date(studio) or remedy}") from failure
    return out.getvalue()


def check(content: bytes, anchors: str) -> Report:
    """What the credentials in `content` are worth where the roots `anchors` (PEM) are trusted; `none` where there are none."""
    need_extra()
    import c2pa

    if broken := broken_chunk(content):
        return Report("altered", codes=(f"checksum of {broken}",))  # also where no credentials can be found any more
    try:
        context = c2pa.Context.from_dict(_settings(anchors))
    except c2pa.C2paError as failure:
        raise InputError(f"the trusted roots beside your keys cannot be read ({failure}); they should be .pem certificates") from failure
    try:
        with context:
            reader = c2pa.Reader.try_create(kind_of(content), io.BytesIO(content), context=context)
            if reader is None:
                return Report("none")
            with reader:
                return _report(json.loads(reader.json()))
    except c2pa.C2paError as failure:
        return Report("altered", codes=(str(failure),))


def by_studio(content: bytes, studio: Studio) -> bool:
    """Whether the studio's own key signed `content`, which is unaltered: its serial alone is public, and any root may vouch for the same one."""
    report = check(content, studio.root)
    return report.state in ("trusted", "expired") and not _FOREIGN & set(report.codes) and report.serial == studio.serial


def _report(told: dict[str, Any]) -> Report:
    codes = tuple(sorted({row["code"] for row in told.get("validation_status") or []}))
    active = told.get("manifests", {}).get(told.get("active_manifest", ""), {})
    who = active.get("signature_info", {})
    actions = [action for row in active.get("assertions", []) if "c2pa.actions" in row["label"] for action in row["data"]["actions"]]
    source = next((a["digitalSourceType"] for a in actions if "digitalSourceType" in a), "").removeprefix(SCHEME)
    rest = set(codes) - _EXPIRED - _FOREIGN
    state: State = "altered" if rest or not active else "expired" if set(codes) & _EXPIRED else "foreign" if codes else "trusted"
    passed = told.get("validation_results", {}).get("activeManifest", {}).get("success", [])
    trusted = any(row["code"] == "timeStamp.trusted" for row in passed)
    return Report(state, who.get("issuer", ""), who.get("cert_serial_number", ""), source, codes, who.get("time", ""), trusted, active)


def _settings(anchors: str) -> dict[str, Any]:
    return {
        "version": 1,
        **({"trust": {"trust_anchors": anchors}} if anchors.strip() else {}),
        "verify": {"verify_trust": True, "verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False},
        "builder": {"thumbnail": {"enabled": False}},
    }


def _out_of_date(studio: Studio) -> str:
    from datetime import UTC, datetime

    if studio.until < datetime.now(UTC):
        return f"the keys were good until {studio.until:%Y-%m-%d}: move their folder away and make new ones with `muslin keys`"
    return ""
