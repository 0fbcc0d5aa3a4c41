"""The mark in the pixels: found after what happens to pictures, and nowhere else."""

import pytest
import torch

from muslin.base.image import encode_jpeg, encode_png, open_image, resize
from muslin.provenance.watermark import LEAST, SURE, embed, found, pattern


@pytest.fixture(scope="module")
def marked(garment):
    return open_image(encode_png(embed(garment, b"ours"))).pixels


@pytest.mark.parametrize(
    "treat",
    [
        lambda x: x,
        lambda x: open_image(encode_jpeg(x, 70)).pixels,
        lambda x: x[:, 21:230, 13:240],
        lambda x: resize(x, 128, 128),
        lambda x: resize(x, 171, 171),
        lambda x: resize(x, 192, 192),
        lambda x: resize(x, 512, 512),
    ],
)
def test_it_is_found_after_jpeg_crops_and_resizing(marked, treat):
    assert found(treat(marked), b"ours") > SURE


def test_other_keys_and_unmarked_pictures_give_nothing(marked, garment, ikat):
    for pixels, key in ((marked, b"theirs"), (garment, b"ours"), (ikat, b"ours"), (torch.ones(3, 300, 300), b"ours")):
        assert found(pixels, key) < SURE


def test_it_changes_little_and_the_same_each_time(marked, garment):
    assert float(10 * torch.log10(4 / (marked - garment).square().mean())) > 44
    assert torch.equal(embed(garment, b"ours"), embed(garment, b"ours"))
    assert abs(float(pattern(b"ours").mean())) < 1e-6 and float(pattern(b"ours").std()) == pytest.approx(1, abs=1e-4)


def test_the_least_size_is_enough_and_odd_ones_are_looked_at(garment):
    odd = garment[:, :LEAST, :LEAST]
    assert found(embed(odd, b"ours"), b"ours") > SURE
    for height, width in ((1, 1), (63, 900), (65, 3000)):
        assert found(torch.zeros(3, height, width), b"ours") < SURE
