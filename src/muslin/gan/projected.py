"""The discriminator of `atelier`: small heads on frozen features of the embedded encoder (Sauer et al. 2021), and one on pixels.

Features of four depths are mixed across channels and scales by fixed random convolutions, then judged by one head
each. Departs: EfficientNet-Lite0 at 128 px, narrow heads, class by projection (Miyato & Koyama 2018), and a pixel head,
because the encoder hardly sees whether a ground is truly white. The gradient penalty is taken at the features, behind
the encoder: its double backward goes through the small heads only, which is what makes it cheap.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from muslin.features.embedded import EmbeddedEncoder
from muslin.gan.configs import AtelierConfig

TAPS = {"2": 24, "4": 40, "10": 112, "15": 320}  # block: channels; strides 4, 8, 16, 32
_CLASS_GAIN = 20.0  # the embeddings start at zero and are learned this much faster than the convolutions
Features = tuple[Tensor, ...]  # the picture, then the mixed maps from fine to coarse


class Head(nn.Module):
    """Convolutions down to a small map, a score for each place of it; the class is compared with each place (projection)."""

    def __init__(self, inputs: int, width: int, downs: int, classes: int, halve: bool = False) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, width, 4, 2, 1) if halve else nn.Conv2d(inputs, width, 3, padding=1)
        self.downs = nn.ModuleList(nn.Conv2d(width, width, 4, 2, 1) for _ in range(downs))
        self.mix = nn.Conv2d(width, width, 3, padding=1)
        self.score = nn.Conv2d(width, 1, 1)
        self.embed = nn.Embedding(max(classes, 1), width)
        nn.init.zeros_(self.embed.weight)  # a random start would reward random directions for each class

    def forward(self, x: Float[Tensor, "b c h w"], labels: Int[Tensor, " b"]) -> Float[Tensor, " b"]:
        """One score for each picture (unbounded; real is high)."""
        x = F.leaky_relu(self.first(x), 0.2)
        for down in self.downs:
            x = F.leaky_relu(down(x), 0.2)
        x = F.leaky_relu(self.mix(x), 0.2)
        belongs = _CLASS_GAIN * (x * self.embed(labels)[:, :, None, None]).sum(1, keepdim=True) / math.sqrt(x.shape[1])
        return (self.score(x) + belongs).float().mean((1, 2, 3))


class Discriminator(nn.Module):
    """D(picture, class) -> scores of all heads side by side. The encoder is a frozen input, not saved with the weights."""

    def __init__(self, config: AtelierConfig, encoder: EmbeddedEncoder, generator: torch.Generator) -> None:
        super().__init__()
        self.encoder = [encoder]  # in a list, so that it is no sub-module: frozen and not in the state
        self.side = config.encoder_size
        width, classes = config.head_width, config.net.classes
        mixed = {tap: config.mix_width * 2**i for i, tap in enumerate(TAPS)}  # deeper maps are kept wider
        for tap, channels in TAPS.items():
            self._frozen(f"across_{tap}", mixed[tap], channels, 1, generator)
            self.register_buffer(f"strength_{tap}", torch.ones(()))
        taps = list(TAPS)
        for fine, coarse in zip(taps, taps[1:], strict=False):
            self._frozen(f"down_{coarse}", mixed[fine], mixed[coarse], 3, generator)
        steps = [2, 2, 1, 0]
        self.heads = nn.ModuleList(Head(mixed[tap], width, steps[i], classes) for i, tap in enumerate(taps))
        self.pixels = Head(3, width // 2, 3, classes, halve=True)

    def forward(self, images: Float[Tensor, "b 3 h w"], labels: Int[Tensor, " b"]) -> Float[Tensor, "b n"]:
        """Scores (b, heads) of pictures in [-1, 1]."""
        return self.judge(self.features(images), labels)

    def features(self, images: Float[Tensor, "b 3 h w"]) -> Features:
        """What the heads look at; depends on no trained weight, so one pass serves both steps."""
        seen = F.interpolate(images, size=(self.side, self.side), mode="bilinear", align_corners=False)
        maps = self.encoder[0](seen.contiguous(memory_format=torch.channels_last), tuple(TAPS))
        return (images, *self._mixed(maps))

    def judge(self, features: Features, labels: Int[Tensor, " b"]) -> Float[Tensor, "b n"]:
        """Scores (b, heads) of features."""
        heads = [self.pixels, *self.heads]
        return torch.stack([head(x, labels) for head, x in zip(heads, features, strict=True)], 1)

    @torch.no_grad()
    def calibrate(self, images: Float[Tensor, "b 3 h w"]) -> None:
        """Set the maps' strengths once, on real pictures, so that each head sees features of unit size."""
        for tap, x in zip(TAPS, self.features(images)[1:], strict=True):
            self.get_buffer(f"strength_{tap}").copy_(1 / x.float().std())

    def _mixed(self, maps: dict[str, Tensor]) -> list[Tensor]:
        taps = list(TAPS)
        found: list[Tensor] = []
        above: Tensor | None = None
        for i in reversed(range(len(taps))):
            x = F.conv2d(maps[taps[i]], self.get_buffer(f"across_{taps[i]}"))
            if above is not None:
                x = x + above
            found.insert(0, x * self.get_buffer(f"strength_{taps[i]}"))
            if i:
                up = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
                above = F.conv2d(up, self.get_buffer(f"down_{taps[i]}"), padding=1)
        return found

    def _frozen(self, name: str, outputs: int, inputs: int, kernel: int, generator: torch.Generator) -> None:
        weight = torch.randn(outputs, inputs, kernel, kernel, generator=generator)
        weight = weight * math.sqrt(2 / (inputs * kernel * kernel))
        self.register_buffer(name, weight)
