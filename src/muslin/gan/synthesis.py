"""The style-based generator of `atelier` (Karras et al. 2019, 2020): z -> w by a mapping, w -> picture by modulated convolutions.

Departs: convolution unfused (scale input, plain convolution, scale by the demodulation), no noise inputs (a latent is a
picture), classes enter the mapping, and the first 4 x 4 map is the learned constant plus a linear map of w, without
which a short training finds one silhouette for all (docs/LOG.md). Constant factors are folded into the small tensors:
the activation's sqrt(2) passes through leaky relu. Does not know how it is trained.
"""

import copy
import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from muslin.gan.configs import AtelierNet
from muslin.gan.finish import Finish, calmed
from muslin.gan.layers import upsample


class Dense(nn.Module):
    """Equalised linear layer (Karras et al. 2018, section 4.1): unit-variance weights, scaled when used."""

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.gain, self.rate = rate / math.sqrt(inputs), rate

    def forward(self, x: Float[Tensor, "b i"]) -> Float[Tensor, "b o"]:
        """(b, inputs) -> (b, outputs)."""
        return F.linear(x, self.weight * self.gain, self.bias * self.rate)


class Mapping(nn.Module):
    """f: (z, class) -> w. Normalised z beside a learned, normalised embedding of the class."""

    def __init__(self, net: AtelierNet) -> None:
        super().__init__()
        self.rate = net.mapping_rate
        self.embed = nn.Embedding(max(net.classes, 1), net.z)
        first = [Dense(2 * net.z, net.w, rate=net.mapping_rate)]
        self.layers = nn.ModuleList(first + [Dense(net.w, net.w, rate=net.mapping_rate) for _ in range(net.mapping - 1)])
        self.register_buffer("w_mean", torch.zeros(max(net.classes, 1), net.w))

    def forward(self, z: Float[Tensor, "b z"], labels: Int[Tensor, " b"], psi: float = 1.0) -> Float[Tensor, "b w"]:
        """w, drawn towards the mean of its class by `psi` (truncation: 1 none, 0 the mean garment)."""
        x = torch.cat([unit(z), unit(self.embed(labels))], 1)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2) * math.sqrt(2)
        if psi == 1.0:
            return x
        mean = self.get_buffer("w_mean")[labels]
        return mean + psi * (x - mean)


class Modulated(nn.Module):
    """Modulated convolution (Karras et al. 2020, eq. 1 to 3), unfused: conv(x * s) * demodulation, bias, leaky relu."""

    def __init__(self, inputs: int, outputs: int, w: int, up: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.affine = Dense(w, inputs, bias=1.0)
        self.gain, self.up = 1 / math.sqrt(inputs * 9), up

    def forward(self, x: Float[Tensor, "b i h w"], w: Float[Tensor, "b k"]) -> Float[Tensor, "b o h2 w2"]:
        """The map x styled by w and activated; same height and width, or twice with `up`."""
        style = self.affine(w).float() * self.gain
        x = upsample(x) if self.up else x
        y = F.conv2d(x * style[:, :, None, None].to(x.dtype), self.weight, padding=1)
        energy = style.square() @ self.weight.float().square().sum((2, 3)).T
        strength = torch.rsqrt(energy + 1e-8) * math.sqrt(2)
        y = torch.addcmul((self.bias * math.sqrt(2))[:, None, None].to(y.dtype), y, strength[:, :, None, None].to(y.dtype))
        return F.leaky_relu(y, 0.2)


class ToPicture(nn.Module):
    """This resolution's share of the picture: a modulated 1 x 1 convolution to RGB, not demodulated."""

    def __init__(self, inputs: int, w: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.affine = Dense(w, inputs, bias=1.0)
        self.gain = 0.2 / math.sqrt(inputs)  # quiet colours at the start

    def forward(self, x: Float[Tensor, "b i h w"], w: Float[Tensor, "b k"]) -> Float[Tensor, "b 3 h w"]:
        """(b, inputs, h, w) -> RGB."""
        style = self.affine(w) * self.gain
        return F.conv2d(x * style[:, :, None, None].to(x.dtype), self.weight, self.bias)


class Block(nn.Module):
    """One resolution: two modulated convolutions, the first up-sampling, and a share of the picture (skip RGB)."""

    def __init__(self, inputs: int, outputs: int, w: int, up: bool) -> None:
        super().__init__()
        self.first = Modulated(inputs, outputs, w, up)
        self.second = Modulated(outputs, outputs, w)
        self.rgb = ToPicture(outputs, w)

    def forward(self, x: Tensor, picture: Tensor | None, w: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
        """(map, picture so far) -> (map, picture), at twice the resolution where the block goes up."""
        x = self.first(x, next(w))
        style = next(w)
        x = self.second(x, style)
        share = self.rgb(x, style)
        return x, share + 1 if picture is None else upsample(picture) + share  # starts from a white ground


class Generator(nn.Module):
    """G(z, class) -> picture. The same latent gives the same design at any batch size."""

    def __init__(self, net: AtelierNet) -> None:
        super().__init__()
        self.net = net
        self.z_size, self.channels, self.size, self.classes = net.z, 3, net.size, net.classes
        self.mapping = Mapping(net)
        self.sides = resolutions(net.size // 2 if net.finish else net.size)
        widths = [width(net, r) for r in self.sides]
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.start = Dense(net.w, widths[0] * 16)
        self.blocks = nn.ModuleList(Block(widths[max(i - 1, 0)], width, net.w, up=i > 0) for i, width in enumerate(widths))
        self.finish = Finish(net.finish, net.size // 2) if net.finish else None

    @property
    def core(self) -> "Generator":
        """The same networks without the finishing net, at half the size; itself where there is none. Weights are shared."""
        if self.finish is None:
            return self
        core = copy.copy(self)
        core._modules = {name: part for name, part in self._modules.items() if name != "finish"} | {"finish": None}
        core.size = self.size // 2
        return core

    @property
    def layers(self) -> int:
        """How many times w is used: two for each resolution."""
        return 2 * len(self.blocks)

    def forward(self, z: Float[Tensor, "b z"], labels: Int[Tensor, " b"], psi: float = 1.0) -> Float[Tensor, "b 3 s s"]:
        """RGB pictures, about [-1, 1] (clamp before saving), float32. z standard normal, labels in [0, classes)."""
        w = self.mapping(z, labels, psi)
        return self.synthesise(w[:, None].expand(-1, self.layers, -1))

    def synthesise(self, ws: Float[Tensor, "b layers w"]) -> Float[Tensor, "b 3 s s"]:
        """Pictures from one w for each layer (style mixing: different rows)."""
        drawn = self.unfinished(ws)
        if self.finish is None:
            return drawn
        drawn = drawn.clamp(-1, 1)
        finished = torch.as_tensor(self.finish(drawn))
        return calmed(finished, upsample(drawn), self.net.finish_calm) if self.net.finish_calm else finished

    def unfinished(self, ws: Float[Tensor, "b layers w"]) -> Float[Tensor, "b 3 t t"]:
        """The same without the finishing net: at half the size where there is one."""
        styles = iter(ws.unbind(1))
        x = self.constant + self.start(ws[:, 0]).view(ws.shape[0], -1, 4, 4)  # len() would fix the batch of an export
        if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
            x = x.bfloat16()  # a float32 constant would keep the whole generator in float32
        x, picture = x.contiguous(memory_format=torch.channels_last), None
        for block in self.blocks:
            x, picture = block(x, picture, styles)
        return torch.as_tensor(picture).float()


def resolutions(size: int) -> list[int]:
    """4, 8, ... size."""
    return [2**i for i in range(2, size.bit_length())]


def width(net: AtelierNet, resolution: int) -> int:
    """Channels at a resolution."""
    return max(min(net.cmax, net.cbase // resolution), net.cmin)


def unit(x: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
    """Each row divided by the root of its mean square."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)
