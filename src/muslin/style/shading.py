"""The garment's folds: a shading map from its lightness, and the style's picture laid on it, bent and lit by it.

The overlay alone, without a network, is the baseline that the optimisation starts from and must beat. Knows one
garment on a plain ground. Print is told from shade by its colour (retinex.py): a broad grey print on grey cloth is taken for shade.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.errors import SettingError
from muslin.base.image import blur, resize
from muslin.base.machine import free_memory
from muslin.base.seeds import seeded
from muslin.data.ground import box, extend, shrink
from muslin.data.lines import oriented_energy
from muslin.style.retinex import calmed, print_in, reduced

_FOLDS = 2.0  # how much more lightness steps than the old cloth did: a pattern hides some
_EDGE = 0.4  # of which half is left on the very edge
_SEAM_SIDE, _SEAM_WIDE = 256, 1.2  # px: the longer side at which seams are looked for, and half their width
_NOTHING = 0.02  # OKLab lightness: less than this is no print at all
_PRINT = 0.03  # median step of lightness (OKLab), at the fineness of prints, above which a garment is taken to be printed


def shading(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
    """How lit each place is: about 1 on the garment's common lightness, 0.45 in deep folds, 1.2 on ridges.

    Lightness (OKLab) against its own wide average: the cloth's colour goes, the folds stay; broad light keeps a third; seams are deepened.
    """
    return _shading(to_oklab(_spread(pixels, mask))[:1], mask)


def plain(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"]) -> tuple[Float[Tensor, "3 h w"], Float[Tensor, "1 h w"]]:
    """The garment without its own print in its lightness, which else shows through every new cloth as if it were folds; and its shading.

    What has a colour of its own goes first (retinex.py), then fine steps of lightness (gingham, dense stripes), where they are all
    over the garment: seams and buttons are few, and stay; then the mottle that is left of a print. The ground stays to the bit.
    """
    side, inside, spread = max(pixels.shape[1:]), mask[0] > 0.99, _spread(pixels, mask)
    whole = to_oklab(spread)[:1]
    away, printed = print_in(spread, whole, mask)
    fine = whole - away - blur(whole - away, side / 40)
    strength = float(blur(fine, side / 300)[0][inside].abs().median()) if bool(inside.any()) else 0.0
    if strength > _PRINT:
        away = away + (1 - (_PRINT / strength) ** 4) * fine
    lit = calmed(whole - away, away, mask)
    away, shade = whole - lit, _shading(lit, mask, 1 - printed)
    if not bool((away.abs()[0][inside] > _NOTHING).any()):
        return pixels, shade
    lab = to_oklab(pixels)
    return torch.where(mask > 0, from_oklab(torch.cat([(lab[:1] - away * mask).clamp(0, 1), lab[1:]])), pixels), shade


def _shading(lightness: Float[Tensor, "1 h w"], mask: Float[Tensor, "1 h w"], clear: Tensor | float = 1.0) -> Float[Tensor, "1 h w"]:
    """From lightness that goes on beyond the edge; seams are deepened by the share `clear`."""
    side = max(mask.shape[1:])
    smooth = blur(lightness, side / 300)
    wide = _masked_blur(smooth, mask, side / 10)
    typical = (lightness * mask).sum() / mask.sum().clamp(min=1)
    unit = 0.35 + 0.65 * typical
    folds, broad = (smooth - wide) / unit, (wide - typical) / unit
    lit = _FOLDS * folds + 0.5 * broad + _seams(smooth / unit, mask) * clear
    return 1 + torch.where(lit < 0, lit.clamp(min=-0.55), 0.22 * torch.tanh(lit / 0.22))  # of a highlight little is left on any cloth


def turned(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], folds: float) -> Float[Tensor, "3 h w"]:
    """Cloth turns away from the light at its edge; without that a white motif runs into a white ground."""
    return light(pixels, _edge(mask), folds)


def _edge(mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
    return 1 - _EDGE * (1 - blur(mask, max(mask.shape[1:]) / 120))


def _seams(lit: Float[Tensor, "1 h w"], mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
    """What collars, plackets, wraps and gathers need beyond their own light to be seen under a pattern: their relief, deepened along lines.

    More where a garment's lines are faint; 0 away from lines and along the silhouette.
    """
    height, width = mask.shape[1:]
    area = reduced(mask, _SEAM_SIDE)
    size = area.shape[1:]
    small = resize(lit - 1, *size)  # which keeps to [-1, 1], where light (0 to about 2) does not lie
    field = shrink(area, 3)
    inside = field[0] > 0.5
    if int(inside.sum()) < max(size):
        return torch.zeros_like(mask)
    energy = oriented_energy(small, _SEAM_WIDE, angles=8).amax(0)
    around = blur((energy * area[0])[None], 10)[0] / blur(area, 10)[0].clamp(min=0.05)
    strength = (energy - around).clamp(min=0)
    usual, busy = float(strength[inside].quantile(0.97)), float(energy[inside].median() / energy[inside].quantile(0.98).clamp(min=1e-6))
    line = ((strength / min(max(usual, 0.012), 0.07) - 0.2) / 0.6).clamp(0, 1) * blur(field, 1)[0]
    relief = (small - blur(small, max(size) / 50))[0]
    on = line > 0.5
    depth = float(relief[on].abs().quantile(0.9)) if bool(on.any()) else 1.0
    relief = relief * min(8.0, 0.25 / max(depth, 1e-3)) * min(max((0.45 - busy) / 0.15, 0.0), 1.0)
    deep = torch.where(relief < 0, 0.4 * torch.tanh(relief / 0.3), 0.16 * torch.tanh(relief / 0.15))
    return resize((deep * line)[None], height, width)


def _spread(pixels: Tensor, mask: Tensor) -> Tensor:
    """The garment's own colours beyond its edge too."""
    return extend(pixels, shrink(mask, max(1, max(pixels.shape[1:]) // 100)))


def overlay(
    style: Float[Tensor, "3 a b"], shade: Float[Tensor, "1 h w"], mask: Float[Tensor, "1 h w"], zoom: float, folds: float, seed: int
) -> Float[Tensor, "3 h w"]:
    """The style's picture laid over the garment's box, shifted along the folds, and lit by them. Fills the whole canvas."""
    return drape(lay(style, mask, zoom, seed), shade, folds)


def drape(cloth: Float[Tensor, "3 h w"], shade: Float[Tensor, "1 h w"], folds: float) -> Float[Tensor, "3 h w"]:
    """Flat cloth shifted along the shading's slopes, and lit by it, by the share `folds`."""
    height, width = cloth.shape[1:]
    down, across = _gradients(blur(shade, max(height, width) / 40))
    bend = 2.0 * folds * torch.stack([across[0], down[0]], -1) * max(height, width) / 64
    rows, columns = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], -1) + bend.clamp(-0.02, 0.02)
    bent = F.grid_sample(cloth[None], grid[None], mode="bicubic", padding_mode="reflection", align_corners=True)[0].clamp(-1, 1)
    return light(bent, shade, folds)


def light(pixels: Float[Tensor, "3 h w"], shade: Float[Tensor, "1 h w"], folds: float) -> Float[Tensor, "3 h w"]:
    """The picture's lightness (OKLab) times the shading, by the share `folds`; chroma goes down with it by half. Pale cloth takes little of a highlight."""
    return from_oklab(_lit(to_oklab(pixels), shade, folds))


def _lit(lab: Float[Tensor, "3 h w"], shade: Float[Tensor, "1 h w"], folds: float) -> Float[Tensor, "3 h w"]:
    factor = 1 + folds * (shade - 1)
    factor = torch.where(factor > 1, 1 + (factor - 1) * (1 - lab[:1]).clamp(0, 1).sqrt(), factor)
    return torch.cat([(lab[:1] * factor).clamp(0, 1), lab[1:] * (0.5 + 0.5 * factor)])


def folds_back(
    made: Float[Tensor, "3 h w"], start: Float[Tensor, "3 h w"], shade: Float[Tensor, "1 h w"], mask: Float[Tensor, "1 h w"], folds: float
) -> Float[Tensor, "3 h w"]:
    """The light that a descent took from the folds of its start, put back where it is gone, and never more than was there; then `turned`.

    The share that is left is found in each neighbourhood, by regression of the change of lightness (OKLab, smoothed) on what the shading had given.
    """
    if not folds:
        return made
    lit, side = 1 + folds * (shade - 1), max(made.shape[1:])
    before, after = to_oklab(start)[:1], to_oklab(made)
    given, change = (blur(x, side / 250) for x in (before * (1 - 1 / lit), after[:1] - before))
    given, change = ((x - _masked_blur(x, mask, side / 16)) * mask for x in (given, change))
    around = side / 24
    left = 1 + blur(change * given, around) / (blur(given.square(), around) + 1e-6)
    back = _lit(after, lit / (1 + left.clamp(0, 1) * (lit - 1)), 1.0)
    return from_oklab(_lit(back, _edge(mask), folds))  # one way to OKLab and back for both


def lay(style: Float[Tensor, "3 a b"], mask: Float[Tensor, "1 h w"], zoom: float, seed: int) -> Float[Tensor, "3 h w"]:
    """The style's picture on a canvas of the mask's size: covers the garment's box at zoom 1; mirrored beyond its own edge."""
    top, bottom, left, right = box(mask)
    height, width = mask.shape[1:]
    rows, columns, above, before = placed((style.shape[1], style.shape[2]), (bottom - top, right - left), zoom, seed)
    if (need := rows * columns * 36) > free_memory():  # three copies of three colours while it is resized
        raise SettingError(
            f"zoom={zoom:g}: the cloth would be {columns:,} x {rows:,} px and need about {need / 1e9:.1f} GB; lower zoom or size"
        )
    cloth = resize(style, rows, columns)
    down = _mirrored(torch.arange(height) - top + above, rows)
    across = _mirrored(torch.arange(width) - left + before, columns)
    return cloth[:, down][:, :, across]


def placed(style: tuple[int, int], inside: tuple[int, int], zoom: float, seed: int) -> tuple[int, int, int, int]:
    """Rows and columns of a style (rows, columns) laid over a box of these sides, and how many of them lie above and before the box."""
    scale = zoom * max(inside[0] / style[0], inside[1] / style[1])
    rows, columns = max(8, round(style[0] * scale)), max(8, round(style[1] * scale))
    draw = torch.rand(2, generator=seeded(seed, "lay"))
    return rows, columns, round(float(draw[0]) * max(rows - inside[0], 0)), round(float(draw[1]) * max(columns - inside[1], 0))


def _masked_blur(x: Tensor, mask: Tensor, sigma: float) -> Tensor:
    return blur(x * mask, sigma) / blur(mask, sigma).clamp(min=1e-3)


def _gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    padded = F.pad(x[None], (1, 1, 1, 1), mode="replicate")[0]
    return (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2, (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2


def _mirrored(places: Tensor, length: int) -> Tensor:
    folded = places.remainder(2 * length)
    return torch.where(folded < length, folded, 2 * length - 1 - folded)
