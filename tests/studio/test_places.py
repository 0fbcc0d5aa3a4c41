"""Names of results: told apart, the same at each run, and nothing is written over."""

import json
import os
import shutil
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from command import muslin, refused
from muslin.base.errors import InputError
from muslin.base.events import Note, Saved
from muslin.base.files import file_word
from muslin.base.image import encode_png
from muslin.gan.generators import load_generator
from muslin.provenance.recipe import Recipe, read_recipe
from muslin.studio.composing import compose
from muslin.studio.drafts import generate
from muslin.studio.dressing import Wanted, dress_all, style_config
from muslin.studio.editing import Source
from muslin.studio.fabric import FabricConfig, fabric
from muslin.studio.pipeline import DesignConfig, design
from muslin.studio.places import names_apart, place_for
from muslin.studio.styles import find_styles
from muslin.style.configs import StyleConfig

DRAFT = style_config("garment", ["size=96", "effort=0"])
VOUCHED = Wanted(rights="the tests", report=True)


def _picture(path, recipe=None):
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(encode_png(torch.zeros(3, 8, 8), text=recipe.text() if recipe else None))
    return path


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["A/x.png", "B/y.png"], ["x", "y"]),
        (["A/x.png", "B/x.png"], ["A-x", "B-x"]),
        (["A/x.png", "A/x.jpg"], ["x", "x-2"]),
        (["A/x.png", "B/X.png", "A/x.jpg"], ["A-x", "B-X", "A-x-2"]),
        (["C/A/x.png", "B/A/x.png"], ["x", "x-2"]),
        (["A-x.png", "A/x.png", "B/x.png"], ["A-x", "A-x-2", "B-x"]),
        (["A/x.png", "A/x.png"], ["x", "x"]),
    ],
)
def test_files_of_one_name_are_told_apart(paths, names):
    assert names_apart([Path(path) for path in paths]) == names


def test_the_first_place_is_free_or_has_this_very_recipe(tmp_path):
    path, recipe, other = tmp_path / "a.png", Recipe("look", settings={"size": 96}), Recipe("look", settings={"size": 128})
    assert place_for(path, recipe).path == path
    _picture(path, other)
    place = place_for(path, recipe)
    assert (place.path.name, place.there) == ("a-2.png", False)
    assert place.note == "a.png is kept: made with another size; the new one is a-2.png"
    _picture(tmp_path / "a-2.png")  # not ours
    assert place_for(path, recipe).path.name == "a-3.png"
    _picture(tmp_path / "a-3.png", recipe)
    assert place_for(path, recipe) == replace(place_for(path, recipe), path=tmp_path / "a-3.png", there=True)
    assert place_for(path, recipe).note == ""
    assert place_for(path, other).path == path


def test_only_a_broken_picture_counts_as_free(tmp_path):
    recipe = Recipe("look")
    whole = _picture(tmp_path / "a.png", recipe).read_bytes()
    for content, name in (
        (whole[:-20], "a.png"),  # cut
        (whole[:60], "a.png"),
        (b"", "a.png"),
        (whole[:-30] + b"xxxxx" + whole[-25:], "a.png"),  # a checksum does not hold
        (b"a text of somebody's", "a-2.png"),
        (whole + b"something behind its end", "a.png"),
    ):
        (tmp_path / "a.png").write_bytes(content)
        assert place_for(tmp_path / "a.png", recipe).path.name == name
    (tmp_path / "a.png").write_bytes(_picture(tmp_path / "b.png").read_bytes() + b"something behind its end")
    assert place_for(tmp_path / "a.png", recipe).path.name == "a-2.png"
    (tmp_path / "c.png").mkdir()
    (tmp_path / "d.png").symlink_to(tmp_path / "nowhere.png")
    assert [place_for(tmp_path / name, recipe).path.name for name in ("c.png", "d.png")] == ["c-2.png", "d-2.png"]
    for odd in (tmp_path / ("long" * 70), tmp_path / "b.png" / "inside.png"):  # what cannot be written is told when it is written
        assert place_for(odd, recipe).path == odd
    assert place_for(tmp_path / "line-up.png", recipe).path.name == "line-up-2.png"  # an overview's name


@pytest.fixture
def two_folders(tmp_path, garment):
    for name, pixels in (("A", garment), ("B", garment.flip(2))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(encode_png(pixels))
    return [tmp_path / "A" / "x.png", tmp_path / "B" / "x.png"]


def test_pictures_of_one_name_come_to_files_of_their_own(tmp_path, two_folders, ikat):
    for name in ("A", "B"):
        (tmp_path / name / "roses.png").write_bytes(encode_png(ikat if name == "A" else -ikat))
    out, styles = tmp_path / "out", [(str(tmp_path / name / "roses.png"), 1.0) for name in ("A", "B")]
    list(dress_all(two_folders, styles, out, DRAFT, VOUCHED))
    names = [f"{content}-x-{style}-roses.png" for content in ("A", "B") for style in ("A", "B")]
    assert sorted(p.name for p in out.glob("*-x-*.png")) == names
    assert [row["file"] for row in json.loads((out / "report.json").read_text())["results"]] == names
    assert len({(out / name).read_bytes() for name in names}) == 4
    again = list(dress_all(two_folders, styles, out, DRAFT, VOUCHED))
    assert [e.path.name for e in again if isinstance(e, Saved)] == ["sheet.png", "report.json"]


def test_other_settings_take_a_number_and_the_same_command_comes_back_to_it(tmp_path, garment_file):
    out = tmp_path / "out"
    made = []
    for size in (96, 112, 128, 112):
        config = style_config("garment", [f"size={size}", "effort=0"])
        events = list(dress_all([garment_file], [("weave_ikat", 1.0)], out, config, VOUCHED))
        made.append([e.path.name for e in events if isinstance(e, Saved) and e.path.name.startswith("dress")])
        kept = [e.text for e in events if isinstance(e, Note) and "is kept" in e.text]
        assert len(kept) == (size > 96 and bool(made[-1]))
    assert made == [["dress-weave_ikat.png"], ["dress-weave_ikat-2.png"], ["dress-weave_ikat-3.png"], []]
    sizes = [read_recipe(out / f"dress-weave_ikat{number}.png").settings["size"] for number in ("", "-2", "-3")]
    assert sizes == [96, 112, 128]
    rows = json.loads((out / "report.json").read_text())["results"]  # adds up; what the last run told comes last
    assert [row["file"] for row in rows] == ["dress-weave_ikat.png", "dress-weave_ikat-3.png", "dress-weave_ikat-2.png"]


def test_the_command_says_what_is_kept(tmp_path, garment_file):
    out = tmp_path / "out"
    out.mkdir()
    shutil.copy(garment_file, out / "dress-weave_ikat.png")  # somebody's own
    before = (out / "dress-weave_ikat.png").read_bytes()
    done = muslin("style", garment_file, "--style", "weave_ikat", "--fast", "--size", 96, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "dress-weave_ikat.png is kept: no picture of ours with a recipe; the new one is dress-weave_ikat-2.png" in done.stderr
    assert (out / "dress-weave_ikat.png").read_bytes() == before


def test_a_range_shows_the_files_that_it_made(tmp_path, two_folders):
    names = [str(path) for path in two_folders]
    source = Source(load_generator("garments-64"))
    list(compose(source, names, ["weave_ikat"], tmp_path / "out", DRAFT, rights="the tests"))
    list(compose(source, names, ["weave_ikat"], tmp_path / "out", replace(DRAFT, size=112), rights="the tests"))
    row = json.loads((tmp_path / "out" / "range.json").read_text())
    assert row["looks"] == ["A-x-weave_ikat-2.png", "B-x-weave_ikat-2.png"]


def test_a_lookbook_with_other_settings_keeps_the_pictures_of_the_first(tmp_path):
    config = DesignConfig(count=1, pool=2, classes=("dress",), style=StyleConfig(size=96, effort=0))
    generator, styles = load_generator("garments-64"), find_styles(["weave_ikat"])
    list(design(tmp_path, generator, styles, config))
    first = {p: p.read_bytes() for folder in ("designs", "looks") for p in (tmp_path / folder).iterdir()}
    events = list(design(tmp_path, generator, styles, replace(config, style=StyleConfig(size=112, effort=0))))
    assert all(p.read_bytes() == content for p, content in first.items() if p.parent.name == "looks")
    assert sum(isinstance(e, Note) and "01-dress-weave-ikat.png is kept" in e.text for e in events) == 1
    assert json.loads((tmp_path / "lookbook.json").read_text())["looks"][0]["look"] == "looks/01-dress-weave-ikat-2.png"
    assert len(list((tmp_path / "designs").iterdir())) == 1  # the design is the same


def test_cloth_of_another_size_keeps_the_first(tmp_path):
    styles = find_styles(["weave_ikat"])
    for cm in (5.0, 6.0, 5.0):
        events = list(fabric(styles, tmp_path, FabricConfig(cm=cm, dpi=60)))
        assert any(isinstance(e, Note) and "is kept: made with another cm" in e.text for e in events) == (cm == 6)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "weave_ikat-straight-2-proof.png",
        "weave_ikat-straight-2.png",
        "weave_ikat-straight-proof.png",
        "weave_ikat-straight.png",
    ]
    assert read_recipe(tmp_path / "weave_ikat-straight.png").settings["cm"] == 5


def test_a_class_is_no_way_out_of_the_folder():
    assert [file_word(name) for name in ("../../esc", "tops/shirt", "t-shirt", "..", "裙子")] == [
        "-..-esc",
        "tops-shirt",
        "t-shirt",
        "garment",
        "裙子",
    ]


def test_a_design_of_a_class_with_a_path_for_a_name_stays_in_its_folder(tmp_path):
    """A generator's file from a stranger may call its classes anything."""
    generator = load_generator("garments-64")
    generator = replace(generator, classes=("/../../../beside", *generator.classes[1:]))
    config = DesignConfig(count=1, pool=8, classes=("/../../../beside",), style=StyleConfig(size=96, effort=0))
    list(design(tmp_path / "deep" / "out", generator, find_styles(["weave_ikat"]), config))
    assert [p.name for p in tmp_path.iterdir()] == ["deep"] and [p.name for p in (tmp_path / "deep").iterdir()] == ["out"]
    assert [p.name for p in (tmp_path / "deep" / "out" / "designs").iterdir()] == ["01--..-..-..-beside.png"]


def test_the_same_command_again_leaves_a_signed_picture_as_it_is(tmp_path):
    """A picture that carries the recipe already is not written anew: what was added since, as a signature, stays."""
    words = ["generate", "--generator", "fashion-mnist-32", "--seeds", "0-1", "--out", str(tmp_path / "g")]
    assert muslin(*words).returncode == 0
    draft = sorted((tmp_path / "g").glob("*-00000?.png"))[0]
    made = muslin("remake", str(draft), "--out", str(tmp_path / "again.png"))
    assert made.returncode == 0, made.stderr
    for file, way in ((draft, words), (tmp_path / "again.png", ["remake", str(draft), "--out", str(tmp_path / "again.png")])):
        content = file.read_bytes()
        end = content.rindex(b"\x00\x00\x00\x00IEND")
        added = b"note\x00signed"
        chunk = len(added).to_bytes(4, "big") + b"tEXt" + added + zlib.crc32(b"tEXt" + added).to_bytes(4, "big")
        file.write_bytes(content[:end] + chunk + content[end:])
        signed = file.read_bytes()
        assert muslin(*way).returncode == 0
        assert file.read_bytes() == signed


def test_the_sheet_that_is_told_is_the_one_that_was_made(tmp_path, garment_file):
    """A person's own sheet.png stays, and is not called the result."""
    before = _picture(tmp_path / "out" / "sheet.png").read_bytes()
    done = muslin("style", garment_file, "--style", "weave_ikat", "--fast", "--size", "96", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "sheet-2.png").exists() and "sheet-2.png" in (done.stdout + done.stderr).strip().splitlines()[-1]
    assert (tmp_path / "out" / "sheet.png").read_bytes() == before


def test_where_every_draft_is_a_copy_it_is_said(tmp_path):
    """Compared with its own drafts, a generator has nothing new: one line, and no empty lookbook."""
    config = DesignConfig(count=2, pool=2, classes=("dress",), style=StyleConfig(size=96, effort=0), against=str(tmp_path / "own"))
    generator = load_generator("garments-64")
    list(generate(generator, list(range(4)), ("dress",), config.truncation, tmp_path / "own"))
    with pytest.raises(InputError, match=r"no design is left of 4 drafts; .*4 were copies"):
        list(design(tmp_path / "book", generator, find_styles(["weave_ikat"]), config))
    assert not (tmp_path / "book" / "lookbook.json").exists()


def test_a_page_of_somebody_elses_stays(tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html><title>My portfolio</title>")
    config = DesignConfig(count=1, pool=4, classes=("skirt",), style=StyleConfig(size=96, effort=0))
    with pytest.raises(InputError, match="is a page that Muslin did not write; name another folder"):
        next(design(tmp_path, load_generator("garments-64"), find_styles(["weave_ikat"]), config))
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_names_of_other_systems_are_told_in_a_line(tmp_path, garment):
    (tmp_path / "photos").mkdir()
    odd, good = os.fsdecode(os.fsencode(tmp_path / "photos") + b"/dr\xffess.png"), tmp_path / "dress.png"
    for path in (Path(odd), good):
        path.write_bytes(encode_png(garment))
    for given in (odd, tmp_path / "photos"):
        for words in (("style", given, "--style", "weave_ikat"), ("originality", given), ("style", good, "--style", given)):
            assert "the file's name is no UTF-8" in refused(muslin(*words, "--out", tmp_path / "out"))
    assert not (tmp_path / "out").exists()
