"""The embedded encoder."""

import pytest
import torch

from muslin.base.errors import InputError
from muslin.base.image import resize
from muslin.features.backbones import load_backbone
from muslin.features.embedded import EmbeddedEncoder, embedded


def test_maps_have_the_sizes_of_the_paper(garment):
    small = resize(garment, 224, 224)[None]
    maps = embedded()(small, ("stem", "1e", "3e", "5e", "11e", "15", "pooled"))
    shapes = {name: tuple(x.shape[1:]) for name, x in maps.items()}
    assert shapes["stem"] == (32, 112, 112)
    assert shapes["3e"] == (144, 56, 56)
    assert shapes["15"] == (320, 7, 7)
    assert shapes["pooled"] == (1280,)
    assert all(0 <= float(maps[n].min()) and float(maps[n].max()) <= 6 for n in ("stem", "1e", "11e"))


def test_the_weights_are_the_trained_ones(garment):
    """Trained features tell garments apart from noise of the same colours; random weights do not know a flip from noise."""
    picture = resize(garment, 160, 160)
    noise = picture.flatten(1)[:, torch.randperm(160 * 160, generator=torch.Generator().manual_seed(0))].view(3, 160, 160)
    x = embedded()(torch.stack([picture, picture.flip(2), noise]), ("pooled",))["pooled"]
    flip = torch.cosine_similarity(x[0], x[1], dim=0)
    other = torch.cosine_similarity(x[0], x[2], dim=0)
    assert float(flip) > 0.8
    assert float(other) < 0.5


def test_gradients_reach_the_picture_and_not_the_weights(garment):
    picture = resize(garment, 64, 64)[None].requires_grad_(True)
    embedded()(picture, ("5e",))["5e"].sum().backward()
    assert picture.grad is not None
    assert float(picture.grad.abs().sum()) > 0
    assert not list(embedded().parameters())


def test_an_unknown_layer_names_the_nearest():
    with pytest.raises(InputError, match="did you mean"):
        embedded()(torch.zeros(1, 3, 64, 64), ("11f",))
    with pytest.raises(InputError, match="did you mean 'embedded'"):
        load_backbone("embeded")
    assert isinstance(load_backbone(), EmbeddedEncoder)
