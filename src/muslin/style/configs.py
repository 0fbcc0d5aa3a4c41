"""Settings of style transfer; the defaults are the documentation. `article` is the article's system to the letter."""

from dataclasses import dataclass
from typing import Literal

from muslin.base.machine import Precision

Repeat = Literal["straight", "half-drop", "brick", "mirror", "as-is"]  # as-is: the picture is a seamless tile already


@dataclass(frozen=True)
class StyleConfig:
    """Total loss = alpha * content + beta * style (+ colour, smoothness), minimised over the pixels, coarse to fine."""

    size: int = 512  # longer side of the result, pixels
    mode: Literal["style", "print"] = "style"  # the look of an artwork or fabric, or the pattern itself, laid on in centimetres
    effort: float = 0.5  # 0: the fast network's draft alone; 0.5: `steps` as given; 1: four times as many
    alpha: float = 0.8  # content weight
    beta: float = 6.0  # style weight
    content_layers: tuple[str, ...] = ()  # none: the backbone's own
    style_layers: tuple[str, ...] = ()
    layer_weights: tuple[float, ...] = ()  # w_l, one for each style layer; none: all equal, summing to 1
    colour: float = 1.0  # weight of the style's colour mean and covariance
    smooth: float = 1.0  # weight of total variation
    soft: float = 2.0  # pixels over which each step's colour is softened (lightness is not); 0: none
    statistic: Literal["w2", "gram"] = "w2"  # of the style's layers: Wasserstein-2 of Gaussians, or the article's Gram matrix
    balance: Literal["energy", "none"] = "energy"  # divide each loss by its target's energy; none: the bare formulas
    start: Literal["fast", "overlay", "content", "noise"] = "fast"  # the fast network's draft, the cloth laid on the folds, ...
    where: Literal["garment", "all"] = "garment"
    folds: float = 1.0  # how much of the garment's shading is put back, 0 to 1
    cut: Literal["panels", "whole"] = "panels"  # sleeves, legs, fronts and bands have cloth of their own, along their grain; or one piece
    zoom: float = 1.0  # size of the style's motifs; 1: the style's picture covers the garment
    repeat: Repeat = "straight"  # print mode: how the pattern repeats
    even: float = 1.0  # print mode: how much of uneven light in the style's picture is taken out, 0 to 1
    repeat_cm: float = 20.0  # print mode: width of the style's picture on the cloth
    width_cm: float = 50.0  # print mode: width of the garment as it lies
    keep: Literal["style", "garment", "palette"] = "style"  # whose colours the result has
    inks: tuple[str, ...] = ()  # keep=palette: #rrggbb, 2 to 16 of them
    steps: int = 12  # at the coarsest scale
    fewer: float = 0.5  # share of steps kept from one scale to the next finer one
    coarsest: int = 0  # px, about, at which the descent begins; 0: half the size (256 at least) from a cloth that lies, else 128
    optimiser: Literal["adam", "lbfgs"] = "lbfgs"  # the same time, half the loss of Adam, and no speckle
    rate: float = 0.04  # Adam's, in units of the picture's range of 2
    average: float = 0.0  # decay of the moving average of the iterates, whose last value is the result; 0: the last iterate
    tile: int = 1024  # pictures with a longer side go in tiles that with their rims are about this large, at the same result
    seed: int = 0
    backbone: str = "embedded"
    precision: Precision = "auto"
    device: str = "cpu"  # of the descent: cpu, cuda, mps or auto; only one and the same device gives the same bits


PRESETS = {
    "garment": StyleConfig(),
    "article": StyleConfig(
        statistic="gram",
        where="all",
        start="content",
        balance="none",
        colour=0.0,
        smooth=0.0,
        soft=0.0,
        alpha=1.0,
        beta=1e-4,
        optimiser="adam",
        steps=150,
        coarsest=4096,
        rate=0.04,
    ),
}

_PRINT, _STYLE = ("repeat", "even", "repeat_cm", "width_cm"), ("zoom", "effort", "seed", "start")  # what one mode alone reads
_DESCENT = (  # what neither a print nor the draft alone reads
    *("alpha", "beta", "content_layers", "style_layers", "layer_weights", "colour", "smooth", "soft", "statistic", "balance"),
    *("steps", "fewer", "coarsest", "optimiser", "rate", "average"),
)


def unread(config: StyleConfig) -> list[str]:
    """A line for each reason why settings that were changed, from the preset that these are nearest to, are not read."""
    printed = config.mode == "print"
    reasons: list[tuple[str, tuple[str, ...]]] = [("in print mode", (*_STYLE, *_DESCENT)) if printed else ("without --as print", _PRINT)]
    reasons += [("by a draft (effort 0)", _DESCENT)] if not printed and config.effort == 0 else []
    reasons += [("without keep=palette", ("inks",))] if config.keep != "palette" else []
    bare = config.where == "all" or (not printed and config.start in ("content", "noise"))
    reasons += [("where no cloth is laid on a garment", ("cut",))] if bare else []
    plain = min(PRESETS.values(), key=lambda preset: sum(vars(config)[name] != value for name, value in vars(preset).items()))
    changed = [(why, [name for name in names if getattr(config, name) != getattr(plain, name)]) for why, names in reasons]
    return [f"{', '.join(names)}: not read {why}" for why, names in changed if names]


def own_inks(config: StyleConfig) -> tuple[str, ...]:
    """The palette, where the result has one."""
    return config.inks if config.keep == "palette" else ()
