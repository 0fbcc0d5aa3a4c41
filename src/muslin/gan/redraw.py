"""Learning to redraw: G as the decoder of a variational autoencoder, before its contest with D and a little beside it.

A contest alone finds, on a small machine, a few silhouettes and stays with them for hours; who has redrawn each training picture from a
few numbers (Kingma & Welling 2014; beside an adversarial loss: Larsen et al. 2016) has seen them all. Departs: the encoder reads frozen
features and a thumbnail instead of pixels, and pictures are compared by features too. Does not know D, nor when it is called.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from muslin.features.backbones import on_device
from muslin.features.embedded import embedded
from muslin.gan.configs import AtelierNet
from muslin.gan.synthesis import Mapping

LAYERS = ("stem", "1e", "3e", "5e")  # of the embedded encoder, what pictures are compared by: edges, cloth, parts
_READ, _CHANNELS, _PLACES, _THUMB, _WIDE = "10", 112, 4, 12, 512
_PIXELS, _COARSE = 2.0, 3.0  # weights beside 1 for the features
PRIOR = 1e-4  # what a nat counts
_LEAST, _MOST = 64, 128  # px that the frozen features look at


class Redrawer(nn.Module):
    """The encoder: a picture and its class -> where its z lies, and how surely; thrown away when G is trained."""

    def __init__(self, net: AtelierNet) -> None:
        super().__init__()
        self.clean = nn.LayerNorm(_CHANNELS * _PLACES**2)
        self.first = nn.Linear(_CHANNELS * _PLACES**2 + 3 * _THUMB**2 + net.z, _WIDE)
        self.second = nn.Linear(_WIDE, _WIDE)
        self.norms = nn.ModuleList(nn.LayerNorm(_WIDE) for _ in range(2))
        self.last = nn.Linear(_WIDE, 2 * net.z)
        self.embed = nn.Embedding(max(net.classes, 1), net.z)
        self.mapping = Mapping(net)  # G's own as it was when the contest began: from then on G's answers for what is drawn from nothing
        with torch.no_grad():
            self.last.weight.mul_(0.3)  # near the prior at first

    def forward(
        self, read: Float[Tensor, "b c h w"], pictures: Float[Tensor, "b 3 s s"], labels: Int[Tensor, " b"]
    ) -> tuple[Float[Tensor, "b z"], Float[Tensor, "b z"]]:
        """Mean and logarithm of the variance of z, from frozen features and the picture in [-1, 1]."""
        features = self.clean(F.adaptive_avg_pool2d(read.float(), _PLACES).flatten(1))
        thumb = F.adaptive_avg_pool2d(pictures, _THUMB).flatten(1)
        x = F.leaky_relu(self.norms[0](self.first(torch.cat([features, thumb, self.embed(labels)], 1))), 0.2)
        x = F.leaky_relu(self.norms[1](self.second(x)), 0.2)
        mean, spread = self.last(x).float().chunk(2, 1)
        return mean, (spread - 2).clamp(-8, 2)

    def code(
        self, mapping: Mapping, seen: "Seen", labels: Int[Tensor, " b"], noise: Float[Tensor, "b z"] | None = None
    ) -> tuple[Float[Tensor, "b w"], Float[Tensor, ""]]:
        """Where pictures lie in W, drawn by standard normal `noise` (none: the middle), and the divergence from the prior in nats."""
        mean, spread = self(seen.features[_READ], seen.pictures, labels)
        z = mean if noise is None else mean + (spread / 2).exp() * noise
        return mapping(z, labels), 0.5 * (mean.square() + spread.exp() - 1 - spread).sum(1).mean()


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
