"""What the descent goes down, at one scale: targets measured once, then losses and the gradient for a picture, by tiles.

Pictures are filled up to the network's grid (their border repeated, which counts for nothing): on odd sides it would sample elsewhere in
a tile than in the whole. One tile: plain autograd. Several: a first pass adds up the moments of all tiles, a second one sends the loss's gradient with
respect to those moments back through each tile: the exact gradient at the memory of one tile.
"""

from collections import OrderedDict
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import SettingError
from muslin.base.image import resize
from muslin.base.machine import resolve_precision
from muslin.features.backbones import Backbone
from muslin.style.configs import StyleConfig
from muslin.style.losses import STYLES, Moments, StyleDistance, colour_loss, content_loss, mask_at, moments, style_loss, variation
from muslin.style.tiles import GRID, Tile, plan_tiles

EDGE = 16  # the least side that every backbone takes
COLOUR = "colour"  # the pixels' own moments go by this name among the layers'


@dataclass(frozen=True)
class Sized:
    """A style's picture as it came, the rows and columns that it has beside the content at full size, and its weight.

    What was measured of it is found again by `name`, or by the tensor itself where it has none.
    """

    pixels: Float[Tensor, "3 a b"]
    rows: int
    columns: int
    weight: float = 1.0
    name: str = ""

    def at(self, share: float) -> Float[Tensor, "3 rows columns"]:
        """The picture as it lies when the content is `share` of its full size."""
        return resize(self.pixels, max(EDGE * 2, round(self.rows * share)), max(EDGE * 2, round(self.columns * share)))


def as_it_is(style: Float[Tensor, "3 a b"], weight: float = 1.0) -> Sized:
    """A style at its own size."""
    return Sized(style, style.shape[1], style.shape[2], weight)


@dataclass
class Problem:
    """What is to be optimised: a start, the content to keep, the styles with their weights, and where.

    `beyond` is what the network sees outside the mask; else the content.
    """

    start: Float[Tensor, "3 h w"]
    content: Float[Tensor, "3 h w"]
    styles: list[Sized]
    mask: Float[Tensor, "1 h w"] | None = None
    beyond: Float[Tensor, "3 h w"] | None = None

    def to(self, device: torch.device) -> "Problem":
        """The same on a device; the styles move as they are measured."""
        mask, beyond = (None if x is None else x.to(device) for x in (self.mask, self.beyond))
        return Problem(self.start.to(device), self.content.to(device), self.styles, mask, beyond)


@dataclass(frozen=True)
class StyleTarget:
    """What a mix of styles asks for at one scale: distances by layer, and the pixels' moments. `pixels` keeps nameless pictures alive."""

    distances: dict[str, StyleDistance]
    colour: Moments
    pixels: tuple[Tensor, ...]


# targets of the last styles, so that a grid of contents x styles measures each style once: by the pictures' names or identity, and size
_BOOK: OrderedDict[tuple[object, ...], StyleTarget] = OrderedDict()
_PAGES = 64


class Objective:
    """Total loss = alpha content + beta style + colour + smoothness, at one size of a problem."""

    def __init__(self, problem: Problem, backbone: Backbone, config: StyleConfig, rows: int, columns: int) -> None:
        self.backbone, self.config, self.balance = backbone, config, config.balance == "energy"
        self.content_layers = config.content_layers or backbone.content_layers
        self.weights = layer_weights(config, backbone)
        self.device = problem.content.device
        self.bfloat16 = resolve_precision(config.precision, self.device) == "bfloat16"
        self.places, self.fill = rows * columns, (0, -columns % GRID, 0, -rows % GRID)
        self.mask = None if problem.mask is None else F.pad(resize(problem.mask * 2 - 1, rows, columns)[None] / 2 + 0.5, self.fill)
        self.counted = (
            self.mask
            if self.mask is not None
            else F.pad(torch.ones(1, 1, rows, columns, device=self.device), self.fill)
            if any(self.fill)
            else None
        )
        ground = self._filled(at_size(problem.content, rows, columns)[None])
        self.beyond = ground if problem.beyond is None else self._filled(at_size(problem.beyond, rows, columns)[None])
        reach = backbone.reach((*self.content_layers, *self.weights))
        self.tiles = plan_tiles(ground.shape[2], ground.shape[3], config.tile, reach, heavy=not self.bfloat16)
        self.wanted = self._target(problem.styles, max(rows, columns) / max(problem.content.shape[1:]))
        self.content, self.area = list[dict[str, Tensor]](), dict[str, Tensor]()
        self.energy = dict.fromkeys(self.content_layers, torch.zeros(()))
        for tile in self.tiles:
            self._look_at_content(ground, tile)

    def backward(self, image: Float[Tensor, "1 3 h w"]) -> dict[str, float]:
        """The losses by name, and their gradient in `image.grad`."""
        filled = self._filled(image)
        if len(self.tiles) == 1:
            losses = self._sum(*self._parts(filled, self.tiles[0], 0))
            losses["total"].backward()  # type: ignore[no-untyped-call]
        else:
            losses, slope = self._by_tiles(filled.detach())
            filled.backward(slope)  # type: ignore[no-untyped-call]
        return {name: float(value.detach()) for name, value in losses.items()}

    def _filled(self, image: Tensor) -> Tensor:
        return F.pad(image, self.fill, mode="replicate") if any(self.fill) else image

    def _by_tiles(self, image: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """The losses, and the total's gradient with respect to the picture."""
        whole: dict[str, Moments] = {}
        content = smooth = torch.zeros(())
        with torch.no_grad():
            for number, tile in enumerate(self.tiles):
                found, kept, varied = self._parts(tile.cut(image), tile, number)
                whole = {name: whole[name] + found[name] for name in found} if whole else found
                content, smooth = content + kept, smooth + varied
        leaves = {name: Moments(m.mean.requires_grad_(), m.second.requires_grad_()) for name, m in whole.items()}
        losses = self._sum(leaves, content, smooth)
        losses["total"].backward()  # type: ignore[no-untyped-call]
        slope = torch.zeros_like(image)
        for number, tile in enumerate(self.tiles):
            part = tile.cut(image).detach().clone().requires_grad_()
            found, kept, varied = self._parts(part, tile, number)
            surrogate = self.config.alpha * kept + self.config.smooth * varied
            for name, leaf in leaves.items():
                for ours, theirs in ((found[name].mean, leaf.mean), (found[name].second, leaf.second)):
                    surrogate = surrogate + (ours * theirs.grad).sum() if theirs.grad is not None else surrogate
            surrogate.backward()
            tile.cut(slope).add_(part.grad if part.grad is not None else 0)
        return losses, slope

    def _sum(self, found: dict[str, Moments], content: Tensor, smooth: Tensor) -> dict[str, Tensor]:
        config, losses = self.config, {"content": content, "style": style_loss(found, self.wanted.distances, self.weights).sum()}
        total = config.alpha * content + config.beta * losses["style"]
        if config.colour:
            losses["colour"] = colour_loss(found[COLOUR], self.wanted.colour)
            total = total + config.colour * losses["colour"]
        if config.smooth:
            losses["smooth"] = smooth
            total = total + config.smooth * smooth
        return losses | {"total": total}

    def _parts(self, image: Tensor, tile: Tile, number: int) -> tuple[dict[str, Moments], Tensor, Tensor]:
        """What one tile adds: to the moments by layer, to the content loss, to the total variation."""
        counted = None if self.counted is None else tile.cut(self.counted)
        if self.mask is not None:
            mask = tile.cut(self.mask)
            image = tile.cut(self.beyond) * (1 - mask) + image * mask
        maps = self._maps(image, (*self.content_layers, *self.weights))
        maps_and_pixels = {name: maps[name] for name in self.weights} | {COLOUR: image}
        found = {}
        for name, x in maps_and_pixels.items():
            at = None if counted is None else tile.inside(mask_at(counted, x.shape))
            found[name] = moments(tile.inside(x), at, self.area[name])
        content = torch.zeros(())
        for name in self.content_layers:
            away = content_loss(tile.inside(maps[name]), self.content[number][name])
            content = content + away / (self.energy[name].clamp(min=1e-12) if self.balance else 1.0) / len(self.content_layers)
        return found, content, tile.inside(variation(image)).sum() / self.places

    @torch.no_grad()
    def _look_at_content(self, ground: Tensor, tile: Tile) -> None:
        """Keep the content's maps in the tile's core, and add what the core counts for at each layer."""
        part, counted = tile.cut(ground), None if self.counted is None else tile.cut(self.counted)
        maps = self._maps(part, (*self.content_layers, *self.weights))
        self.content.append({name: tile.inside(maps[name]).float().clone() for name in self.content_layers})
        for name, kept in self.content[-1].items():
            self.energy[name] = self.energy[name] + content_loss(kept, torch.zeros_like(kept))
        for name, x in (maps | {COLOUR: part}).items():
            here = torch.ones_like(x[:, :1]) if counted is None else mask_at(counted, x.shape)
            self.area[name] = self.area.get(name, torch.zeros(1, device=self.device)) + tile.inside(here).float().sum((1, 2, 3))

    def _maps(self, image: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            return self.backbone(image.contiguous(memory_format=torch.channels_last), layers)

    @torch.no_grad()
    def _target(self, styles: list[Sized], share: float) -> StyleTarget:
        """What all styles ask for at this scale, mixed by weight (moments add); looked up where it was measured before."""
        config = self.config
        mix = tuple(
            (style.name or id(style.pixels), round(style.rows * share), round(style.columns * share), style.weight) for style in styles
        )
        key = (mix, tuple(self.weights), config.statistic, self.balance, self.backbone.name, self.bfloat16, config.tile, self.device)
        if key in _BOOK:
            _BOOK.move_to_end(key)
            return _BOOK[key]
        whole = sum(style.weight for style in styles)
        if whole <= 0:
            raise SettingError("the styles' weights should sum to more than 0")
        mixed: dict[str, Moments] = {}
        for style in styles:
            for name, part in self._measure(style.at(share)[None].to(self.device)).items():
                part = part.times(style.weight / whole)
                mixed[name] = mixed[name] + part if name in mixed else part
        distances = {name: STYLES[config.statistic](mixed[name], self.balance) for name in self.weights}
        _BOOK[key] = StyleTarget(distances, mixed[COLOUR], tuple(style.pixels for style in styles if not style.name))
        while len(_BOOK) > _PAGES:
            _BOOK.popitem(last=False)
        return _BOOK[key]

    def _measure(self, style: Tensor) -> dict[str, Moments]:
        """Moments of one style by layer, and of its pixels; by tiles where it is large."""
        sums, places = dict[str, Moments](), dict[str, float]()
        for tile in plan_tiles(style.shape[2], style.shape[3], self.config.tile, self.backbone.reach(tuple(self.weights))):
            part = tile.cut(style)
            for name, x in (self._maps(part, tuple(self.weights)) | {COLOUR: part}).items():
                core = tile.inside(x)
                found = moments(core, None, torch.ones(1, device=self.device))
                sums[name] = sums[name] + found if name in sums else found
                places[name] = places.get(name, 0.0) + core.shape[2] * core.shape[3]
        return {name: found.times(1 / places[name]) for name, found in sums.items()}


def at_size(picture: Tensor, rows: int, columns: int) -> Tensor:
    """Resized; the picture itself where it has that size: at print size each copy counts."""
    return picture if picture.shape[1:] == (rows, columns) else resize(picture, rows, columns)


def layer_weights(config: StyleConfig, backbone: Backbone) -> dict[str, float]:
    """w_l by layer name; equal and summing to 1 when none are given. Raises SettingError when their number is off."""
    layers = config.style_layers or backbone.style_layers
    if not config.layer_weights:
        return dict.fromkeys(layers, 1 / len(layers))
    if len(config.layer_weights) != len(layers):
        raise SettingError(f"layer_weights has {len(config.layer_weights)} numbers for the {len(layers)} layers {', '.join(layers)}")
    return dict(zip(layers, config.layer_weights, strict=True))
