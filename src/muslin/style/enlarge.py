"""From a small draft (28 to 256 px) to a garment with a clean silhouette at print size: content for the style engine.

Bicubic enlargement; the silhouette is the smooth level set of the draft's own edge; the ground of a draft becomes one colour; the
garment's colours are carried out to the new edge, so that no pale rim is left. Adds no detail: that is the style's work.
"""

from jaxtyping import Float
from torch import Tensor

from muslin.base.image import blur, resize
from muslin.data.ground import beside, extend, find_mask, ground_colour, shrink, without_specks

_DRAFT = 128  # px: larger pictures are photographs


def enlarge(draft: Float[Tensor, "3 h w"], size: int) -> tuple[Float[Tensor, "3 s t"], Float[Tensor, "1 s t"] | None]:
    """The draft with its longer side at `size` px, and its mask; the mask is None where there is no plain ground.

    Pictures that are already that large, or whose garment is not found, are only resampled. A hanger and the like are no
    garment: they stay in the picture as they are, beside the mask.
    """
    _, height, width = draft.shape
    factor, large = size / max(height, width), at_size(draft, size)
    mask = find_mask(large, reach=round(1.5 * factor) if factor > 1.5 else 0)
    if mask is None:
        return large, None
    drawn = max(height, width) <= _DRAFT
    aside = beside(large, mask, photo=not drawn)
    if factor <= 1.5:
        return large, mask * (1 - aside)
    # a generator's edge wavers by less than a pixel; photographs and drafts of a few pixels keep theirs
    fine = 96 <= max(height, width) <= _DRAFT  # a finished draft: its edge wavers more, and its cloth is not the cloth to come
    wavers, grain = (1.6, 1.1) if fine else (0.8 if 48 <= max(height, width) <= _DRAFT else 0.6, 0.3)
    mask = without_specks(_smooth_edge(mask, factor * wavers)) * (1 - aside)
    inner = shrink(mask, max(1, round(factor * 0.9)))
    garment = blur(extend(large, inner), factor * grain)
    # a generator's ground is meant to be plain; a photograph's has its light and shadows
    ground = ground_colour(large)[:, None, None] if drawn else extend(large, shrink(1 - mask, max(1, round(factor))))
    content = (ground + mask * (garment - ground)).clamp(-1, 1)
    return content + aside * (large - content), mask


def at_size(picture: Float[Tensor, "3 h w"], size: int) -> Float[Tensor, "3 s t"]:
    """The picture with its longer side at `size` px."""
    factor = size / max(picture.shape[1:])
    return resize(picture, round(picture.shape[1] * factor), round(picture.shape[2] * factor))


def _smooth_edge(mask: Tensor, reach: float) -> Tensor:
    """The contour without the draft's pixel steps: blurred over `reach` pixels, cut at one half, one pixel soft."""
    soft = blur(mask, reach)
    slope = reach * 2.5
    return ((soft - 0.5) * slope + 0.5).clamp(0, 1)
