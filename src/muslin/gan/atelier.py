"""One training step of `atelier`: losses from the table, lazy gradient penalties, even classes, averaged weights.

The penalties come every few steps (Karras et al. 2020) and in float32; the augmentation's strength follows how sure D is
(Karras et al. 2020b). Random numbers are drawn for the whole batch and shared out, so that the run does not depend on how many
processes make it. Does not know files, events or how long it goes on.
"""

import math
from typing import Any

import torch
from torch import Tensor

from muslin.base import parallel
from muslin.base.seeds import seeded_weights
from muslin.data.images import Images
from muslin.gan.augment import DRAWS, augment
from muslin.gan.average import Average
from muslin.gan.configs import AtelierConfig
from muslin.gan.discriminator import Discriminator
from muslin.gan.losses import LOSSES
from muslin.gan.synthesis import Generator


class AtelierTrainer:
    """Networks, optimisers and the two alternating steps. `rate_share` scales both rates; `strength` is the augmentation's."""

    def __init__(self, config: AtelierConfig, device: torch.device) -> None:
        self.config, self.device, self.loss = config, device, LOSSES[config.loss]
        with seeded_weights(config.seed, "atelier", "weights"):
            self.generator, self.discriminator = Generator(config.net), Discriminator(config.net)
        for network in (self.generator, self.discriminator):
            network.to(device).to(memory_format=torch.channels_last)
        self.average = Average(self.generator, config.average_half_life)
        betas = (config.beta1, config.beta2)
        self.g_steps = torch.optim.Adam(self.generator.parameters(), config.rate, betas, fused=device.type != "mps")
        self.d_steps = torch.optim.Adam(self.discriminator.parameters(), config.rate, betas, fused=device.type != "mps")
        self.strength = torch.tensor(config.strength, device=device)
        self.rate_share = 1.0

    @property
    def total(self) -> int:
        """Images to be seen in all."""
        return self.config.images

    def parts(self) -> dict[str, Any]:
        """What a checkpoint holds: everything with a state_dict."""
        named = {"generator": self.generator, "discriminator": self.discriminator, "average": self.average.network}
        return {**named, "g_steps": self.g_steps, "d_steps": self.d_steps}

    def step(self, data: Images, seen: int, rng: torch.Generator, autocast: torch.dtype | None) -> dict[str, Tensor]:
        """One discriminator and one generator step on a batch; figures as tensors (reading them would wait)."""
        self._set_rate(seen)
        size, mine = self.config.batch, parallel.share(self.config.batch)
        which = data.even(size, rng)
        draws = torch.rand(size, 2 * DRAWS + 1, generator=rng)[mine].to(self.device)
        z = torch.randn(size, self.config.net.z, generator=rng)[mine].to(self.device)
        real, labels = data.take(which[mine], self.device)
        if self.config.mirror:
            real = torch.where((draws[:, 0] < 0.5)[:, None, None, None], real.flip(3), real)
        punish = (seen // size) % self.config.penalty_every == 0
        with torch.autocast(self.device.type, autocast or torch.bfloat16, enabled=autocast is not None):
            real = augment(real.float(), draws[:, 1 : 1 + DRAWS], self.strength, self.config, data.ground)
            figures = self._both_steps(real, z, labels, draws[:, 1 + DRAWS :], punish, data.ground)
        self._adapt(figures)
        self.average.update(self.generator, size, seen + size)
        return figures | {"augmentation": self.strength}

    def _both_steps(self, real: Tensor, z: Tensor, labels: Tensor, draws: Tensor, punish: bool, ground: float) -> dict[str, Tensor]:
        # one generated batch serves both steps
        w = self.generator.mapping(z, labels)
        self._follow_mean(w.detach(), labels)
        fake = self.generator.synthesise(w[:, None].expand(-1, self.generator.layers, -1))
        fake = augment(fake, draws, self.strength, self.config, ground)
        real_scores, figures = self._discriminator_step(real, fake.detach(), labels, punish)
        self.discriminator.requires_grad_(False)
        loss = self.loss.generator(real_scores, self.discriminator(fake, labels))
        self._descend(self.g_steps, loss)
        return figures | {"generator": loss.detach()}

    def _discriminator_step(self, real: Tensor, fake: Tensor, labels: Tensor, punish: bool) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and gamma / 2 |grad D|^2 at real (and generated) pictures where it is due.

        The scores of the real pictures serve the generator's step as they are: one pass of D less, one step old.
        """
        self.discriminator.requires_grad_(True)
        r, f = self.discriminator(torch.cat([real, fake]), torch.cat([labels, labels])).chunk(2)
        loss = total = self.loss.discriminator(r, f)
        figures = {"discriminator": loss.detach(), "accuracy": parallel.mean((r > f).float().mean())}
        if punish:
            both = self.loss.both
            penalty = self._penalty(torch.cat([real, fake]) if both else real, torch.cat([labels, labels]) if both else labels)
            total = loss + self.config.gamma / 2 * self.config.penalty_every * penalty
            figures["penalty"] = penalty.detach()
        self._descend(self.d_steps, total)
        return r.detach(), figures

    def _descend(self, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        parallel.average_gradients(weight for group in optimiser.param_groups for weight in group["params"])
        optimiser.step()

    def _penalty(self, images: Tensor, labels: Tensor) -> Tensor:
        """R1 (+ R2; Mescheder et al. 2018): the mean squared norm of D's gradient at the pictures, the halves added."""
        with torch.autocast(self.device.type, enabled=False):
            images = images.float().detach().requires_grad_(True)
            scores = self.discriminator(images, labels)
            (slope,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
        return slope.square().flatten(1).sum(1).mean() * (2 if self.loss.both else 1)

    @torch.no_grad()
    def _follow_mean(self, w: Tensor, labels: Tensor) -> None:
        mean = self.generator.mapping.get_buffer("w_mean")
        counts = torch.bincount(labels, minlength=len(mean)).float()[:, None]
        away = torch.zeros_like(mean).index_add_(0, labels, w.float() - mean[labels])
        counts, away = parallel.mean(counts) * parallel.world(), parallel.mean(away) * parallel.world()
        mean += away / counts.clamp(min=1) * (1 - 0.99**counts)

    @torch.no_grad()
    def _adapt(self, figures: dict[str, Tensor]) -> None:
        # how sure D is, 2 * accuracy - 1, is held at the target: up by one over `adapt_over` images, or down
        if self.config.adapt_over:
            sure = 2 * figures["accuracy"] - 1
            self.strength += torch.sign(sure - self.config.target) * (self.config.batch / self.config.adapt_over)
            self.strength.clamp_(0, 0.8)

    def _set_rate(self, seen: int) -> None:
        late = (seen / self.total - (1 - self.config.decay_last)) / max(self.config.decay_last, 1e-9)
        share = (0.55 + 0.45 * math.cos(math.pi * min(max(late, 0.0), 1.0))) * self.rate_share
        for optimiser in (self.g_steps, self.d_steps):
            for group in optimiser.param_groups:
                group["lr"] = self.config.rate * share
