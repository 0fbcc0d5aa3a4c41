"""The article's GAN (Goodfellow et al. 2014): two fully connected networks, binary cross-entropy, real label 0.9, Adam.

min_G max_D V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))]; G is trained with the non-saturating form, as in the article's
code (label 1 for generated pictures). D's sigmoid is folded into the loss (logits), which is the same and stays finite.
"""

import itertools
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from muslin.base.seeds import seeded_weights
from muslin.data.images import Images
from muslin.gan.average import Average
from muslin.gan.configs import ClassicConfig, ClassicNet


class Generator(nn.Module):
    """100 - 256 - 512 - 1024 - 784: relu between, tanh at the end."""

    def __init__(self, net: ClassicNet) -> None:
        super().__init__()
        self.net = net
        self.z_size, self.channels, self.size, self.classes = net.z, 1, net.size, 1
        self.layers = _dense(net.z, *net.hidden, net.size**2)

    def forward(self, z: Float[Tensor, "b z"], labels: Tensor | None = None, psi: float = 1.0) -> Float[Tensor, "b 1 s s"]:
        """Grey pictures in [-1, 1]. There are no classes; truncation scales z by `psi`."""
        x = z * psi
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return torch.tanh(self.layers[-1](x).float()).view(-1, 1, self.size, self.size)


class Discriminator(nn.Module):
    """784 - 1024 - 512 - 256 - 1: relu (`leak` 0) between, a logit at the end; `dropout` 0 is the article's."""

    def __init__(self, net: ClassicNet) -> None:
        super().__init__()
        self.net = net
        self.layers = _dense(net.size**2, *reversed(net.hidden), 1)

    def forward(self, images: Float[Tensor, "b 1 s s"], rng: torch.Generator) -> Float[Tensor, " b"]:
        """Logits: sigmoid of it is the probability that a picture is real. `rng` draws the dropout."""
        x = images.flatten(1)
        for layer in self.layers[:-1]:
            x = _drop(F.leaky_relu(layer(x), self.net.leak), self.net.dropout, rng)
        return torch.as_tensor(self.layers[-1](x)).float().squeeze(1)


class ClassicTrainer:
    """Networks, optimisers and the alternating steps of the article."""

    def __init__(self, config: ClassicConfig, data: Images, device: torch.device) -> None:
        self.config, self.device = config, device
        self.images_per_epoch = len(data) // config.batch * config.batch or config.batch
        with seeded_weights(config.seed, "classic", "weights"):
            self.generator = Generator(config.net).to(device)
            self.discriminator = Discriminator(config.net).to(device)
        self.strength, self.rate_share = torch.zeros(()), 1.0  # no augmentation
        self.average = Average(self.generator, config.average_half_life)
        betas = (config.beta1, config.beta2)
        self.g_steps = torch.optim.Adam(self.generator.parameters(), config.rate, betas, fused=True)
        self.d_steps = torch.optim.Adam(self.discriminator.parameters(), config.rate, betas, fused=True)

    @property
    def total(self) -> int:
        """Images to be seen in all: whole batches of each epoch."""
        return self.config.epochs * self.images_per_epoch

    def parts(self) -> dict[str, Any]:
        """What a checkpoint holds: everything with a state_dict."""
        named = {"generator": self.generator, "discriminator": self.discriminator, "average": self.average.network}
        return {**named, "g_steps": self.g_steps, "d_steps": self.d_steps}

    def step(self, data: Images, seen: int, rng: torch.Generator, autocast: torch.dtype | None) -> dict[str, Tensor]:
        """The article's steps 1 to 5 on one batch: draw, generate, D's step with G held, G's step with D held."""
        for optimiser in (self.g_steps, self.d_steps):
            optimiser.param_groups[0]["lr"] = self.config.rate * self.rate_share
        epoch, start = divmod(seen, self.images_per_epoch)
        which = self._order(data, epoch)[start : start + self.config.batch]
        real = data.take(which, self.device)[0]
        z = torch.randn(2, len(real), self.config.net.z, generator=rng).to(self.device)
        with torch.autocast(self.device.type, autocast or torch.bfloat16, enabled=autocast is not None):
            figures = self._discriminator_step(real, z[0], rng) | self._generator_step(z[1], rng)
        self.average.update(self.generator, len(real), seen + len(real))
        return figures

    def _discriminator_step(self, real: Tensor, z: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """max_D V(D, G): real pictures towards 0.9 (one-sided smoothing), generated ones towards 0; G held."""
        with torch.no_grad():
            fake = self.generator(z)
        r, f = self.discriminator(torch.cat([real, fake]), rng).chunk(2)
        loss = _cross_entropy(r, self.config.real_label) + _cross_entropy(f, 0.0)
        self.d_steps.zero_grad(set_to_none=True)
        loss.backward()
        self.d_steps.step()
        right = ((r > 0).float().mean() + (f < 0).float().mean()) / 2
        return {"discriminator": loss.detach(), "accuracy": right}

    def _generator_step(self, z: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """min_G in its non-saturating form: generated pictures towards 1; D held (no gradients for its weights)."""
        self.discriminator.requires_grad_(False)
        loss = _cross_entropy(self.discriminator(self.generator(z), rng), 1.0)
        self.g_steps.zero_grad(set_to_none=True)
        loss.backward()
        self.g_steps.step()
        self.discriminator.requires_grad_(True)
        return {"generator": loss.detach()}

    def _order(self, data: Images, epoch: int) -> Tensor:
        if getattr(self, "_ordered", None) != epoch:
            self._ordered, self._places = epoch, data.shuffled(self.config.seed, epoch, 0, len(data))
        return self._places


def _cross_entropy(logits: Tensor, label: float) -> Tensor:
    """-[y log D + (1 - y) log(1 - D)], mean over the batch, from logits."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def _dense(*sizes: int) -> nn.ModuleList:
    return nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))


def _drop(x: Tensor, share: float, rng: torch.Generator) -> Tensor:
    if share == 0:
        return x
    kept = torch.rand(x.shape, generator=rng, device=rng.device).to(x.device) >= share
    return x * kept / (1 - share)
