"""Self-contained HTML pages (pictures inside) in English and Chinese, light and dark, made to be printed: one skeleton, a template each.

The one door to Jinja2. Knows no content: who calls gives the values that a template asks for.
"""

import base64
from collections.abc import Sequence
from typing import Any

import jinja2
from jaxtyping import Float
from torch import Tensor

from muslin.base.image import encode_jpeg
from muslin.provenance.xmp import SCHEME, Mark, build

_PAGES = jinja2.Environment(loader=jinja2.PackageLoader("muslin.export", ""), autoescape=True, undefined=jinja2.StrictUndefined)


def page(template: str, mark: Mark | None = None, parts: Sequence[tuple[str, Mark]] = (), **values: Any) -> str:
    """The page of `template` (NAME.html.jinja in this folder). The skeleton asks for `title`, `language` (en or zh), `tools`.

    `mark`: what the page as a whole is to programs that look for machine-made media; `parts`: the same of picture files beside it, by
    their addresses. Written as schema.org's `digitalSourceType` (JSON-LD) and as a meta element.
    """
    told = {} if mark is None else _linked(values["title"], mark, parts)
    source = SCHEME + mark.source if mark else ""
    return _PAGES.get_template(f"{template}.html.jinja").render(linked=told, source_type=source, **values)


def _linked(title: str, mark: Mark, parts: Sequence[tuple[str, Mark]]) -> dict[str, Any]:
    whole: dict[str, Any] = {"@context": "https://schema.org", "@type": "CreativeWork", "name": title, "digitalSourceType": _term(mark)}
    whole |= {"producer": {"@type": "Organization", "name": mark.producer}} if mark.producer else {}
    pictures = [{"@type": "ImageObject", "contentUrl": address, "digitalSourceType": _term(one)} for address, one in parts]
    return whole | ({"hasPart": pictures} if pictures else {})


def _term(mark: Mark) -> str:
    # schema.org spells IPTC's terms its own way: trainedAlgorithmicMedia is TrainedAlgorithmicMediaDigitalSource
    return f"https://schema.org/{mark.source[0].upper()}{mark.source[1:]}DigitalSource"


def inline_svg(drawing: str) -> str:
    """A drawing as a data address for an `img`."""
    return "data:image/svg+xml;base64," + base64.b64encode(drawing.encode()).decode()


def inline(pixels: Float[Tensor, "c h w"], quality: int = 88, mark: Mark | None = None) -> str:
    """A picture in [-1, 1] as a data address for an `img`, with its mark inside for whoever takes it out of the page."""
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(pixels, quality, xmp=build(mark) if mark else "")).decode()
