"""A garment's picture read: what the construction network sees, as the panels that cloth is cut in, and as traces (data/traces.py).

What is not surely there is left out. Knows one garment on a plain ground.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from muslin.base import contours
from muslin.base.contours import area, closed_contours, smooth
from muslin.base.image import blur
from muslin.data.ground import at_size, box, extend, shrink, widest
from muslin.data.panels import Frame, Kind, Panel, find_panels
from muslin.data.piece_lines import stretches, there
from muslin.data.traces import CLOSED, Trace, buttons, limited, lying, to_panels
from muslin.style.construction import APART, PARTS, Construction, find_construction
from muslin.style.relief import find_relief, look
from muslin.style.seams import find_seams

READ = 512  # px of the longer side at which a picture is read
_SEWN: tuple[Kind, ...] = ("collar", "inside", "band", "cuff", "pocket", "rib")  # what is cut for itself
_CALM, _SURE = 2.0, 0.5  # px of the frame: how calm an outline is; how sure the network must be of a place
_FAINT, _GAP, _TURN = (
    0.25,
    24,
    2.5,
)  # how sure of a part of a line of which another is sure; px of the frame: a gap in a line, and how calm it is
_FRONT, _ACROSS, _YOKE = (
    0.45,
    0.6,
    0.35,
)  # of the garment's height, a front's length; of its width, a seam across; of its height, where that is a yoke
_KNOWN, _SHORT = 5.0, 0.08  # px of the frame: as near to a seam a line is that seam; of the garment's longer side, lines that are left out
_WHOLE: dict[Kind, float] = {
    "pocket": 0.9,
    "cuff": 0.75,
    "rib": 0.75,
    "inside": 0.5,
}  # of its hull's area, a part's at least: ragged ones are none
_CALMER: dict[Kind, float] = {"band": 6.0, "pocket": 3.0}
_POCKET = 0.28  # of the garment's width, a pocket's at most
_HEM = 0.5  # of the garment's width, a single rib's
_MADE = 0.025  # of the garment's area, cloth that is folded
_END = 0.12  # of an outline, what is at least on the silhouette of a piece that is an end
_DOT = 3.0  # px of the frame: what is smaller is no button
_RIM, _OVER = 3, 8  # px of the frame: beyond that from the silhouette is well inside; how far a part goes on beyond it
_GRAIN: dict[Kind, float] = {"inside": 0.0, "band": 90.0, "pocket": 0.0}
_QUARTERS = 15.0  # degrees in which a collar's grain goes
_SMALL, _IN = 200, 0.2  # px at which parts are compared; of a waistband's area, what may lie in an opening
_LEAST: dict[Kind, float] = {
    "collar": 0.005,
    "inside": 0.003,
    "band": 0.01,
    "cuff": 0.003,
    "pocket": 0.004,
    "rib": 0.004,
}  # of the garment's area, likewise a part of it


def parts_of(found: Construction, mask: Float[Tensor, "1 h w"]) -> list[Panel]:
    """The parts that are there: the largest inside, the largest waistband, each of the others for itself. They go on beyond the silhouette; what lies well inside it is sewn.

    Looked for at one size of the garment; near its bounds what a network says still differs by the picture's size.
    """
    view = found.view
    if view is None:
        return []
    solid = at_size(view.take(mask), *view.size)
    well = shrink(solid, _RIM) > 0.5
    if not bool(well.any()):
        return []
    seen = torch.stack([blur(part[None], _CALM / 2)[0] for part in found.parts[: len(_SEWN)]])
    seen = extend(seen, well.float()) * (widest(solid[None], _OVER)[0] > 0.5)
    whole, panels = float((solid > 0.5).sum()), list[Panel]()
    for number, kind in enumerate(_SEWN):
        one = kind in APART
        own = torch.where(seen[number] >= seen[: len(APART)].amax(0), seen[number], 0.0) if one else seen[number]
        lines = closed_contours(own, _SURE)  # the largest is no hole
        for outline in (line for line in lines if area(line) * area(lines[0]) > 0):
            panel = _part(kind, smooth(outline, _CALMER.get(kind, _CALM), closed=True), well[0])
            if float((panel.area(*view.size) * solid).sum()) > _LEAST[kind] * whole and _likely(panel, well[0]):
                panels.append(panel)
                if kind in ("inside", "band"):
                    break
    return view.back(panels)


def _likely(panel: Panel, well: Bool[Tensor, "h w"]) -> bool:
    """What is cut for itself has a whole shape; a pocket is narrow, cuffs and ribs are ends of a garment, a collar is in its upper half."""
    if abs(area(panel.outline)) < _WHOLE.get(panel.kind, 0.0) * abs(area(contours.hull(panel.outline))):
        return False
    if panel.kind == "pocket":
        columns = well.any(0).nonzero()[:, 0]
        return float(panel.outline[:, 0].max() - panel.outline[:, 0].min()) < _POCKET * float(columns[-1] - columns[0])
    if panel.kind in ("cuff", "rib"):
        return float((~there(panel.outline, well)).float().mean()) > _END
    rows = well.any(1).nonzero()[:, 0]
    return panel.kind != "collar" or float(panel.pivot[1]) < float(rows[0] + rows[-1]) / 2


def _part(kind: Kind, outline: Float[Tensor, "n 2"], well: Bool[Tensor, "h w"]) -> Panel:
    """The longest stretch of its outline that is well inside the garment is its seam."""
    inside = there(outline, well)
    first = int((~inside).int().argmax()) if not bool(inside.all()) else 0
    line, inside = outline.roll(-first, 0), inside.roll(-first, 0)
    seam = max((line[begin:end] for begin, end in stretches(inside)), key=len, default=line[:1])
    seam = torch.cat([line, line[:1]]) if bool(inside.all()) else seam
    grain = _GRAIN.get(kind, _QUARTERS * round(lying(outline) / _QUARTERS))
    return Panel(kind, outline, seam, grain, outline.mean(0))


def seen_panels(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], found: Construction, panels: list[Panel]) -> list[Panel]:
    """What is seen in a garment's picture of how it is built, beside the `panels` that its silhouette tells: the network's collars, cuffs, pockets, ribs, buttons,
    waistband, front and seam across; and of `seams` an opening, whose line is cleaner, and a front and a waistband where the network has none; the network's opening where there is no line.

    Where it sees a collar a curve at the neck is that collar's edge and no opening; what has sleeves has no waistband, nor what lies in an opening; what has legs has no front, collar or waist seam.
    """
    kinds = {panel.kind for panel in panels}
    unlikely = {"band"} if "sleeve" in kinds else {"front", "collar", "waist", "yoke"} if "leg" in kinds else set()
    parts = [part for part in parts_of(found, mask) + lines_across(found, mask) if part.kind not in unlikely]
    better = {"inside" if part.kind == "collar" else part.kind for part in parts if part.kind != "inside"}
    seams = [seam for seam in find_seams(pixels, mask, found.lines, panels) if seam.kind not in better]
    known = {seam.kind for seam in seams}
    chosen = seams + [part for part in parts if part.kind not in known] + buttons_seen(found, mask)
    ribs = [panel for panel in chosen if panel.kind == "rib"]
    if len(ribs) == 1 and not _wide(ribs[0], mask):  # one sleeve's alone would look like a mistake
        chosen = [panel for panel in chosen if panel is not ribs[0]]
    opening = next((panel for panel in chosen if panel.kind == "inside"), None)
    return [panel for panel in chosen if panel.kind != "band" or opening is None or _apart(panel, opening, mask)]


def _wide(rib: Panel, mask: Float[Tensor, "1 h w"]) -> bool:
    _, _, left, right = box(mask, 0.5)
    return float(rib.outline[:, 0].max() - rib.outline[:, 0].min()) > _HEM * (right - left)


def buttons_seen(found: Construction, mask: Float[Tensor, "1 h w"]) -> list[Panel]:
    """Each button, from the top."""
    view = found.view
    if view is None:
        return []
    rows = (view.take(mask)[0] > 0.5).any(1).nonzero()[:, 0]
    dots = [line.mean(0) for line in closed_contours(found.parts[PARTS.index("button")], _SURE) if area(line) > _DOT]
    dots.sort(key=lambda place: float(place[1]))
    return buttons(view.out(torch.stack(dots)), float(rows[-1] - rows[0])) if dots and len(rows) else []


def _apart(band: Panel, opening: Panel, mask: Float[Tensor, "1 h w"]) -> bool:
    """Whether a waistband lies beside an opening and not in it."""
    share = min(1.0, _SMALL / max(mask.shape[1:]))
    by, to = torch.full((2,), share), torch.zeros(2)
    height, width = (max(1, round(side * share)) for side in mask.shape[1:])
    one, other = (panel.moved(by, to).area(height, width) > 0.5 for panel in (band, opening))
    return float((one & other).sum()) < _IN * float(one.sum())


def lines_across(found: Construction, mask: Float[Tensor, "1 h w"]) -> list[Panel]:
    """The right half of a closed front, and what lies beyond a seam across the garment: a waist's, a yoke's."""
    view = found.view
    if view is None:
        return []
    solid = at_size(view.take(mask), *view.size)
    rows = (solid[0] > 0.5).any(1).nonzero()[:, 0]
    if not len(rows):
        return []
    top, high, by = float(rows[0]), float(rows[-1] - rows[0]), 1000 / torch.tensor([float(view.size[1]), float(view.size[0])])
    traces = list[Trace]()
    line = _longest(found.parts[PARTS.index("front")], 1)
    if line is not None and float(line[:, 1].max() - line[:, 1].min()) > _FRONT * high:
        traces.append(Trace("front", (line if line[0, 1] < line[-1, 1] else line.flip(0)) * by))
    line = _longest(found.parts[PARTS.index("across")], 0)
    if line is not None:
        line = line if line[0, 0] < line[-1, 0] else line.flip(0)
        middle = line[:, 1].mean()
        wide = float((solid[0, int(middle)] > 0.5).sum())
        if float(line[-1, 0] - line[0, 0]) > _ACROSS * wide:
            traces.append(Trace("yoke" if float(middle) - top < _YOKE * high else "waist", line * by))
    return view.back(to_panels([Trace(one.kind, _few(one.points)) for one in traces], solid))


def _longest(seen: Float[Tensor, "h w"], axis: int) -> Float[Tensor, "n 2"] | None:
    """The line that reaches farthest left to right (axis 0) or down (1) of those that a map tells of."""
    lines = contours.join(contours.edge_lines(blur(seen[None], 1.0)[0], _FAINT, _SURE), _GAP)
    best = max(lines, key=lambda line: float(line[:, axis].max() - line[:, axis].min()), default=None)
    return None if best is None else smooth(best, _TURN, closed=False)


def _few(points: Float[Tensor, "n 2"], tolerance: float = 2.5) -> Float[Tensor, "m 2"]:
    """As few points (permille) as tell the line."""
    return contours.simplified(points, tolerance)


def read_traces(pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"]) -> list[Trace]:
    """How a garment is built as its picture shows it, in permille of the picture: what a person would trace, as far as the network sees it."""
    glance = look(pixels, mask)
    found = find_construction(pixels, mask, find_relief(pixels, mask, glance).lines, glance)
    if (view := found.view) is None:
        return []
    panels = seen_panels(pixels, mask, found, find_panels(mask))
    sides = torch.tensor([float(mask.shape[2]), float(mask.shape[1])])
    middles = [panel.pivot for panel in panels if panel.kind == "button"]
    traces = [_traced(panel) for panel in panels if panel.kind != "button"]
    traces += [Trace("button", torch.stack(middles))] if middles else []
    whole = float((at_size(view.take(mask), *view.size) > 0.5).sum())
    folds = closed_contours(found.parts[PARTS.index("folded")], _SURE)  # the largest is no hole
    large = [line for line in folds if area(line) * area(folds[0]) > 0 and abs(area(line)) > _MADE * whole]
    traces += [Trace("folded", view.out(line)) for line in large]
    traces += [Trace("stitch", view.out(line)) for line in _stitches(found, view, panels)]
    told = (replace(one, points=one.points * 1000 / sides) for one in traces)
    return limited([one if one.kind == "button" else replace(one, points=_few(one.points)) for one in told])


def _traced(panel: Panel) -> Trace:
    if panel.kind in CLOSED or panel.kind == "rib":
        return Trace("knit" if panel.kind == "rib" else panel.kind, panel.outline)
    backwards = panel.seam[0, int(panel.kind == "front")] > panel.seam[-1, int(panel.kind == "front")]
    return Trace(panel.kind, panel.seam.flip(0) if bool(backwards) else panel.seam)


def _stitches(found: Construction, view: Frame, panels: Sequence[Panel]) -> list[Float[Tensor, "_ 2"]]:
    """Lines of construction that are no seam of a panel, in the frame."""
    strength, stretch = at_size(view.take(found.lines), *view.size)[0], list[Tensor]()
    known = torch.cat([view.into(smooth(panel.seam, 0, closed=False)) for panel in panels] or [torch.full((1, 2), -1e3)])
    for line in contours.join(contours.edge_lines(strength, _FAINT, _SURE), _GAP / 2):
        line = smooth(line, _TURN, closed=False)
        away = torch.cdist(line, known).amin(1) > _KNOWN
        stretch += [line[begin:end] for begin, end in stretches(away)]
    return [line for line in stretch if contours.length(line) > _SHORT * max(view.size)]
