"""The canvas of a look: the content at its size, where the garment is on it, and the new cloth put back on what stays to the bit."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.image import blur, resize
from muslin.data.ground import box, ramp, shrink
from muslin.style.configs import StyleConfig
from muslin.style.enlarge import at_size, enlarge
from muslin.style.objective import EDGE

SIZES = (64, 8192)  # of the longer side, pixels
_TRACE = 0.01  # of a mask: below, nothing is taken to be the garment (ground.box)
_DARK = 0.08  # of a given mask: a JPEG's black is not quite black


def canvas(
    picture: Float[Tensor, "3 h w"], config: StyleConfig, mask: Float[Tensor, "1 mask_h mask_w"] | None = None
) -> tuple[Float[Tensor, "3 s t"], Float[Tensor, "1 s t"] | None]:
    """The content at its size, and where the cloth goes (None: everywhere).

    Raises InputError when there is no garment to find, or the picture would be too narrow.
    """
    _wide_enough(picture.shape[1], picture.shape[2], config.size)
    if mask is None:
        content, found = enlarge(picture, config.size)
    else:
        content = at_size(picture, config.size)
        found = _given(mask, picture, content)
    if config.where == "all":
        return content, None
    if found is None:
        raise InputError("no garment found on a plain ground; give --mask FILE, or --where all to style the whole picture")
    return content, found


def _wide_enough(height: int, width: int, size: int) -> None:
    least, most = min(height, width), max(height, width)
    if round(least * size / most) >= EDGE:
        return
    fits = math.ceil((EDGE - 0.5) * most / least)
    fits += round(least * fits / most) < EDGE
    remedy = f"the least --size for it is {fits}" if fits <= SIZES[1] else "cut it to a less narrow shape"
    sides = [max(1, round(side * size / most)) for side in (width, height)]
    raise InputError(f"{width} x {height} px would be {sides[0]} x {sides[1]} px at size {size}, and {EDGE} px a side are needed; {remedy}")


def _given(mask: Tensor, picture: Tensor, content: Tensor) -> Tensor:
    if mask.shape[1:] != picture.shape[1:]:
        sizes = f"{mask.shape[2]} x {mask.shape[1]}", f"{picture.shape[2]} x {picture.shape[1]}"
        raise InputError(f"the mask is {sizes[0]} px, the picture {sizes[1]}; make them the same size")
    if float(mask.max()) < 0.5:
        raise InputError("the mask is empty: nothing in it is white")
    fitted = ramp(resize(mask, *content.shape[1:]), _DARK, 1 - _DARK)
    if float(fitted.max()) <= _TRACE:
        at = f"{content.shape[2]} x {content.shape[1]} px"
        raise InputError(f"the mask has next to nothing white in it at {at}; mark more, or raise size")
    return fitted


def window(mask: Tensor | None, content: Tensor, margin: int = 16) -> tuple[int, int, int, int]:
    """The part of the canvas worth computing: the garment's box and a margin."""
    height, width = content.shape[1:]
    if mask is None:
        return 0, height, 0, width
    top, bottom, left, right = box(mask)
    return max(0, top - margin), min(height, bottom + margin), max(0, left - margin), min(width, right + margin)


def put_back(styled: Tensor, content: Tensor, mask: Tensor | None, part: tuple[int, int, int, int]) -> Tensor:
    """The canvas with what was made in `part` of it (see `window`), under the mask; all of it without one."""
    if mask is None:
        return styled
    top, bottom, left, right = part
    out, area = content.clone(), mask[:, top:bottom, left:right]
    here = out[:, top:bottom, left:right]
    out[:, top:bottom, left:right] = torch.where(area > 0, _behind(here, area) * (1 - area) + styled * area, here)
    return out


def _behind(here: Tensor, area: Tensor) -> Tensor:
    """The ground as it would be behind a soft edge or sheer cloth, whose own pixels hold some of the old garment: from what is beside it."""
    clear = shrink((area <= 0).float(), 1)  # the last pixel before the edge is no pure ground either
    if not clear.any():
        return here
    whole = (here * clear).sum((1, 2), keepdim=True) / clear.sum()
    sigma, far = max(2.0, max(area.shape[1:]) / 200), 1e-3
    return (blur(here * clear, sigma) + far * whole) / (blur(clear, sigma) + far)
