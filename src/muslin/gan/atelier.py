"""One training step of `atelier`: relativistic loss and gradient penalties against the projected discriminator.

Loss: relativistic pairing with R1 and R2 (Huang et al. 2024), R1 and R2 at the features; discriminator: see `projected`. Does not know files, events or how long it goes on.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from muslin.base.seeds import seeded, seeded_weights
from muslin.data.images import Images
from muslin.features.embedded import embedded
from muslin.gan.augment import augment
from muslin.gan.average import Average
from muslin.gan.configs import AtelierConfig
from muslin.gan.projected import Discriminator, Features
from muslin.gan.synthesis import Generator


class AtelierTrainer:
    """Networks, optimisers and the two alternating steps."""

    def __init__(self, config: AtelierConfig, device: torch.device) -> None:
        self.config, self.device = config, device
        with seeded_weights(config.seed, "atelier", "weights"):
            self.generator = Generator(config.net)
            self.discriminator = Discriminator(config, embedded(), seeded(config.seed, "projections"))
        self.generator.to(device, memory_format=torch.channels_last)
        self.discriminator.to(device, memory_format=torch.channels_last)
        self.discriminator.encoder[0].to(device, memory_format=torch.channels_last)
        self.average = Average(self.generator, config.average_half_life)
        betas = (config.beta1, config.beta2)
        self.g_steps = torch.optim.Adam(self.generator.parameters(), config.rate, betas, fused=True)
        self.d_steps = torch.optim.Adam(self.discriminator.parameters(), config.rate_d, betas, fused=True)

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
        with torch.autocast(self.device.type, autocast or torch.bfloat16, enabled=autocast is not None):
            figures = self._both_steps(self._augment(real, rng), z, labels, rng, first=seen == 0)
        self.average.update(self.generator, size, seen + size)
        return figures

    def _both_steps(self, real: Tensor, z: Tensor, labels: Tensor, rng: torch.Generator, first: bool) -> dict[str, Tensor]:
        # D's features depend on no trained weight, so one generated batch and one pass of the encoder serve both steps
        if first:
            self.discriminator.calibrate(real)
        w = self.generator.mapping(z, labels)
        self._follow_mean(w.detach(), labels)
        fake = self.generator.synthesise(w[:, None].expand(-1, self.generator.layers, -1))
        fake_features = self.discriminator.features(self._augment(fake, rng))
        with torch.no_grad():
            real_features = self.discriminator.features(real)
        figures = self._discriminator_step(real_features, tuple(x.detach() for x in fake_features), labels)
        self.discriminator.requires_grad_(False)
        with torch.no_grad():
            real_scores = self.discriminator.judge(real_features, labels)
        loss = F.softplus(real_scores - self.discriminator.judge(fake_features, labels)).mean()
        loss_and_rim = loss + self.config.overflow * F.relu(fake.abs() - 1).square().mean()
        self.g_steps.zero_grad(set_to_none=True)
        loss_and_rim.backward()
        self.g_steps.step()
        return figures | {"generator": loss.detach()}

    def _discriminator_step(self, real: Features, fake: Features, labels: Tensor) -> dict[str, Tensor]:
        """softplus(-(D(x) - D(G(z)))) for each head, and the penalty on D's gradients at real and generated features."""
        self.discriminator.requires_grad_(True)
        both = tuple(torch.cat(pair).detach().requires_grad_(True) for pair in zip(real, fake, strict=True))
        with torch.autocast(self.device.type, enabled=False):
            both = tuple(x.float().detach().requires_grad_(True) for x in both)
            scores = self.discriminator.judge(both, torch.cat([labels, labels]))
            slopes = torch.autograd.grad(scores.sum(), both, create_graph=True)
        penalty = torch.stack([g.square().flatten(1).sum(1).mean() for g in slopes]).sum()
        r, f = scores.chunk(2)
        loss = F.softplus(f - r).mean()
        self.d_steps.zero_grad(set_to_none=True)
        (loss + self.config.gamma / 2 * penalty).backward()
        self.d_steps.step()
        right = (r > f).float().mean()
        return {"discriminator": loss.detach(), "accuracy": right.detach(), "penalty": penalty.detach()}

    @torch.no_grad()
    def _follow_mean(self, w: Tensor, labels: Tensor) -> None:
        mean = self.generator.mapping.get_buffer("w_mean")
        mean.index_add_(0, labels, (w.float() - mean[labels]) * 0.01)

    def _augment(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return augment(images, rng, self.config.translate, self.config.scale, self.config.light)

    def _set_rate(self, seen: int) -> None:
        late = (seen / self.total - (1 - self.config.decay_last)) / max(self.config.decay_last, 1e-9)
        share = 0.55 + 0.45 * math.cos(math.pi * min(max(late, 0.0), 1.0))
        for optimiser, rate in ((self.g_steps, self.config.rate), (self.d_steps, self.config.rate_d)):
            for group in optimiser.param_groups:
                group["lr"] = rate * share
