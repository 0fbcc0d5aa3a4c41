"""The loop: resume bit for bit, what may change and what may not, what ends it."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from muslin.base.checkpoint import load_checkpoint
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Finished, Note, Saved, Step
from muslin.data.fashion_mnist import load_fashion_mnist
from muslin.data.loader import load_images
from muslin.gan.configs import PRESETS, AtelierConfig, AtelierNet, ClassicConfig
from muslin.gan.generators import load_generator
from muslin.gan.train import GENERATOR, STATE, train

FILES = Path(__file__).parents[1] / "files"
CLASSIC = replace(PRESETS["classic"], epochs=3, save_every=1000, report_every=500)
ATELIER = AtelierConfig(
    net=AtelierNet(size=32, z=16, w=32, cbase=256, cmax=16), images=96, batch=8, save_every=48, report_every=8, average_half_life=50
)


def _data(config):
    return load_fashion_mnist(FILES) if isinstance(config, ClassicConfig) else load_images("starter", 32, 3, ("dress", "skirt"))


def _until(events, count):
    for event in events:
        if isinstance(event, Saved):
            count -= 1
            if count == 0:
                events.close()
                return


# broken off within the warm part (at 48 of 72 images), and with redrawing beside the contest after it
WARM = replace(ATELIER, warm=72, redraw=1.0)


@pytest.mark.parametrize("config", [CLASSIC, ATELIER, WARM], ids=["classic", "atelier", "warm"])
def test_a_stopped_run_goes_on_as_if_never_stopped(tmp_path, config):
    data = _data(config)
    assert isinstance(list(train(tmp_path / "whole", data, config, "cpu"))[-1], Finished)
    _until(train(tmp_path / "broken", data, config, "cpu"), 1)
    events = list(train(tmp_path / "broken", data, config, "cpu"))
    assert isinstance(events[0], Note)
    for name in (STATE, GENERATOR):
        whole, broken = (load_checkpoint(tmp_path / run / name)[0] for run in ("whole", "broken"))
        assert whole.keys() == broken.keys()
        assert all(torch.equal(whole[key], broken[key]) for key in whole)
    assert _figures(tmp_path / "whole") == _figures(tmp_path / "broken")


def _figures(run):
    """The log's rows without its clock."""
    with (run / "log.csv").open(newline="") as file:
        return [
            {name: value for name, value in row.items() if name not in ("seconds", "images_per_second")} for row in csv.DictReader(file)
        ]


def test_a_run_can_be_made_longer_but_not_another(tmp_path):
    data = _data(ATELIER)
    list(train(tmp_path / "run", data, ATELIER, "cpu"))
    steps = [e for e in train(tmp_path / "run", data, replace(ATELIER, images=112), "cpu") if isinstance(e, Step)]
    assert [e.done for e in steps] == [104, 112]
    with pytest.raises(SettingError, match="rate=0.0025, now it is 0.1"):
        next(train(tmp_path / "run", data, replace(ATELIER, rate=0.1), "cpu"))
    with pytest.raises(SettingError, match=r"net\.cmax=16, now it is 8"):
        next(train(tmp_path / "run", data, replace(ATELIER, net=replace(ATELIER.net, cmax=8)), "cpu"))


def test_a_state_cut_in_half_is_named(tmp_path):
    data = _data(ATELIER)
    list(train(tmp_path / "run", data, ATELIER, "cpu"))
    state = tmp_path / "run" / STATE
    state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])
    with pytest.raises(InputError, match="state.safetensors: not a whole safetensors file"):
        next(train(tmp_path / "run", data, ATELIER, "cpu"))


def test_pictures_of_another_form_are_refused(tmp_path):
    data = _data(ATELIER)
    with pytest.raises(InputError, match=r"pictures are \(3, 32, 32\), this network is made for \(1, 28, 28\)"):
        next(train(tmp_path / "run", data, CLASSIC, "cpu"))
    with pytest.raises(InputError, match="training needs at least 2"):
        next(train(tmp_path / "run", replace(data, pixels=data.pixels[:1], labels=data.labels[:1]), ATELIER, "cpu"))
    assert not (tmp_path / "run").exists()


def test_the_global_random_state_is_not_touched(tmp_path):
    data = _data(ATELIER)
    torch.manual_seed(5)
    expected = torch.randn(2)
    torch.manual_seed(5)
    work = train(tmp_path / "run", data, ATELIER, "cpu")
    for _ in range(3):
        next(work)
        assert torch.is_grad_enabled()
    assert torch.equal(torch.randn(2), expected)


def test_the_generator_file_knows_its_classes(tmp_path):
    list(train(tmp_path / "run", _data(ATELIER), ATELIER, "cpu"))
    generator = load_generator(tmp_path / "run")
    assert generator.classes == ("dress", "skirt")
    assert generator.label("skirt") == 1
    with pytest.raises(InputError, match="did you mean 'skirt'"):
        generator.label("skrit")
    with pytest.raises(InputError, match="not a generator of Muslin"):
        load_generator(tmp_path / "run" / STATE)
