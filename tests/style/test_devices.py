"""The descent stays on one device: shapes and devices are followed through it without computing (no GPU is needed, and none is used)."""

from dataclasses import replace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from muslin.base.errors import SettingError
from muslin.features.backbones import on_device
from muslin.features.embedded import EmbeddedEncoder, embedded
from muslin.style.configs import StyleConfig
from muslin.style.dress import check
from muslin.style.objective import Objective, Problem, as_it_is
from muslin.style.optimise import _Scale

SHAPES = {name.replace("_", "."): x.shape for name, x in embedded().named_buffers()}
CONFIG = StyleConfig(precision="float32", tile=256)


def _problem(size, device):
    picture, mask = torch.empty(3, size, size, device=device), torch.empty(1, size, size, device=device)
    return Problem(picture, picture.clone(), [as_it_is(torch.empty(3, 64, 64))], mask, picture.clone())


def _encoder(device):
    return EmbeddedEncoder({name: torch.empty(shape, device=device) for name, shape in SHAPES.items()})


@pytest.mark.parametrize("statistic", ["w2", "gram"])
@pytest.mark.parametrize("size", [128, 300])
def test_all_of_the_loss_is_on_the_device_of_the_problem(statistic, size):
    config = replace(CONFIG, statistic=statistic)
    with FakeTensorMode(), torch.no_grad():
        objective = Objective(_problem(size, "cuda"), _encoder("cuda"), config, size, size)
        image = torch.empty(1, 3, size, size, device="cuda")
        tile = objective.tiles[0]
        losses = objective._sum(*objective._parts(tile.cut(objective._filled(image)), tile, 0))
        assert {value.device.type for value in losses.values()} == {"cuda"}
        scale = _Scale(objective, config, finest=True)
        assert scale._picture(image, image).device.type == "cuda"


def test_a_tensor_left_behind_is_noticed():
    with FakeTensorMode(), torch.no_grad(), pytest.raises(RuntimeError, match="device"):
        Objective(_problem(128, "cuda"), _encoder("cpu"), CONFIG, 128, 128)


def test_the_encoder_of_the_metrics_stays_where_it_is():
    assert on_device(embedded(), torch.device("cpu")) is embedded()
    moved = on_device(embedded(), torch.device("meta"))
    assert {x.device.type for x in moved.buffers()} == {"meta"}
    assert {x.device.type for x in embedded().buffers()} == {"cpu"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_device_that_is_not_there_is_told_first():
    with pytest.raises(SettingError, match="device cuda: not on this machine"):
        check(replace(CONFIG, device="cuda"))
