"""Learning to redraw: G as the decoder of a variational autoencoder, before its contest with D and a little beside it.

A contest alone finds, on a small machine, a few silhouettes and stays with them for hours; who has redrawn each training picture from a
few numbers (Kingma & Welling 2014; beside an adversarial loss: Larsen et al. 2016) has seen them all. Departs: the encoder reads frozen
features beside pixels and says where a picture lies in W itself, counted from where the mapping draws at the start (through the mapping, a code
cost twice the images; docs/LOG.md); pictures are compared by features too. Does not know D, nor when it is called.
"""

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from muslin.base.seeds import seeded
from muslin.features.backbones import on_device
from muslin.features.embedded import embedded
from muslin.gan.configs import AtelierNet
from muslin.gan.layers import Conv, Down
from muslin.gan.synthesis import Mapping

LAYERS = ("stem", "1e", "3e", "5e")  # of the embedded encoder, what pictures are compared by: edges, cloth, parts
_READ, _CHANNELS, _PLACES, _WIDE, _CLASS = "10", 112, 4, 512, 32
_SIDE, _LEFT, _WIDTHS = 64, 8, (24, 32, 48, 64)  # the encoder's own convolutions look at 64 px at most and come down to 8 x 8 places
_PIXELS, _COARSE = 2.0, 3.0  # weights beside 1 for the features
PRIOR = 1e-4  # what a nat counts
_TRIED, _LEAST_SPREAD = 1_000, 0.05  # draws of the mapping in each class; the least variance of an axis, as a share of the mean's
_LEAST, _MOST = 64, 128  # px that the frozen features look at


class Redrawer(nn.Module):
    """The encoder: a picture and its class -> where its w lies, and how surely; thrown away when G is trained."""

    def __init__(self, net: AtelierNet) -> None:
        super().__init__()
        widths = _WIDTHS[: (min(net.size, _SIDE) // _LEFT).bit_length()]
        self.rgb = Conv(3, widths[0], 3)
        self.downs = nn.ModuleList(Down(a, b) for a, b in itertools.pairwise(widths))
        sizes = (widths[-1] * _LEFT**2, _CHANNELS * _PLACES**2)
        self.clean = nn.ModuleList(nn.LayerNorm(size) for size in sizes)
        self.first = nn.Linear(sum(sizes) + _CLASS, _WIDE)
        self.second = nn.Linear(_WIDE, _WIDE)
        self.norms = nn.ModuleList(nn.LayerNorm(_WIDE) for _ in range(2))
        self.last = nn.Linear(_WIDE, 2 * net.w)
        self.embed = nn.Embedding(max(net.classes, 1), _CLASS)
        self.register_buffer("middle", torch.zeros(max(net.classes, 1), net.w))
        self.register_buffer("axes", torch.eye(net.w))
        with torch.no_grad():
            self.last.weight.mul_(0.3)  # near the prior at first

    @torch.no_grad()
    def begin(self, mapping: Mapping) -> None:
        """From now on codes of standard normal numbers lie as what `mapping` draws: around the mean of their class, spread as within classes."""
        middle, root = self.get_buffer("middle"), self.get_buffer("axes")
        z = torch.randn(_TRIED, mapping.embed.embedding_dim, generator=seeded(0, "frame")).to(middle)
        labels = torch.arange(len(middle), device=z.device)
        drawn = torch.stack([mapping(z, label.expand(_TRIED)) for label in labels])
        middle.copy_(drawn.mean(1))
        away = (drawn - drawn.mean(1, keepdim=True)).flatten(0, 1)
        energy, axes = torch.linalg.eigh(away.T @ away / len(away))
        root.copy_(axes * energy.clamp(min=_LEAST_SPREAD * float(energy.mean())).sqrt() @ axes.T)

    def forward(
        self, read: Float[Tensor, "b c i j"], pictures: Float[Tensor, "b 3 s s"], labels: Int[Tensor, " b"]
    ) -> tuple[Float[Tensor, "b w"], Float[Tensor, "b w"]]:
        """Mean and logarithm of the variance of a code, in the units of `begin`, from frozen features and the picture in [-1, 1]."""
        small = F.adaptive_avg_pool2d(pictures, _SIDE) if pictures.shape[2] > _SIDE else pictures
        x = F.leaky_relu(self.rgb(small.contiguous(memory_format=torch.channels_last)), 0.2)
        for down in self.downs:
            x = down(x)
        parts = (x.flatten(1), F.adaptive_avg_pool2d(read, _PLACES).flatten(1))
        cleaned = [clean(part.float()) for clean, part in zip(self.clean, parts, strict=True)]
        x = F.leaky_relu(self.norms[0](self.first(torch.cat([*cleaned, self.embed(labels)], 1))), 0.2)
        x = F.leaky_relu(self.norms[1](self.second(x)), 0.2)
        mean, spread = self.last(x).float().chunk(2, 1)
        return mean, (spread - 2).clamp(-8, 2)

    def code(
        self, seen: "Seen", labels: Int[Tensor, " b"], noise: Float[Tensor, "b w"] | None = None
    ) -> tuple[Float[Tensor, "b w"], Float[Tensor, ""]]:
        """Where pictures lie in W, drawn by standard normal `noise` (none: the middle), and the divergence from the prior in nats."""
        mean, spread = self(seen.features[_READ], seen.pictures, labels)
        code = mean if noise is None else mean + (spread / 2).exp() * noise
        with torch.autocast(code.device.type, enabled=False):
            w = self.get_buffer("middle")[labels] + code @ self.get_buffer("axes")
        return w, 0.5 * (mean.square() + spread.exp() - 1 - spread).sum(1).mean()


@dataclass(frozen=True)
class Seen:
    """Pictures to redraw, in [-1, 1], and the frozen features that serve both the encoder and the comparison; see `see`."""

    pictures: Float[Tensor, "b 3 s s"]
    features: dict[str, Tensor]


@torch.no_grad()
def see(pictures: Float[Tensor, "b 3 s s"]) -> Seen:
    """Look at pictures in [-1, 1] once."""
    return Seen(pictures, look(pictures, (*LAYERS, _READ)))


def apart(drawn: Float[Tensor, "b 3 s s"], seen: Seen) -> Float[Tensor, ""]:
    """How far redrawn pictures are from the pictures: frozen features, pixels, and colours of 16 x 16 tiles. 0 for the same."""
    pictures, wanted, found = seen.pictures, seen.features, look(drawn, LAYERS)
    features = torch.stack([_share(found[name].float(), wanted[name].float()) for name in LAYERS]).mean()
    pixels = F.smooth_l1_loss(drawn, pictures, beta=0.1)
    return features + _PIXELS * pixels + _COARSE * F.adaptive_avg_pool2d(drawn - pictures, 16).square().mean()


def look(pictures: Float[Tensor, "b 3 s s"], layers: tuple[str, ...]) -> dict[str, Tensor]:
    """Frozen features of pictures in [-1, 1] by layer, looked at 64 to 128 px wide."""
    side = min(max(pictures.shape[2], _LEAST), _MOST)
    if side != pictures.shape[2]:
        pictures = F.interpolate(pictures, size=(side, side), mode="bilinear", antialias=side < pictures.shape[2], align_corners=False)
    with torch.autocast(pictures.device.type, enabled=False):  # its depthwise convolutions are slower in bfloat16 on a CPU
        return on_device(embedded(), pictures.device)(pictures.float(), layers)


def _share(found: Tensor, wanted: Tensor) -> Tensor:
    """Squared difference by the target's energy, picture by picture; the mean."""
    off, energy = ((x.square().mean((1, 2, 3))) for x in (found - wanted, wanted))
    return (off / (energy + 1e-6)).mean()
