"""From a picture back to the generator: a photo becomes ws that draw nearly it (`project`), an outline becomes designs that keep it (`follow`).

Projection: Adam on one w (Karras et al. 2020, appendix D), then on one w for each layer (Image2StyleGAN, Abdal et al. 2019 and 2020).
Differs: starts at the nearest of the classes' means and some hundred random designs, in W whitened by its own spread (a step is as long
as what is usual there, and what is unusual costs), embedded features instead of VGG's. Does not know where pictures come from.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.seeds import seeded
from muslin.data.ground import find_mask
from muslin.features.embedded import embedded
from muslin.gan import latent
from muslin.gan.synthesis import Generator

Latent = Float[Tensor, "layers w"]
LAYERS = ("stem", "1e", "3e", "5e", "pooled")
_EDGE = 96  # px: what the encoder looks at, at least
_BATCH = 32


@dataclass(frozen=True)
class ProjectConfig:
    """Steps and weights of a projection; `rate` and `typical` are in standard deviations of W."""

    starts: int = 256
    steps: int = 80
    layer_steps: int = 170
    rate: float = 0.12
    features: float = 1.0
    pixels: float = 1.0
    coarse: float = 2.0
    ground: float = 0.25
    typical: float = 0.004
    apart: float = 0.004
    seed: int = 0
    loss: str = "energy"
    white: bool = True


@dataclass(frozen=True)
class InvertProgress:
    """`done` of `total` steps of the stage `work`, with the losses by name."""

    work: str
    done: int
    total: int
    losses: dict[str, float]


@dataclass(frozen=True)
class Projected:
    """The design nearest to a picture: its ws, its picture, the class it started from, and `feature_distance` at the end and the start."""

    ws: Latent
    picture: Float[Tensor, "3 s s"]
    label: int
    distance: float
    distance_start: float


def project(
    network: Generator, target: Float[Tensor, "3 s s"], mask: Float[Tensor, "1 s s"] | None, config: ProjectConfig
) -> Iterator[InvertProgress | Projected]:
    """Bring a garment on white, [-1, 1], at the generator's size, into W+. `mask` is 1 on the garment (found where None).

    Yields progress, last a `Projected`. The same arguments give the same bits. Raises InputError when the target has another size.
    """
    if target.shape[1:] != (network.size, network.size):
        raise InputError(f"{target.shape[2]} x {target.shape[1]} px: this generator's pictures are {network.size} px a side")
    total = config.steps + config.layer_steps
    start, label, first = _nearest_start(network, target, config)
    yield InvertProgress("start", 0, total, {"distance": first})
    goal = _Goal(target, mask if mask is not None else find_mask(target), config)
    space = _Space(network, label, config.white)
    place = space.inward(start)[None]

    def loss(place: Tensor) -> tuple[Tensor, dict[str, float]]:
        rows = place.expand(network.layers, -1)
        terms = goal.terms(network.synthesise(space.outward(rows)[None])[0])
        terms["typical"] = config.typical * rows.square().mean()
        terms["apart"] = config.apart * (rows - rows.mean(0)).square().mean() * 1.0
        whole = torch.stack(list(terms.values())).sum()
        return whole, {"total": float(whole.detach())} | {name: float(term.detach()) for name, term in terms.items()}

    done = 0
    for stage, steps in (("w", config.steps), ("w+", config.layer_steps)):
        place = place.expand(1 if stage == "w" else network.layers, -1)
        for place, losses in _descend(place, loss, steps, config.rate):
            done += 1
            yield InvertProgress(stage, done, total, losses)
    ws = space.outward(place).expand(network.layers, -1).contiguous()
    drawn = latent.picture(network, ws)
    yield Projected(ws, drawn, label, float(feature_distance(drawn[None], target[None])), first)


def _descend(
    place: Tensor, loss: Callable[[Tensor], tuple[Tensor, dict[str, float]]], steps: int, rate: float
) -> Iterator[tuple[Tensor, dict[str, float]]]:
    """Adam with Karras et al.'s schedule: warm-up over 5 % of the steps, cosine decay over the last half."""
    place = place.detach().clone().contiguous().requires_grad_(True)
    optimiser = torch.optim.Adam([place], rate, betas=(0.9, 0.99))
    for step in range(steps):
        gone = step / steps
        optimiser.param_groups[0]["lr"] = (
            rate * min(1.0, (step + 1) / (0.05 * steps)) * (0.5 - 0.5 * math.cos(math.pi * min(1.0, 2 * (1 - gone))))
        )
        with torch.enable_grad():
            value, figures = loss(place)
            (place.grad,) = torch.autograd.grad(value, place)
        optimiser.step()
        yield place.detach(), figures


@torch.no_grad()
def _nearest_start(network: Generator, target: Tensor, config: ProjectConfig) -> tuple[Tensor, int, float]:
    labels, w = _starts(network, config.starts, config.seed)
    wanted = look(target[None])
    distances = torch.cat([apart(look(_draw(network, part)), wanted) for part in w.split(_BATCH)])
    best = int(distances.argmin())
    return w[best], int(labels[best]), float(distances[best])


def _starts(network: Generator, count: int, seed: int) -> tuple[Int[Tensor, " n"], Float[Tensor, "n w"]]:
    kinds = max(network.classes, 1)
    labels = torch.arange(kinds + count) % kinds
    z = torch.randn(count, network.z_size, generator=seeded(seed, "starts"))
    means = torch.stack([latent.class_mean(network, label) for label in range(kinds)])
    w = network.mapping(z, labels[kinds:])
    return labels, torch.cat([means, w])


def _draw(network: Generator, w: Tensor) -> Tensor:
    return network.synthesise(w[:, None].expand(-1, network.layers, -1)).clamp(-1, 1)


class _Space:
    def __init__(self, network: Generator, label: int, white: bool) -> None:
        self.mean = latent.class_mean(network, label)
        w = latent.spread(network)
        if white:
            _, scales, vectors = torch.linalg.svd(w, full_matrices=False)
            self.axes = vectors * (scales / math.sqrt(len(w)))[:, None]
        else:
            self.axes = torch.eye(w.shape[1]) * w.std()

    def outward(self, place: Tensor) -> Tensor:
        return self.mean + place @ self.axes

    def inward(self, w: Tensor) -> Tensor:
        return torch.linalg.solve(self.axes.T, w - self.mean)


class _Goal:
    def __init__(self, target: Tensor, mask: Tensor | None, config: ProjectConfig) -> None:
        self.target, self.config = target, config
        weight = torch.ones_like(target[:1]) if mask is None else config.ground + (1 - config.ground) * mask
        self.weight = weight / weight.mean()
        with torch.no_grad():
            self.wanted = _maps(target[None])
            self.unit = look(target[None])

    def terms(self, picture: Tensor) -> dict[str, Tensor]:
        if self.config.loss == "energy":
            pairs = zip(_maps(picture[None]), self.wanted, strict=True)
            features = torch.stack([(ours - other).square().mean() / other.square().mean() for ours, other in pairs]).mean()
        else:
            features = apart(look(picture[None]), self.unit)[0]
        off = picture - self.target
        return {
            "features": self.config.features * features,
            "pixels": self.config.pixels * (self.weight * F.smooth_l1_loss(picture, self.target, reduction="none", beta=0.1)).mean(),
            "coarse": self.config.coarse * F.avg_pool2d(off[None], max(1, off.shape[1] // 16)).square().mean(),
        }


def _maps(pictures: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
    side = max(_EDGE, pictures.shape[2])
    seen = F.interpolate(pictures, size=(side, side), mode="bilinear", align_corners=False)
    found = embedded()(seen, LAYERS)
    return [found[name] for name in LAYERS]


def look(pictures: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
    """Embedded features of pictures in [-1, 1], each place's channels of unit length: what `apart` compares."""
    return [F.normalize(found, dim=1, eps=1e-6) for found in _maps(pictures)]


def apart(a: list[Tensor], b: list[Tensor]) -> Float[Tensor, " b"]:
    """Distance of two looks."""
    return torch.stack(
        [(x - y).square().sum(1).flatten(1).mean(1) if x.dim() == 4 else (x - y).square().sum(1) for x, y in zip(a, b, strict=True)]
    ).mean(0)


@dataclass(frozen=True)
class FollowConfig:
    starts: int = 640
    steps: int = 50
    layer_steps: int = 100
    rate: float = 0.15
    psi: float = 0.8
    outline: float = 1.0
    lines: float = 0.1
    colour: float = 4.0
    keep: float = 0.03
    apart: float = 0.05
    freedom: float = 0.3
    pool: int = 3
    seed: int = 0


@dataclass(frozen=True)
class Followed:
    ws: list[Latent]
    labels: list[int]
    ious: list[float]
    pictures: list[Tensor]


def follow(network, outline, lines, label, count, config):
    wanted = outline.round()
    starts, labels = _like(network, wanted, label, count, config)
    ways = torch.ones(network.layers, 1)
    ways[list(latent.groups(network)["look"])] = config.freedom
    ways = ways * latent.spread(network).std()
    first = starts[:, None].expand(-1, network.layers, -1)
    with torch.no_grad():
        drawn = network.synthesise(first)
        colour, level = _colour(drawn, _cover(drawn, _level(drawn))), _level(drawn)

    def loss(place):
        rows = place.expand(-1, network.layers, -1)
        pictures = network.synthesise(first + ways * rows)
        terms = {
            "outline": config.outline * _unlike(pictures, level, wanted),
            "colour": config.colour * (_colour(pictures, wanted.expand(len(place), -1, -1, -1)) - colour).square().mean(),
            "keep": config.keep * rows.square().mean(),
            "apart": config.apart * (rows - rows.mean(1, keepdim=True)).square().mean(),
        }
        if lines is not None:
            terms["lines"] = config.lines * _edges_off(pictures, lines, wanted)
        whole = torch.stack(list(terms.values())).sum()
        return whole * len(place), {"total": float(whole.detach())} | {n: float(t.detach()) for n, t in terms.items()}

    place, done = torch.zeros_like(first[:, :1]), 0
    for stage, steps in (("w", config.steps), ("w+", config.layer_steps)):
        place = place.expand(-1, 1 if stage == "w" else network.layers, -1)
        for place, losses in _descend(place, loss, steps, config.rate):
            done += 1
            yield InvertProgress(stage, done, config.steps + config.layer_steps, losses)
    ws = list((first + ways * place).unbind())
    pictures = [latent.picture(network, one) for one in ws]
    yield Followed(ws, labels.tolist(), [iou(p, wanted) for p in pictures], pictures)


def iou(picture, outline):
    found = find_mask(picture)
    if found is None:
        return 0.0
    ours, wanted = found > 0.5, outline > 0.5
    return float((ours & wanted).sum() / (ours | wanted).sum())


def _level(pictures):
    away = _away(pictures)
    return (0.4 * away.flatten(1).quantile(0.9, dim=1)).clamp(0.1, 0.5)[:, None, None, None]


def _away(pictures):
    return ((1 - pictures).square().mean(1, keepdim=True) + 1e-5).sqrt()


def _cover(pictures, level):
    return torch.sigmoid((_away(pictures) / level - 1) * 4)


def _unlike(pictures, level, outline):
    logits = (_away(pictures) / level - 1) * 4
    soft = torch.sigmoid(logits)
    both = (soft * outline).sum((1, 2, 3))
    shared = both / (soft.sum((1, 2, 3)) + outline.sum() - both)
    return F.binary_cross_entropy_with_logits(logits, outline.expand_as(logits)) + (1 - shared).mean()


def _colour(pictures, weight):
    total = weight.sum((2, 3)) + 1e-3
    mean = (pictures * weight).sum((2, 3)) / total
    spread = ((pictures - mean[:, :, None, None]).square() * weight).sum((2, 3)) / total
    return torch.cat([mean, (spread + 1e-4).sqrt()], 1)


def _edges_off(pictures, lines, outline):
    grey = pictures.mean(1, keepdim=True)
    dx = F.pad(grey[..., 1:] - grey[..., :-1], (0, 1))
    dy = F.pad(grey[..., 1:, :] - grey[..., :-1, :], (0, 0, 0, 1))
    inner = 1 - F.max_pool2d(1 - outline[None], 5, 1, 2)
    edges = F.avg_pool2d((dx.square() + dy.square() + 1e-6).sqrt() * inner, 3, 1, 1).flatten(1)
    drawn = F.avg_pool2d(lines[None] * inner, 3, 1, 1).flatten(1)
    return (1 - F.cosine_similarity(edges, drawn, dim=1, eps=1e-4)).mean()


@torch.no_grad()
def _like(network, outline, label, count, config):
    labels = torch.arange(config.starts) % network.classes if label is None else torch.full((config.starts,), label)
    z = torch.randn(config.starts, network.z_size, generator=seeded(config.seed, "follow"))
    w = network.mapping(z, labels, config.psi)
    drawn = torch.cat([_draw(network, p) for p in w.split(_BATCH)])
    soft = _cover(drawn, _level(drawn))
    both = (soft * outline).sum((1, 2, 3))
    shared = both / (soft.sum((1, 2, 3)) + outline.sum() - both)
    order = shared.argsort(descending=True)[: config.pool * count]
    colours = _colour(drawn[order], soft[order])
    chosen = [0]
    while len(chosen) < count:
        gap = torch.cdist(colours, colours[chosen]).amin(1) * shared[order]
        chosen.append(int(gap.argmax()))
    picked = order[torch.tensor(chosen)]
    return w[picked], labels[picked]


@torch.no_grad()
def feature_distance(a: Float[Tensor, "b 3 h w"], b: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
    """LPIPS-like."""
    return apart(look(a), look(b))
