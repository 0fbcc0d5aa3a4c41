"""What a generator draws when asked for a photograph, beside that photograph: pairs that a finishing net learns from.

Its drafts are soft in their own way, with rims and stripes of their own. A photograph made coarse by rule is not soft in that way, and a net
that learned from such copies blew the drafts' marks up (docs/LOG.md); one that learned from the generator's own redrawings
knows them. Codes are found as `invert` finds them, many at once and in fewer steps, each when its picture is first asked for. Does not know the finishing net.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from muslin.base.seeds import seeded
from muslin.gan import latent, synthesis
from muslin.gan.invert import ProjectConfig, lengths, two_stages
from muslin.gan.redraw import apart, see

_SEARCH = ProjectConfig(starts=200, steps=25, layer_steps=15, apart=0.02)  # starts: for each class
_MASSES = 16  # tiles a side by whose colours a start is chosen
_BLOCK = 50  # starts drawn at once


class Pairs(nn.Module):
    """Codes of `count` pictures in W, one w for each layer of `core` (a generator without finishing net), found as they are asked for."""

    def __init__(self, core: synthesis.Generator, count: int) -> None:
        super().__init__()
        self._core = [core]  # in a list: its weights are not this module's
        self.register_buffer("codes", torch.zeros(count, core.layers, core.net.w))
        self.register_buffer("known", torch.zeros(count, dtype=torch.bool))
        self.starts: tuple[Tensor, Tensor] | None = None

    def of(self, which: Int[Tensor, " k"], pictures: Float[Tensor, "k 3 s s"], labels: Int[Tensor, " k"]) -> Float[Tensor, "k layers w"]:
        """The codes of the pictures with these numbers, which are given at the size of the core's in [-1, 1]; those not known are found."""
        codes, known = self.get_buffer("codes"), self.get_buffer("known")
        new = [place for place, number in enumerate(which.tolist()) if not known[number] and number not in which[:place]]
        if new:
            codes[which[new]] = self._found(pictures[new], labels[new])
            known[which[new]] = True
        return codes[which]

    def _found(self, pictures: Float[Tensor, "k 3 s s"], labels: Int[Tensor, " k"]) -> Float[Tensor, "k layers w"]:
        core, wanted = self._core[0], see(pictures)
        sigma, mean = float(latent.spread(core).std()), core.mapping.get_buffer("w_mean")[labels]

        def losses(place: Float[Tensor, "k l w"]) -> dict[str, Tensor]:
            rows = place.expand(-1, core.layers, -1)
            drawn = core.synthesise(mean[:, None] + sigma * rows)
            return {"picture": apart(drawn, wanted)} | lengths(rows, _SEARCH.typical, _SEARCH.apart)

        search = two_stages(((self._nearest(pictures, labels) - mean) / sigma)[:, None], core.layers, losses, _SEARCH)
        while True:
            try:
                next(search)
            except StopIteration as last:
                return mean[:, None] + sigma * torch.as_tensor(last.value)

    @torch.no_grad()
    def _nearest(self, pictures: Float[Tensor, "k 3 s s"], labels: Int[Tensor, " k"]) -> Float[Tensor, "k w"]:
        """Of some drafts of each picture's class the one with the nearest masses and colours."""
        if self.starts is None:
            self.starts = self._drafted(pictures.device)
        w, masses = self.starts
        wanted = F.adaptive_avg_pool2d(pictures, _MASSES).flatten(1)
        return torch.stack(
            [w[label, torch.cdist(one[None], masses[label])[0].argmin()] for one, label in zip(wanted, labels.tolist(), strict=True)]
        )

    def _drafted(self, device: torch.device) -> tuple[Float[Tensor, "classes n w"], Float[Tensor, "classes n k"]]:
        core, codes, masses = self._core[0], list[Tensor](), list[Tensor]()
        for label in range(max(core.classes, 1)):
            z = torch.randn(_SEARCH.starts, core.z_size, generator=seeded(_SEARCH.seed, "pairs", label)).to(device)
            codes.append(core.mapping(z, torch.full((len(z),), label, device=device)))
            ws = codes[-1][:, None].expand(-1, core.layers, -1)
            drafts = torch.cat([core.synthesise(part).clamp(-1, 1) for part in ws.split(_BLOCK)])
            masses.append(F.adaptive_avg_pool2d(drafts, _MASSES).flatten(1))
        return torch.stack(codes), torch.stack(masses)
