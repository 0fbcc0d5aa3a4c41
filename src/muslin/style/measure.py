"""How good a result is, by figures that the optimisation did not go down: layers held out, silhouette, ground, folds.

Always on the embedded encoder, whatever the backbone was, so that results of all backbones and methods compare. `cloth score` is ours:
(1 + content distance) (1 + style distance), lower is better; never quote it as another's metric.
"""

from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.colour import to_oklab
from muslin.base.image import blur, to_bytes
from muslin.data.ground import outline
from muslin.features.embedded import embedded
from muslin.style.losses import Wasserstein, content_loss, mask_at, moments

HELD_OUT = ("2e", "4e", "9e")  # no default of any backbone's style layers
CONTENT = "7"  # nor this one of its content layers


@dataclass(frozen=True)
class Measures:
    """Distances are 0 for a perfect one, and 1 where the energy of the difference is that of the target."""

    content: float  # on block 7's output: what is where
    style: float  # Wasserstein-2 on 2e, 4e, 9e, inside the mask
    cloth_score: float  # (1 + content) (1 + style)
    silhouette: float | None  # intersection over union of the outlines found in the result and in the content
    background: int | None  # largest change outside the mask, levels of 255
    shading: float | None  # correlation of the broad lightness with the content's, inside the mask

    def row(self) -> dict[str, float | int | None]:
        """The figures by name."""
        return asdict(self)


@torch.no_grad()
def measure(
    result: Float[Tensor, "3 h w"],
    content: Float[Tensor, "3 h w"],
    mask: Float[Tensor, "1 h w"] | None,
    styles: list[tuple[Float[Tensor, "3 a b"], float]],
) -> Measures:
    """`styles` at the size at which they lie on the content, with their weights; `mask` None: the whole picture."""
    net, area = embedded(), None if mask is None else mask[None]
    ours, theirs = net(result[None], (*HELD_OUT, CONTENT)), net(content[None], (CONTENT,))[CONTENT]
    away = content_loss(ours[CONTENT], theirs) / content_loss(theirs, torch.zeros_like(theirs)).clamp(min=1e-12)
    whole, far = sum(weight for _, weight in styles), 0.0
    targets = [(net(style[None], HELD_OUT), weight / whole) for style, weight in styles]
    for layer in HELD_OUT:
        mixed = sum((moments(maps[layer]).times(share) for maps, share in targets[1:]), moments(targets[0][0][layer]).times(targets[0][1]))
        at = None if area is None else mask_at(area, ours[layer].shape)
        far += float(Wasserstein(mixed, balance=True)(moments(ours[layer], at))) / len(HELD_OUT)
    score = (1 + float(away)) * (1 + far)
    if mask is None:
        return Measures(float(away), far, score, None, None, None)
    outside = (mask == 0).expand(3, -1, -1)
    # as files hold them: a content that was made larger lies between levels, and half a level's rounding is no change
    changed = int((to_bytes(result).int() - to_bytes(content).int()).abs()[outside].max()) if bool(outside.any()) else 0
    return Measures(float(away), far, score, silhouette(result, content), changed, folds_kept(result, content, mask))


def silhouette(result: Float[Tensor, "3 h w"], content: Float[Tensor, "3 h w"]) -> float | None:
    """Intersection over union of the outlines found in the result and in the content; 0 where the result has lost it.

    None where the content itself stands on no plain ground.
    """
    ours, theirs = outline(result), outline(content)
    if theirs is None:
        return None
    return 0.0 if ours is None else float((ours & theirs).sum() / (ours | theirs).sum().clamp(min=1))


def folds_kept(result: Float[Tensor, "3 h w"], content: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"]) -> float:
    """Correlation, inside the mask, of both pictures' lightness at the breadth of folds (a thirtieth of the side)."""
    inside = mask[0] > 0.99
    if int(inside.sum()) < 100:
        return 0.0
    broad = []
    for picture in (result, content):
        lightness, sigma = to_oklab(picture)[:1], max(picture.shape[1:]) / 30
        soft = blur(lightness * mask, sigma) / blur(mask, sigma).clamp(min=1e-3)
        broad.append(soft[0][inside] - soft[0][inside].mean())
    return float((broad[0] * broad[1]).sum() / (broad[0].norm() * broad[1].norm()).clamp(min=1e-6))
