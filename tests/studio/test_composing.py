"""Ranges: looks that belong together, by design and by measure."""

import json

import pytest
import torch

from muslin.base.errors import InputError, SettingError
from muslin.base.events import Note
from muslin.base.image import open_image
from muslin.export.sheets import line_up
from muslin.gan.generators import load_generator
from muslin.metrics.range import coherence
from muslin.studio.composing import compose
from muslin.studio.dressing import style_config
from muslin.studio.editing import Source
from muslin.studio.remake import remake

QUICK = style_config("garment", ["size=96", "effort=0"])


def test_a_range_of_seeds_and_a_photo_in_a_locked_palette(tmp_path, garment_file):
    source = Source(load_generator("garments-64"), "skirt")
    list(compose(source, ["3", str(garment_file)], ["weave_ikat", "fabric_leopard"], tmp_path, QUICK, lock=3))
    row = json.loads((tmp_path / "range.json").read_text())
    assert len(row["looks"]) == 4 and len(row["inks"]) == 3
    assert all(0 <= value <= 1 for value in row["coherence"].values())
    sheet = open_image(tmp_path / "line-up.png").pixels
    assert sheet.shape[2] > sheet.shape[1]
    list(compose(source, ["3", str(garment_file)], ["weave_ikat", "fabric_leopard"], tmp_path / "free", QUICK))
    free = json.loads((tmp_path / "free" / "range.json").read_text())
    assert row["coherence"]["colour"] > free["coherence"]["colour"]
    with pytest.raises(SettingError, match="lock=1"):
        list(compose(source, ["3"], ["weave_ikat"], tmp_path / "none", QUICK, lock=1))


def test_coherence_is_one_for_equals_and_less_for_others():
    mask = torch.zeros(1, 96, 96)
    mask[:, 20:80, 30:70] = 1
    red, blue = torch.ones(3, 96, 96), torch.ones(3, 96, 96)
    red[1:, 20:80, 30:70] = -0.8
    blue[:2, 20:80, 30:70] = -0.8
    alike, unlike = coherence([red, red], [mask, mask]), coherence([red, blue], [mask, mask])
    assert alike.whole == pytest.approx(1, abs=1e-3)
    assert unlike.colour < 0.5 and unlike.silhouette == pytest.approx(1)


def test_a_line_up_stands_on_one_floor():
    mask = torch.zeros(1, 64, 64)
    mask[:, 10:50, 20:40] = 1
    small = torch.zeros(1, 64, 64)
    small[:, 30:50, 20:40] = 1
    sheet = line_up([-torch.ones(3, 64, 64)] * 2, [mask, small], ["a", "b"], height=80)
    assert bool((sheet[:, 40 + 79, 40:60] < 0).all())  # the last row above the floor: both stand on it
    assert bool((sheet[0, 40:60, 40 + 40 + 28 :] > 0).all())  # the small one does not reach up


def test_a_seed_in_a_range_is_the_draft_of_its_recipe_and_the_line_up_is_named(tmp_path):
    source = Source(load_generator("garments-128"))
    (tmp_path / "line-up.png").write_bytes(b"mine")
    *_, last = compose(source, ["2", "6", "7"], ["weave_ikat"], tmp_path, QUICK)
    assert last.path == tmp_path / "line-up-2.png" and last.path.exists()
    assert (tmp_path / "line-up.png").read_bytes() == b"mine"
    for path in (tmp_path / "designs").glob("*.png"):
        assert any(isinstance(e, Note) and e.text == "the same, bit for bit" for e in remake(path, tmp_path / "again.png"))
    with pytest.raises(InputError, match="nonsense"):
        list(compose(Source(source.generator, "nonsense"), ["2"], ["weave_ikat"], tmp_path / "no", QUICK))
    assert not (tmp_path / "no").exists()
