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
from muslin.base.seeds import seeded, seeded_weights
from muslin.data.images import Images
from muslin.gan.augment import DRAWS, augment
from muslin.gan.average import Average
from muslin.gan.configs import AtelierConfig
from muslin.gan.discriminator import DISCRIMINATORS
from muslin.gan.losses import LOSSES
from muslin.gan.prior import STEPS, fit_mapping
from muslin.gan.redraw import PRIOR, Redrawer, Seen, apart, see
from muslin.gan.synthesis import Generator

_ENCODER_RATE = 0.4  # of G's
_HEAD_START = 3_000  # images that D learns from alone, once G can redraw; then as many in which its word comes to count
_SOME = 4  # every so manieth picture of a batch is redrawn beside the contest
_STRONGEST = 0.8  # of the augmentation, unless it began above
_SETTLED = 10_000  # pictures that the mapping is fitted to, at most
_SHOWN, _SHOW_STEPS = 1_000, 300  # the same for what is shown while G learns to redraw: a glance


class AtelierTrainer:
    """Networks, optimisers and the two alternating steps. `rate_share` scales both rates; `strength` is the augmentation's."""

    def __init__(self, config: AtelierConfig, device: torch.device) -> None:
        self.config, self.device, self.loss = config, device, LOSSES[config.loss]
        with seeded_weights(config.seed, "atelier", "weights"):
            self.generator, self.discriminator = Generator(config.net), DISCRIMINATORS[config.discriminator](config.net)
            redraws = (config.warm or config.redraw) and not config.net.finish
            self.redrawer = Redrawer(config.net).to(device) if redraws else None
        for network in (self.generator, self.discriminator):
            network.to(device).to(memory_format=torch.channels_last)
        self.average = Average(self.generator, config.average_half_life)
        betas = (config.beta1, config.beta2)
        self.g_steps = torch.optim.Adam(self.generator.parameters(), config.rate, betas, fused=device.type != "mps")
        self.d_steps = torch.optim.Adam(self.discriminator.parameters(), config.rate, betas, fused=device.type != "mps")
        self.r_steps = torch.optim.Adam(self.redrawer.parameters()) if self.redrawer else None
        self.strength = torch.tensor(config.strength, device=device)
        self.rate_share, self.word = 1.0, 1.0  # `word`: what D's opinion counts for G

    @property
    def total(self) -> int:
        """Images to be seen in all."""
        return self.config.images

    def parts(self) -> dict[str, Any]:
        """What a checkpoint holds: everything with a state_dict."""
        named: dict[str, Any] = {"generator": self.generator, "discriminator": self.discriminator, "average": self.average.network}
        if self.redrawer:
            named |= {"redrawer": self.redrawer, "r_steps": self.r_steps}
        return {**named, "g_steps": self.g_steps, "d_steps": self.d_steps}

    def step(self, data: Images, seen: int, rng: torch.Generator, autocast: torch.dtype | None) -> dict[str, Tensor]:
        """One discriminator and one generator step on a batch; figures as tensors (reading them would wait)."""
        self._set_rate(seen)
        size, mine = self.config.batch, parallel.share(self.config.batch)
        which = data.even(size, rng)
        draws = torch.rand(size, 2 * DRAWS + 1, generator=rng)[mine].to(self.device)
        normal = torch.randn(size, self.config.net.z + (self.config.net.w if self.redrawer else 0), generator=rng)[mine].to(self.device)
        z, noise = normal[:, : self.config.net.z], normal[:, self.config.net.z :]
        real, labels = data.take(which[mine], self.device)
        if self.config.mirror:
            real = torch.where((draws[:, 0] < 0.5)[:, None, None, None], real.flip(3), real)
        punish = (seen // size) % self.config.penalty_every == 0
        if self.redrawer and not seen:
            self.redrawer.begin(self.generator.mapping)
        if self.config.warm and self.config.warm <= seen < self.config.warm + size:  # the contest's first step, wherever batches fall
            self._settle(data)
        with torch.autocast(self.device.type, autocast or torch.bfloat16, enabled=autocast is not None):
            if seen < self.config.warm:
                figures = self._redraw_step(real.float(), noise, labels)
            else:
                self.word = min(max((seen - self.config.warm) / _HEAD_START - 1, 0.0), 1.0) if self.config.warm else 1.0
                figures = self._both_steps(real.float(), (z, noise), labels, draws[:, 1:], punish, data.ground)
                self._adapt(figures)
                figures["augmentation"] = self.strength
        self.average.update(self.generator, size, seen + size)
        return figures

    def _redraw_step(self, real: Tensor, noise: Tensor, labels: Tensor) -> dict[str, Tensor]:
        assert self.redrawer and self.r_steps
        wanted = see(real)
        w, nats = self.redrawer.code(wanted, labels, noise)
        self._follow_mean(w.detach(), labels)
        redraw = apart(self._synthesise(w), wanted)
        self._descend(redraw + PRIOR * nats, self.g_steps, self.r_steps)
        return {"redraw": redraw.detach(), "nats": nats.detach()}

    def _both_steps(
        self, real: Tensor, chance: tuple[Tensor, Tensor], labels: Tensor, draws: Tensor, punish: bool, ground: float
    ) -> dict[str, Tensor]:
        # one generated batch serves both steps, and every fourth of it is a redrawn picture where `redraw` says so
        for_real, for_fake = draws.split(DRAWS, 1)
        some = see(real[::_SOME]) if self.config.redraw else None
        w, nats = self._latents(some, *chance, labels)
        drawn = self._synthesise(w)
        real, fake = (augment(x, d, self.strength, self.config, ground) for x, d in ((real, for_real), (drawn, for_fake)))
        real_scores, figures = self._discriminator_step(real, fake.detach(), labels, punish)
        self.discriminator.requires_grad_(False)
        loss = self.loss.generator(real_scores, self.discriminator(fake, labels))
        figures["generator"], loss = loss.detach(), self.word * loss
        if not some or not self.r_steps:
            self._descend(loss, self.g_steps)
            return figures
        redraw = apart(drawn[::_SOME], some)
        self._descend(loss + self.config.redraw * (redraw + PRIOR * nats), self.g_steps, self.r_steps)
        return figures | {"redraw": redraw.detach()}

    def _latents(self, some: Seen | None, z: Tensor, noise: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """w for a batch, every fourth of them the code of one of `some` pictures where there are any, and the codes' divergence.

        Once G has learned to redraw, its mapping stays what it was fitted to be: the contest is about how garments are drawn, not which.
        """
        warm = self.config.warm > 0
        with torch.set_grad_enabled(not warm):
            w = self.generator.mapping(z, labels)
        if not warm:
            self._follow_mean(w.detach(), labels)
        if not some or not self.redrawer:
            return w, w.new_zeros(())
        codes, nats = self.redrawer.code(some, labels[::_SOME], noise[::_SOME])
        return w.index_copy(0, torch.arange(0, len(w), _SOME, device=w.device), codes.to(w.dtype)), nats

    def _synthesise(self, w: Tensor) -> Tensor:
        return self.generator.synthesise(w[:, None].expand(-1, self.generator.layers, -1))

    @torch.no_grad()
    def _settle(self, data: Images) -> None:
        """The mapping is fitted to where the pictures lie, so that what is drawn from nothing is a garment and not between some."""
        fitted = self._fitted(data, _SETTLED, STEPS)
        self.generator.mapping.load_state_dict(fitted)
        self.average.network.get_submodule("mapping").load_state_dict(fitted)

    @torch.no_grad()
    def before_showing(self, data: Images, seen: int) -> None:
        """While G learns to redraw, the averaged generator's mapping is fitted for a look at drafts; G's own waits for the contest."""
        if self.config.warm and seen <= self.config.warm:
            self.average.network.get_submodule("mapping").load_state_dict(self._fitted(data, _SHOWN, _SHOW_STEPS))

    def _fitted(self, data: Images, most: int, steps: int) -> dict[str, Tensor]:
        assert self.redrawer
        codes = list[Tensor]()
        chosen = torch.randperm(len(data), generator=seeded(self.config.seed, "settle"))[:most]
        for part in chosen.split(64):
            pictures, labels = data.take(part, self.device)
            for view in (pictures, pictures.flip(3)) if self.config.mirror else (pictures,):
                codes.append(torch.cat([self.redrawer.code(see(view), labels)[0], labels[:, None].float()], 1))
        found = torch.cat(codes)
        with torch.enable_grad():
            fitted = fit_mapping(self.generator.mapping, found[:, :-1], found[:, -1].long(), self.config.seed, steps).state_dict()
        return {name: parallel.from_first(value) for name, value in fitted.items()}

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
        self._descend(total, self.d_steps)
        return r.detach(), figures

    def _descend(self, loss: Tensor, *optimisers: torch.optim.Optimizer) -> None:
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        for optimiser in optimisers:
            parallel.average_gradients(weight for group in optimiser.param_groups for weight in group["params"])
            optimiser.step()

    def _penalty(self, images: Tensor, labels: Tensor) -> Tensor:
        """R1 (+ R2; Mescheder et al. 2018): the mean squared norm of D's gradient at the pictures, the halves added."""
        with torch.autocast(self.device.type, enabled=False):
            images = images.float().detach().requires_grad_(True)
            scores = self.discriminator(images, labels)
            scores = scores.mean(1) if scores.dim() > 1 else scores  # a patch's: the picture's mean
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
            self.strength.clamp_(0, max(_STRONGEST, self.config.strength))

    def _set_rate(self, seen: int) -> None:
        config, warm = self.config, seen < self.config.warm
        late = (seen / self.total - (1 - config.decay_last)) / max(config.decay_last, 1e-9)
        share = _fallen(late, 0.1) * self.rate_share
        rate = config.warm_rate * _fallen(2 * seen / config.warm - 1, config.rate / config.warm_rate) if warm else config.rate
        # one who redraws has no opponent that moves: momentum helps
        betas = (0.9 if warm else config.beta1, config.beta2)
        for optimiser, part in ((self.g_steps, 1.0), (self.d_steps, config.d_rate), (self.r_steps, _ENCODER_RATE)):
            for group in optimiser.param_groups if optimiser else ():
                group["lr"] = rate * share * part
                group["betas"] = betas if optimiser is self.g_steps else group["betas"]


def _fallen(late: float, least: float) -> float:
    """1 until `late` is 0, then along a cosine to `least` at 1."""
    return least + (1 - least) * (0.5 + 0.5 * math.cos(math.pi * min(max(late, 0.0), 1.0)))
