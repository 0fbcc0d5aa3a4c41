"""TIFF for print: 16 bits, profile, dots an inch, text; read back by another program (Pillow)."""

import io

import pytest
import tifffile
import torch
from PIL import Image

from muslin.base.image import open_image, read_text
from muslin.base.tiff import encode_tiff


def test_sixteen_bits_profile_and_size(ikat):
    content = encode_tiff(ikat, 300, '{"name": "彩"}')
    page = tifffile.TiffFile(io.BytesIO(content)).pages[0]
    assert page.dtype == "uint16"
    values = torch.from_numpy(page.asarray().astype("float32")).permute(2, 0, 1) / 32767.5 - 1
    assert float((values - ikat).abs().max()) < 2e-5
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["dpi"] == (300, 300)
        assert image.info["icc_profile"]
    assert read_text(content, "x")["description"] == '{"name": "彩"}'
    assert float((open_image(content).pixels - ikat).abs().max()) == pytest.approx(0, abs=0.02)
