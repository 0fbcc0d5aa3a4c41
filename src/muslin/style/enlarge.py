"""From a small draft (28 to 256 px) to a garment with a clean silhouette at print size: content for the style engine.

Bicubic enlargement; a draft's silhouette and folds are drawn anew (data/draft_mask.py), a photograph's is the smooth level set of its own edge; the ground of
a draft becomes one colour; the garment's colours are carried out to the new edge, so that no pale rim is left. Adds no detail: that is the style's work.
"""

from jaxtyping import Float
from torch import Tensor

from muslin.base.image import blur, resize
from muslin.data.draft_mask import cut_draft
from muslin.data.ground import beside, extend, find_mask, ground_colour, shrink, without_specks

_DRAFT = 128  # px: larger pictures are photographs
_SMALL = 1.5  # enlarged by no more than this a picture is only resampled
_WAVERS = 0.6, 0.8  # px of the small picture: smoothing of a contour; the second, of a drawing of 48 px or more
_GRAIN = 0.3  # likewise, of cloth


def enlarge(draft: Float[Tensor, "3 h w"], size: int) -> tuple[Float[Tensor, "3 s t"], Float[Tensor, "1 s t"] | None]:
    """The draft with its longer side at `size` px, and its mask; the mask is None where there is no plain ground.

    Pictures that are already that large, or whose garment is not found, are only resampled. A hanger and the like are no
    garment: they stay in the picture as they are, beside the mask.
    """
    side, large = max(draft.shape[1:]), at_size(draft, size)
    factor, drawn = size / side, side <= _DRAFT
    cut = cut_draft(draft, *large.shape[1:]) if drawn and factor > _SMALL else None
    mask = cut.mask if cut else find_mask(large, reach=round(1.5 * factor) if factor > _SMALL else 0)
    if mask is None:
        return large, None
    aside = beside(large, mask, photo=not drawn)
    if factor <= _SMALL:
        return large, mask * (1 - aside)
    mask = without_specks(mask if cut else _smooth_edge(mask, factor * _WAVERS[drawn and side >= 48])) * (1 - aside)
    garment = cut.cloth if cut else blur(extend(large, shrink(mask, max(1, round(factor * 0.9)))), factor * _GRAIN)
    # a generator's ground is meant to be plain; a photograph's has its light and shadows
    ground = ground_colour(large)[:, None, None] if drawn else extend(large, shrink(1 - mask, max(1, round(factor))))
    content = (ground + mask * (garment - ground)).clamp(-1, 1)
    return content + aside * (large - content), mask


def at_size(picture: Float[Tensor, "c h w"], size: int) -> Float[Tensor, "c s t"]:
    """The picture with its longer side at `size` px."""
    factor = size / max(picture.shape[1:])
    return resize(picture, *(max(1, round(side * factor)) for side in picture.shape[1:]))


def _smooth_edge(mask: Tensor, reach: float) -> Tensor:
    """The contour without the draft's pixel steps: blurred over `reach` pixels, cut at one half, one pixel soft."""
    soft = blur(mask, reach)
    slope = reach * 2.5
    return ((soft - 0.5) * slope + 0.5).clamp(0, 1)
