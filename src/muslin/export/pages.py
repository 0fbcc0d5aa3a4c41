"""Self-contained HTML pages (pictures inside) in English and Chinese, light and dark, made to be printed: one skeleton, a template each.

The one door to Jinja2. Knows no content: who calls gives the values that a template asks for.
"""

import base64
from typing import Any

import jinja2
from jaxtyping import Float
from torch import Tensor

from muslin.base.image import encode_jpeg

_PAGES = jinja2.Environment(loader=jinja2.PackageLoader("muslin.export", ""), autoescape=True, undefined=jinja2.StrictUndefined)


def page(template: str, **values: Any) -> str:
    """The page of `template` (NAME.html.jinja in this folder). The skeleton asks for `title`, `language` (en or zh), `tools`."""
    return _PAGES.get_template(f"{template}.html.jinja").render(**values)


def inline(pixels: Float[Tensor, "c h w"], quality: int = 88) -> str:
    """A picture in [-1, 1] as a data address for an `img`."""
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(pixels, quality)).decode()
