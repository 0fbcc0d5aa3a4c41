"""Twins are told from garments that are merely alike."""

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
