"""How a photographed garment is built, as a network sees it: lines of construction, collars, the inside of its back, waistbands.

The relief network's body with another end (relief.py), trained on garments whose construction was traced (construction_train.py), printed with cloth of all
kinds: it tells a collar's edge from a crease, which light alone does not. Knows tensors only.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from muslin.assets import CONSTRUCTION
from muslin.base.config import from_dict
from muslin.base.contours import area, closed_contours, smooth
from muslin.base.image import blur
from muslin.base.seeds import seeded_weights
from muslin.data.ground import at_size, extend, shrink
from muslin.data.lines import along_lines
from muslin.data.panels import Kind, Panel, frame
from muslin.data.piece_lines import stretches, there
from muslin.data.traces import lying
from muslin.style.relief import ReliefConfig, ReliefNet, load_relief, look, new_relief
from muslin.style.seams import find_seams
from muslin.style.weights import load_network, save_network

KIND = "construction"
PARTS: tuple[Kind, ...] = ("collar", "inside", "band")  # what it tells beside lines
_SEAM = (3.0, 0.7)  # px: how far a line is blurred along itself, and across
_ALONE, _BOTH = 0.65, 0.65  # of a line's strength: what is left of one that the relief network has not; what comes to one that it has
_CALM, _SURE = 2.0, 0.5  # px of the frame: how calm an outline is; how sure the network must be of a place
_RIM = 3  # px of the frame: beyond that from the silhouette is well inside
_GRAIN: dict[Kind, float] = {"inside": 0.0, "band": 90.0}
_QUARTERS = 15.0  # degrees in which a collar's grain goes
_SMALL, _IN = 200, 0.2  # px at which parts are compared; of a waistband's area, what may lie in an opening
_LEAST: dict[Kind, float] = {"collar": 0.005, "inside": 0.003, "band": 0.01}  # of the garment's area, likewise a part of it


class ConstructionNet(ReliefNet):
    """What `relief.seen` gives in; logits of lines, collars, inside and waistbands out."""

    def __init__(self, config: ReliefConfig | None = None) -> None:
        super().__init__(config)
        self.out = nn.Conv2d(self.config.widths[0], 1 + len(PARTS), 3, padding=1)
        nn.init.constant_(self.out.bias, -3.0)  # type: ignore[arg-type]  # at first nothing anywhere

    def forward(self, garment: Float[Tensor, "b 5 h w"]) -> Float[Tensor, "b 4 h w"]:  # type: ignore[override]
        """Height and width multiples of 16."""
        logits: Tensor = self.out(self.features(garment))
        return logits


@dataclass(frozen=True)
class Construction:
    """Of each place of a garment, 0 to 1 and 0 outside its mask: how surely a line of construction runs there, and each of `PARTS` lies there."""

    lines: Float[Tensor, "1 h w"]
    parts: Float[Tensor, "3 h w"]


@torch.no_grad()
def find_construction(
    pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], lines: Float[Tensor, "1 h w"] | None = None
) -> Construction:
    """As large as the picture; all 0 where there is no garment. `lines`: what the relief network sees; this one takes stripes for seams, that one creases."""
    glance = look(pixels, mask)
    if glance is None:
        return Construction(torch.zeros_like(mask), torch.zeros(len(PARTS), *mask.shape[1:]))
    seen = load_construction()(glance.x)[0, :, : glance.size[0], : glance.size[1]].sigmoid()
    whole = glance.back(torch.cat([along_lines(seen[:1], *_SEAM), seen[1:]])).clamp(0, 1)
    own = whole[:1] if lines is None else (whole[:1] * (_ALONE + _BOTH * lines)).clamp(max=1)
    return Construction(own, whole[1:])


def parts_of(found: Construction, mask: Float[Tensor, "1 h w"]) -> list[Panel]:
    """The parts that are there: collars each for itself, the largest inside, the largest waistband. They go on beyond the silhouette; what lies well inside it is sewn.

    Looked for at one size of the garment; near its bounds what a network says still differs by the picture's size.
    """
    view = frame(mask)
    if view is None:
        return []
    solid = at_size(view.take(mask), *view.size)
    well = shrink(solid, _RIM) > 0.5
    if not bool(well.any()):
        return []
    seen = torch.stack([blur(at_size(view.take(part[None]), *view.size), _CALM / 2)[0] for part in found.parts])
    seen, whole, panels = extend(seen, well.float()), float((solid > 0.5).sum()), list[Panel]()
    for number, kind in enumerate(PARTS):
        own = torch.where(seen[number] >= seen.amax(0), seen[number], 0.0)
        lines = closed_contours(own, _SURE)  # the largest is no hole
        for outline in (line for line in lines if area(line) * area(lines[0]) > 0):
            panel = _part(kind, smooth(outline, _CALM, closed=True), well[0])
            if float((panel.area(*view.size) * solid).sum()) > _LEAST[kind] * whole:
                panels.append(panel)
                if kind != "collar":
                    break
    return view.back(panels)


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
    """What is seen in a garment's picture of how it is built, beside the `panels` that its silhouette tells: the network's collars and waistband, and of `seams`
    a front, an opening, whose line is cleaner, and a waistband where the network has none; the network's opening where there is no line.

    Where it sees a collar a curve at the neck is that collar's edge and no opening; what has sleeves has no waistband, nor what lies in an opening.
    """
    parts = [part for part in parts_of(found, mask) if part.kind != "band" or all(panel.kind != "sleeve" for panel in panels)]
    better = {"inside" if part.kind == "collar" else part.kind for part in parts if part.kind != "inside"}
    seams = [seam for seam in find_seams(pixels, mask, found.lines, panels) if seam.kind not in better]
    known = {seam.kind for seam in seams}
    chosen = seams + [part for part in parts if part.kind not in known]
    opening = next((panel for panel in chosen if panel.kind == "inside"), None)
    return [panel for panel in chosen if panel.kind != "band" or opening is None or _apart(panel, opening, mask)]


def _apart(band: Panel, opening: Panel, mask: Float[Tensor, "1 h w"]) -> bool:
    """Whether a waistband lies beside an opening and not in it."""
    share = min(1.0, _SMALL / max(mask.shape[1:]))
    by, to = torch.full((2,), share), torch.zeros(2)
    height, width = (max(1, round(side * share)) for side in mask.shape[1:])
    one, other = (panel.moved(by, to).area(height, width) > 0.5 for panel in (band, opening))
    return float((one & other).sum()) < _IN * float(one.sum())


def new_construction(config: ReliefConfig | None = None) -> ConstructionNet:
    """An untrained end on the shipped relief network's body, or, of another `config`, all untrained."""
    with seeded_weights(KIND):
        net = ConstructionNet(config)
    start = load_relief() if net.config == ReliefConfig() else new_relief(net.config)
    net.load_state_dict({name: x for name, x in start.state_dict().items() if not name.startswith("out.")}, strict=False)
    return net


def save_construction(path: Path, net: ConstructionNet, card: dict[str, object]) -> Path:
    """As `weights.save_network`. Raises DiskError."""
    return save_network(path, KIND, net, card)


@lru_cache(maxsize=2)
def load_construction(path: Path = CONSTRUCTION) -> ConstructionNet:
    """The network, ready for use. Raises InputError where the file is no such network."""
    return load_network(path, KIND, "construction network", lambda config: ConstructionNet(from_dict(ReliefConfig, config)))
