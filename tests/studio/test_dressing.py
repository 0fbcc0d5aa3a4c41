"""Grids of contents and styles: resumable, measured, in colourways, each style looked at once."""

import json
import re
import shutil
from collections import OrderedDict
from dataclasses import replace

import pytest
import torch
from PIL import Image

from command import muslin, refused
from muslin.base.checkpoint import save_checkpoint
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Note, Saved
from muslin.base.files import sha256
from muslin.base.image import encode_png, open_image, resize, to_bytes
from muslin.base.seeds import seeded
from muslin.features.vgg import expected_shapes
from muslin.gan.generators import load_generator
from muslin.provenance.recipe import read_recipe
from muslin.studio import dressing, styles
from muslin.studio.cook import read_mask
from muslin.studio.dressing import Wanted, dress_all, style_config
from muslin.studio.fabric import FabricConfig, fabric
from muslin.studio.pipeline import DesignConfig, design
from muslin.studio.places import find_pictures, masks_in
from muslin.studio.remake import remake
from muslin.studio.styles import find_styles
from muslin.style import dress as dress_module
from muslin.style import objective
from muslin.style.dress import memory_needed
from muslin.style.objective import Objective

QUICK = style_config("garment", ["size=96", "steps=4", "coarsest=64"])


def test_a_grid_goes_on_measures_and_lays_out(tmp_path, garment, garment_file):
    other = tmp_path / "other.png"
    other.write_bytes(encode_png(garment.flip(2)))
    styles = [("weave_ikat", 1.0), ("weave_tartan_red", 1.0)]
    out = tmp_path / "out"
    first = dress_all([garment_file, other], styles, out, QUICK)
    for news in first:
        if isinstance(news, Saved):
            break  # stopped after one
    kept = {p.name: p.stat().st_mtime_ns for p in out.glob("*.png")}
    assert len(kept) == 1
    events = list(dress_all([garment_file, other], styles, out, QUICK, Wanted(report=True)))
    assert {p.name for p in out.glob("*.png")} >= {"dress-weave_ikat.png", "other-weave_tartan_red.png", "sheet.png"}
    name, time = next(iter(kept.items()))
    assert (out / name).stat().st_mtime_ns == time
    rows = json.loads((out / "report.json").read_text())["results"]
    assert len(rows) == 4
    assert all(row["background"] == 0 and row["cloth_score"] > 1 for row in rows)
    assert any(isinstance(e, Note) and "cloth_score" in e.text for e in events)


def test_a_grid_goes_on_with_another_number_of_threads(tmp_path, garment_file):
    first = list(dress_all([garment_file], [("weave_ikat", 1.0)], tmp_path, QUICK))
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        again = list(dress_all([garment_file], [("weave_ikat", 1.0)], tmp_path, QUICK))
    finally:
        torch.set_num_threads(threads)
    made = [[e.path.name for e in events if isinstance(e, Saved)] for events in (first, again)]
    assert made == [["dress-weave_ikat.png", "sheet.png"], ["sheet.png"]]


def test_a_weight_without_a_mix_changes_nothing_and_is_told(tmp_path, garment_file):
    for weight, files in ((1.0, ["dress-weave_ikat.png", "sheet.png"]), (2.0, ["sheet.png"])):
        events = list(dress_all([garment_file], [("weave_ikat", weight)], tmp_path, QUICK))
        assert [e.path.name for e in events if isinstance(e, Saved)] == files
        assert any(isinstance(e, Note) and "not read without --mix" in e.text for e in events) == (weight == 2)


def test_a_style_of_nothing_is_refused(tmp_path):
    Image.new("RGBA", (64, 64), (200, 0, 0, 0)).save(tmp_path / "nothing.png")
    with pytest.raises(InputError, match=r"nothing.png: the picture is wholly transparent: there is no style in it"):
        find_styles([str(tmp_path / "nothing.png")])


def test_each_style_is_measured_once_for_all_contents(tmp_path, garment, garment_file, monkeypatch):
    measured = []
    real = Objective._measure
    monkeypatch.setattr(objective, "_BOOK", OrderedDict())
    monkeypatch.setattr(Objective, "_measure", lambda self, style: measured.append(tuple(style.shape)) or real(self, style))
    others = []
    for number in range(3):
        others.append(tmp_path / f"{number}.png")
        others[-1].write_bytes(encode_png(garment.flip(2) if number else garment))
    list(dress_all(others, [("weave_ikat", 1.0)], tmp_path / "out", QUICK))
    assert len(measured) == len(set(measured)) > 0


def test_a_look_on_a_cut_out_picture_is_made_again_inside_its_transparency(tmp_path, garment):
    half = torch.ones(1, 256, 256)
    half[:, :, :128] = 0
    cut_out = tmp_path / "cut.png"
    cut_out.write_bytes(encode_png(garment, half))
    config = style_config("garment", ["size=96", "effort=0"])
    list(dress_all([cut_out], [("weave_ikat", 1.0)], tmp_path / "out", config, Wanted(rights="the tests")))
    news = list(remake(tmp_path / "out" / "cut-weave_ikat.png", look_in=[tmp_path]))
    assert any(isinstance(e, Note) and e.text == "the same, bit for bit" for e in news)


def test_half_a_level_of_rounding_is_no_change_of_the_ground(tmp_path, garment_file):
    config = style_config("garment", ["size=320", "effort=0"])  # larger than the picture: its ground lies between levels
    list(dress_all([garment_file], [("weave_ikat", 1.0)], tmp_path / "out", config, Wanted(report=True)))
    assert json.loads((tmp_path / "out" / "report.json").read_text())["results"][0]["background"] == 0


def test_colourways_of_a_print_are_made_again(tmp_path, garment_file):
    config = style_config("garment", ["size=128", "mode=print", "repeat=half-drop"])
    list(dress_all([garment_file], [("weave_ikat", 1.0)], tmp_path, config, Wanted(colourways=3, report=True)))
    made = sorted(tmp_path.glob("dress-weave_ikat-print*.png"))
    assert len(made) == 3
    assert sum(read_recipe(p).settings["keep"] == "palette" for p in made) == 2
    assert any(isinstance(e, Note) and e.text == "the same, bit for bit" for e in remake(made[1]))
    assert all(row["seam"] <= 1.1 for row in json.loads((tmp_path / "report.json").read_text())["results"])


def test_too_little_memory_is_told_before_anything_is_begun(tmp_path, garment_file, monkeypatch):
    monkeypatch.setattr(dressing, "free_memory", lambda: 1_000_000_000)
    with pytest.raises(SettingError, match=r"size=4096: needs about .* GB .* --size \d+ would fit"):
        list(dress_all([garment_file], [("weave_ikat", 1.0)], tmp_path / "out", style_config("garment", ["size=4096"])))
    assert not (tmp_path / "out").exists()
    with pytest.raises(SettingError) as told:
        dressing.enough_memory(style_config("garment", ["size=4096"]))
    dressing.enough_memory(style_config("garment", [f"size={re.search(r'--size ([0-9]+)', str(told.value)).group(1)}"]))
    monkeypatch.setattr(dressing, "free_memory", lambda: 1_000_000)
    with pytest.raises(SettingError, match="no size would fit; close other programs"):
        dressing.enough_memory(style_config("garment", ["size=512"]))


def test_the_memory_of_a_large_look_is_told_first(tmp_path, garment_file, monkeypatch):
    monkeypatch.setattr(dressing, "free_memory", lambda: 100_000_000_000)
    for size, told in ((96, False), (2048, True)):
        config = style_config("garment", [f"size={size}"])
        first = next(iter(dress_all([garment_file], [("weave_ikat", 1.0)], tmp_path / "out", config)))
        assert isinstance(first, Note)
        assert (f"at {size} px, needs about {memory_needed(config) / 1e9:.1f} GB;" in first.text) == told
    book = design(tmp_path / "book", load_generator("garments-64"), find_styles(["weave_ikat"]), DesignConfig(style=config))
    assert re.fullmatch(r"24 designs, dressed at 2048 px, needs about \d+\.\d GB", next(book).text)


def test_a_folder_of_masks_has_one_for_each_picture(tmp_path, garment):
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    for folder in (photos, masks):
        folder.mkdir()
    for name, half in (("a", slice(0, 128)), ("b", slice(128, 256))):
        (photos / f"{name}.png").write_bytes(encode_png(garment))
        area = -torch.ones(3, 256, 256)
        area[:, :, half] = 1
        (masks / f"{name}.png").write_bytes(encode_png(area))
    words = [photos, "--style", "weave_ikat", "--fast", "--size", 128, "--out", tmp_path / "out", "--report", "--mask", masks]
    done = muslin("style", *words)
    assert done.returncode == 0, done.stderr
    for name, kept in (("a", slice(66, 128)), ("b", slice(0, 62))):
        made = tmp_path / "out" / f"{name}-weave_ikat.png"
        assert read_recipe(made).mask == {"file": f"{name}.png", "sha256": sha256((masks / f"{name}.png").read_bytes())}
        assert torch.equal(to_bytes(open_image(made).pixels[:, :, kept]), to_bytes(resize(garment, 128, 128)[:, :, kept]))
        news = list(remake(made, tmp_path / "again.png", look_in=[photos, masks]))
        assert any(isinstance(e, Note) and e.text == "the same, bit for bit" for e in news)
    assert all(row["background"] == 0 for row in json.loads((tmp_path / "out" / "report.json").read_text())["results"])
    (masks / "b.png").rename(masks / "c.png")
    words[words.index(tmp_path / "out")] = tmp_path / "none"
    assert "b.png: no mask called b in" in refused(muslin("style", *words))
    shutil.copy(masks / "c.png", masks / "b.png")
    shutil.copy(masks / "c.png", masks / "b.bmp")
    assert "b.bmp and b.png are masks of one name; keep one of them" in refused(muslin("style", *words))
    assert not (tmp_path / "none").exists()


def test_pictures_of_one_name_have_a_mask_each(tmp_path, garment):
    """a/x.png and b/x.png: one x.png is not both's; a-x.png and b-x.png are."""
    masks = tmp_path / "masks"
    for folder in ("a", "b", "masks"):
        (tmp_path / folder).mkdir()
    area = torch.ones(3, 256, 256)
    photos = [tmp_path / folder / "x.png" for folder in ("a", "b")]
    for photo, picture in zip(photos, (garment, garment.flip(2)), strict=True):
        photo.write_bytes(encode_png(picture))
    (masks / "x.png").write_bytes(encode_png(area))
    draft, me = style_config("garment", ["size=96", "effort=0"]), Wanted(rights="me")
    with pytest.raises(InputError, match=r"a/x\.png: no mask called a-x in .* \(nor for 1 more\)"):
        list(dress_all(photos, [("weave_ikat", 1.0)], tmp_path / "out", draft, me, masks))
    for name in ("a-x.png", "b-x.png"):
        (masks / name).write_bytes(encode_png(area))
    list(dress_all(photos, [("weave_ikat", 1.0)], tmp_path / "out", draft, me, masks))
    for name in ("x-2.png", "x.bmp"):
        (tmp_path / "a" / name).write_bytes(encode_png(garment))
    (masks / "x-2.png").write_bytes(encode_png(area))
    with pytest.raises(InputError, match="one mask would be that of two pictures"):
        masks_in(masks, [tmp_path / "a" / name for name in ("x.png", "x.bmp", "x-2.png")], ["x", "x-2", "x-2-2"])
    assert [read_recipe(tmp_path / "out" / f"{name}-weave_ikat.png").mask["file"] for name in ("a-x", "b-x")] == ["a-x.png", "b-x.png"]


def test_what_would_read_its_own_results_or_a_mask_for_nothing_is_refused(tmp_path, garment, garment_file):
    (tmp_path / "in").mkdir()
    shutil.copy(garment_file, tmp_path / "in" / "a.png")
    with pytest.raises(InputError, match="holds what is read .*name another folder"):
        list(dress_all([tmp_path / "in"], [("weave_ikat", 1.0)], tmp_path / "in", QUICK))
    with pytest.raises(InputError, match="holds what is read"):
        list(dress_all([garment_file], [(str(tmp_path / "in"), 1.0)], tmp_path / "in" / ".", QUICK))
    (tmp_path / "weave_ikat").mkdir()  # called as a shipped style, which it is not
    list(dress_all([garment_file], [("weave_ikat", 1.0)], tmp_path / "weave_ikat", style_config("garment", ["size=96", "effort=0"])))
    with pytest.raises(InputError, match="300 characters are no file's name"):
        list(dress_all([garment_file], [("x" * 300, 1.0)], tmp_path / "out", QUICK))
    whole = style_config("garment", ["size=96", "effort=0", "where=all"])
    with pytest.raises(SettingError, match="where=all dresses the whole picture; leave the mask out"):
        list(dress_all([garment_file], [("weave_ikat", 1.0)], tmp_path / "out", whole, mask=garment_file))
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.png"]


def test_a_masks_alpha_counts_only_where_it_cuts_something_out(tmp_path):
    """A black and white mask saved with one pixel that is not quite opaque is read by its lightness."""
    area, alpha = -torch.ones(3, 32, 32), torch.ones(1, 32, 32)
    area[:, 8:24] = 1
    alpha[:, 0, 0] = 0.99
    for name, layer in (("nearly.png", alpha), ("cut.png", (area[:1] + 1) / 2)):
        (tmp_path / name).write_bytes(encode_png(area, layer))
        assert float(read_mask(tmp_path / name).mean()) == pytest.approx(0.5, abs=0.01)


def test_a_folder_of_repeats_is_styles_without_their_proofs(tmp_path):
    list(fabric(find_styles(["weave_ikat"]), tmp_path, FabricConfig(cm=5.0, dpi=60.0)))
    assert [path.name for path in tmp_path.glob("*-proof.png")] == ["weave_ikat-straight-proof.png"]
    assert [style.name for style in find_styles([str(tmp_path)])] == ["weave_ikat-straight"]
    (tmp_path / "own-proof.png").write_bytes(encode_png(torch.rand(3, 64, 64)))  # a designer's own
    assert {style.name for style in find_styles([str(tmp_path)])} == {"weave_ikat-straight", "own-proof"}


def test_a_folders_overview_is_no_picture_of_its_own(tmp_path, garment_file):
    folder = tmp_path / "drafts"
    folder.mkdir()
    for name in ("a.png", "sheet.png"):
        shutil.copy(garment_file, folder / name)
    assert [file.name for file in find_pictures([folder])] == ["a.png"]
    assert [file.name for file in find_pictures([folder / "sheet.png"])] == ["sheet.png"]
    (folder / "a.png").unlink()
    assert [file.name for file in find_pictures([folder])] == ["sheet.png"]


def test_one_transparent_corner_cuts_nothing_out(tmp_path, garment, garment_file):
    alpha = torch.ones(1, 256, 256)
    alpha[:, :3, :3] = 0
    corner = tmp_path / "corner.png"
    corner.write_bytes(encode_png(garment, alpha))
    list(dress_all([garment_file, corner], [("weave_ikat", 1.0)], tmp_path / "out", style_config("garment", ["size=96", "mode=print"])))
    whole, cornered = (open_image(tmp_path / "out" / f"{name}-weave_ikat-print.png").pixels for name in ("dress", "corner"))
    assert float((whole - cornered).abs().mean()) < 0.01
    assert any(
        isinstance(e, Note) and e.text == "the same, bit for bit"
        for e in remake(tmp_path / "out" / "corner-weave_ikat-print.png", look_in=[tmp_path])
    )


def test_a_sheet_of_the_designers_own_is_kept_and_reports_add_up(tmp_path, garment, garment_file):
    out = tmp_path / "out"
    out.mkdir()
    (out / "sheet.png").write_bytes(encode_png(garment))
    for style in ("weave_ikat", "weave_tartan_red"):
        list(dress_all([garment_file], [(style, 1.0)], out, style_config("garment", ["size=96", "effort=0"]), Wanted(report=True)))
    assert (out / "sheet.png").read_bytes() == encode_png(garment)
    assert sorted(path.name for path in out.glob("sheet*")) == ["sheet-2.png", "sheet.png"]
    assert [file.name for file in find_pictures([out])] == ["dress-weave_ikat.png", "dress-weave_tartan_red.png"]  # no sheet is content
    rows = json.loads((out / "report.json").read_text())["results"]
    assert [row["file"] for row in rows] == ["dress-weave_ikat.png", "dress-weave_tartan_red.png"]


def test_settings_that_a_mode_does_not_read_are_told(tmp_path, garment_file):
    for settings, told in (
        (["effort=0", "repeat_cm=5"], "repeat_cm: not read without --as print"),
        (["mode=print", "zoom=2", "effort=0"], "zoom, effort: not read in print mode"),
        (["effort=0", "alpha=3", "inks=#ff0000,#00ff00"], "alpha: not read by a draft (effort 0)|inks: not read without keep=palette"),
        (["mode=print", "statistic=gram"], "statistic: not read in print mode"),
        (["effort=0"], ""),
    ):
        events = dress_all([garment_file], [("weave_ikat", 1.0)], tmp_path / "out", style_config("garment", ["size=96", *settings]))
        assert [e.text for e in events if isinstance(e, Note) and "not read" in e.text] == (told.split("|") if told else [])
    assert [path.name for path in (tmp_path / "out").glob("*lime*")] == []  # inks that are not read name nothing


def test_long_names_are_cut_at_a_whole_character(tmp_path, garment):
    photo = tmp_path / ("\u8fde\u8863\u88d9" * 24 + ".png")
    photo.write_bytes(encode_png(garment))
    list(
        dress_all(
            [photo], [("weave_ikat", 1.0)], tmp_path / "out", style_config("garment", ["size=96", "mode=print"]), Wanted(rights="Anna")
        )
    )
    made = next(path for path in (tmp_path / "out").glob("*.png") if path.name != "sheet.png")
    assert len(made.name.encode()) <= 210 and made.name.endswith("-weave_ikat-print.png")


def test_of_many_styles_each_is_measured_once_though_few_are_kept(tmp_path, garment, garment_file, monkeypatch):
    measured = []
    real = Objective._measure
    monkeypatch.setattr(objective, "_BOOK", OrderedDict())
    monkeypatch.setattr(Objective, "_measure", lambda self, style: measured.append(style) or real(self, style))
    names = ["weave_knit", "weave_denim", "fabric_leopard", "fabric_camouflage", "weave_seigaiha", "weave_tartan_blue"]
    assert len(names) > styles._KEPT
    other = tmp_path / "other.png"
    other.write_bytes(encode_png(garment.flip(2)))
    list(dress_all([garment_file], [(name, 1.0) for name in names], tmp_path / "out", QUICK))
    once = len(measured)
    list(dress_all([other], [(name, 1.0) for name in names], tmp_path / "out", QUICK))
    assert len(measured) == once >= len(names)
    assert styles._picture.cache_info().currsize <= styles._KEPT


def test_a_style_that_changes_meanwhile_is_told(tmp_path, garment):
    path = tmp_path / "cloth.png"
    path.write_bytes(encode_png(garment))
    (style,) = find_styles([str(path)])
    path.write_bytes(encode_png(garment.flip(1)))
    with pytest.raises(InputError, match="cloth.png: another picture than when this began"):
        _ = style.pixels


def test_where_weights_of_ones_own_lie_is_in_no_recipe(tmp_path, garment_file):
    shapes, rng = expected_shapes("vgg16"), seeded(0, "weights")
    tensors = {f"{layer}.weight": (torch.randn(shape, generator=rng) / (4.5 * shape[1]) ** 0.5).half() for layer, shape in shapes.items()}
    tensors |= {f"{layer}.bias": torch.zeros(shape[0]).half() for layer, shape in shapes.items()}
    (tmp_path / "client smith").mkdir()
    weights = save_checkpoint(tmp_path / "client smith" / "mine.safetensors", tensors, {"kind": "encoder"})
    words = ["style", garment_file.name, "--style", "weave_ikat", "--backbone", f"vgg16:{weights}", "--size", "64", "--set", "steps=1"]
    done = muslin(*words, "--out", "looks", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    look = tmp_path / "looks" / "dress-weave_ikat.png"
    assert read_recipe(look).settings["backbone"] == "vgg16:mine.safetensors"
    assert b"client smith" not in look.read_bytes()
    again = muslin("remake", look, cwd=tmp_path)
    assert refused(again) == (
        "muslin: mine.safetensors: the weights of this recipe's backbone are not here; name their folder with --look-in"
    )
    found = muslin("remake", look, "--look-in", weights.parent, "--look-in", tmp_path, cwd=tmp_path)
    assert "the same, bit for bit" in found.stdout + found.stderr


def test_a_repeat_is_made_once_for_all_looks_and_their_figures(tmp_path, garment, garment_file, monkeypatch):
    made, real = [], dress_module.make_tile
    monkeypatch.setattr(dress_module, "make_tile", lambda *asked: made.append(asked[1:]) or real(*asked))
    monkeypatch.setattr(dress_module, "_TILES", OrderedDict())
    other = tmp_path / "other.png"
    other.write_bytes(encode_png(garment.flip(2)))
    config = style_config("garment", ["size=96", "mode=print"])
    list(dress_all([garment_file, other], [("weave_ikat", 1.0), ("weave_knit", 1.0)], tmp_path / "out", config, Wanted(report=True)))
    assert len(made) == 2
    list(dress_all([garment_file], [("weave_ikat", 1.0)], tmp_path / "out", replace(config, repeat="mirror"), Wanted(report=True)))
    assert len(made) == 3
    styles = [(name, 1.0) for name in ("weave_ikat", "weave_knit", "weave_denim", "weave_gingham", "weave_houndstooth", "weave_seigaiha")]
    list(dress_all([garment_file, other], styles, tmp_path / "out", config))
    assert len(made) == 7, "six styles and more in turn are made once each too"
    monkeypatch.setattr(dress_module, "_KEPT", 1)
    list(dress_all([garment_file], [("weave_denim", 1.0), ("weave_ikat", 1.0)], tmp_path / "new", config))
    assert len(made) == 8, "the last one used is kept, whatever its size"
    assert len(dress_module._TILES) == 1
