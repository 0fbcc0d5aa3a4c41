"""How a photographed garment is built, as a network sees it: lines of construction, collars, the inside of its back, waistbands, cuffs, pockets, ribs, buttons,
fronts, seams across, cloth in small folds.

The relief network's body with another end (relief.py), trained on garments whose construction was traced (construction_train.py), printed with cloth of all
kinds: it tells a collar's edge from a crease, which light alone does not. Knows tensors only.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from muslin.assets import CONSTRUCTION
from muslin.base.config import from_dict
from muslin.base.seeds import seeded_weights
from muslin.data.ground import at_size
from muslin.data.lines import along_lines
from muslin.data.panels import Frame, frame
from muslin.style.relief import Glance, ReliefConfig, ReliefNet, load_relief, look, new_relief
from muslin.style.weights import load_network, save_network

KIND = "construction"
PARTS = ("collar", "inside", "band", "cuff", "pocket", "rib", "button", "front", "across", "folded")  # what it tells beside lines
APART = PARTS[:3]  # no place is two of these
_SEAM = (3.0, 0.7)  # px: how far a line is blurred along itself, and across
_ALONE, _BOTH = 0.65, 0.65  # of a line's strength: what is left of one that the relief network has not; what comes to one that it has


class ConstructionNet(ReliefNet):
    """What `relief.seen` gives in; logits of lines and of `PARTS` out."""

    def __init__(self, config: ReliefConfig | None = None) -> None:
        super().__init__(config)
        self.out = nn.Conv2d(self.config.widths[0], 1 + len(PARTS), 3, padding=1)
        nn.init.constant_(self.out.bias, -3.0)  # type: ignore[arg-type]  # at first nothing anywhere

    def forward(self, garment: Float[Tensor, "b 5 h w"]) -> Float[Tensor, "b 11 h w"]:  # type: ignore[override]
        """Height and width multiples of 16."""
        logits: Tensor = self.out(self.features(garment))
        return logits


@dataclass(frozen=True)
class Construction:
    """Of each place of a garment, 0 to 1: how surely a line of construction runs there (0 outside its mask), and, in the frame that panels are looked for in
    (`view`; None: no garment), that each of `PARTS` lies there."""

    lines: Float[Tensor, "1 h w"]
    parts: Float[Tensor, "p rows columns"]
    view: Frame | None

    def folded(self) -> Float[Tensor, "1 h w"]:
        """Where cloth is in small folds that are made, as large as the picture."""
        whole = torch.zeros_like(self.lines)
        if (view := self.view) is not None:
            there = whole[:, view.top : view.bottom, view.left : view.right]
            there.copy_(at_size(self.parts[PARTS.index("folded")][None], *there.shape[1:]).clamp(0, 1))
        return whole


@torch.no_grad()
def find_construction(
    pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], lines: Float[Tensor, "1 h w"] | None = None, glance: Glance | None = None
) -> Construction:
    """All 0 where there is no garment. `lines`: what the relief network sees; this one takes stripes for seams, that one creases. `glance`: as there."""
    glance = glance or look(pixels, mask)
    view = None if glance is None else frame(mask / mask.amax())
    if glance is None or view is None:
        return Construction(torch.zeros_like(mask), torch.zeros(len(PARTS), 1, 1), None)
    seen = load_construction()(glance.x)[0, :, : glance.size[0], : glance.size[1]].sigmoid()
    whole = glance.back(along_lines(seen[:1], *_SEAM)).clamp(0, 1)
    own = whole if lines is None else (whole * (_ALONE + _BOTH * lines)).clamp(max=1)
    return Construction(own, glance.on(seen[1:], view).clamp(0, 1), view)


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
    return read_construction(path)


def read_construction(path: Path) -> ConstructionNet:
    """A network of one's own, to train on. Raises InputError likewise."""
    return load_network(path, KIND, "construction network", lambda config: ConstructionNet(from_dict(ReliefConfig, config)))
