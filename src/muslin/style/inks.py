"""Colours of a dressed garment: the garment's own kept, or a palette of n inks (OKLab); colourways, and names for colours.

A cloth's own inks are found by k-means in OKLab; each goes to the ink of the palette with the same rank in lightness, every pixel by its
soft share of them, and what is left over (folds, weave) stays. Names: the 148 of CSS (W3C), an open list.
"""

import math
import re

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.errors import SettingError
from muslin.base.image import colour_names, resize
from muslin.base.seeds import seeded


def find_inks(cloth: Float[Tensor, "3 h w"], count: int) -> Float[Tensor, "n 3"]:
    """The cloth's `count` inks in OKLab, darkest first (k-means from far-apart starts; the same for the same cloth)."""
    small = resize(cloth, min(96, cloth.shape[1]), min(96, cloth.shape[2]))
    points = to_oklab(small).flatten(1).T
    points = points[torch.randperm(len(points), generator=seeded("inks"))[:4096]]
    centres = points.median(0, keepdim=True).values
    while len(centres) < count:
        away = torch.cdist(points, centres).min(1).values
        # not the very farthest, which is noise: the 98th in a hundred
        centres = torch.cat([centres, points[(away - away.quantile(0.98)).abs().argmin()][None]])
    for _ in range(25):
        nearest = torch.cdist(points, centres).argmin(1)
        means = [points[nearest == k].mean(0) if bool((nearest == k).any()) else centres[k] for k in range(count)]
        centres = torch.stack(means)
    return centres[centres[:, 0].argsort()]


def recolour(
    pixels: Float[Tensor, "3 h w"], inks: Float[Tensor, "n 3"], wanted: Float[Tensor, "n 3"], soft: float = 0.06
) -> Float[Tensor, "3 h w"]:
    """Each pixel's share of `inks` moved to `wanted` (both OKLab, rank by rank); `soft`: how far an ink reaches, OKLab units."""
    lab = to_oklab(pixels)
    flat = lab.flatten(1).T
    out = torch.empty_like(flat)
    for piece in range(0, len(flat), 1 << 20):
        part = flat[piece : piece + (1 << 20)]
        # lightness counts half: a fold in an ink is still that ink
        scale = torch.tensor([0.5, 1.0, 1.0])
        share = (-(torch.cdist(part * scale, inks * scale) / soft).square() / 2).softmax(1)
        rest = part - share @ inks
        rest = rest * torch.tensor([1.0, 0.5, 0.5])
        out[piece : piece + (1 << 20)] = rest + share @ wanted
    return from_oklab(out.T.reshape(lab.shape))


def garment_colours(
    pixels: Float[Tensor, "3 h w"], content: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"]
) -> Float[Tensor, "3 h w"]:
    """The result's lightness pattern about the garment's own lightness, with the garment's own hue and chroma."""
    ours, theirs = to_oklab(pixels), to_oklab(content)
    area = mask.sum().clamp(min=1)
    mean = (ours[:1] * mask).sum() / area
    wanted = (theirs[:1] * mask).sum() / area
    spread = (((ours[:1] - mean) * mask).square().sum() / area).sqrt()
    room = torch.minimum(wanted, 1 - wanted).clamp(min=0.12)
    pattern = (ours[:1] - mean) * (room / (2 * spread).clamp(min=1e-3)).clamp(max=1)
    return from_oklab(torch.cat([(wanted + pattern).clamp(0, 1), theirs[1:]]))


def colourways(inks: Float[Tensor, "n 3"], count: int) -> list[Float[Tensor, "n 3"]]:
    """`count` sets of inks in OKLab, the first the cloth's own: hues turned by the golden angle; every third light on dark.

    Lightness ranks stay (or are mirrored as a whole), so that the pattern is read the same way; chroma is kept livelier than grey.
    """
    found = [inks]
    for number in range(1, count):
        turn = number * 2.399963
        a, b = inks[:, 1], inks[:, 2]
        lively = torch.stack([a, b]).norm(dim=0).clamp(min=0.02 * math.sqrt(number))
        hue = torch.atan2(b, a) + turn
        lightness = inks[:, 0]
        if number % 3 == 2:
            lightness = (1.12 - lightness).clamp(0.12, 0.97)
        found.append(torch.stack([lightness, lively * hue.cos(), lively * hue.sin()], 1))
    return found


def to_hex(inks: Float[Tensor, "n 3"]) -> tuple[str, ...]:
    """OKLab inks as #rrggbb, in sRGB's gamut."""
    rgb = ((from_oklab(inks.T[:, :, None])[:, :, 0].T + 1) * 127.5).round().int().tolist()
    return tuple("#{:02x}{:02x}{:02x}".format(*row) for row in rgb)


def from_hex(inks: tuple[str, ...]) -> Float[Tensor, "n 3"]:
    """#rrggbb as OKLab inks, darkest first. Raises SettingError."""
    if not all(re.fullmatch(r"#?[0-9a-fA-F]{6}", ink) for ink in inks):
        raise SettingError(f"inks={','.join(inks)}: write colours as #rrggbb")
    rgb = torch.tensor([list(bytes.fromhex(ink.lstrip("#"))) for ink in inks]).float()
    lab = to_oklab((rgb / 127.5 - 1).T[:, :, None])[:, :, 0].T
    return lab[lab[:, 0].argsort()]


def name_of(inks: tuple[str, ...], words: int = 2) -> str:
    """The nearest open colour names of the most colourful inks, as in `crimson-navy`."""
    names, known = colour_names(), list(colour_names())
    table = from_rgb_table(list(names.values()))
    lab = from_hex(inks)
    order = lab[:, 1:].norm(dim=1).argsort(descending=True)
    chosen = list[str]()
    for place in order.tolist():
        name = known[int(torch.cdist(lab[place][None], table).argmin())]
        if name not in chosen:
            chosen.append(name)
    return "-".join(chosen[:words])


def from_rgb_table(rows: list[tuple[int, int, int]]) -> Float[Tensor, "n 3"]:
    """Rows of r, g, b (0 to 255) in OKLab."""
    return to_oklab((torch.tensor(rows).float() / 127.5 - 1).T[:, :, None])[:, :, 0].T
