"""The XMP packet of a picture: what IPTC and others look for to know machine-made pictures, and the recipe where no other field holds it.

Follows IPTC Photo Metadata 2025.1 (AISystemUsed, AISystemVersionUsed), IPTC's NewsCodes of digital source types, and the AIGC label of
GB 45438-2025 as published descriptions give it, for studios that name themselves as its producer. The same mark gives the same bytes. Does not know picture files: `base.image` and `base.packets` put packets into them.
"""

import json
import re
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape

SCHEME = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SOURCES = frozenset({  # IPTC's list of 2024-10-23, without what it has retired
    "digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm", "print", "humanEdits", "algorithmicallyEnhanced",
    "digitalCreation", "dataDrivenMedia", "trainedAlgorithmicMedia", "algorithmicMedia", "screenCapture", "virtualRecording", "composite",
    "compositeCapture", "compositeSynthetic", "compositeWithTrainedAlgorithmicMedia",
})  # fmt: skip
MACHINE_MADE = frozenset({"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"})
_SPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
    "muslin": "urn:muslin:xmp:1",
}
_HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold
_HINT = re.compile(r"<rdf:Description[^<]*><muslin:signed>[^<]*</muslin:signed></rdf:Description>\n")
_TOOL = "Muslin"


@dataclass(frozen=True)
class Mark:
    """`source`: a term of SOURCES; `version` of Muslin; `rights`: licences; `recipe`: JSON; `signed`: who was about to sign the file.

    `producer`: name or code of who answers for the picture under China's labelling rules, empty for no such label; `number`: its own for each picture.
    """

    source: str
    version: str = ""
    rights: str = ""
    recipe: str = ""
    signed: str = ""
    producer: str = ""
    number: str = ""

    @property
    def by_machine(self) -> bool:
        """Whether a generative model had a hand in the picture."""
        return self.source in MACHINE_MADE


def known_source(term: str) -> str:
    """A term of IPTC's list. What the list does not know is called machine-made: the mark that misleads least."""
    return term if term in SOURCES else "trainedAlgorithmicMedia"


def build(mark: Mark) -> str:
    """The packet of a mark."""
    fields = {"Iptc4xmpExt:DigitalSourceType": SCHEME + known_source(mark.source)}
    if mark.by_machine:  # these two alone say "AI" to a reader, so a repeat of a photographed cloth goes without
        fields |= {"Iptc4xmpExt:AISystemUsed": _TOOL, "Iptc4xmpExt:AISystemVersionUsed": mark.version}
        fields |= {"TC260:AIGC": _aigc(mark)} if mark.producer else {}
    fields |= {"xmp:CreatorTool": f"{_TOOL} {mark.version}".strip()}
    fields |= {"muslin:recipe": mark.recipe}
    lines = [f"<{name}>{_text(value)}</{name}>" for name, value in fields.items() if value]
    if mark.rights:
        lines.append(f'<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{_text(mark.rights)}</rdf:li></rdf:Alt></dc:rights>')
    spaces = " ".join(f'xmlns:{short}="{uri}"' for short, uri in _SPACES.items() if short != "rdf")
    body = "\n".join(lines)
    whole = (
        f'{_HEAD}\n<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_SPACES["rdf"]}">\n'
        f'<rdf:Description rdf:about="" {spaces}>\n{body}\n</rdf:Description>\n</rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
    )
    return with_hint(whole, mark.signed) if mark.signed else whole


def with_hint(packet: str, name: str) -> str:
    """A packet, of any program, that also says that `name` was about to sign the file; all else in it stays."""
    hint = (
        f'<rdf:Description rdf:about="" xmlns:muslin="{_SPACES["muslin"]}"><muslin:signed>{_text(name)}</muslin:signed></rdf:Description>\n'
    )
    return _HINT.sub("", packet).replace("</rdf:RDF>", f"{hint}</rdf:RDF>", 1)


def read(packet: str) -> Mark | None:
    """The mark in a packet of any program, or None where it tells no digital source type or is no XML."""
    if "<!DOCTYPE" in packet or "<!ENTITY" in packet:  # entities can be made to fill the memory; XMP has no use for them
        return None
    try:
        tree = ElementTree.fromstring(packet.strip().strip("\0"))
    except ElementTree.ParseError:
        return None
    fields: dict[str, str] = {}
    for about in tree.iter(f"{{{_SPACES['rdf']}}}Description"):  # a simple property may be an attribute or an element
        fields |= about.attrib
        fields |= {child.tag: "".join(child.itertext()).strip() for child in about}
    source = _field(fields, "Iptc4xmpExt:DigitalSourceType")
    if not source.startswith(SCHEME):
        return None
    version = _field(fields, "Iptc4xmpExt:AISystemVersionUsed") or _field(fields, "xmp:CreatorTool").removeprefix(_TOOL).strip()
    rights, recipe, signed = (_field(fields, name) for name in ("dc:rights", "muslin:recipe", "muslin:signed"))
    producer, number = _producer(_field(fields, "TC260:AIGC"))
    return Mark(source.removeprefix(SCHEME), version, rights, recipe, signed, producer, number)


def _aigc(mark: Mark) -> str:
    label = {"Label": "1", "ContentProducer": mark.producer, "ProduceID": mark.number, "ReservedCode1": ""}  # 1: it is machine-made
    return json.dumps(label | {"ContentPropagator": "", "PropagateID": "", "ReservedCode2": ""}, ensure_ascii=False)


def _producer(label: str) -> tuple[str, str]:
    try:
        plain = json.loads(label)
        return str(plain["ContentProducer"]), str(plain["ProduceID"])
    except (ValueError, KeyError, TypeError):
        return "", ""


def _field(fields: dict[str, str], name: str) -> str:
    short, _, own = name.partition(":")
    return fields.get(f"{{{_SPACES[short]}}}{own}", "")


def _text(value: str) -> str:
    return escape(_ILLEGAL.sub("\ufffd", value)).replace("\r", "&#13;")
