"""The lookbook: one self-contained HTML page of looks, each with its draft, its cloth and, where its pieces are known, its flat.

Beside it lookbook.json, the same in data. Knows looks and their recipes; makes no picture.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.files import write_json, write_text
from muslin.base.image import open_image, resize
from muslin.base.rights import from_row, share_alike
from muslin.export.flat import FlatConfig, to_svg
from muslin.export.pages import inline, inline_svg, page
from muslin.metrics.originality import Finding
from muslin.provenance.recipe import ANEW, Recipe, block_of, pieces_in, together
from muslin.provenance.xmp import build
from muslin.studio.flat import flat_of
from muslin.studio.styles import Style

CLASSES_ZH = {
    "dress": "连衣裙", "hat": "帽子", "longsleeve": "长袖", "outwear": "外套", "pants": "长裤", "shirt": "衬衫", "shoes": "鞋",
    "shorts": "短裤", "skirt": "半身裙", "t-shirt": "T 恤", "garment": "服装",
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """A dressed picture on disk, the draft it came from, its recipe, its style's name, how new it is."""

    path: Path
    draft: Path
    recipe: Recipe
    style: str
    finding: Finding | None = None  # of the draft, against what its generator learned from

    def pixels(self) -> Float[Tensor, "3 h w"]:
        """The picture."""
        return open_image(self.path).pixels


def write_lookbook(
    out: Path, looks: list[Look], styles: list[Style], generator: str, card: dict[str, Any], title: str, language: str
) -> Path:
    """Write index.html and lookbook.json into `out`. Raises DiskError."""
    used = {look.style: next(style for style in styles if style.name == look.style) for look in looks}
    swatches = {name: inline(resize(cut_square(style.pixels), 240, 240)) for name, style in used.items()}
    text = page(
        "lookbook",
        mark=together([look.recipe for look in looks], beside=True),  # the cloths are shown too
        parts=[(f"looks/{look.path.name}", look.recipe.clean_mark()) for look in looks],
        title=title,
        language=language,
        looks=[_entry(number, look, used[look.style], swatches[look.style]) for number, look in enumerate(looks, 1)],
        credits=[style.row for style in used.values()],
        attributions=_attributions(list(used.values()), card, [row for look in looks if (row := block_of(look.recipe))]),
        generator=generator,
        card=card,
        tools=looks[0].recipe.made_with,
        backbone=looks[0].recipe.backbone,
    )
    rows = [
        {"look": f"looks/{k.path.name}", "design": f"designs/{k.draft.name}", "recipe": asdict(k.recipe), **_originality(k)} for k in looks
    ]
    write_json(out / "lookbook.json", {"title": title, "generator": generator, "looks": rows})
    return write_text(out / "index.html", text)


def _entry(number: int, look: Look, style: Style, swatch: str) -> dict[str, Any]:
    row = look.recipe.generator or {}
    name = str(row.get("class", "garment"))
    return {
        "number": f"{number:02d}",
        "picture": inline(look.pixels(), mark=look.recipe.clean_mark()),
        "draft": inline(_draft(look.draft)),
        "flat": _flat(look),
        "swatch": swatch,
        "kind_en": name,
        "kind_zh": CLASSES_ZH.get(name, name),
        "style": style.row,
        "seed": row.get("seed"),
        "block": block_of(look.recipe),
        "file": f"looks/{look.path.name}",
        "finding": look.finding,
        "recipe": json.dumps(look.recipe.settings, ensure_ascii=False),
    }


def _attributions(styles: list[Style], card: dict[str, Any], blocks: list[dict[str, Any]]) -> list[str]:
    """The lines that licences ask for: of the styles, of blocks, and of what the generator learned from."""
    learned = card.get("rights", {})
    rights = [*(style.rights for style in styles), *(from_row(row, str(row["file"])) for row in blocks)]
    lines = [line for one in rights if (line := one.credit())] + list(learned.get("credits", ()))
    alike = share_alike([*(one.licence for one in rights), *learned.get("share_alike", ())])
    return list(dict.fromkeys([*lines, *(f"{name}: what is made from it is to be shared under the same licence" for name in alike)]))


def _originality(look: Look) -> dict[str, Any]:
    found = look.finding
    return (
        {} if found is None else {"originality": {"verdict": found.verdict, "similarity": found.similarity, "percentile": found.percentile}}
    )


def _flat(look: Look) -> str:
    """The flat of a design whose pieces are known, for an `img`; empty for others: what is guessed from a draft is no pattern."""
    sides = ((parent, parent.get("settings", {}).get(ANEW, 0)) for parent in look.recipe.parents)
    if (told := next((told for parent, side in sides if (told := pieces_in(parent, side, side)) is not None), None)) is None:
        return ""
    try:
        return inline_svg(to_svg(flat_of(look.draft, FlatConfig(), told)[0], look.draft.stem, xmp=build(look.recipe.clean_mark())))
    except InputError:
        return ""


def _draft(path: Path) -> Tensor:
    # drafts are small: enlarged here by whole pixels, as they are; one that was made up is large
    pixels = open_image(path).pixels
    if pixels.shape[2] > 256:
        return resize(pixels, round(256 * pixels.shape[1] / pixels.shape[2]), 256)
    factor = max(1, 256 // pixels.shape[2])
    return pixels.repeat_interleave(factor, 1).repeat_interleave(factor, 2)


def cut_square(pixels: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 s s"]:
    """The upper left square of a picture, for swatches."""
    side = min(pixels.shape[1:])
    return pixels[:, :side, :side]
