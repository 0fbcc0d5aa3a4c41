"""Sliders: the shipped ones do what they name, on designs that they were not found on; saving, loading, and what is refused."""

from dataclasses import replace

import pytest
import torch

from muslin.base.errors import InputError
from muslin.gan.generators import load_generator
from muslin.gan.latent import latent
from muslin.metrics.garment import MEASURES
from muslin.studio import sliders
from muslin.studio.sliders import Slider, figures_of, find_sliders, load_sliders, save_sliders, slid, sliders_file


@pytest.fixture(scope="module")
def garments():
    return load_generator("garments-64")


def test_each_shipped_slider_moves_what_it_names_on_new_designs(garments):
    """On 20 designs of new seeds: the figure goes up for nearly all on which it means something."""
    kinds = [number % len(garments.classes) for number in range(20)]
    ws = torch.stack([latent(garments.network, 500 + number, label) for number, label in enumerate(kinds)])
    shipped = load_sliders(garments)
    assert len(shipped) >= 8
    for name, slider in shipped.items():
        place = list(MEASURES).index(name)
        down, up = (figures_of(garments.network, ws + amount * slider.changes)[:, place] for amount in (-1.0, 1.0))
        wanted = MEASURES[name].kinds
        rows = torch.tensor([not wanted or garments.classes[kind] in wanted for kind in kinds])
        assert float((up > down)[rows].float().mean()) >= 0.75, name


def test_sliders_are_kept_with_their_generator(tmp_path, garments):
    slider = Slider("length", "shorter", "longer", torch.randn(10, 128), ("shape",), 0.9, 1.0)
    path = save_sliders(tmp_path / "x.safetensors", garments, [slider])
    again = load_sliders(garments, path)["length"]
    assert torch.allclose(again.changes, slider.changes, atol=1e-2)
    assert again.row() == slider.row()
    with pytest.raises(InputError, match="sliders of another generator"):
        load_sliders(replace(garments, sha256="0"), path)
    with pytest.raises(InputError, match="`muslin edit sliders"):
        load_sliders(replace(garments, path=tmp_path / "none.safetensors"))
    assert sliders_file(garments).name == "garments-64.sliders.safetensors"


def test_they_are_found_anew_in_the_same_way(tmp_path):
    """On Fashion-MNIST's generator, few designs: found, named, saved; what is no slider is told why."""
    generator = load_generator("fashion-mnist-32")
    events = list(find_sliders(generator, 10, tmp_path / "x.safetensors"))
    texts = [e.text for e in events if hasattr(e, "text")]
    assert all("no slider" in text or "% of what it does" in text for text in texts)
    found = load_sliders(generator, tmp_path / "x.safetensors")
    assert {"lightness"} & set(found) or found
    ws = latent(generator.network, 1, 0)
    assert torch.equal(slid(found, ws, {}), ws)


def test_the_articles_gan_is_told(tmp_path):
    with pytest.raises(InputError, match="has no W space"):
        list(find_sliders(load_generator("fashion-mnist-28"), 10, tmp_path / "x.safetensors"))


def test_what_half_of_the_designs_do_not_follow_is_no_slider(garments, monkeypatch):
    trial, changes = (
        sliders._trial(garments, garments.network, 20, sliders._many(garments.network)),
        load_sliders(garments)["length"].changes,
    )
    assert isinstance(sliders._judge(trial, changes, "length"), Slider)
    assert sliders._followed(trial, changes, "length") >= 0.9 > 0.1 >= sliders._followed(trial, -changes, "length")
    monkeypatch.setattr(sliders, "_followed", lambda trial, changes, name: 0.5)
    assert sliders._judge(trial, changes, "length") == "only 50% of designs follow it"
