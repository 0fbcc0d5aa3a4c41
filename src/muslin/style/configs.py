"""Settings of style transfer; the defaults are the documentation. `article` is the article's system to the letter."""

from dataclasses import dataclass
from typing import Literal

from muslin.base.machine import Precision


@dataclass(frozen=True)
class StyleConfig:
    """Total loss = alpha * content + beta * style (+ colour, smoothness), minimised over the pixels, coarse to fine."""

    size: int = 512  # longer side of the result, pixels
    alpha: float = 0.8  # content weight
    beta: float = 15.0  # style weight
    content_layers: tuple[str, ...] = ()  # none: the backbone's own
    style_layers: tuple[str, ...] = ()
    layer_weights: tuple[float, ...] = ()  # w_l, one for each style layer; none: all equal, summing to 1
    colour: float = 1.0  # weight of the style's colour mean and covariance
    smooth: float = 0.3  # weight of total variation
    balance: Literal["energy", "none"] = "energy"  # divide each loss by its target's energy; none: the bare formulas
    start: Literal["overlay", "content", "noise"] = "overlay"
    where: Literal["garment", "all"] = "garment"
    folds: float = 1.0  # how much of the garment's shading is put back, 0 to 1
    zoom: float = 1.0  # size of the style's motifs; 1: the style's picture covers the garment
    steps: int = 16  # at the coarsest scale
    fewer: float = 0.5  # share of steps kept from one scale to the next finer one
    coarsest: int = 128
    optimiser: Literal["adam", "lbfgs"] = "lbfgs"  # the same time, half the loss of Adam, and no speckle
    rate: float = 0.04  # Adam's, in units of the picture's range of 2
    seed: int = 0
    backbone: str = "embedded"
    precision: Precision = "auto"


PRESETS = {
    "garment": StyleConfig(),
    "article": StyleConfig(
        where="all",
        start="content",
        balance="none",
        colour=0.0,
        smooth=0.0,
        alpha=1.0,
        beta=1e-4,
        optimiser="adam",
        steps=150,
        coarsest=4096,
        rate=0.04,
    ),
}
