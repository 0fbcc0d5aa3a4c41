"""Flat cloth laid on a garment: a picture over its box, or a repeat in centimetres; each panel cut from cloth of its own, along its grain.

A body's cloth runs down; a sleeve's runs down the sleeve, a trouser leg's down the leg, so that a pattern breaks at the seams as on a sewn garment. Knows
no folds: `shading.drape` bends and lights what was laid.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.errors import SettingError
from muslin.base.image import blur, resize
from muslin.base.machine import free_memory
from muslin.base.seeds import seeded
from muslin.data.ground import box, shrink
from muslin.data.panels import ORDER, Kind, Panel
from muslin.style.repeats import resize_unit

Endless = Callable[[Int[Tensor, " m"], Int[Tensor, " n"]], Float[Tensor, "3 m n"]]  # cloth by rows and columns, as many as one likes
_STRIP = 256  # rows that are cut at once
_JOG = 0.37  # of the cloth's columns: how far beside the body's cloth a panel is cut that lies as the body does
_JOGS: dict[Kind, float] = {"front": 0.07, "waist": 0.13, "yoke": 0.13, "pocket": 0.05}  # and of the garment's width, at most
_ROUGH, _BEYOND = 128, 25  # px of the longer side at which panels are carried beyond the edge; this part of it, how far
_BUTTON, _MIDDLE = (
    (0.9, 0.28, 0.4),
    0.6,
)  # OKLab lightness of buttons on dark cloth and on pale, their share of its chroma; which cloth is pale
_PLAIN: tuple[Kind, ...] = ("rib", "button")  # of one colour
_DARKEST = 0.3  # share of a cloth whose colour its ribs have
_LOOK, _SCENE = 96, 0.18  # px at which a style is looked at; see `is_scene`


@dataclass(frozen=True)
class Piece:
    """A panel and where it lies, 0 to 1, within its box: `top` and `left` are where that begins. It goes on beyond the garment's edge."""

    panel: Panel
    area: Float[Tensor, "1 h w"]
    top: int
    left: int

    def of(self, canvas: Float[Tensor, "c H W"]) -> Float[Tensor, "c h w"]:
        """The part of a canvas that it lies on, not a copy."""
        return canvas[:, self.top : self.top + self.area.shape[1], self.left : self.left + self.area.shape[2]]


def pieces(panels: Sequence[Panel], mask: Float[Tensor, "1 h w"]) -> list[Piece]:
    """What a garment is cut from beside its body; the later ones lie on the earlier."""
    height, width = mask.shape[1:]
    inside = shrink(mask, 1) > 0.99
    if not panels or not bool(inside.any()):
        return []
    size = [max(2, round(side * _ROUGH / max(height, width))) for side in (height, width)]
    solid, found = F.interpolate(inside[None].float(), size, mode="area")[0], list[Piece]()
    around = 0.5 * blur(solid, _ROUGH / _BEYOND)
    for panel in sorted(panels, key=lambda panel: ORDER.index(panel.kind)):
        area = panel.area(height, width)
        small = F.interpolate((area * inside)[None], size, mode="area")[0]
        beyond = (blur(small, _ROUGH / _BEYOND) > around).float()
        area = torch.where(inside, area, F.interpolate(beyond[None], (height, width), mode="nearest")[0])
        if bool((area > 0).any()):
            top, bottom, left, right = box(area, 0.0)
            found.append(Piece(panel, area[:, top:bottom, left:right].clone(), top, left))
    return found


def lay(
    style: Float[Tensor, "3 a b"], mask: Float[Tensor, "1 h w"], zoom: float, seed: int, cut: Sequence[Piece] = ()
) -> Float[Tensor, "3 h w"]:
    """The style's picture on a canvas of the mask's size: covers the garment's box at zoom 1; mirrored beyond its own edge."""
    top, bottom, left, right = box(mask)
    rows, columns, above, before = placed((style.shape[1], style.shape[2]), (bottom - top, right - left), zoom, seed)
    if (need := rows * columns * 36) > free_memory():  # three copies of three colours while it is resized
        raise SettingError(
            f"zoom={zoom:g}: the cloth would be {columns:,} x {rows:,} px and need about {need / 1e9:.1f} GB; lower zoom or size"
        )
    cloth = resize(style, rows, columns)

    def endless(down: Tensor, across: Tensor) -> Tensor:
        return cloth[:, _mirrored(down - top + above, rows)][:, :, _mirrored(across - left + before, columns)]

    share = float(torch.rand(1, generator=seeded(seed, "panel")))
    return _cut_from(endless, mask, cut, left - before + round(share * columns), columns)


def is_scene(style: Float[Tensor, "3 a b"]) -> bool:
    """Whether a picture is a scene, with a place for everything, and no cloth, which is much the same all over.

    By how much its ninths differ: the variance of their means (OKLab), by its own, is 0.18 or more (paintings 0.18 to 0.45, most cloths below 0.13).
    """
    lab = to_oklab(resize(style, _LOOK, _LOOK))
    ninths = F.adaptive_avg_pool2d(lab[None], 3)[0]
    own, between = (float(x.flatten(1).var(1, correction=0).sum()) for x in (lab, ninths))
    return between >= _SCENE * max(own, 1e-6)


def lay_repeat(
    unit: Float[Tensor, "3 a b"], mask: Float[Tensor, "1 h w"], repeat: float, cut: Sequence[Piece] = ()
) -> Float[Tensor, "3 h w"]:
    """A seamless unit repeated over the canvas, `repeat` pixels wide, a unit's middle on the middle of the garment's box, and of each panel."""
    top, bottom, left, right = box(mask)
    rows, columns = max(2, round(repeat * unit.shape[1] / unit.shape[2])), max(2, round(repeat))
    if (need := rows * columns * 36) > free_memory():  # three copies of three colours while it is resized
        raise SettingError(
            f"a repeat of {columns:,} x {rows:,} px needs about {need / 1e9:.1f} GB; lower repeat_cm or size, or raise width_cm"
        )
    cloth = resize_unit(unit, rows, columns)
    above, before = (top + bottom) // 2 - rows // 2, (left + right) // 2 - columns // 2

    def endless(down: Tensor, across: Tensor) -> Tensor:
        return cloth[:, (down - above).remainder(rows)][:, :, (across - before).remainder(columns)]

    return _cut_from(endless, mask, cut, before + columns // 2, columns)


def placed(style: tuple[int, int], inside: tuple[int, int], zoom: float, seed: int) -> tuple[int, int, int, int]:
    """Rows and columns of a style (rows, columns) laid over a box of these sides, and how many of them lie above and before the box."""
    scale = zoom * max(inside[0] / style[0], inside[1] / style[1])
    rows, columns = max(8, round(style[0] * scale)), max(8, round(style[1] * scale))
    draw = torch.rand(2, generator=seeded(seed, "lay"))
    return rows, columns, round(float(draw[0]) * max(rows - inside[0], 0)), round(float(draw[1]) * max(columns - inside[1], 0))


def _cut_from(endless: Endless, mask: Tensor, cut: Sequence[Piece], column: int, columns: int) -> Float[Tensor, "3 h w"]:
    """The body's cloth, `columns` wide, with each panel's, cut about one `column` of it."""
    _, _, left, right = box(mask)
    laid = endless(torch.arange(mask.shape[1]), torch.arange(mask.shape[2]))
    for piece in cut:
        if piece.panel.kind not in _PLAIN:
            laid = _laid_over(laid, piece, endless, _away(piece, column, columns, right - left))
    return laid


def trims(laid: Sequence[Float[Tensor, "3 h w"]], shares: Sequence[float], cut: Sequence[Piece]) -> Float[Tensor, "4 h w"] | None:
    """What lies on a mix of cloths and is of one colour, ribs and buttons, with where it lies, 0 to 1, as the fourth channel; None where nothing does."""
    if not any(piece.panel.kind in _PLAIN for piece in cut):
        return None
    small = torch.stack([share * resize(cloth, _LOOK, _LOOK) for cloth, share in zip(laid, shares, strict=True)]).sum(0)
    tones, over = _tones(small), torch.zeros(4, *laid[0].shape[1:])
    for piece in cut:
        here = piece.of(over)
        if piece.panel.kind in _PLAIN:
            there = torch.cat([tones[piece.panel.kind].expand(-1, *piece.area.shape[1:]), torch.ones_like(piece.area)])
            here.copy_(torch.where(here[3:] > 0, torch.lerp(here, there, piece.area), torch.cat([there[:3], piece.area])))
        elif ORDER.index(piece.panel.kind) > ORDER.index("rib"):
            here[3:] *= 1 - piece.area
    return over


def _tones(laid: Float[Tensor, "3 s s"]) -> dict[Kind, Float[Tensor, "3 1 1"]]:
    """What is of one colour: ribs in the cloth's dark one; buttons pale on dark cloth and dark on pale, with a little of its hue."""
    lab = to_oklab(laid).flatten(1)
    mean, dark = lab.mean(1), lab[:, lab[0] <= lab[0].quantile(_DARKEST)].mean(1)
    button = torch.cat([torch.tensor([_BUTTON[0] if float(mean[0]) < _MIDDLE else _BUTTON[1]]), _BUTTON[2] * mean[1:]])
    return {"button": from_oklab(button[:, None, None]), "rib": from_oklab(dark[:, None, None])}


def _away(piece: Piece, column: int, columns: int, width: int) -> int:
    """How far beside the body's cloth a panel's was cut: that `column` of it lies on the pivot; of a front only so far that the cut shows, a picture goes on."""
    if (most := _JOGS.get(piece.panel.kind)) is not None:
        return round(min(_JOG * columns, most * width))
    return column - round(float(piece.panel.pivot[0]))


def _laid_over(laid: Tensor, piece: Piece, endless: Endless, away: int) -> Float[Tensor, "3 h w"]:
    """With a panel cut from the same cloth, `away` columns beside where the body has it, its rows those of the body at the pivot; bicubic."""
    angle, (x, y) = math.radians(piece.panel.grain), piece.panel.pivot.tolist()
    for first in range(0, piece.area.shape[1], _STRIP):
        area, here = piece.area[:, first : first + _STRIP], piece.of(laid)[:, first : first + _STRIP]
        rows, columns = torch.arange(area.shape[1]) + (piece.top + first + 0.5 - y), torch.arange(area.shape[2]) + (piece.left + 0.5 - x)
        up, over = torch.meshgrid(rows, columns, indexing="ij")
        down = over * math.sin(angle) + up * math.cos(angle) + y - 0.5
        across = over * math.cos(angle) - up * math.sin(angle) + x - 0.5 + away
        (above, below), (before, after) = (((int(z.min()) - 3), int(z.max()) + 4) for z in (down, across))
        patch = endless(torch.arange(above, below + 1), torch.arange(before, after + 1))
        grid = torch.stack([(across - before) * 2 / (after - before) - 1, (down - above) * 2 / (below - above) - 1], -1)
        there = F.grid_sample(patch[None], grid[None], mode="bicubic", align_corners=True)[0].clamp(-1, 1)
        here.copy_(torch.lerp(here, there, area))
    return laid


def _mirrored(places: Tensor, length: int) -> Tensor:
    folded = places.remainder(2 * length)
    return torch.where(folded < length, folded, 2 * length - 1 - folded)
