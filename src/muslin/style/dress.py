"""One garment dressed in one mix of styles: find the garment, lay the cloth, optimise inside the mask, put it back.

Outside the mask every pixel is the content's own, bit for bit. `where=all` styles the whole picture (the article's way).
"""

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError, SettingError
from muslin.base.machine import pick_device
from muslin.base.seeds import seeded
from muslin.data.ground import box, extend, shrink
from muslin.data.panels import find_panels
from muslin.data.traces import Layout, Trace, layout
from muslin.features.backbones import Backbone
from muslin.style.canvas import SIZES, canvas, put_back, window
from muslin.style.configs import Repeat, StyleConfig
from muslin.style.construction import find_construction
from muslin.style.enlarge import enlarge
from muslin.style.feedforward import draft, load_styler
from muslin.style.inks import find_inks, from_hex, garment_colours, recolour
from muslin.style.laying import Piece, is_scene, lay, lay_repeat, pieces, placed, trims
from muslin.style.objective import Problem, Sized
from muslin.style.optimise import Progress, check_styles, optimise
from muslin.style.reading import seen_panels
from muslin.style.relief import find_relief, look
from muslin.style.repeats import Tile, make_tile
from muslin.style.sewing import glinting, sewn
from muslin.style.shading import drape, folds_back, plain, thin, turned

_MANY = 0.5  # of zoom: of a picture that lies smaller so many are seen that it is cloth
_LEAST_REPEAT = 4  # pixels: below, a motif is no more than noise
_STEP = 1.05  # sizes of styles go in steps of this ratio: a grid then meets the same ones again
_KEPT, _TILES = 256_000_000, OrderedDict[tuple[str, Repeat, float], Tile]()  # bytes of tiles kept, the last used last


@dataclass(frozen=True)
class Cloth:
    """A style's picture, (3, height, width) in [-1, 1], and its weight in the mix. `name`: what tells it from others, as its SHA-256."""

    pixels: Float[Tensor, "3 h w"] = field(compare=False)
    weight: float = 1.0
    name: str = ""


@dataclass(frozen=True)
class Dressed:
    """The result: `pixels` (3, h, w), the `content` it was made on, the garment's `mask` (None: whole picture), last losses."""

    pixels: Float[Tensor, "3 h w"]
    content: Float[Tensor, "3 h w"]
    mask: Float[Tensor, "1 h w"] | None
    losses: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Form:
    """What cloth lies on: the garment's shading, and the panels that it is cut from."""

    shade: Float[Tensor, "1 h w"]
    cut: list[Piece]


def dress(
    picture: Float[Tensor, "3 h w"],
    cloths: list[Cloth],
    backbone: Backbone,
    config: StyleConfig,
    mask: Float[Tensor, "1 mask_h mask_w"] | None = None,
    traces: Sequence[Trace] | None = None,
) -> Iterator[Progress | Dressed]:
    """Dress the garment of `picture` (any size) at `config.size`; yields Progress and, last, Dressed.

    `mask` in [0, 1] overrides the one found; `traces` how the garment is built, instead of what its picture shows of that. Raises InputError when there is no garment to find, or a style is too small.
    """
    check(config)
    check_styles([(cloth.pixels, cloth.weight) for cloth in cloths])
    content, found = canvas(picture, config, mask)
    top, bottom, left, right = window(found, content)
    part, area = content[:, top:bottom, left:right], None if found is None else found[:, top:bottom, left:right]
    built = None if traces is None or found is None else _built(traces, found, (top, bottom, left, right))
    losses, styled = dict[str, float](), part
    for news in _cloth_on(part, area, built, cloths, backbone, config):
        if isinstance(news, Progress):
            losses = news.losses
            yield news
        else:
            styled = news
    styled = _in_colours(styled, part, area, cloths, config)
    yield Dressed(put_back(styled, content, found, (top, bottom, left, right)), content, found, losses)


def memory_needed(config: StyleConfig) -> int:
    """About how many bytes a square picture takes at its worst (measured: `benchmarks/style_memory.py`)."""
    side, tile = config.size, min(config.size, config.tile * 9 // 8)  # a tile with its rims
    planes = 45 if config.mode == "print" else 64 if config.effort == 0 else 66  # of 4 bytes a pixel, at the worst moment
    network = 0 if config.mode == "print" or config.effort == 0 else 1200 * tile * tile
    return 750_000_000 + planes * 4 * side * side + network


def _built(traces: Sequence[Trace], mask: Tensor, window: tuple[int, int, int, int]) -> Layout:
    """What traces tell within a window (top, bottom, left, right) of a canvas."""
    (top, bottom, left, right), whole = window, layout(traces, mask)
    to = torch.tensor([-float(left), -float(top)])
    return Layout([panel.moved(torch.ones(2), to) for panel in whole.panels], whole.folded[:, top:bottom, left:right])


def _form(part: Tensor, area: Tensor | None, config: StyleConfig, built: Layout | None = None) -> tuple[Tensor, _Form]:
    """The garment without its print, and what the new cloth lies on; `built`: how it is built, where that is known."""
    if area is None or not _lies(config):
        return part, _Form(torch.ones_like(part[:1]), [])
    glance = look(part, area)
    found = find_relief(part, area, glance)
    seen = find_construction(part, area, found.lines, glance) if built is None and config.cut != "whole" else None
    gathered = built.folded if built else seen.folded() if seen else None
    bare, shade = plain(part, area, found if seen is None else replace(found, lines=seen.lines), firm=seen is not None, folded=gathered)
    if config.cut == "whole":
        return bare, _Form(shade, [])
    solid = (area / area[area > area.amax() / 2].median()).clamp(max=1)  # of sheer cloth too
    panels = find_panels(solid)
    panels += seen_panels(part, solid, seen, panels) if seen is not None else built.panels if built else []
    cut = pieces([panel for panel in panels if panel.kind != "stitch"], solid)
    shade = sewn(shade, cut, [panel.seam for panel in panels if panel.kind == "stitch"])
    return bare, _Form(shade if seen is None else glinting(shade, thin(seen.lines)), cut)


def lays_cloth(config: StyleConfig) -> bool:
    """Whether cloth is cut and laid on the garment; else the whole picture is styled, or the old surface is kept."""
    return config.where != "all" and _lies(config)


def _lies(config: StyleConfig) -> bool:
    return config.mode == "print" or config.start in ("fast", "overlay")


def _cloth_on(
    part: Tensor, area: Tensor | None, built: Layout | None, cloths: list[Cloth], backbone: Backbone, config: StyleConfig
) -> Iterator[Progress | Tensor]:
    """Print: the pattern as it is. Style: the start, the fast draft, or where the descent leads from there. Pictures as they come."""
    if config.mode == "print":
        yield _printed(part, area, built, cloths, config)
        return
    problem, shade = _begun(part, area, built, cloths, config)
    image, bare = problem.start, problem.beyond
    if config.effort:
        steps = optimise(problem, backbone, config)
        del problem  # the descent lets go of each picture that it no longer needs: at print size each counts
        for progress, image in steps:  # noqa: B007 - the last one is the result
            yield progress
    yield _lit(image.cpu(), bare, shade, area, config)


def _begun(part: Tensor, area: Tensor | None, built: Layout | None, cloths: list[Cloth], config: StyleConfig) -> tuple[Problem, Tensor]:
    """Where a descent begins, and the garment's shading."""
    plainly, form = _form(part, area, config, built)
    image = bare = _start(plainly, area, form, cloths, config)
    laid = sized(cloths, area, plainly, config)
    if config.start == "fast" or config.effort == 0:
        image = draft(load_styler()[0], plainly, bare, area, [(style.at(1.0), style.weight) for style in laid])
    kept = part if area is None or config.effort == 0 else extend(plainly, shrink(area, max(1, max(part.shape[1:]) // 200)))
    # the network sees cloth beyond the seam: of a white ground its edge would take a rim of stray colours
    beyond = None if area is None else bare if _lies(config) else kept
    return Problem(image, kept, laid, area, beyond), form.shade


def _lit(made: Tensor, bare: Tensor | None, shade: Tensor, area: Tensor | None, config: StyleConfig) -> Tensor:
    """With the folds that the start had before a network saw it."""
    if area is None or bare is None or not _lies(config):
        return made
    return folds_back(made, bare, shade, area, config.folds)


def _printed(part: Tensor, area: Tensor | None, built: Layout | None, cloths: list[Cloth], config: StyleConfig) -> Tensor:
    if len(cloths) > 1:
        raise SettingError("mode=print: one pattern at a time; leave --mix out")
    form = _form(part, area, config, built)[1]
    area = torch.ones_like(part[:1]) if area is None else area
    _, _, left, right = box(area)
    per_cm = (right - left) / config.width_cm
    if (across := config.repeat_cm * per_cm) < _LEAST_REPEAT:
        raise SettingError(_too_fine(across, right - left, config))
    tile = tile_of(cloths[0], config)
    # the picture's own width is repeat_cm: its unit is narrower by what the seam took, and wider by how many tiles it holds
    unit = config.repeat_cm * per_cm * tile.pixels.shape[2] / cloths[0].pixels.shape[2]
    flat = lay_repeat(tile.pixels, area, unit, form.cut)
    return turned(drape(flat, form.shade, config.folds, trims([flat], [1.0], form.cut)), area, config.folds)


def tile_of(cloth: Cloth, config: StyleConfig) -> Tile:
    """The repeat of a cloth; of one with a name it is kept for other looks, as far as `_KEPT` bytes go, since it takes its time."""
    if not cloth.name:
        return make_tile(cloth.pixels, config.repeat, config.even)
    key = cloth.name, config.repeat, config.even
    _TILES[key] = tile = _TILES.pop(key, None) or make_tile(cloth.pixels, config.repeat, config.even)
    while len(_TILES) > 1 and sum(one.pixels.untyped_storage().nbytes() for one in _TILES.values()) > _KEPT:
        _TILES.popitem(last=False)
    return tile


def _too_fine(across: float, width: int, config: StyleConfig) -> str:
    more = 1.05 * _LEAST_REPEAT / across
    larger = f" or --size {math.ceil(config.size * more)}" if config.size * more <= SIZES[1] else ""
    return (
        f"repeat_cm={config.repeat_cm:g}: the garment is {config.width_cm:g} cm wide on {width} px, so a repeat would be {across:.2g} px and show "
        f"no motif; --repeat-cm {config.repeat_cm * more:.2g}{larger} would do"
    )


def _in_colours(styled: Tensor, part: Tensor, area: Tensor | None, cloths: list[Cloth], config: StyleConfig) -> Tensor:
    if config.keep == "garment":
        return garment_colours(styled, part, torch.ones_like(part[:1]) if area is None else area)
    if config.keep == "palette":
        wanted = from_hex(config.inks)
        return recolour(styled, find_inks(max(cloths, key=lambda cloth: cloth.weight).pixels, len(wanted)), wanted)
    return styled


def lay_only(picture: Float[Tensor, "3 h w"], cloth: Cloth, config: StyleConfig) -> Dressed:
    """The baseline without a network: the cloth laid on the garment's folds. Raises InputError when there is no garment."""
    content, mask = enlarge(picture, config.size)
    if mask is None:
        raise InputError("no garment found on a plain ground")
    part, form = _form(content, mask, config)
    made = turned(_start(part, mask, form, [cloth], config), mask, config.folds)
    return Dressed(put_back(made, content, mask, (0, *content.shape[1:2], 0, content.shape[2])), content, mask)


def check(config: StyleConfig) -> None:
    """Raises SettingError for values out of range, and for a device that is not there."""
    limits: dict[str, tuple[float, float]] = dict.fromkeys(("effort", "folds", "even"), (0, 1))
    limits |= {"size": SIZES, "zoom": (0.05, 20), "steps": (1, 5000), "fewer": (0.05, 1), "alpha": (0, 1e12), "beta": (0, 1e15)}
    limits |= {"rate": (1e-5, 10), "coarsest": (config.coarsest and 32, 8192), "soft": (0, 8), "average": (0, 0.999)}
    limits |= {"repeat_cm": (0.2, 500), "width_cm": (1, 500), "tile": (256, 4096), "colour": (0, 1e6), "smooth": (0, 1e6)}
    for name, (least, most) in limits.items():
        value = getattr(config, name)
        if not least <= value <= most:
            raise SettingError(f"{name}={value}: should be {least:g} to {most:g}")
    _check_weights(config)
    if config.keep == "palette" and not 2 <= len(config.inks) <= 16:
        raise SettingError(f"keep=palette needs 2 to 16 inks, {len(config.inks)} given; name them with --colour palette:FILE")
    from_hex(config.inks) if config.inks else None
    pick_device(config.device)


def _check_weights(config: StyleConfig) -> None:
    weights = config.layer_weights
    if weights and not (all(0 <= weight <= 1e6 for weight in weights) and any(weights)):
        given = ",".join(f"{weight:g}" for weight in weights)
        raise SettingError(f"layer_weights={given}: should be numbers from 0 to 1e6, and not all 0")
    if config.mode == "style" and config.effort and not any((config.alpha, config.beta, config.colour, config.smooth)):
        raise SettingError("alpha, beta, colour and smooth are all 0: nothing is left to optimise; give one of them a weight")


def _start(part: Tensor, area: Tensor | None, form: _Form, cloths: list[Cloth], config: StyleConfig) -> Tensor:
    if config.start == "noise":
        return (torch.randn(part.shape, generator=seeded(config.seed, "noise")) * 0.3).clamp(-1, 1)
    if config.start == "content" or area is None:
        return part.clone()
    whole = sum(cloth.weight for cloth in cloths)
    heaviest = max(cloths, key=lambda cloth: cloth.weight)
    goes_on = config.zoom >= _MANY and is_scene(heaviest.pixels)  # of a painting nobody cuts a second sky for the sleeves
    cut = [piece for piece in form.cut if piece.panel.kind in ("inside", "rib", "button") or not goes_on]
    laid = [(lay(cloth.pixels, area, config.zoom, config.seed, cut), cloth.weight / whole) for cloth in cloths]
    over = trims([flat for flat, _ in laid], [share for _, share in laid], cut)
    return torch.stack([drape(flat, form.shade, config.folds, over) * share for flat, share in laid]).sum(0)


def sized(cloths: list[Cloth], area: Tensor | None, part: Tensor, config: StyleConfig) -> list[Sized]:
    """The styles at the size at which they lie on the garment (to 5 %), so that statistics speak of the same motifs."""
    top, bottom, left, right = (0, part.shape[1], 0, part.shape[2]) if area is None else box(area)
    laid = []
    for cloth in cloths:
        _, rows, columns = cloth.pixels.shape
        scale = config.zoom * max((bottom - top) / rows, (right - left) / columns)
        scale = _STEP ** round(math.log(scale, _STEP))
        # of a style that lies far larger than the garment a part is enough: from where it begins on the garment
        most = [max(32, round(2 * side / scale)) for side in part.shape[1:]]
        *_, above, before = placed((rows, columns), (bottom - top, right - left), config.zoom, config.seed)
        first, second = min(round(above / scale), max(rows - most[0], 0)), min(round(before / scale), max(columns - most[1], 0))
        pixels = cloth.pixels[:, first : first + most[0], second : second + most[1]]
        pixels = cloth.pixels if pixels.shape == cloth.pixels.shape else pixels  # the same tensor, whose statistics are known already
        high, wide = (max(32, round(side * scale)) for side in pixels.shape[1:])
        laid.append(Sized(pixels, high, wide, cloth.weight, cloth.name and f"{cloth.name} from {first}, {second}, {tuple(pixels.shape)}"))
    return laid
