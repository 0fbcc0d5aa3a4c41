"""Latents of a style-based generator: a design as one w for each layer (`ws`, layers x w), and what a hand can do to it.

W space and truncation after Karras et al. 2019; mixing by layers after their section 3.1; directions by principal components
(GANSpace, Harkonen et al. 2020) and by factorising the modulation weights (SeFa, Shen & Zhou 2021). Differs: neighbours lie on a circle
about the class's mean, so that they stay as likely as the design itself. Knows tensors only; what a direction does is `studio.sliders`' matter.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.seeds import seeded
from muslin.gan.generators import Loaded
from muslin.gan.synthesis import Generator

Latent = Float[Tensor, "layers w"]
GROUPS = ("shape", "detail", "look")  # up to 8 px, 16 px, 32 px and above: silhouette, parts, colour and cloth


@dataclass(frozen=True)
class Direction:
    """A change of w (unit length in the spread of W) that acts in some layers; `source` says where it was found."""

    change: Float[Tensor, " w"]
    layers: tuple[int, ...]
    source: str


def style_based(generator: Loaded) -> Generator:
    """The network of a generator that has a W space. Raises InputError for the article's GAN, which has none."""
    if not isinstance(generator.network, Generator):
        raise InputError(f"{generator.name}: has no W space to edit in; take an atelier generator, as garments-64")
    return generator.network


@torch.no_grad()
def latent(network: Generator, seed: int, label: int, psi: float = 0.7) -> Latent:
    """The ws of a draft, (layers, w): what `Loaded.draw` draws, as something that can be edited."""
    z = torch.randn(1, network.z_size, generator=seeded(seed, "z")).to(_device(network))
    w = network.mapping(z, torch.tensor([label], device=z.device), psi)
    return torch.as_tensor(w[0])[None].expand(network.layers, -1).clone()


@torch.no_grad()
def picture(network: Generator, ws: Latent) -> Float[Tensor, "3 s s"]:
    """The design of one latent, in [-1, 1], on the CPU. Always drawn alone, so that it has the same bits in any company."""
    drawn: Tensor = network.synthesise(ws[None].to(_device(network)))[0].clamp(-1, 1).cpu()
    return drawn


def groups(network: Generator) -> dict[str, tuple[int, ...]]:
    """The layers of each of `GROUPS`; a small network may lack the last one."""
    found: dict[str, tuple[int, ...]] = dict.fromkeys(GROUPS, ())
    for number, side in enumerate(network.sides):
        name = "shape" if side <= 8 else "detail" if side == 16 else "look"
        found[name] += (2 * number, 2 * number + 1)
    return found


def mix(parents: list[Latent], weights: dict[str, list[float]], network: Generator) -> Latent:
    """Parents mixed by weights for each of `GROUPS`: the structure of one with the look of another, or any blend.

    Weights sum to anything above 0 in each group; they are shares. Raises InputError when they do not fit the parents.
    """
    made = parents[0].clone()
    for name, layers in groups(network).items():
        shares = weights[name]
        if len(shares) != len(parents) or not 0 < sum(shares) < math.inf or min(shares) < 0:
            raise InputError(f"{name}={','.join(f'{x:g}' for x in shares)}: {len(parents)} parents need as many weights, 0 or more")
        rows = list(layers)
        made[rows] = sum((p[rows] * (share / sum(shares)) for p, share in zip(parents, shares, strict=True)), torch.zeros(1))
    return made


def neighbour(network: Generator, ws: Latent, label: int, distance: float, seed: int) -> Latent:
    """A design `distance` away: 0 the same, 0.2 close, 1 another one of the class. mean + cos t (ws - mean) + sin t (w' - mean)."""
    mean, t = class_mean(network, label), min(max(distance, 0.0), 1.0) * math.pi / 2
    other = latent(network, seed, label, 1.0)[0] - mean
    # as far from the mean as the design is: a tame one has tame neighbours
    own = ws - mean
    other = other * (own.norm(dim=1, keepdim=True).mean() / other.norm().clamp(min=1e-6))
    turned: Tensor = mean + math.cos(t) * own + math.sin(t) * other
    return turned


def between(first: Latent, last: Latent, share: float) -> Latent:
    """On the way from one design to another: 0 the first, 1 the last, straight in W (eased at neither end)."""
    return torch.lerp(first, last, share)


def of_class(network: Generator, ws: Latent, label: int, wanted: int) -> Latent:
    """The same design as another kind of garment: moved by the difference of the classes' means, but for the look, which stays."""
    made = ws.clone()
    rows = [*groups(network)["shape"], *groups(network)["detail"]]
    made[rows] += class_mean(network, wanted) - class_mean(network, label)
    return made


def class_mean(network: Generator, label: int) -> Float[Tensor, " w"]:
    """The mean w of a class: its mean garment."""
    mean: Tensor = network.mapping.get_buffer("w_mean")[label].cpu()
    return mean


@torch.no_grad()
def spread(network: Generator, count: int = 2000, seed: int = 0) -> Float[Tensor, "n w"]:
    """w of random designs, each about its own class's mean: what varies within a kind."""
    rng = seeded(seed, "spread")
    labels = torch.arange(count) % max(network.classes, 1)
    z = torch.randn(count, network.z_size, generator=rng).to(_device(network))
    w = network.mapping(z, labels.to(z.device)).cpu()
    means = torch.stack([w[labels == label].mean(0) for label in range(max(network.classes, 1))])
    about: Tensor = w - means[labels]
    return about


def candidates(network: Generator, components: int = 16, factors: int = 8) -> list[Direction]:
    """Directions worth looking at: principal components of W, and eigenvectors of the modulation weights, in each of `GROUPS`.

    All are as long as one standard deviation of W along them.
    """
    w, found = spread(network), list[Direction]()
    _, scales, vectors = torch.linalg.svd(w - w.mean(0), full_matrices=False)
    for name, layers in groups(network).items():
        if not layers:
            continue
        for number in range(min(components, len(scales))):
            found.append(Direction(vectors[number] * scales[number] / math.sqrt(len(w)), layers, f"component {number + 1}, {name}"))
        weights = torch.cat([_modulation(network, layer) for layer in layers])
        _, eigenvectors = torch.linalg.eigh(weights.T @ weights)
        for number in range(min(factors, eigenvectors.shape[1])):
            axis = eigenvectors[:, -1 - number]
            found.append(Direction(axis * float((w @ axis).std()), layers, f"factor {number + 1}, {name}"))
    return found


def moved(ws: Latent, changes: Float[Tensor, "layers w"], amount: float) -> Latent:
    """ws + amount * changes."""
    return ws + amount * changes


def as_changes(network: Generator, directions: list[Direction], shares: Float[Tensor, " n"]) -> Float[Tensor, "layers w"]:
    """A weighted sum of directions, each in its own layers."""
    made = torch.zeros(network.layers, network.net.w)
    for direction, share in zip(directions, shares.tolist(), strict=True):
        made[list(direction.layers)] += share * direction.change
    return made


def _modulation(network: Generator, layer: int) -> Float[Tensor, "i w"]:
    block = network.blocks[layer // 2]
    part: Any = block.first if layer % 2 == 0 else block.second
    weight: Tensor = part.affine.weight.detach().cpu()
    alike: Tensor = weight / weight.norm().clamp(min=1e-6)  # each layer counts alike
    return alike


def _device(network: Generator) -> torch.device:
    return next(network.parameters()).device
