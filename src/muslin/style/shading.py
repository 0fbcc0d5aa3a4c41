"""The garment's folds: a shading map from its lightness, and the style's picture laid on it, bent and lit by it.

The overlay alone, without a network, is the baseline that the optimisation starts from and must beat. Knows one
garment on a plain ground. Print is told from shade, and lines of construction are found, by a network (relief.py).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.image import blur
from muslin.data.ground import extend, masked_blur, ramp, shrink
from muslin.style.gathers import gathers
from muslin.style.relief import Relief, find_relief, relative, step

_FOLDS = 2.0  # how much more lightness steps than the old cloth did: a pattern hides some
_MADE, _SHINE = 4.0, 0.15  # by how much more of folds that are made (gathers, quilting), and how much brighter these may be
_HIGH = 0.22  # shading above 1, at most
_EDGE = 0.4  # of which half is left on the very edge
# how dark a line of construction is that the network is sure of: on plain cloth, whose own light shows it too, and on printed; and firm ones
_LINES, _FIRM = (0.4, 0.9), (0.9, 1.1)
_BEND = 1.0  # how far cloth is shifted along the shading's slopes: with twice that stripes waver as if drawn by hand
_BLACK = 0.1  # OKLab lightness: of what is darker, hue tells little
_NOTHING = 0.02  # OKLab lightness: less than this is no print at all
_PRINT = (
    0.03,
    0.08,
)  # relative lightness by which a place is unlike the light that the network sees, from which on it is print, and wholly
_MOSTLY = (0.5, 0.75)  # likewise the share of its steps that this must be: of deep folds the network says a part


def shading(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
    """How lit each place is: about 1 on the garment's common lightness, 0.4 in deep folds, 1.2 on ridges.

    Lightness (OKLab) against its own wide average: the cloth's colour goes, the folds are doubled; broad light keeps half. Print counts as shade.
    """
    return _shading(relative(to_oklab(_spread(pixels, mask))[:1], mask), mask)


def plain(
    pixels: Float[Tensor, "3 h w"],
    mask: Float[Tensor, "1 h w"],
    found: Relief | None = None,
    firm: bool = False,
    folded: Float[Tensor, "1 h w"] | None = None,
) -> tuple[Float[Tensor, "3 h w"], Float[Tensor, "1 h w"]]:
    """The garment without its own print in its lightness, which else shows through every new cloth as if it were folds; and its shading.

    Print is where lightness is far from the light that the network sees; elsewhere lightness stays as it is. Lines of construction
    are drawn into the shading. The ground stays to the bit. `found`: the garment's relief, where it is known already; `firm`: its lines are seams and no creases;
    `folded`: where its small folds are made (gathers, pleats, quilting), 0 to 1: there they are deeper, and are found beneath a print too.
    """
    found = found or find_relief(pixels, mask)
    around, lit = _around(pixels, mask, found)
    lightness = around[:1]
    own = relative(lightness, mask)
    share, printed, told = _told(own, mask, lit)
    if folded is not None:
        folds, sure = gathers(own, around[1:] / (lightness + _BLACK), mask, folded)
        told = told + share * sure * folds  # what lies beneath a print that was taken out
        folded = folded * (1 - share * sure)  # which is as deep as it should be
    plainly, printing = _FIRM if firm else _LINES
    shade = _shading(told, mask, (plainly + share * (printing - plainly)) * thin(found.lines), folded)
    away = printed * step((lightness * mask).sum() / mask.sum().clamp(min=1))
    if not bool((away.abs()[mask > 0.99] > _NOTHING).any()):
        return pixels, shade
    lab = to_oklab(pixels)
    return torch.where(mask > 0, from_oklab(torch.cat([(lab[:1] - away * mask).clamp(0, 1), lab[1:]])), pixels), shade


def bare_light(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], found: Relief) -> Float[Tensor, "1 h w"]:
    """The garment's relative lightness (`relief.relative`) without its print: 0 on the mean, -0.5 in a deep fold; it goes on beyond the edge."""
    around, lit = _around(pixels, mask, found)
    return _told(relative(around[:1], mask), mask, lit)[2]


def _around(pixels: Tensor, mask: Tensor, found: Relief) -> tuple[Float[Tensor, "3 h w"], Float[Tensor, "2 h w"]]:
    """The garment's colours (OKLab), and its light and calm light; all go on beyond its edge."""
    spread = _spread(torch.cat([pixels, found.light, found.calm]), mask)
    return to_oklab(spread[:3]), spread[3:]


def _told(own: Float[Tensor, "1 h w"], mask: Float[Tensor, "1 h w"], light: Float[Tensor, "2 h w"]) -> tuple[Tensor, Tensor, Tensor]:
    """Of relative lightness: the share of each place's that is print, as much of it, and what is left, which is light."""
    side = max(mask.shape[1:])
    lit, calm = light.split(1)
    steps, unlike = (masked_blur(x.square(), mask, side / 30).sqrt() for x in (own, own - lit))
    share = ramp(unlike, *_PRINT) * ramp(unlike / (steps + 0.02), *_MOSTLY)
    printed = share * (own - calm)
    told = own - printed
    return share, printed, told - (told * mask).sum() / mask.sum().clamp(min=1)


def _shading(
    lit: Float[Tensor, "1 h w"], mask: Float[Tensor, "1 h w"], lines: Tensor | float = 0.0, folded: Float[Tensor, "1 h w"] | None = None
) -> Float[Tensor, "1 h w"]:
    """From relative lightness that goes on beyond the edge; darker by `lines`, less what is dark there already; what is small is deeper where cloth is `folded`."""
    side, high = max(mask.shape[1:]), torch.tensor(_HIGH)
    smooth = blur(lit, side / 300)
    wide = masked_blur(smooth, mask, side / 10)
    deep = _FOLDS * (smooth - wide) + 0.5 * wide
    if folded is not None and bool((folded > 0).any()):
        deep = deep + _MADE * folded * (smooth - masked_blur(smooth, mask, side / 30))
        high = _HIGH + _SHINE * folded
    deep = deep - (lines + deep.clamp(max=0)).clamp(min=0)  # no darker where a line's own shade is dark already
    return 1 + torch.where(deep < 0, deep.clamp(min=-0.6), high * torch.tanh(deep / high))  # of a highlight little is left on any cloth


def thin(lines: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
    """Lines that the network is not quite sure of are broad; of these the middle is left."""
    return (1.8 * lines - 1.5 * blur(lines, max(lines.shape[1:]) / 100)).clamp(0, 1)


def turned(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], folds: float) -> Float[Tensor, "3 h w"]:
    """Cloth turns away from the light at its edge; without that a white motif runs into a white ground."""
    return light(pixels, _edge(mask), folds)


def _edge(mask: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
    return 1 - _EDGE * (1 - blur(mask, max(mask.shape[1:]) / 120))


def _spread(pixels: Tensor, mask: Tensor) -> Tensor:
    """What the garment has of its own, beyond its edge too."""
    return extend(pixels, shrink(mask, max(1, max(pixels.shape[1:]) // 100)))


def drape(
    cloth: Float[Tensor, "3 h w"], shade: Float[Tensor, "1 h w"], folds: float, over: Float[Tensor, "4 h w"] | None = None
) -> Float[Tensor, "3 h w"]:
    """Flat cloth shifted along the shading's slopes, and lit by it, by the share `folds`; `over`: plain colours on it, and where they lie."""
    height, width = cloth.shape[1:]
    down, across = _gradients(blur(shade, max(height, width) / 40))
    bend = _BEND * folds * torch.stack([across[0], down[0]], -1) * max(height, width) / 64
    rows, columns = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], -1) + bend.clamp(-0.02, 0.02)
    bent = F.grid_sample(cloth[None], grid[None], mode="bicubic", padding_mode="reflection", align_corners=True)[0].clamp(-1, 1)
    return light(bent if over is None else torch.lerp(bent, over[:3], over[3:]), shade, folds)


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
    given, change = ((x - masked_blur(x, mask, side / 16)) * mask for x in (given, change))
    around = side / 24
    left = 1 + blur(change * given, around) / (blur(given.square(), around) + 1e-6)
    back = _lit(after, lit / (1 + left.clamp(0, 1) * (lit - 1)), 1.0)
    return from_oklab(_lit(back, _edge(mask), folds))  # one way to OKLab and back for both


def _gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    padded = F.pad(x[None], (1, 1, 1, 1), mode="replicate")[0]
    return (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2, (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
