"""The finishing net: a small picture drawn again at twice its size, with the edges, seams and cloth that it lacks.

The picture is first cleaned: what is inside the garment softened, its rim given the colour of what lies within, so that a generator's own
marks are not taken for cloth. A U-Net (Ronneberger et al. 2015) follows whose output is added to the enlarged picture, half of its work
at the small size. It is told noise, as whoever invents cloth must have something to invent it from (Karras et al. 2019; without it: pinstripes
everywhere, docs/LOG.md); once trained it is always the same noise, and a latent is a picture. How a coarse picture is made
from a fine one, to learn from, is here too. Does not know the generator nor how it is trained.
"""

import itertools

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from muslin.base.seeds import seeded
from muslin.gan.layers import Conv, upsample

_WIDTHS = (1.0, 1.6, 2.4, 3.2)  # of the net's width, at the small size and each time halved
_LAST = 0.6  # likewise, at twice the size
_LEAK = 0.2
_GRAIN = 0.3  # how loud noise is at the start
GARMENT = (0.1, 0.3)  # difference from the ground's colour (of a range of 2): from here to there a pixel becomes the garment's
RIM, THIN, CLEAN = 2, 0.02, 1.5  # px; weight of a rim's own colour; px of the softening
EDGE, HOLE, BLEND = 3, 4, 1.0  # px of a finished draft: its edge, pale places that are the garment's all the same, from one to the other
DRAWS = 4  # uniform numbers that one picture's coarsening takes, beside FIELD normal ones that bend it
_GRID = 8
FIELD = 2 * _GRID**2
_BENT = 1.8  # px by which a contour is led astray, one standard deviation, at most
_SOFT, _ROUND = (1.0, 4.0), (0.8, 2.3)  # px: blur of what is inside, and of the contour
_STEEP = 5.0  # how sharp a rounded contour is cut
_RIM, _GROUND = 0.25, 0.98  # how much darker the edge may be; how bright the ground is


class Finish(nn.Module):
    """(b, 3, side, side) -> (b, 3, 2 side, 2 side), about [-1, 1]; side a multiple of 8. `width`: channels at the small size."""

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.side = side
        widths, last = [round(width * share) for share in _WIDTHS], round(width * _LAST)
        pairs = list(itertools.pairwise(widths))
        self.first = Conv(3, widths[0], 3)
        self.keeps = nn.ModuleList(Conv(a, a, 3) for a, _ in pairs)
        self.downs = nn.ModuleList(Conv(a, b, 3) for a, b in pairs)
        self.middle = nn.ModuleList(Conv(widths[-1], widths[-1], 3) for _ in range(3))
        self.ups = nn.ModuleList(Twice(b + a, a) for a, b in reversed(pairs))
        self.large = Twice(widths[0], last)
        self.rgb = Conv(last, 3, 3, scale=0.2)  # quiet at the start
        self.grains = nn.ModuleList(Conv(1, wide, 3, bias=False, scale=_GRAIN) for wide in (widths[0], widths[1], last))
        for number, map in enumerate(self.noise(1, seeded(0, "finish", "noise"))):
            self.register_buffer(f"noise{number}", map)

    def noise(self, count: int, generator: torch.Generator) -> list[Float[Tensor, "b 1 h w"]]:
        """Normal numbers to invent cloth from: for the small size, half of it, and twice."""
        sides = (self.side, self.side // 2, 2 * self.side)
        return [torch.randn(count, 1, side, side, generator=generator) for side in sides]

    def forward(self, small: Float[Tensor, "b 3 s s"], noise: list[Tensor] | None = None) -> Float[Tensor, "b 3 s2 s2"]:
        """The picture, finished, by its own noise or another's; float32."""
        noise = noise or [self.get_buffer(f"noise{number}") for number in range(3)]
        small = cleaned(small)
        grains = [grain(map) for grain, map in zip(self.grains, noise, strict=True)]
        x, skips = active(self.first(small.contiguous(memory_format=torch.channels_last)) + grains[0]), list[Tensor]()
        for keep, down in zip(self.keeps, self.downs, strict=True):
            skips.append(active(keep(x)))
            x = active(down(F.avg_pool2d(skips[-1], 2)))
        for layer in self.middle:
            x = x + 0.5 * active(layer(x))
        for up in self.ups:
            x = torch.cat([upsample(x), skips.pop()], 1)
            x = up(x, grains[1] if x.shape[2] == noise[1].shape[2] else None)
        x = self.rgb(self.large(upsample(x), grains[2])).float()
        return upsample(small).float() + torch.as_tensor(x)


class Twice(nn.Module):
    """Two convolutions, each activated; a map of noise may be added to the first's."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.one, self.two = Conv(inputs, outputs, 3), Conv(outputs, outputs, 3)

    def forward(self, x: Float[Tensor, "b i h w"], grain: Tensor | None = None) -> Float[Tensor, "b o h w"]:
        """(b, inputs, h, w) -> (b, outputs, h, w)."""
        x = self.one(x)
        return active(self.two(active(x if grain is None else x + grain)))


def cleaned(small: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 s s"]:
    """The garment's colours softened and carried out to its edge from what lies within; the ground, known by the border's colour, as it is."""
    small = small.float()
    solid = solid_of(small)
    within = -_widest(-solid, RIM)
    weight = within + THIN * solid + 1e-4  # what is nowhere wider than its rim keeps its colours
    inside = gaussian(small * weight, CLEAN) / gaussian(weight, CLEAN)
    return solid * inside + (1 - solid) * small


def calmed(finished: Float[Tensor, "b 3 s s"], draft: Float[Tensor, "b 3 s s"], sigma: float) -> Float[Tensor, "b 3 s s"]:
    """A finished draft whose cloth is the (enlarged) draft's with what finishing adds to it softened by `sigma` px; its outline, and 3 px within, as finished.

    Gaps of less than 9 px are as the cloth beside them, as pale places within it are. Who invents cloth invents too much of it: grain where it should have been plain (docs/LOG.md). In [-1, 1].
    """
    finished = finished.clamp(-1, 1)
    within = gaussian(-_widest(-_garment_of(finished), EDGE), BLEND)
    added = finished - draft
    return draft + within * gaussian(added, sigma) + (1 - within) * added


def _garment_of(pictures: Tensor) -> Tensor:
    """1 on the garment, pale places within it too, 0 on the ground."""
    return -_widest(-_widest(solid_of(pictures), HOLE), HOLE)


def _widest(x: Tensor, reach: int) -> Tensor:
    return F.max_pool2d(x, 2 * reach + 1, 1, reach)


def solid_of(pictures: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 1 s s"]:
    """1 on the garment, 0 on the ground, known by the border's colour, straight between (`GARMENT`)."""
    border = torch.cat([pictures[..., 0, :], pictures[..., -1, :], pictures[..., :, 0], pictures[..., :, -1]], -1)
    apart = (pictures - border.mean(-1)[:, :, None, None]).abs().amax(1, keepdim=True)
    return ((apart - GARMENT[0]) / (GARMENT[1] - GARMENT[0])).clamp(0, 1)


def active(x: Tensor) -> Tensor:
    """Leaky relu of slope 0.2."""
    return F.leaky_relu(x, _LEAK)


@torch.no_grad()
def coarsened(
    fine: Float[Tensor, "b 3 s2 s2"],
    solid: Float[Tensor, "b 1 s s"],
    draws: Float[Tensor, "b k"],
    field: Float[Tensor, "b n"],
    ground: float,
) -> Float[Tensor, "b 3 s s"]:
    """Pictures in [-1, 1] at half their size as a generator would draft them: the contour bent and rounded, what is inside softened.

    `solid` is 1 on the garment; `draws` (b, DRAWS) uniform and `field` (b, FIELD) normal numbers are the chance in it, of which the
    first picture's settle for the whole batch how soft and how round; `ground` is 1 (light) or -1 (dark).
    """
    side = solid.shape[2]
    astray = F.interpolate(field.view(-1, 2, _GRID, _GRID), size=(side, side), mode="bicubic", align_corners=False)
    straight = F.affine_grid(torch.eye(2, 3, device=fine.device).expand(len(fine), -1, -1), [len(fine), 1, side, side], align_corners=False)
    bent = straight + (astray * draws[:, :1, None, None] * (2 * _BENT / side)).permute(0, 2, 3, 1)
    both = F.grid_sample(torch.cat([F.avg_pool2d(fine, 2), solid], 1), bent, padding_mode="border", align_corners=False)
    inside, solid = both[:, :3], both[:, 3:]
    soft, around = (float(least + (most - least) * draws[0, i]) for i, (least, most) in ((1, _SOFT), (2, _ROUND)))
    inside = gaussian(inside * solid, soft) / gaussian(solid, soft).clamp(min=1e-2)
    solid = ((gaussian(solid, around) - 0.5) * _STEEP + 0.5).clamp(0, 1)
    inside = (inside + ground) * (1 - _RIM * draws[:, 3:4, None, None] * 4 * solid * (1 - solid)) - ground
    return (inside.clamp(-1, 1) * solid + (1 - solid) * (_GROUND * ground)).to(fine.dtype)


def gaussian(x: Float[Tensor, "b c h w"], sigma: float) -> Float[Tensor, "b c h w"]:
    """Blurred by a Gaussian of `sigma` px, the edges reflected: plain convolutions, which an export to ONNX or Keras has too (`base.image.blur` works by strips, in place)."""
    weights, reach = bell(sigma).to(x).expand(x.shape[1], 1, -1), len(bell(sigma)) // 2
    x = F.pad(x, (reach, reach, reach, reach), "reflect")
    x = F.conv2d(x, weights[:, :, None, :], groups=x.shape[1])
    return F.conv2d(x, weights[:, :, :, None], groups=x.shape[1])


def bell(sigma: float) -> Float[Tensor, " n"]:
    """The weights of a Gaussian of `sigma` px, as far as three of these; their sum is 1."""
    reach = max(int(3 * sigma + 0.5), 1)
    weights = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * sigma**2))
    return weights / weights.sum()
