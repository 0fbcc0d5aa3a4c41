"""Exact and near twins among pictures: equal bytes after decoding, or 16 x 16 thumbnails that hardly differ. No networks."""

import hashlib

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.image import resize, to_bytes

NEAR = 0.03  # root mean square difference of thumbnails, of a range of 2; the true twin in 3,201 garments: 0.002, the most alike: 0.069
_OF_CONTRAST = 0.15  # and at most this share of what a thumbnail varies by itself: line drawings and white on white are all alike else


class Twins:
    """Takes pictures one by one and says which earlier one, if any, each repeats."""

    def __init__(self, near: float = NEAR) -> None:
        self.near = near
        self._exact: dict[str, str] = {}
        self._names: list[str] = []
        self._thumbnails, self._contrasts = torch.empty(64, 3 * 16 * 16), torch.empty(64)

    def earlier(self, name: str, pixels: Float[Tensor, "3 h w"]) -> tuple[str, str] | None:
        """(name of the earlier picture, 'exact' or 'near'), or None and the picture is remembered."""
        digest = hashlib.sha256(to_bytes(pixels).numpy().tobytes() + str(tuple(pixels.shape)).encode()).hexdigest()
        if digest in self._exact:
            return self._exact[digest], "exact"
        small, count = resize(pixels, 16, 16), len(self._names)
        thumbnail, contrast = small.flatten(), (small - small.mean((1, 2), keepdim=True)).square().mean().sqrt()
        if count:
            away = (self._thumbnails[:count] - thumbnail).square().mean(1).sqrt()
            least = (_OF_CONTRAST * torch.maximum(self._contrasts[:count], contrast)).clamp(max=self.near)
            closest = int((away - least).argmin())
            if bool(away[closest] < least[closest]):
                return self._names[closest], "near"
        self._remember(name, digest, thumbnail, contrast)
        return None

    def _remember(self, name: str, digest: str, thumbnail: Tensor, contrast: Tensor) -> None:
        self._exact[digest] = name
        count = len(self._names)
        if count == len(self._thumbnails):
            self._thumbnails = torch.cat([self._thumbnails, torch.empty_like(self._thumbnails)])
            self._contrasts = torch.cat([self._contrasts, torch.empty_like(self._contrasts)])
        self._thumbnails[count], self._contrasts[count] = thumbnail, contrast
        self._names.append(name)
