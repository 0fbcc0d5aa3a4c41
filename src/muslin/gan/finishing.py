"""Training of the finishing net: the generator stays as it is, and what it drafts learns to look like a photograph of twice the size.

Half of each batch are pictures as the generator draws them when asked for them (`pairs`), and are to be drawn as they were; the other half are
drafts, of which only the discriminator has an opinion, and which keep their colours and masses. It looks at softened cloth: asked for grain, a net
draws lines where there is no cloth (docs/LOG.md). Same steps, penalties and sharing out among processes as `atelier`, which see.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base import parallel
from muslin.data.images import Images
from muslin.gan.atelier import AtelierTrainer
from muslin.gan.configs import AtelierConfig
from muslin.gan.layers import upsample
from muslin.gan.pairs import Pairs
from muslin.gan.redraw import apart, see

_KEPT = 2.0  # weight of a draft's colours and masses, beside 1 for what is drawn again
_MASS = 8  # px over which they are compared
_BEND = 0.1  # differences below this share of the range count by their square


class FinishTrainer(AtelierTrainer):
    """The networks of `AtelierTrainer`, of which the discriminator and the generator's last part learn."""

    def __init__(self, config: AtelierConfig, device: torch.device, count: int) -> None:
        super().__init__(config, device)
        self.generator.requires_grad_(False)
        assert self.generator.finish
        self.finish = self.generator.finish.requires_grad_(True)
        self.g_steps = torch.optim.Adam(self.finish.parameters(), config.rate, (config.beta1, config.beta2), fused=device.type != "mps")
        self.pairs = Pairs(self.generator.core, count).to(device)

    def step(self, data: Images, seen: int, rng: torch.Generator, autocast: torch.dtype | None) -> dict[str, Tensor]:
        """One discriminator and one generator step: pictures of even places are drawn again, drafts take the odd ones."""
        self._set_rate(seen)
        size, mine = self.config.batch, parallel.share(self.config.batch)
        whole = data.even(size, rng)
        which = whole[mine]
        turn = (torch.rand(size, generator=rng)[mine].to(self.device) < 0.5)[:, None, None, None] & self.config.mirror
        z = torch.randn(size, self.config.net.z, generator=rng)[mine].to(self.device)
        real, labels = data.take(which, self.device)
        self.pairs.find(whole[::2], data)
        codes = self.pairs.of(which[::2])
        punish = (seen // size) % self.config.penalty_every == 0
        real = torch.where(turn, real.flip(3), real)
        with torch.autocast(self.device.type, autocast or torch.bfloat16, enabled=autocast is not None):
            with torch.no_grad():
                w = self.generator.mapping(z[1::2], labels[1::2])
                ws = torch.stack([codes, w[:, None].expand_as(codes)], 1).flatten(0, 1)
                small = self.generator.unfinished(ws).clamp(-1, 1)
            small = torch.where(turn, small.flip(3), small)
            figures = self._both(real, small, labels, punish)
        self.average.update(self.generator, size, seen + size)
        return figures

    def _both(self, real: Tensor, small: Tensor, labels: Tensor, punish: bool) -> dict[str, Tensor]:
        drawn = self.finish(small)
        real_scores, figures = self._discriminator_step(real, drawn.detach(), labels, punish)
        self.discriminator.requires_grad_(False)
        word = self.loss.generator(real_scores, self.discriminator(drawn, labels))
        redraw, kept = apart(drawn[::2], see(real[::2])), away(drawn[1::2], small[1::2])
        self._descend(word + self.config.redraw * (redraw + _KEPT * kept), self.g_steps)
        return figures | {"generator": word.detach(), "redraw": redraw.detach(), "kept": kept.detach()}

    def parts(self) -> dict[str, Any]:
        """What a checkpoint holds, the codes found so far among it."""
        return super().parts() | {"pairs": self.pairs}


def away(drawn: Float[Tensor, "b 3 s2 s2"], small: Float[Tensor, "b 3 s s"]) -> Float[Tensor, ""]:
    """How far a finished draft has left the draft: light and colour over 8 px of the large picture, and hue at each pixel."""
    masses = F.smooth_l1_loss(F.avg_pool2d(drawn, _MASS), F.avg_pool2d(small, _MASS // 2), beta=_BEND)
    return masses + F.smooth_l1_loss(_hue(drawn), _hue(upsample(small)), beta=_BEND)


def _hue(pictures: Tensor) -> Tensor:
    return pictures - pictures.mean(1, keepdim=True)
