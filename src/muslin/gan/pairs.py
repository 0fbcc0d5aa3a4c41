"""What a generator draws when asked for a photograph, beside that photograph: pairs that a finishing net learns from.

Its drafts are soft in their own way, with rims and stripes of their own. A photograph made coarse by rule is not soft in that way, and a net
that learned from such copies blew the drafts' marks up (docs/LOG.md); one that learned from the generator's own redrawings
knows them. Codes are found as `invert` finds them, many at once and in fewer steps. Does not know the finishing net.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from muslin.base import parallel
from muslin.base.seeds import seeded
from muslin.data.images import Images
from muslin.gan import latent, synthesis
from muslin.gan.invert import ProjectConfig, lengths, two_stages
from muslin.gan.redraw import apart, see

_SEARCH = ProjectConfig(starts=200, steps=25, layer_steps=15, apart=0.02)  # starts: for each class
_MASSES = 16  # tiles a side by whose colours a start is chosen
_BLOCK = 50  # starts drawn at once


class Pairs(nn.Module):
    """Codes of `count` pictures in W, one w for each layer of `core` (a generator without finishing net), found when they are first asked for."""

    def __init__(self, core: synthesis.Generator, count: int) -> None:
        super().__init__()
        self._core = [core]  # in a list: its weights are not this module's
        self.register_buffer("codes", torch.zeros(count, core.layers, core.net.w))
        self.register_buffer("known", torch.zeros(count, dtype=torch.bool))
        self._starts: dict[int, tuple[Tensor, Tensor]] = {}
        self._sigma = 0.0

    def of(self, which: Int[Tensor, " k"]) -> Float[Tensor, "k layers w"]:
        """The codes of the pictures with these numbers, as found; zeros where nothing was looked for."""
        codes = self.get_buffer("codes")
        return codes[which.to(codes.device)]

    def find(self, which: Int[Tensor, " k"], data: Images) -> None:
        """Look for those of the pictures that are not known. As long as one is not, others fill the block up to k: a search takes its time however few it is for.

        All processes ask for the same pictures; each looks for its share, and all hear of all.
        """
        codes, known = self.get_buffer("codes"), self.get_buffer("known").cpu()
        new = which[~known[which]].unique()
        if not len(new):
            return
        known[new] = True
        block = torch.cat([new, (~known).nonzero()[: len(which) - len(new), 0]])
        found, mine = codes.new_zeros(len(block), *codes.shape[1:]), torch.arange(parallel.rank(), len(block), parallel.world())
        if len(mine):
            pictures, labels = data.take(block[mine], codes.device)
            found[mine.to(codes.device)] = self._found(F.avg_pool2d(pictures, data.pixels.shape[2] // self._core[0].size), labels)
        codes[block.to(codes.device)] = parallel.mean(found) * parallel.world()
        self.get_buffer("known")[block.to(codes.device)] = True

    def _found(self, pictures: Float[Tensor, "k 3 s s"], labels: Int[Tensor, " k"]) -> Float[Tensor, "k layers w"]:
        core, wanted = self._core[0], see(pictures)
        self._sigma = sigma = self._sigma or float(latent.spread(core).std())
        mean = core.mapping.get_buffer("w_mean")[labels]

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
        wanted, nearest = F.adaptive_avg_pool2d(pictures, _MASSES).flatten(1), list[Tensor]()
        for one, label in zip(wanted, labels.tolist(), strict=True):
            if label not in self._starts:
                self._starts[label] = self._drafted(label, pictures.device)
            w, masses = self._starts[label]
            nearest.append(w[(masses - one).square().sum(1).argmin()])
        return torch.stack(nearest)

    def _drafted(self, label: int, device: torch.device) -> tuple[Float[Tensor, "n w"], Float[Tensor, "n k"]]:
        core = self._core[0]
        z = torch.randn(_SEARCH.starts, core.z_size, generator=seeded(_SEARCH.seed, "pairs", label)).to(device)
        w = core.mapping(z, torch.full((len(z),), label, device=device))
        drafts = (core.synthesise(part[:, None].expand(-1, core.layers, -1)).clamp(-1, 1) for part in w.split(_BLOCK))
        return w, torch.cat([F.adaptive_avg_pool2d(part, _MASSES).flatten(1) for part in drafts])
