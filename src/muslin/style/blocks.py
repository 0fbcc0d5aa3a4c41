"""A draft made up on a block: a real garment of the archive lends its construction (collar, placket, pockets, folds), bent to the draft's silhouette.

As a pattern cutter draws a new style from a block: proportions and colour are the draft's; light and the run of the edge are the block's, which a soft draft has
not. A block's own print and colour stay behind (`shading.bare_light`). Knows pictures only.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.image import Picture, blur, from_bytes, to_bytes
from muslin.data.draft_mask import evened
from muslin.data.ground import cut_out, extend, find_mask, masked_blur, shrink, widest, without_specks
from muslin.data.loader import padded, square, within
from muslin.data.panels import Panel, find_panels
from muslin.data.registration import bend
from muslin.data.traces import Trace, to_panels
from muslin.style.enlarge import at_size, enlarge
from muslin.style.reading import READ, read_traces
from muslin.style.relief import find_relief, step
from muslin.style.seams import find_seams
from muslin.style.sewing import in_shade
from muslin.style.shading import bare_light

_COLOUR = 12  # a draft's colours are taken this part of the side wide
_DEEP = 0.11  # standard deviation of a block's relative light, at most: of shiny black cloth it has twice that
_INSIDE = (-0.34, 0.08)  # likewise how lit the inside of the back is, and by how much more away from the front's edge
_BITE = 25  # a bite of twice this part of the side is closed
_FAINT = 0.05  # a mask that is nowhere more shows nothing
_ROUND = 170  # an edge is rounded by this part of the side, so that a torn mask leaves no tatters


@dataclass(frozen=True)
class Pattern:
    """A made-up draft: `pixels` in its own colours on white, the garment's `mask`, and how it is built where its block was traced (None: it was not)."""

    pixels: Float[Tensor, "3 size size"]
    mask: Float[Tensor, "1 size size"]
    traces: list[Trace] | None = None


def make_up(draft: Float[Tensor, "3 h w"], block: Picture, size: int, traces: list[Trace] | None = None) -> Pattern | None:
    """The draft with the block's construction at `size` px on white, and its mask; None where either shows no garment on a plain ground.

    `pixels` are those of a file of 8 bits, so that the file and the pattern are one. A block's transparency tells its silhouette, `traces` how it is built;
    they are carried along.
    """
    content, wanted = enlarge(square(draft), size)
    photo, mask = enlarge(square(block.pixels), size)
    if (cut := cut_out(block.alpha)) is not None:
        mask = at_size(padded(within(cut)), size).clamp(0, 1)
    if wanted is None or mask is None or not bool((mask > 0.5).any()):
        return None
    bent = bend(wanted, [mask])[0]
    light, inside, edge = (bent.carry(x, size, size) for x in (*_light(photo, mask, traces), mask))
    edge = _whole(edge.clamp(0, 1), wanted, inside)
    lab = to_oklab(extend(content, shrink(wanted, max(1, size // 100))))
    typical = (lab[:1] * wanted).sum() / wanted.sum()
    colour = masked_blur(lab[1:], wanted, size / _COLOUR)
    light = light * min(1.0, _DEEP / max(float(light[edge > 0.5].std()), 1e-3))
    light = torch.where(light > 0, light * (1 - typical).sqrt(), light)  # pale cloth takes little of a highlight
    made = from_oklab(torch.cat([(typical + light * step(typical)).clamp(0, 1), colour]))
    carried = None if traces is None else [replace(trace, points=1000 * bent.move(trace.points / 1000)) for trace in traces]
    return Pattern(from_bytes(to_bytes(made * edge + (1 - edge))), edge, carried)


def _light(
    photo: Float[Tensor, "3 s s"], mask: Float[Tensor, "1 s s"], traces: list[Trace] | None
) -> tuple[Float[Tensor, "1 s s"], Float[Tensor, "1 s s"]]:
    """A block's light without its print, in the shade where the inside of the back is seen, whatever lies there; and where that is, and above it."""
    found = find_relief(photo, mask)
    light = bare_light(photo, mask, found)
    panel = _inside(photo, mask, found.lines) if traces is None else _first_inside(to_panels(traces, mask))
    if panel is None:
        return light, torch.zeros_like(mask)
    inside = panel.area(*mask.shape[1:])
    return in_shade(light, inside, *_INSIDE, max(mask.shape[1:])), inside


def _inside(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], lines: Float[Tensor, "1 h w"]) -> Panel | None:
    return _first_inside(find_seams(pixels, mask, lines, find_panels(mask)))


def _first_inside(panels: list[Panel]) -> Panel | None:
    """The first panel that is the inside of a back."""
    return next((panel for panel in panels if panel.kind == "inside"), None)


def _whole(edge: Float[Tensor, "1 s s"], wanted: Float[Tensor, "1 s s"], inside: Float[Tensor, "1 s s"]) -> Float[Tensor, "1 s s"]:
    """A carried edge: bites that the draft has not are filled, but for a neck's; halfway to its mirror image where it is nearly that; tatters rounded off, one pixel soft."""
    side = edge.shape[1]
    reach = round(side / _BITE)
    closed = -widest(-widest(edge[None], reach), reach)[0]
    filled = torch.where(inside > 0.5, edge, torch.maximum(edge, torch.minimum(closed, wanted)))
    soft = blur(evened(blur(filled, 1.0), side / 128), side / _ROUND)
    return without_specks(((soft - 0.5) * (2.5 * side / _ROUND) + 0.5).clamp(0, 1))


def outline_of(block: Picture) -> Float[Tensor, "1 h w"] | None:
    """A block's silhouette: what its transparency cuts out, else what stands on a plain ground; None where nothing does."""
    cut = cut_out(block.alpha)
    return find_mask(block.pixels) if cut is None else cut


def read_block(block: Picture) -> tuple[Float[Tensor, "3 s s"], list[Trace] | None]:
    """A block in a square, as it is looked at, and how it is built as its picture shows it (permille of that square); None where it shows no garment."""
    shown = at_most(block, READ)
    picture, mask = square(shown.pixels), outline_of(shown)
    if mask is None or not bool((mask > _FAINT).any()):
        return picture, None
    return picture, read_traces(picture, padded(mask / mask.amax()))


def at_most(picture: Picture, size: int) -> Picture:
    """The picture and its transparency with the longer side at `size` px."""
    alpha = None if picture.alpha is None else at_size(picture.alpha, size).clamp(0, 1)
    return replace(picture, pixels=at_size(picture.pixels, size), alpha=alpha)
