"""The relief network: light and lines of construction found beneath a print; its training."""

from dataclasses import replace

import pytest
import torch

from muslin.assets import STARTER
from muslin.base.checkpoint import save_checkpoint
from muslin.base.colour import to_oklab
from muslin.base.errors import InputError, SettingError
from muslin.base.image import open_image, resize
from muslin.data.ground import find_mask, shrink
from muslin.data.sources import open_source
from muslin.style.laying import lay
from muslin.style.relief import ReliefConfig, find_relief, load_relief, new_relief, relative, save_relief, seen
from muslin.style.relief_samples import SEEN, draw_reliefs, plain_garment
from muslin.style.relief_train import ReliefTraining, train_relief
from muslin.style.shading import light, plain, shading

TINY = ReliefTraining(batches=4, batch=2, side=64, every=2, net=ReliefConfig((4, 8, 8, 8, 8)))


@pytest.fixture(scope="module")
def plain_one():
    """A square of one colour with folds and a dark seam, 256 px, and its line drawing."""
    across = torch.arange(256).expand(256, 256).float()
    lit = 0.6 + 0.1 * torch.sin(across / 14) - 0.2 * torch.exp(-((across.T - 128) / 2).square())
    picture, drawing = torch.ones(3, 256, 256), torch.ones(1, 256, 256)
    picture[:, 30:226, 30:226] = lit[30:226, 30:226]
    drawing[:, 127:130, 30:226] = -1
    return picture, drawing


def test_the_shipped_network_finds_light_beneath_a_print_that_it_never_saw(ikat):
    """Plain garments cut anew from ikat: what is taken for their shading is wrong by less than half of what lightness is; uncut they keep their own."""
    items = [item for item in open_source(STARTER).items if item.label in ("shirt", "skirt", "pants", "t-shirt")]
    tried, blank = 0, torch.ones(1, SEEN, SEEN)
    for item in items[::6]:
        picture = resize(open_image(item.read()).pixels, SEEN, SEEN)
        if plain_garment(picture, blank, item.label) is None:
            continue
        mask, tried = find_mask(picture), tried + 1
        inside = shrink(mask, 4)[0] > 0.9
        lit = relative(to_oklab(picture)[:1], mask)
        printed = light(lay(ikat, mask, 1.0, 0), 1 + lit, 1.0) * mask + picture * (1 - mask)
        truth, by_lightness, found, uncut = (
            shading(x, mask)[0][inside] for x in (picture, printed, plain(printed, mask)[0], plain(picture, mask)[0])
        )
        assert float((found - truth).square().mean()) < 0.25 * float((by_lightness - truth).square().mean()), item.name
        assert float((uncut - truth).square().mean().sqrt()) < 0.05, item.name
    assert tried >= 3


def test_a_stopped_training_goes_on_as_if_never_stopped(tmp_path, plain_one, ikat, stopped_equals_unbroken):
    one = plain_garment(*plain_one, "shirt")
    stopped_equals_unbroken(lambda folder: train_relief(folder, [one], [ikat], TINY), "relief.safetensors")
    with pytest.raises(InputError, match="begun with other settings"):
        list(train_relief(tmp_path / "whole", [one], [ikat], replace(TINY, rate=1.0)))
    with pytest.raises(InputError, match="one of them is empty"):
        list(train_relief(tmp_path / "new", [], [ikat], TINY))
    with pytest.raises(SettingError, match="multiple of 16"):
        list(train_relief(tmp_path / "new", [one], [ikat], replace(TINY, side=100)))


def test_training_learns(tmp_path, plain_one, ikat):
    """In 60 steps lines are found, and light is told better than at first."""
    config = replace(TINY, batches=60, batch=4, every=60, side=96, net=ReliefConfig((8, 8, 8, 8, 8)))
    figures = [
        news.figures for news in train_relief(tmp_path, [plain_garment(*plain_one, "shirt")], [ikat], config) if hasattr(news, "figures")
    ]
    assert figures[-1]["lines"] < 0.7 * figures[0]["lines"]
    assert figures[-1]["folds"] < figures[0]["folds"]


def test_batches_depend_on_their_number_alone(plain_one, ikat):
    kinds = {"shirt": [plain_garment(*plain_one, "shirt")]}
    first, again, other = (draw_reliefs(kinds, [ikat], 4, 64, turn) for turn in (0, 0, 1))
    assert torch.equal(first.garment, again.garment) and not torch.equal(first.garment, other.garment)
    assert float(first.lines.max()) > 0.5 and float(first.relief.abs().max()) > 0.05


def test_only_plain_garments_are_learned_from(plain_one, garment, ikat):
    picture, drawing = plain_one
    mask = find_mask(picture)
    one = plain_garment(picture, drawing, "shirt")
    assert one is not None and float(one.layers[1].max()) > 0.9
    assert plain_garment(lay(ikat, mask, 1.0, 0) * mask + 1 - mask, drawing, "shirt") is None
    assert plain_garment(torch.ones(3, 256, 256), drawing, "shirt") is None


def test_black_cloths_folds_count_more():
    """The same steps of light make smaller steps on black cloth; relative lightness makes up for most of it."""
    mask, fold = torch.ones(1, 8, 8), torch.linspace(0.8, 1.2, 64).view(1, 8, 8)
    white, black = (float(relative(tone * fold, mask).std()) for tone in (0.9, 0.2))
    assert 0.3 < black / white < 1
    assert seen(torch.zeros(3, 8, 8), mask).shape == (5, 8, 8)


def test_sizes_and_narrow_masks_are_answered():
    """Any size, a garment of a few pixels, and none; the ground gets nothing."""
    assert float(find_relief(torch.zeros(3, 40, 50), torch.zeros(1, 40, 50)).lines.sum()) == 0
    for height, width, box in ((64, 64, 40), (300, 200, 150), (40, 600, 20), (33, 47, 2)):
        mask = torch.zeros(1, height, width)
        mask[:, 5 : 5 + box, 5 : 5 + box] = 1
        found = find_relief(torch.rand(3, height, width) * 2 - 1, mask)
        for layer in (found.light, found.calm, found.lines):
            assert layer.shape == mask.shape and bool(layer.isfinite().all())
            assert float(layer.abs()[mask == 0].sum()) == 0


def test_what_is_no_relief_network_is_told(tmp_path):
    wrong = save_checkpoint(tmp_path / "x.safetensors", {"a": torch.zeros(1)}, {"kind": "generator"})
    with pytest.raises(InputError, match="not a relief network"):
        load_relief(wrong)
    broken = save_relief(tmp_path / "y.safetensors", new_relief(ReliefConfig((4, 8, 8, 8, 8))), {})
    tensors = {"lift.weight": torch.zeros(1)}
    save_checkpoint(broken, tensors, {"kind": "relief", "config": {}})
    with pytest.raises(InputError, match="do not fit its config"):
        load_relief(broken)
