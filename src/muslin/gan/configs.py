"""Settings of both families; the defaults are the documentation. `PRESETS` holds the ones that a command can name."""

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from muslin.base.errors import SettingError
from muslin.base.machine import Precision


@dataclass(frozen=True)
class ClassicNet:
    """The article's networks: fully connected, 28 x 28 greyscale. `leak` 0 is the article's relu."""

    z: int = 100
    leak: float = 0.0
    dropout: float = 0.0
    hidden: tuple[int, ...] = (256, 512, 1024)
    size: int = 28


@dataclass(frozen=True)
class ClassicConfig:
    """The article's GAN: binary cross-entropy, one-sided real label 0.9, Adam, D and G in alternation."""

    family: Literal["classic"] = "classic"
    net: ClassicNet = field(default_factory=ClassicNet)
    epochs: int = 20
    batch: int = 128
    rate: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    real_label: float = 0.9
    average_half_life: int = 0  # images; half-life of the average of the generator's weights; 0: none
    seed: int = 0
    precision: Precision = "auto"
    save_every: int = 60_000  # images between checkpoints
    report_every: int = 2_000  # images between lines of news
    judge_every: int = 240_000  # images between measurements of distance and copies


@dataclass(frozen=True)
class AtelierNet:
    """The style-based generator's shape. Width at a resolution: min(cmax, cbase / resolution), never under cmin."""

    size: int = 32
    z: int = 64
    w: int = 128
    mapping: int = 2
    mapping_rate: float = 0.01
    cbase: int = 1024
    cmax: int = 256
    cmin: int = 16
    classes: int = 1
    finish: int = 0  # width of the net that draws the last doubling anew (gan/finish.py), trained by itself; 0: there is none
    finish_calm: float = 0.0  # px by which what it adds inside a garment is softened when drawn (gan/finish.py, `calmed`); 0: not


@dataclass(frozen=True)
class Spans:
    """The augmentation's largest changes: shares of the side, and for light the span of the ink's strength."""

    translate: float = 0.12
    scale: float = 0.15
    light: float = 0.25
    cut: float = 0.4


@dataclass(frozen=True)
class AtelierConfig(Spans):
    """Training of the style-based generator: relativistic loss, R1 and R2 penalties, gentle augmentation."""

    family: Literal["atelier"] = "atelier"
    net: AtelierNet = field(default_factory=AtelierNet)
    images: int = 240_000
    batch: int = 32
    rate: float = 2.5e-3
    beta1: float = 0.0
    beta2: float = 0.99
    loss: Literal["relativistic", "non-saturating"] = "relativistic"
    gamma: float = 1.0  # weight of the penalties
    penalty_every: int = 16  # steps from one penalty to the next; its weight makes up for it
    strength: float = 0.2  # augmentation at the start: the probability of each change
    target: float = 0.6  # how sure D may be of real beside generated (2 * accuracy - 1) before the strength rises
    adapt_over: int = 100_000  # images in which the strength may go from 0 to 1; 0: it stays
    mirror: bool = True
    discriminator: Literal["residual", "patch", "multi-scale"] = (
        "residual"  # one score for a picture, for each place of it, or for places of two widths
    )
    d_rate: float = 1.0  # D's rate as a multiple of G's
    warm: int = 0  # images in which G learns to redraw what is there (gan/redraw.py), before the contest with D begins; part of `images`
    warm_rate: float = 2.5e-3  # G's rate at the start of that, falling to `rate` at its end
    redraw: float = 0.0  # weight of redrawing a quarter of each batch beside the contest
    finish_from: str = ""  # a generator whose finishing net a new one begins with, and its judge; empty: from nothing
    decay_last: float = 0.4  # share of the run over which the rate falls to a tenth, by a cosine
    average_half_life: int = 5_000
    seed: int = 0
    precision: Precision = "auto"
    save_every: int = 6_000
    report_every: int = 1_600
    judge_every: int = 24_000


def _wide(size: int, cbase: int) -> AtelierNet:
    return AtelierNet(size=size, z=512, w=512, cbase=cbase, cmax=512)


def _redrawing(size: int) -> "AtelierConfig":
    """Redraw first, then a contest about patches: for little time, and for little archives (docs/LOG.md); what garments-64 was made with."""
    settled = {
        "images": 120_000,
        "judge_every": 8_000,
        "rate": 5e-4,
        "d_rate": 2.0,
        "loss": "non-saturating",
        "gamma": 0.5,
        "average_half_life": 8_000,
    }
    net = AtelierNet(size=size, cmin=24)
    return AtelierConfig(net=net, discriminator="patch", warm=80_000, redraw=6.0, **settled)  # type: ignore[arg-type]


def _finishing(size: int) -> "AtelierConfig":
    """A finishing net for a generator of half the size, which `--init` names."""
    settled = {"images": 30_000, "batch": 16, "rate": 2e-3, "beta2": 0.99, "loss": "non-saturating", "gamma": 0.15, "strength": 0.0}
    settled |= {"adapt_over": 0, "redraw": 10.0, "average_half_life": 4_000, "save_every": 2_000, "judge_every": 2_000}
    return AtelierConfig(net=AtelierNet(size=size, finish=40, finish_calm=1.7), discriminator="multi-scale", **settled)  # type: ignore[arg-type]


Config = ClassicConfig | AtelierConfig
FAMILIES: dict[str, type[Any]] = {"classic": ClassicConfig, "atelier": AtelierConfig}
PRESETS: dict[str, Config] = {
    "article": ClassicConfig(),
    "classic": ClassicConfig(
        net=ClassicNet(leak=0.2, dropout=0.3), epochs=60, average_half_life=20_000
    ),  # the article's system with the discriminator held back (leaky relu, dropout) and the weights averaged
    "atelier-32": AtelierConfig(),
    "atelier-64": AtelierConfig(net=AtelierNet(size=64, cmin=24), images=400_000, average_half_life=8_000),
    # for a GPU: `--budget` finds the capacity that a machine can train
    "atelier-128": AtelierConfig(net=_wide(128, 8192), images=2_000_000, batch=64, gamma=2.0, average_half_life=20_000),
    "atelier-256": AtelierConfig(net=_wide(256, 16384), images=4_000_000, batch=32, gamma=4.0, average_half_life=20_000),
    "atelier-512": AtelierConfig(net=_wide(512, 16384), images=4_000_000, batch=16, gamma=8.0, average_half_life=20_000),
    **{f"finish-{size}": _finishing(size) for size in (64, 128, 256, 512)},
    **{f"vae-gan-{size}": _redrawing(size) for size in (32, 64, 128, 256, 512)},
}


def lasting(config: AtelierConfig, images: int) -> AtelierConfig:
    """The config for a run of so many images; redrawing keeps its share of them."""
    warm = int(config.warm / config.images * images) // config.batch * config.batch
    return replace(config, images=images, warm=warm)


_LIMITS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("images", "epochs", "penalty_every", "save_every", "report_every", "judge_every"), (1, 1e12)),
    **dict.fromkeys(("strength", "target", "decay_last", "translate", "scale", "light", "cut", "leak"), (0, 1)),
    **dict.fromkeys(("z", "w", "cbase", "cmax", "cmin", "classes", "hidden"), (1, 1 << 20)),
    **dict.fromkeys(("finish", "gamma", "adapt_over", "average_half_life", "warm", "redraw", "d_rate"), (0, 1e12)),
    **{
        "batch": (1, 1 << 16),
        "rate": (1e-9, 1),
        "warm_rate": (1e-9, 1),
        "beta1": (0, 0.9999),
        "beta2": (0, 0.99999),
        "real_label": (0.5, 1),
    },
    **{"finish_calm": (0, 4), "mapping": (1, 64), "mapping_rate": (1e-6, 10), "dropout": (0, 0.99), "size": (8, 1024)},
}


def check(config: Config) -> None:
    """Raises SettingError for the first value out of its range, by name."""
    for prefix, settings in (("", vars(config)), ("net.", vars(config.net))):
        for name, value in settings.items():
            least, most = _LIMITS.get(name, (-math.inf, math.inf))
            for number in value if isinstance(value, tuple) else (value,):
                if isinstance(number, (int, float)) and not least <= number <= most:
                    raise SettingError(f"{prefix}{name}={number:g}: should be {least:g} to {most:g}")
    size = config.net.size
    if isinstance(config, AtelierConfig) and (size < 32 or size > 512 or size & (size - 1)):
        raise SettingError(f"net.size={size}: should be 32, 64, 128, 256 or 512")
