"""Repeats as files: print size, proof, recipe, colourways; sizes beyond the machine are told before anything is written."""

from dataclasses import replace

import pytest
import torch

import muslin.style.repeats
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Note, Refused, Warned
from muslin.base.image import encode_png, open_image
from muslin.base.rights import Rights
from muslin.data.ledger import Ledger, write_ledger
from muslin.provenance.recipe import read_recipe
from muslin.studio.fabric import FabricConfig, check, fabric
from muslin.studio.remake import remake
from muslin.studio.styles import find_styles
from muslin.style.repeats import make_tile, seam_score

SMALL = FabricConfig(cm=5, dpi=100)


@pytest.mark.parametrize("form", ["png", "tiff"])
def test_a_repeat_is_as_large_as_asked_and_made_again_from_itself(tmp_path, form):
    events = list(fabric(find_styles(["weave_ikat"]), tmp_path, SMALL, form))
    made = tmp_path / f"weave_ikat-straight.{form}"
    picture = open_image(made)
    assert picture.pixels.shape[2] == round(5 / 2.54 * 100)
    assert picture.dpi == pytest.approx(100, abs=0.1)
    assert seam_score(picture.pixels) <= 1.1
    assert (tmp_path / f"weave_ikat-straight{'' if form == 'png' else '-tiff'}-proof.png").exists()
    assert any(isinstance(e, Note) and "seam" in e.text for e in events)
    assert read_recipe(made).kind == "fabric"
    assert any(isinstance(e, Note) and e.text == "the same, bit for bit" for e in remake(made))
    before = made.read_bytes()
    with pytest.raises(InputError, match="would be written over|as PNG; name a .png"):
        list(remake(made, made))
    assert made.read_bytes() == before


def test_colourways_are_cut_alike_and_the_first_is_the_styles_own(tmp_path):
    list(fabric(find_styles(["fabric_roses_teal"]), tmp_path, SMALL, "png", 3))
    made = sorted(p for p in tmp_path.glob("*.png") if "proof" not in p.name)
    assert len(made) == 3
    shapes = {tuple(open_image(p).pixels.shape) for p in made}
    assert len(shapes) == 1
    assert read_recipe(tmp_path / "fabric_roses_teal-straight.png").settings["inks"] == []


def test_a_picture_enlarged_too_far_is_told(tmp_path):
    events = list(fabric(find_styles(["weave_ikat"]), tmp_path, FabricConfig(cm=20, dpi=100)))
    assert any(isinstance(e, Warned) and " dots an inch of its own at 20 cm" in e.text for e in events)
    events = list(fabric(find_styles(["weave_ikat"]), tmp_path, FabricConfig(cm=5, dpi=60)))  # it has 98 there, and is made smaller
    assert not any(isinstance(e, Warned) for e in events)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (FabricConfig(cm=508, dpi=300), "60,000 px a side and needs about .* GB of memory .3,600 million pixels; the limit is 100"),
        (FabricConfig(cm=0), "cm=0"),
        (FabricConfig(dpi=9000), "dpi=9000"),
        (FabricConfig(inks=("#000000",)), "2 to 16 inks"),
    ],
)
def test_sizes_beyond_the_machine_are_told(tmp_path, config, told):
    with pytest.raises(SettingError, match=told):
        check(config)
    with pytest.raises(SettingError):
        list(fabric(find_styles(["weave_ikat"]), tmp_path / "none", config))
    assert not (tmp_path / "none").exists()


def test_a_narrow_strip_that_would_be_too_long_is_told(tmp_path):
    strip = tmp_path / "strip.png"
    strip.write_bytes(encode_png(torch.rand(3, 6000, 60, generator=torch.Generator().manual_seed(0)) * 2 - 1))
    write_ledger(tmp_path / "rights.csv", Ledger((("*", Rights("own work")),)))
    with pytest.raises(SettingError, match="cut the picture to a less narrow part"):
        list(fabric(find_styles([str(strip)]), tmp_path / "out", FabricConfig(cm=40, dpi=150)))


def test_one_that_cannot_be_made_does_not_stop_the_others(tmp_path):
    """A strip that is too narrow, a name of 240 bytes and a good one; alone the strip is an error."""
    strip, long = tmp_path / "a.png", tmp_path / f"{'b' * 240}.png"
    strip.write_bytes(encode_png(torch.rand(3, 6000, 60, generator=torch.Generator().manual_seed(0)) * 2 - 1))
    long.write_bytes(encode_png(torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1))
    write_ledger(tmp_path / "rights.csv", Ledger((("*", Rights("own work")),)))
    events = list(fabric(find_styles([str(strip), str(long), "weave_ikat"]), tmp_path / "out", replace(SMALL, cm=20)))
    assert [(e.path, "less narrow part" in e.reason) for e in events if isinstance(e, Refused)] == [("a", True)]
    assert len(list((tmp_path / "out").glob("*-straight.png"))) == 2
    with pytest.raises(InputError, match="none of 2 could be made; the first: a.png"):
        list(fabric(find_styles([str(strip)]), tmp_path / "none", replace(SMALL, cm=20), "png", 2))


@pytest.mark.parametrize("config", [FabricConfig(cm=1000, dpi=150), FabricConfig(cm=1524, dpi=100), FabricConfig(cm=300, dpi=2400)])
def test_what_is_told_to_fit_does(config):
    with pytest.raises(SettingError) as told:
        check(config)
    words = str(told.value).split("; here ")[1].removesuffix(" would fit")
    for way in words.split(" or "):
        asked = dict(pair.split(" ") for pair in way.removeprefix("--").replace(" with", "").split(" --"))
        check(replace(config, **{name: float(value) for name, value in asked.items()}))


def test_a_picture_too_large_to_be_cut_is_told(monkeypatch):
    monkeypatch.setattr(muslin.style.repeats, "free_memory", lambda: 180 * 50 * 50)
    with pytest.raises(SettingError, match="a repeat cut from 100 x 100 px needs .* make the picture smaller, 50 px a side at most"):
        make_tile(torch.zeros(3, 100, 100))
    make_tile(torch.rand(3, 50, 50))


def test_what_is_there_is_left_alone_and_a_missing_proof_is_made(tmp_path):
    list(fabric(find_styles(["weave_ikat"]), tmp_path, SMALL))
    made, shown = tmp_path / "weave_ikat-straight.png", tmp_path / "weave_ikat-straight-proof.png"
    signed = made.read_bytes() + b"a signature behind it"
    made.write_bytes(signed)
    list(fabric(find_styles(["weave_ikat"]), tmp_path, SMALL))
    assert made.read_bytes() == signed
    before = shown.read_bytes()
    shown.unlink()
    list(fabric(find_styles(["weave_ikat"]), tmp_path, SMALL))
    assert made.read_bytes() == signed and open_image(shown.read_bytes()).pixels.shape == open_image(before).pixels.shape


def test_a_designers_own_picture_is_not_taken_for_a_proof(tmp_path):
    own = tmp_path / "weave_ikat-straight-proof.png"
    own.write_bytes(encode_png(torch.zeros(3, 40, 40)))
    before = own.read_bytes()
    for _ in range(2):
        list(fabric(find_styles(["weave_ikat"]), tmp_path, SMALL))
    assert own.read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("*proof*")) == ["weave_ikat-straight-proof-2.png", own.name]


def test_motifs_are_told_as_on_the_garment_and_softness_by_the_tile(tmp_path):
    tile = make_tile(find_styles(["fabric_folk_border"])[0].pixels)
    events = list(fabric(find_styles(["fabric_folk_border"]), tmp_path, FabricConfig(cm=10, dpi=60)))
    told = next(event.text for event in events if isinstance(event, Note))
    assert f"--repeat-cm {10 * 256 / tile.pixels.shape[2]:.3g}" in told
    soft = next(event.text for event in events if isinstance(event, Warned) and "dots an inch" in event.text)
    assert f"{tile.pixels.shape[2] / (10 / 2.54):.0f} dots an inch" in soft


def test_nothing_is_made_that_could_not_be_read_again(monkeypatch):
    monkeypatch.setattr("muslin.studio.fabric.free_memory", lambda: 10**12)
    with pytest.raises(
        SettingError,
        match=r"mirror, is up to 11,812 px a side and needs about .* \(140 million pixels; the limit is 100\); here --dpi \d+ or --cm \d+",
    ):
        check(FabricConfig("mirror", cm=50))
    check(FabricConfig("half-drop", cm=55))  # two tiles of 42 million
