"""Photos and drawings brought in: framed as the generator's garments stand, kept in the recipe, told where it cannot be."""

import pytest
import torch

from muslin.base.errors import InputError
from muslin.base.events import Note, Saved
from muslin.base.image import encode_png, open_image
from muslin.data.ground import find_mask
from muslin.gan.generators import load_generator
from muslin.gan.invert import ProjectConfig
from muslin.provenance.recipe import read_recipe
from muslin.studio.bringing import FRAME, bring_photo, bring_sketch, framed_photo
from muslin.studio.editing import Source, slide
from muslin.studio.history import history
from muslin.studio.remake import remake

QUICK = ProjectConfig(starts=32, steps=4, layer_steps=4)


@pytest.fixture(scope="module")
def source():
    return Source(load_generator("garments-64"))


def test_a_photo_becomes_a_design_that_sliders_work_on(tmp_path, source, garment_file):
    events = list(bring_photo(source, garment_file, tmp_path, QUICK))
    made = tmp_path / "dress-project.png"
    assert any(isinstance(e, Saved) and e.path == made for e in events)
    assert open_image(made).pixels.shape == (3, 64, 64)
    garment_file.unlink()  # the latent is in the recipe
    assert any(isinstance(e, Note) and e.text == "the same, bit for bit" for e in remake(made, tmp_path / "again.png"))
    list(slide(source, str(made), {"lightness": 1.0}, tmp_path))
    told = "\n".join(history(tmp_path / "dress-project-lightness+1.png"))
    assert "edited by hand: lightness +1" in told and "dress.png brought into the generator" in told


def test_a_sketch_becomes_designs_that_keep_its_outline(tmp_path, source):
    page = torch.ones(3, 200, 200)
    page[:, 30:170, 60:64] = page[:, 30:170, 136:140] = -1
    page[:, 30:34, 60:140] = page[:, 166:170, 60:140] = -1
    drawing = tmp_path / "skirt.png"
    drawing.write_bytes(encode_png(page))
    list(bring_sketch(source, drawing, tmp_path / "out", 2, rights="the tests"))
    made = sorted((tmp_path / "out").glob("skirt-sketch-?.png"))
    assert len(made) == 2
    assert read_recipe(made[0]).edit["do"] == "sketch"
    assert float((open_image(made[0]).pixels - open_image(made[1]).pixels).abs().mean()) > 0.02


def test_garments_are_framed_as_the_generators_are(garment):
    pixels, mask = framed_photo(garment, find_mask(garment), 128)
    rows, columns = (mask[0] > 0.5).any(1).nonzero()[:, 0], (mask[0] > 0.5).any(0).nonzero()[:, 0]
    longest = max(int(rows[-1] - rows[0]), int(columns[-1] - columns[0])) + 1
    assert longest == pytest.approx(FRAME * 128, abs=2.5)
    assert abs(int(rows[0] + rows[-1]) - 127) <= 2 and abs(int(columns[0] + columns[-1]) - 127) <= 2
    assert float(pixels[:, 0].min()) > 0.9


def test_what_cannot_be_brought_in_is_told(tmp_path, source):
    noise = tmp_path / "noise.png"
    noise.write_bytes(encode_png(torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1))
    with pytest.raises(InputError, match=r"noise\.png: no garment found on a plain ground"):
        list(bring_photo(source, noise, tmp_path, QUICK, "the tests"))
    blank = tmp_path / "blank.png"
    blank.write_bytes(encode_png(torch.ones(3, 64, 64)))
    with pytest.raises(InputError, match=r"blank\.png: "):
        list(bring_sketch(source, blank, tmp_path, rights="the tests"))
    with pytest.raises(InputError, match="has no W space"):
        list(bring_photo(Source(load_generator("fashion-mnist-28")), blank, tmp_path))
