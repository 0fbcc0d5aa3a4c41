"""Twins are told from garments that are merely alike."""

import torch

from muslin.assets import STARTER
from muslin.base.image import open_image, resize
from muslin.data.sources import open_source
from muslin.data.twins import Twins


def test_the_starter_set_has_no_twins():
    twins = Twins()
    for item in open_source(STARTER).items:
        assert twins.earlier(item.name, open_image(item.read(), item.name).pixels) is None


def test_a_copy_and_a_smaller_copy_are_found(garment):
    twins = Twins()
    assert twins.earlier("a", garment) is None
    assert twins.earlier("b", garment.clone()) == ("a", "exact")
    assert twins.earlier("c", resize(garment, 180, 180)) == ("a", "near")
    assert twins.earlier("d", garment.flip(0)) is None


def test_what_is_pale_or_thin_is_no_twin_of_another(garment):
    """A white garment on white, thin lines on paper: alike as pictures go, and yet two; a smaller copy of one is still found."""
    mask = (garment.mean(0, keepdim=True) < 0.9).float()
    pale = [1 - 0.04 * one.expand(3, -1, -1) for one in (mask, mask.flip(1), torch.zeros_like(mask))]
    twins = Twins()
    assert [twins.earlier(str(number), one) for number, one in enumerate(pale)] == [None, None, None]
    assert twins.earlier("smaller", resize(pale[0], 150, 150)) == ("0", "near")
