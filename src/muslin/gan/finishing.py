"""Training of the finishing net: the generator stays as it is, and what it drafts learns to look like a photograph of twice the size.

Half of each batch are pictures that were made coarse and are to be drawn as they were; the other half are drafts, of which only the
discriminator has an opinion, and which keep their colours and masses. The more its word counts, the sooner it has lines drawn where there
is no cloth (docs/LOG.md). Same steps, penalties and sharing out among processes as `atelier`, which see.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base import parallel
from muslin.data.ground import find_mask
from muslin.data.images import Images
from muslin.gan.atelier import AtelierTrainer
from muslin.gan.configs import AtelierConfig
from muslin.gan.finish import DRAWS, FIELD, coarsened
from muslin.gan.layers import upsample
from muslin.gan.redraw import apart, see

_KEPT = 2.0  # weight of a draft's colours and masses, beside 1 for what is drawn again
_MASS = 8  # px over which they are compared
_BEND = 0.1  # differences below this share of the range count by their square


class FinishTrainer(AtelierTrainer):
    """The networks of `AtelierTrainer`, of which the discriminator and the generator's last part learn."""

    def __init__(self, config: AtelierConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.generator.requires_grad_(False)
        assert self.generator.finish
        self.finish = self.generator.finish.requires_grad_(True)
        self.g_steps = torch.optim.Adam(self.finish.parameters(), config.rate, (config.beta1, config.beta2), fused=device.type != "mps")
        self.solid: Tensor | None = None

    def step(self, data: Images, seen: int, rng: torch.Generator, autocast: torch.dtype | None) -> dict[str, Tensor]:
        """One discriminator and one generator step: pictures of even places are drawn again, drafts take the odd ones."""
        self._set_rate(seen)
        size, mine = self.config.batch, parallel.share(self.config.batch)
        which = data.even(size, rng)[mine]
        draws = torch.rand(size, DRAWS + 1, generator=rng)
        draws[:, 2:4] = draws[0, 2:4]  # one softness and roundness, for all processes
        draws = draws[mine].to(self.device)
        normal = torch.randn(size, self.config.net.z + FIELD, generator=rng)[mine].to(self.device)
        real, labels = data.take(which, self.device)
        solid = self._masks(data)[which].to(self.device).float() / 255
        if self.config.mirror:
            turn = (draws[:, 0] < 0.5)[:, None, None, None]
            real, solid = torch.where(turn, real.flip(3), real), torch.where(turn, solid.flip(3), solid)
        noise = [map[mine].to(self.device) for map in self.finish.noise(size, rng)]
        punish = (seen // size) % self.config.penalty_every == 0
        coarse = coarsened(real[::2], solid[::2], draws[::2, 1:], normal[::2, self.config.net.z :], data.ground)
        with torch.autocast(self.device.type, autocast or torch.bfloat16, enabled=autocast is not None):
            with torch.no_grad():
                w = self.generator.mapping(normal[1::2, : self.config.net.z], labels[1::2])
                drafts = self.generator.unfinished(w[:, None].expand(-1, self.generator.layers, -1)).clamp(-1, 1)
            small = torch.stack([coarse, drafts], 1).flatten(0, 1)
            figures = self._both(real, small, noise, labels, punish)
        self.average.update(self.generator, size, seen + size)
        return figures

    def _both(self, real: Tensor, small: Tensor, noise: list[Tensor], labels: Tensor, punish: bool) -> dict[str, Tensor]:
        drawn = self.finish(small, noise)
        real_scores, figures = self._discriminator_step(real, drawn.detach(), labels, punish)
        self.discriminator.requires_grad_(False)
        word = self.loss.generator(real_scores, self.discriminator(drawn, labels))
        redraw, kept = apart(drawn[::2], see(real[::2])), away(drawn[1::2], small[1::2])
        self._descend(word + self.config.redraw * (redraw + _KEPT * kept), self.g_steps)
        return figures | {"generator": word.detach(), "redraw": redraw.detach(), "kept": kept.detach()}

    @torch.no_grad()
    def _masks(self, data: Images) -> Tensor:
        """Where the garment is, (n, 1, size / 2, size / 2) uint8, found once; all of the picture where no garment stands on a plain ground."""
        if self.solid is None:
            whole = torch.ones(1, *data.pixels.shape[2:])
            found = (find_mask(pixels.cpu().float() / 127.5 - 1) for pixels in data.pixels)
            masks = (F.avg_pool2d(whole if mask is None else mask, 2) for mask in found)
            self.solid = torch.stack([(mask * 255).round().to(torch.uint8) for mask in masks])
        return self.solid


def away(drawn: Float[Tensor, "b 3 s2 s2"], small: Float[Tensor, "b 3 s s"]) -> Float[Tensor, ""]:
    """How far a finished draft has left the draft: light and colour over 8 px of the large picture, and hue at each pixel."""
    masses = F.smooth_l1_loss(F.avg_pool2d(drawn, _MASS), F.avg_pool2d(small, _MASS // 2), beta=_BEND)
    return masses + F.smooth_l1_loss(_hue(drawn), _hue(upsample(small)), beta=_BEND)


def _hue(pictures: Tensor) -> Tensor:
    return pictures - pictures.mean(1, keepdim=True)
