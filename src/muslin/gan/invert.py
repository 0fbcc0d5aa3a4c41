"""From a picture back to the generator: a photo becomes ws that draw nearly it (`project`), an outline becomes designs that keep it (`follow`).

Projection: Adam on one w (Karras et al. 2020, appendix D), then on one for each layer (Image2StyleGAN, Abdal et al. 2019, 2020). Differs:
starts at the nearest of the classes' means and some hundred random designs; embedded features, not VGG's; coarse colours. On the CPU, network
frozen. Does not know where pictures and outlines come from, nor how a photo is cut out and framed.
"""

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.seeds import seeded
from muslin.data.ground import find_mask
from muslin.features.embedded import embedded
from muslin.gan import latent, synthesis

LAYERS = ("stem", "1e", "3e", "5e", "pooled")  # of the embedded encoder: strokes, cloth, parts, the whole
_EDGE = 96  # px that the encoder looks at, at least
_BATCH = 32
Losses = Callable[[Tensor], dict[str, Tensor]]
Mask = Float[Tensor, "1 s s"]


@dataclass(frozen=True)
class ProjectConfig:
    """Steps and weights (beside 1 for the features) of a projection; lengths in W (`rate`, `typical`, `apart`) are in its standard deviations."""

    starts: int = 256  # random designs beside the classes' means
    steps: int = 30  # on one w
    layer_steps: int = 220  # on one w for each layer
    rate: float = 0.3
    pixels: float = 2.0
    coarse: float = 3.0
    ground: float = 0.6  # what a pixel of the ground counts beside one of the garment
    typical: float = 0.0005
    apart: float = 0.0005
    seed: int = 0


@dataclass(frozen=True)
class FollowConfig:
    """Steps and weights (beside 1 for the outline) of designs that follow it; lengths in W (`rate`, `keep`, `apart`) are in its standard deviations."""

    starts: int = 640  # random designs, of which the nearest by outline are taken
    pool: int = 3  # so many times the count are near enough to choose various looks from
    psi: float = 0.8
    steps: int = 50
    layer_steps: int = 100
    rate: float = 0.15
    lines: float = 0.05
    colour: float = 4.0
    clean: float = 10.0  # of the ground: what hazes it counts as garment in a mask
    keep: float = 0.025
    apart: float = 0.04
    freedom: float = 0.35  # how far the look's layers move beside the others
    seed: int = 0


@dataclass(frozen=True)
class InvertProgress:
    """`done` of `total` steps; `work` is the stage (start, w, w+), `losses` by name."""

    work: str
    done: int
    total: int
    losses: dict[str, float]


@dataclass(frozen=True)
class Projected:
    """The design nearest to a picture, the class it started from, and `feature_distance` at the end and at the start."""

    ws: latent.Latent
    picture: Float[Tensor, "3 s s"]
    label: int
    distance: float
    distance_start: float


@dataclass(frozen=True)
class Followed:
    """Designs that keep an outline: ws, pictures, the class that each started from, and its `iou`; as chosen, the nearest start first."""

    ws: list[latent.Latent]
    pictures: list[Float[Tensor, "3 s s"]]
    labels: list[int]
    ious: list[float]


def project(
    network: synthesis.Generator, target: Float[Tensor, "3 s s"], mask: Mask | None, config: ProjectConfig
) -> Iterator[InvertProgress | Projected]:
    """A garment on white, [-1, 1], at the generator's size, as ws. `mask` is 1 on the garment; where None it is looked for.

    loss = features + pixels + coarse + typical |v|^2 + apart |v - mean over layers|^2, with w = class mean + sigma v.
    Yields progress, last a `Projected`. The same arguments (and threads) give the same bits. Raises InputError on another size.
    """
    core, small = _at_core(network, target)
    start, label, first = _nearest_start(core, small, config)
    yield InvertProgress("start", 0, config.steps + config.layer_steps, {"distance": first})
    terms = _target_terms(small, find_mask(small) if mask is None else _at_core(network, mask)[1], config)
    mean, sigma = latent.class_mean(network, label), float(latent.spread(network).std())

    def losses(place: Float[Tensor, "1 l w"]) -> dict[str, Tensor]:
        rows = place.expand(-1, network.layers, -1)
        return terms(core.synthesise(mean + sigma * rows)) | _lengths(rows, config.typical, config.apart)

    place = yield from _two_stages(((start - mean) / sigma)[None, None], network.layers, losses, config)
    ws = (mean + sigma * place[0]).expand(network.layers, -1).contiguous()
    drawn = latent.picture(network, ws)
    yield Projected(ws, drawn, label, float(feature_distance(drawn[None], target[None])), first)


def follow(
    network: synthesis.Generator, outline: Mask, lines: Mask | None, label: int | None, count: int, config: FollowConfig
) -> Iterator[InvertProgress | Followed]:
    """`count` designs within an outline (1 inside), each with the colours and the look's layers of a random design of its own.

    `lines` (1 where drawn) ask for edges there; `label` keeps to one class. Shape and detail move freely: first one change for all layers,
    which keeps garments likely, then one for each. Yields progress, last a `Followed`; as repeatable as `project`. Raises InputError on
    another size, an empty outline, or more designs than starts.
    """
    core, small = _at_core(network, outline)
    wanted, small = (outline > 0.5).float(), (small > 0.5).float()
    if not bool(wanted.any()) or not 0 < count <= config.starts:
        raise InputError(f"{count} designs from {config.starts} starts within an outline of {int(wanted.sum())} px: each must be 1 or more")
    first, labels, drawn = _like_outline(core, small, label, count, config)
    yield InvertProgress("start", 0, config.steps + config.layer_steps, {})
    ways = torch.full((network.layers, 1), float(latent.spread(network).std()))
    ways[list(latent.groups(network)["look"])] *= config.freedom
    terms = _outline_terms(drawn, small, None if lines is None else _at_core(network, lines)[1], config)

    def losses(place: Float[Tensor, "n l w"]) -> dict[str, Tensor]:
        rows = place.expand(-1, network.layers, -1)
        return terms(core.synthesise(first + ways * rows)) | _lengths(rows, config.keep, config.apart)

    place = yield from _two_stages(torch.zeros_like(first[:, :1]), network.layers, losses, config)
    ws = [one.clone() for one in first + ways * place]
    pictures = [latent.picture(network, one) for one in ws]
    yield Followed(ws, pictures, labels.tolist(), [iou(picture, wanted) for picture in pictures])


@torch.no_grad()
def feature_distance(a: Float[Tensor, "b 3 h w"], b: Float[Tensor, "#b 3 h w"]) -> Float[Tensor, " b"]:
    """How unlike pictures look: the mean over `LAYERS` of |f(a) - f(b)|^2, f of unit length at each place (LPIPS, Zhang et al. 2018).

    Differs: the embedded encoder, at 96 px or the pictures' own size, and no learned weights. 0 for the same, about 1 for unlike ones.
    """
    return apart(look(a), look(b))


def look(pictures: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
    """What `apart` compares: features by layer, the channels of each place of unit length."""
    return [F.normalize(found.reshape(*found.shape[:2], -1), dim=1, eps=1e-6) for found in _features(pictures)]


def apart(a: list[Tensor], b: list[Tensor]) -> Float[Tensor, " b"]:
    """`feature_distance` of looks taken before, to compare many with one."""
    return torch.stack([(x - y).square().sum(1).mean(1) for x, y in zip(a, b, strict=True)]).mean(0)


def iou(picture: Float[Tensor, "3 s s"], outline: Mask) -> float:
    """Intersection over union of a picture's garment, as `data.ground` finds it, and an outline; 0 where it finds none."""
    found = find_mask(picture)
    return 0.0 if found is None else float(_shared((found[None] > 0.5).float(), (outline > 0.5).float()))


def _two_stages(
    place: Float[Tensor, "n 1 w"], layers: int, losses: Losses, config: ProjectConfig | FollowConfig
) -> Generator[InvertProgress, None, Tensor]:
    """Adam on one w, then on one for each layer. Rate: warm-up over 5 % of a stage, cosine to 0 over its second half (Karras et al. 2020)."""
    for stage, rows, before, steps in (("w", 1, 0, config.steps), ("w+", layers, config.steps, config.layer_steps)):
        place = place.detach().expand(-1, rows, -1).clone().requires_grad_(True)
        optimiser = torch.optim.Adam([place], config.rate, betas=(0.9, 0.99))
        for step in range(steps):
            calm = 0.5 - 0.5 * math.cos(math.pi * min(1.0, 2 - 2 * step / steps))
            optimiser.param_groups[0]["lr"] = config.rate * calm * min(1.0, (step + 1) / (0.05 * steps))
            with torch.enable_grad():
                found = losses(place)
                (place.grad,) = torch.autograd.grad(torch.stack(list(found.values())).sum() * len(place), place)
            optimiser.step()
            figures = {name: float(value.detach()) for name, value in found.items()}
            yield InvertProgress(stage, before + step + 1, config.steps + config.layer_steps, figures)
    return place.detach()


def _lengths(rows: Float[Tensor, "n l w"], length: float, apart: float) -> dict[str, Tensor]:
    return {"length": length * rows.square().mean(), "apart": apart * (rows - rows.mean(1, keepdim=True)).square().mean()}


def _target_terms(target: Float[Tensor, "3 s s"], mask: Mask | None, config: ProjectConfig) -> Losses:
    """What a picture loses against a target: features divided by the target's energy, pixels, and means of 16 x 16 tiles."""
    weight = torch.ones_like(target[:1]) if mask is None else config.ground + (1 - config.ground) * mask
    weight = weight / weight.mean()
    with torch.no_grad():
        wanted = _features(target[None])

    def terms(pictures: Tensor) -> dict[str, Tensor]:
        pairs = zip(_features(pictures), wanted, strict=True)
        features = torch.stack([(ours - other).square().mean() / other.square().mean() for ours, other in pairs]).mean()
        off = pictures - target
        pixels = (weight * F.smooth_l1_loss(off, torch.zeros_like(off), reduction="none", beta=0.1)).mean()
        coarse = F.adaptive_avg_pool2d(off, 16).square().mean()
        return {"features": features, "pixels": config.pixels * pixels, "coarse": config.coarse * coarse}

    return terms


def _outline_terms(drawn: Float[Tensor, "n 3 s s"], outline: Mask, lines: Mask | None, config: FollowConfig) -> Losses:
    """What designs lose against an outline, against the colours (mean and deviation) that they started with, and against drawn lines."""
    level = _level(drawn)
    colours = _colours(drawn, torch.sigmoid(4 * (_away(drawn) / level - 1)))
    within, around = 1 - F.max_pool2d(1 - outline[None], 5, 1, 2), 1 - F.max_pool2d(outline[None], 3, 1, 1)
    near_lines = None if lines is None or float((lines * within).sum()) < 1 else F.avg_pool2d(lines[None] * within, 3, 1, 1).flatten(1)

    def terms(pictures: Tensor) -> dict[str, Tensor]:
        inside, wanted = 4 * (_away(pictures) / level - 1), outline.expand(len(pictures), -1, -1, -1)
        shape = F.binary_cross_entropy_with_logits(inside, wanted) + 1 - _shared(torch.sigmoid(inside), wanted).mean()
        ground = config.clean * (_away(pictures) * around).mean()
        found = {"outline": shape, "ground": ground, "colour": config.colour * (_colours(pictures, wanted) - colours).square().mean()}
        if near_lines is not None:
            grey = pictures.mean(1, keepdim=True)
            edges = (F.pad(grey.diff(dim=2), (0, 0, 0, 1)).square() + F.pad(grey.diff(dim=3), (0, 1)).square() + 1e-6).sqrt()
            like = F.cosine_similarity(F.avg_pool2d(edges * within, 3, 1, 1).flatten(1), near_lines, dim=1, eps=1e-4)
            found["lines"] = config.lines * (1 - like).mean()
        return found

    return terms


@torch.no_grad()
def _nearest_start(network: synthesis.Generator, target: Tensor, config: ProjectConfig) -> tuple[Float[Tensor, " w"], int, float]:
    kinds = max(network.classes, 1)
    labels = torch.arange(kinds + config.starts) % kinds
    z = torch.randn(config.starts, network.z_size, generator=seeded(config.seed, "starts"))
    w = torch.cat([network.mapping.get_buffer("w_mean"), network.mapping(z, labels[kinds:])])[:, None].expand(-1, network.layers, -1)
    distances = torch.cat([apart(look(network.synthesise(part).clamp(-1, 1)), look(target[None])) for part in w.split(_BATCH)])
    best = int(distances.argmin())
    return w[best, 0], int(labels[best]), float(distances[best])


@torch.no_grad()
def _like_outline(
    network: synthesis.Generator, outline: Tensor, label: int | None, count: int, config: FollowConfig
) -> tuple[Float[Tensor, "n l w"], Int[Tensor, " n"], Float[Tensor, "n 3 s s"]]:
    """Random designs near an outline with colours far from one another: farthest points, each gap times its overlap."""
    kinds = max(network.classes, 1)
    labels = torch.arange(config.starts) % kinds if label is None else torch.full((config.starts,), label)
    z = torch.randn(config.starts, network.z_size, generator=seeded(config.seed, "follow"))
    w = network.mapping(z, labels, config.psi)[:, None].expand(-1, network.layers, -1)
    drawn = torch.cat([network.synthesise(part).clamp(-1, 1) for part in w.split(_BATCH)])
    soft = torch.sigmoid(4 * (_away(drawn) / _level(drawn) - 1))
    shared = _shared(soft, outline)
    order = shared.argsort(descending=True, stable=True)[: config.pool * count]
    colours, chosen = _colours(drawn[order], soft[order]), [0]
    while len(chosen) < count:
        gaps = torch.cdist(colours, colours[chosen]).amin(1) * shared[order]
        gaps[chosen] = -1.0
        chosen.append(int(gaps.argmax()))
    picked = order[chosen]
    return w[picked], labels[picked], drawn[picked]


def _features(pictures: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
    sides = (max(_EDGE, pictures.shape[2]),) * 2
    found = embedded()(F.interpolate(pictures, size=sides, mode="bilinear", align_corners=False), LAYERS)
    return [found[name] for name in LAYERS]


def _away(pictures: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
    """Distance from white."""
    return ((1 - pictures).square().mean(1, keepdim=True) + 1e-5).sqrt()


def _level(pictures: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 1 1"]:
    """Where between white and each garment's own strong colours its edge is, so that a dark garment does not fade out in pale."""
    return (0.4 * _away(pictures).flatten(1).quantile(0.9, dim=1)).clamp(0.1, 0.5)[:, None, None, None]


def _shared(soft: Float[Tensor, "b 1 h w"], outline: Float[Tensor, "*b 1 h w"]) -> Float[Tensor, " b"]:
    return (soft * outline).sum((1, 2, 3)) / (soft + outline - soft * outline).sum((1, 2, 3))


def _colours(pictures: Float[Tensor, "b 3 h w"], weight: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 6"]:
    mean = (pictures * weight).sum((2, 3)) / (total := weight.sum((2, 3)) + 1e-3)
    variance = ((pictures - mean[:, :, None, None]).square() * weight).sum((2, 3)) / total
    return torch.cat([mean, 0.5 * (variance + 1e-4).sqrt()], 1)


def _at_core(network: synthesis.Generator, picture: Tensor) -> tuple[synthesis.Generator, Tensor]:
    """What is searched with: the networks without the finishing net, which follows what they draw, and the picture at their size."""
    if picture.shape[1:] != (network.size, network.size):
        raise InputError(f"{picture.shape[2]} x {picture.shape[1]} px: this generator's pictures are {network.size} px a side")
    return network.core, F.avg_pool2d(picture[None], network.size // network.core.size)[0]
