"""The one door to tifffile: pictures of 16 bits a channel for print, with sRGB profile, DPI, text and XMP. Pillow reads all others."""

import io

import numpy as np
import tifffile
import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.image import SRGB


def encode_tiff(pixels: Float[Tensor, "3 h w"], dpi: float, text: str = "", xmp: str = "") -> bytes:
    """TIFF bytes (deflate) of a picture in [-1, 1]: 16 bits RGB, sRGB profile, `dpi`, `text` as UTF-8 ImageDescription, XMP."""
    values = ((pixels.clamp(-1, 1) + 1) * 32767.5).round().permute(1, 2, 0).numpy().astype(np.uint16)
    out, packet = io.BytesIO(), xmp.encode()
    more = [(700, 1, len(packet), packet, True)] if packet else []  # 700: XMP, 1: bytes, True: on the first page
    tifffile.imwrite(
        out, values, photometric="rgb", compression="zlib", predictor=True, resolution=(dpi, dpi), resolutionunit="INCH",
        description=text.encode(), software="Muslin", iccprofile=SRGB, metadata=None, extratags=more,
    )  # fmt: skip
    return out.getvalue()


def decode_tiff(content: bytes) -> Float[Tensor, "3 h w"] | None:
    """The picture of a file that `encode_tiff` wrote, in [-1, 1] with all its levels; None for other files, which have their own ways."""
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            page = file.pages.first
            if page.dtype != np.uint16 or page.ndim != 3 or page.shape[2] != 3 or page.iccprofile != SRGB or page.software != "Muslin":
                return None
            values = page.asarray().astype(np.float64) / 32767.5 - 1
    except (tifffile.TiffFileError, OSError, ValueError, LookupError):
        return None
    return torch.from_numpy(values).float().permute(2, 0, 1).contiguous()
