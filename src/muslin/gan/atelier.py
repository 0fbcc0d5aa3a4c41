"""One training step of `atelier`: relativistic loss, lazy gradient penalties, even classes, averaged weights.

Loss: relativistic pairing with R1 and R2 (Huang et al. 2024), the penalties every few steps (Karras et al. 2020) and
in float32. Does not know files, events or how long it goes on.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from muslin.base.seeds import seeded_weights
from muslin.data.images import Images
from muslin.gan.augment import augment
from muslin.gan.average import Average
from muslin.gan.configs import AtelierConfig
from muslin.gan.discriminator import Discriminator
from muslin.gan.synthesis import Generator


class AtelierTrainer:
    """Networks, optimisers and the two alternating steps."""

    def __init__(self, config: AtelierConfig, device: torch.device) -> None:
        self.config, self.device = config, device
        with seeded_weights(config.seed, "atelier", "weights"):
            self.generator, self.discriminator = Generator(config.net), Discriminator(config.net)
        for network in (self.generator, self.discriminator):
            network.to(device).to(memory_format=torch.channels_last)
        self.average = Average(self.generator, config.average_half_life)
        betas = (config.beta1, config.beta2)
        self.g_steps = torch.optim.Adam(self.generator.parameters(), config.rate, betas, fused=True)
        self.d_steps = torch.optim.Adam(self.discriminator.parameters(), config.rate, betas, fused=True)

    @property
    def total(self) -> int:
        """Images to be seen in all."""
        return self.config.images

    def step(self, data: Images, seen: int, rng: torch.Generator, autocast: torch.dtype | None) -> dict[str, Tensor]:
        """One discriminator and one generator step on a batch; figures as tensors (reading them would wait)."""
        self._set_rate(seen)
        size = self.config.batch
        real, labels = data.take(data.even(size, rng))
        if self.config.mirror:
            flip = torch.rand(size, generator=rng) < 0.5
            real = torch.where(flip[:, None, None, None], real.flip(3), real)
        real, labels = real.to(self.device), labels.to(self.device)
        z = torch.randn(size, self.config.net.z, generator=rng).to(self.device)
        punish = (seen // size) % self.config.penalty_every == 0
        with torch.autocast(self.device.type, autocast or torch.bfloat16, enabled=autocast is not None):
            figures = self._both_steps(self._augment(real, rng), z, labels, rng, punish)
        self.average.update(self.generator, size, seen + size)
        return figures

    def _both_steps(self, real: Tensor, z: Tensor, labels: Tensor, rng: torch.Generator, punish: bool) -> dict[str, Tensor]:
        # one generated batch serves both steps
        w = self.generator.mapping(z, labels)
        self._follow_mean(w.detach(), labels)
        fake = self._augment(self.generator.synthesise(w[:, None].expand(-1, self.generator.layers, -1)), rng)
        figures = self._discriminator_step(real, fake.detach(), labels, punish)
        self.discriminator.requires_grad_(False)
        with torch.no_grad():
            real_scores = self.discriminator(real, labels)
        loss = F.softplus(real_scores - self.discriminator(fake, labels)).mean()
        self.g_steps.zero_grad(set_to_none=True)
        loss.backward()
        self.g_steps.step()
        return figures | {"generator": loss.detach()}

    def _discriminator_step(self, real: Tensor, fake: Tensor, labels: Tensor, punish: bool) -> dict[str, Tensor]:
        """softplus(-(D(x) - D(G(z)))), and gamma / 2 |grad D|^2 at real and generated pictures where it is due."""
        self.discriminator.requires_grad_(True)
        r, f = self.discriminator(torch.cat([real, fake]), torch.cat([labels, labels])).chunk(2)
        loss = total = F.softplus(f - r).mean()
        figures = {"discriminator": loss.detach(), "accuracy": (r > f).float().mean().detach()}
        if punish:
            penalty = self._penalty(torch.cat([real, fake]), torch.cat([labels, labels]))
            total = loss + self.config.gamma / 2 * self.config.penalty_every * penalty
            figures["penalty"] = penalty.detach()
        self.d_steps.zero_grad(set_to_none=True)
        total.backward()
        self.d_steps.step()
        return figures

    def _penalty(self, images: Tensor, labels: Tensor) -> Tensor:
        """R1 + R2 (Mescheder et al. 2018): the mean squared norm of D's gradient at the pictures, both halves added."""
        with torch.autocast(self.device.type, enabled=False):
            images = images.float().detach().requires_grad_(True)
            scores = self.discriminator(images, labels)
            (slope,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
        return 2 * slope.square().flatten(1).sum(1).mean()

    @torch.no_grad()
    def _follow_mean(self, w: Tensor, labels: Tensor) -> None:
        mean = self.generator.mapping.get_buffer("w_mean")
        mean.index_add_(0, labels, (w.float() - mean[labels]) * 0.01)

    def _augment(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return augment(images.float(), rng, self.config.translate, self.config.scale, self.config.light)

    def _set_rate(self, seen: int) -> None:
        late = (seen / self.total - (1 - self.config.decay_last)) / max(self.config.decay_last, 1e-9)
        share = 0.55 + 0.45 * math.cos(math.pi * min(max(late, 0.0), 1.0))
        for optimiser in (self.g_steps, self.d_steps):
            for group in optimiser.param_groups:
                group["lr"] = self.config.rate * share
