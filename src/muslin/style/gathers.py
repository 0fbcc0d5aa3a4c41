"""Gathers, pleats and quilting beneath a dense print.

A print is evened out when lightness is blurred along a fold, and the fold is not. Along a stripe the stripe is not, either; so this is done near cloth that is
known to be folded, and only where hue does not change along with lightness and the print is no bold one. Knows tensors only.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.image import blur, resize
from muslin.data.ground import at_size, masked_blur, ramp
from muslin.data.lines import along_lines

_LOOKED = 192  # px of the picture's longer side at which it is looked at; what follows in px is of that
_LONG, _WIDE = 7.5, 0.9  # px: how far light is blurred along a fold, and across it
_BROAD, _DEEP = 5.0, 0.12  # px: light broader than that is no gather; and how deep one is at most
_AREA, _SURE = 3.0, (0.45, 0.7)  # px over which cloth must be folded (stripes that pass for folds are thin), and how surely
_MUCH = (0.02, 0.05)  # the share of a garment that must be folded so
_FAR, _NEAR = 12.0, (0.015, 0.1)  # px of a quarter: how far folds run on from there, and how near is near
_AROUND, _HUE = 6.0, (0.15, 0.4)  # px in which hue is compared with lightness, and their ratio from which on lines are print, and wholly
_BOLD = (0.2, 0.28)  # relative lightness by which a print steps (root mean square): from there on it is not evened out
_ASIDE, _STILL = 8.0, (0.05, 0.3)  # px: how far folded cloth is taken to go on to all sides
_MORE = 0.8  # as deep as seems: with more, pale cloth looked stained
_ROUGH = 4  # how much smaller a picture is in which one sees how far folds run


def gathers(
    lightness: Float[Tensor, "1 h w"], colours: Float[Tensor, "2 h w"], mask: Float[Tensor, "1 h w"], folded: Float[Tensor, "1 h w"]
) -> tuple[Float[Tensor, "1 h w"], Float[Tensor, "1 h w"]]:
    """The light of folds, and how surely each place is in such folds (0 to 1, 0 outside the mask), of a picture whose colours go on beyond the mask's edge.

    `lightness`: relative (`relief.relative`); `colours`: a and b (OKLab) by lightness, which light does not change; `folded`: where cloth is seen to be, 0 to 1.
    """
    size, longer = mask.shape[1:], max(mask.shape[1:])
    rows, columns = (max(1, round(side * min(1.0, _LOOKED / longer))) for side in size)
    scale = max(rows, columns) / _LOOKED
    within, there = at_size(mask, rows, columns), at_size(folded * mask, rows, columns)
    area = ramp(blur(there, _AREA * scale), *_SURE) * within
    if (much := float(area.sum() / within.sum().clamp(min=1))) <= _MUCH[0]:
        return torch.zeros_like(mask), torch.zeros_like(mask)
    fine = resize(torch.cat([lightness, colours]), rows, columns)
    fine = fine - masked_blur(fine, within, _BROAD * scale)
    folds = along_lines(fine, _LONG * scale, _WIDE * scale)
    light, hue, bold = (blur(x.square().sum(0, keepdim=True) * within, _AROUND * scale).sqrt() for x in (folds[:1], folds[1:], fine[:1]))
    area = ramp(blur(area, _ASIDE * scale), *_STILL) * ramp(torch.tensor(much), *_MUCH)
    sure = _near(fine[:1], area, scale) * (1 - ramp(hue / (light + 0.01), *_HUE)) * (1 - ramp(bold, *_BOLD)) * within
    return _DEEP * torch.tanh(_MORE / _DEEP * resize(folds[:1], *size)), at_size(sure, *size) * (mask > 0)


def _near(light: Float[Tensor, "1 h w"], folded: Float[Tensor, "1 h w"], scale: float) -> Float[Tensor, "1 h w"]:
    """Where cloth is folded, and where its folds run on to."""
    rows, columns = (max(1, side // _ROUGH) for side in light.shape[1:])
    running = along_lines(torch.cat([resize(light, rows, columns), at_size(folded, rows, columns)]), _FAR * scale, 1.0)[1:]
    return ramp(torch.maximum(at_size(running.clamp(0, 1), *light.shape[1:]), folded), *_NEAR)
