"""One garment dressed in one mix of styles: find the garment, lay the cloth, optimise inside the mask, put it back.

Outside the mask every pixel is the content's own, bit for bit. `where=all` styles the whole picture (the article's way).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError, SettingError
from muslin.base.image import resize
from muslin.base.seeds import seeded
from muslin.features.backbones import Backbone
from muslin.style.configs import StyleConfig
from muslin.style.enlarge import enlarge
from muslin.style.optimise import Problem, Progress, check_styles, optimise
from muslin.style.shading import box, overlay, shading


@dataclass(frozen=True)
class Cloth:
    """A style's picture, (3, height, width) in [-1, 1], and its weight in the mix."""

    pixels: Float[Tensor, "3 h w"]
    weight: float = 1.0


@dataclass(frozen=True)
class Dressed:
    """The result: `pixels` (3, h, w), the `content` it was made on, the garment's `mask` (None: whole picture), last losses."""

    pixels: Float[Tensor, "3 h w"]
    content: Float[Tensor, "3 h w"]
    mask: Float[Tensor, "1 h w"] | None
    losses: dict[str, float] = field(default_factory=dict)


def dress(
    picture: Float[Tensor, "3 h w"],
    cloths: list[Cloth],
    backbone: Backbone,
    config: StyleConfig,
    mask: Float[Tensor, "1 mask_h mask_w"] | None = None,
) -> Iterator[Progress | Dressed]:
    """Dress the garment of `picture` (any size) at `config.size`; yields Progress and, last, Dressed.

    `mask` in [0, 1] overrides the one found. Raises InputError when there is no garment to find, or a style is too small.
    """
    check(config)
    check_styles([(cloth.pixels, cloth.weight) for cloth in cloths])
    content, found = enlarge(picture, config.size)
    if mask is not None:
        found = _given(mask, picture, content)
    if config.where == "all":
        found = None
    elif found is None:
        raise InputError("no garment found on a plain ground; give --mask FILE, or --where all to style the whole picture")
    top, bottom, left, right = _window(found, content)
    part, area = content[:, top:bottom, left:right], None if found is None else found[:, top:bottom, left:right]
    problem = Problem(_start(part, area, cloths, config), part, [(c.pixels, c.weight) for c in _sized(cloths, area, part, config)], area)
    losses, styled = dict[str, float](), problem.start
    for progress, image in optimise(problem, backbone, config):
        losses, styled = progress.losses, image
        yield progress
    yield Dressed(_put_back(styled, content, found, (top, bottom, left, right)), content, found, losses)


def lay_only(picture: Float[Tensor, "3 h w"], cloth: Cloth, config: StyleConfig) -> Dressed:
    """The baseline without a network: the cloth laid on the garment's folds. Raises InputError when there is no garment."""
    content, mask = enlarge(picture, config.size)
    if mask is None:
        raise InputError("no garment found on a plain ground")
    return Dressed(
        _put_back(_start(content, mask, [cloth], config), content, mask, (0, *content.shape[1:2], 0, content.shape[2])), content, mask
    )


def check(config: StyleConfig) -> None:
    """Raises SettingError for values out of range."""
    limits = {"size": (64, 4096), "folds": (0, 1), "zoom": (0.05, 20), "steps": (1, 5000), "fewer": (0.05, 1), "alpha": (0, 1e12)}
    limits |= {"beta": (0, 1e15), "rate": (1e-5, 10), "coarsest": (32, 8192), "colour": (0, 1e6), "smooth": (0, 1e6)}
    for name, (least, most) in limits.items():
        value = getattr(config, name)
        if not least <= value <= most:
            raise SettingError(f"{name}={value}: should be {least:g} to {most:g}")


def _start(part: Tensor, area: Tensor | None, cloths: list[Cloth], config: StyleConfig) -> Tensor:
    if config.start == "noise":
        return (torch.randn(part.shape, generator=seeded(config.seed, "noise")) * 0.3).clamp(-1, 1)
    if config.start == "content" or area is None:
        return part.clone()
    whole = sum(cloth.weight for cloth in cloths)
    shade = shading(part, area)
    return torch.stack([overlay(c.pixels, shade, area, config.zoom, config.folds, config.seed) * (c.weight / whole) for c in cloths]).sum(0)


def _sized(cloths: list[Cloth], area: Tensor | None, part: Tensor, config: StyleConfig) -> list[Cloth]:
    """The styles at the size at which they lie on the garment, so that statistics speak of the same motifs."""
    sized = []
    for cloth in cloths:
        _, rows, columns = cloth.pixels.shape
        top, bottom, left, right = (0, part.shape[1], 0, part.shape[2]) if area is None else box(area)
        scale = config.zoom * max((bottom - top) / rows, (right - left) / columns)
        small = resize(cloth.pixels, max(32, round(rows * scale)), max(32, round(columns * scale)))
        sized.append(Cloth(small[:, : 2 * part.shape[1], : 2 * part.shape[2]], cloth.weight))
    return sized


def _given(mask: Tensor, picture: Tensor, content: Tensor) -> Tensor:
    if mask.shape[1:] != picture.shape[1:]:
        sizes = f"{mask.shape[2]} x {mask.shape[1]}", f"{picture.shape[2]} x {picture.shape[1]}"
        raise InputError(f"the mask is {sizes[0]} px, the picture {sizes[1]}; make them the same size")
    if float(mask.max()) < 0.5:
        raise InputError("the mask is empty: nothing in it is white")
    grown = torch.nn.functional.interpolate(mask[None], size=content.shape[1:], mode="bilinear", align_corners=False)
    return grown[0].clamp(0, 1)


def _window(mask: Tensor | None, content: Tensor, margin: int = 16) -> tuple[int, int, int, int]:
    """The part of the canvas worth computing: the garment's box and a margin."""
    height, width = content.shape[1:]
    if mask is None:
        return 0, height, 0, width
    top, bottom, left, right = box(mask)
    return max(0, top - margin), min(height, bottom + margin), max(0, left - margin), min(width, right + margin)


def _put_back(styled: Tensor, content: Tensor, mask: Tensor | None, window: tuple[int, int, int, int]) -> Tensor:
    if mask is None:
        return styled
    top, bottom, left, right = window
    out, area = content.clone(), mask[:, top:bottom, left:right]
    here = out[:, top:bottom, left:right]
    out[:, top:bottom, left:right] = torch.where(area > 0, here * (1 - area) + styled * area, here)
    return out
