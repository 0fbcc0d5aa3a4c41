"""Blocks: which one a draft is made up on, whose rights are asked, and that what was made is found again."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from command import muslin, refused
from muslin.assets import BLOCKS, GENERATORS, LICENSES, MORE_BLOCKS, STARTER
from muslin.base.errors import InputError
from muslin.base.events import Note
from muslin.base.files import sha256
from muslin.base.image import encode_png, open_image, resize
from muslin.base.rights import Rights
from muslin.data.ledger import Ledger, write_ledger
from muslin.data.sources import open_source
from muslin.gan.generators import load_generator
from muslin.provenance.recipe import BLOCK, Recipe, bare, read_recipe
from muslin.studio import making
from muslin.studio.blocks import find_block, open_blocks
from muslin.studio.cook import as_picture, made_up
from muslin.studio.pipeline import DesignConfig, design
from muslin.studio.remake import remake
from muslin.studio.screening import compared
from muslin.studio.styles import find_styles
from muslin.style.configs import StyleConfig

QUICK = DesignConfig(count=2, pool=6, classes=("shirt",), style=StyleConfig(size=256, effort=0.0))
SAME = "the same, bit for bit"


@pytest.fixture(scope="module")
def starter():
    *_, blocks = open_blocks("starter")
    return blocks


@pytest.fixture(scope="module")
def shirts():
    generator = load_generator("garments-128")
    return [as_picture(draft) for draft in generator.draw_many([52, 60, 61], [generator.label("shirt")] * 3, 0.7)]


@pytest.fixture
def shelf(tmp_path) -> Path:
    """Ten shirts of the starter set in a zip of the designer's own, with a ledger beside it."""
    path = tmp_path / "shelf.zip"
    chosen = [item for item in open_source(STARTER).items if item.label == "shirt"][:10]
    with zipfile.ZipFile(path, "w") as archive:
        for number, item in enumerate(chosen):
            picture = open_image(item.content(), item.name).pixels
            archive.writestr(f"shirt/mine-{number}.png", encode_png((picture * 0.98).clamp(-1, 1)))  # other bytes than the starter's
    write_ledger(tmp_path / "shelf.rights.csv", Ledger((("*", Rights("own work", author="Ana")),)))
    return path


def test_what_is_listed_ships_and_kinds_are_kept(starter, shirts):
    names = BLOCKS.read_text().split()
    ship, more = ({item.name for item in open_source(path).items} for path in (STARTER, MORE_BLOCKS))
    assert set(names) <= ship | more and len(names) == len(set(names)) and more <= set(names) - ship
    assert {item.name for item in starter.items} == set(names)
    assert all(f"{MORE_BLOCKS.name}/{name}," in LICENSES.read_text(encoding="utf-8") for name in more)
    rows = list(starter.fits(shirts[0], "shirt"))
    assert len(rows) == 8 and all(row["file"].startswith("shirt/") and row["licence"] == "CC0-1.0" for row in rows)
    assert all(row["file"] in names for row in rows)
    assert rows == list(starter.fits(shirts[0], "shirt"))  # whatever was asked before
    firsts = {next(starter.fits(shirts[2], "shirt", seed))["file"] for seed in range(12)}
    assert len(firsts) > 1  # drafts that are alike are not all made up on one


def test_blocks_that_ship_beside_the_starter_set_are_found_again(starter):
    """By their recipe's row, wherever the studio is."""
    item = open_source(MORE_BLOCKS).items[0]
    row = {"file": item.name, "sha256": sha256(item.content())}
    assert torch.equal(find_block(row, []).pixels, starter.picture(row).pixels)


def test_the_next_design_takes_another_block(shirts):
    *_, blocks = open_blocks("starter")
    first = next(blocks.fits(shirts[0], "shirt"))
    blocks.take(first)
    assert next(blocks.fits(shirts[0], "shirt")) != first


def test_line_drawings_and_empty_pictures_are_made_up_on_nothing(starter):
    generator = load_generator("sketches-64")
    drawing = as_picture(next(generator.draw_many([4], [generator.label("pants")], 0.7)))
    assert list(starter.fits(drawing, "pants")) == []
    assert list(starter.fits(torch.ones(3, 96, 96), "pants")) == []


def test_designs_are_made_up_remade_and_told(tmp_path):
    events = list(design(tmp_path / "book", load_generator("garments-128"), find_styles(["weave_ikat"]), QUICK))
    assert any(isinstance(e, Note) and e.text == "2 of 2 designs made up on blocks of starter: CC0-1.0" for e in events)
    designs, looks = (sorted((tmp_path / "book" / folder).glob("*.png")) for folder in ("designs", "looks"))
    blocks = [read_recipe(path).settings[BLOCK]["file"] for path in designs]
    assert len(set(blocks)) == 2  # no two on the same
    for path in [*designs, *looks]:
        assert read_recipe(path).source() == "compositeWithTrainedAlgorithmicMedia"
        assert any(isinstance(e, Note) and e.text == SAME for e in remake(path, tmp_path / "again.png"))
    page = (tmp_path / "book" / "index.html").read_text("utf-8")
    assert all(name in page for name in blocks)
    assert "所用原型" in page
    before = {path: path.stat().st_mtime_ns for path in [*designs, *looks]}
    list(design(tmp_path / "book", load_generator("garments-128"), find_styles(["weave_ikat"]), QUICK))
    assert before == {path: path.stat().st_mtime_ns for path in [*designs, *looks]}


def test_a_generator_of_ones_own_and_none_go_without(tmp_path):
    own = tmp_path / "own.safetensors"
    own.write_bytes(GENERATORS["garments-64"].read_bytes())
    for name, generator, config in (
        ("own", load_generator(own), replace(QUICK, against="none")),
        ("none", load_generator("garments-64"), replace(QUICK, blocks="none")),
    ):
        told = [e.text for e in design(tmp_path / name, generator, find_styles(["weave_ikat"]), config) if isinstance(e, Note)]
        assert any("--blocks DATA makes them up" in text for text in told) == (name == "own")
        assert all(read_recipe(path).settings == {} for path in (tmp_path / name / "designs").glob("*.png"))


def test_a_design_that_becomes_a_copy_takes_the_next_block(tmp_path, monkeypatch):
    seen = []

    def first_is_a_copy(picture, index):
        found = compared(picture, index)
        seen.append(found)
        return replace(found, verdict="copy" if len(seen) == 1 else "distinct")

    monkeypatch.setattr(making, "compared", first_is_a_copy)
    out = tmp_path / "book"
    list(design(out, load_generator("garments-128"), find_styles(["weave_ikat"]), replace(QUICK, count=1)))
    recipe = read_recipe(next((out / "designs").glob("*.png")))
    assert len(seen) == 2 and recipe.settings[BLOCK]
    assert recipe.made["originality"].startswith("distinct")


def test_blocks_of_ones_own_are_cleared_credited_and_found_again(tmp_path, shelf):
    out = tmp_path / "book"
    done = muslin("design", "--count", 1, "--pool", 6, "--class", "shirt", "--size", 256, "--style", "weave_ikat", "--blocks", shelf,
                  "--set", "style.effort=0", "--out", out)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 of 1 designs made up on blocks of shelf: own work" in done.stderr
    look = next((out / "looks").glob("*.png"))
    row = json.loads(muslin("recipe", look).stdout)["parents"][0]["settings"]["block"]
    assert row["author"] == "Ana" and row["file"].startswith("shirt/mine-")
    assert f"{row['file']}: the block of this recipe is not here; name its folder or zip with --look-in" in refused(muslin("remake", look))
    assert SAME in muslin("remake", look, "--look-in", shelf).stderr
    assert f"made up on the block {row['file']}" in muslin("history", look).stdout
    told = muslin("evaluate", out, "--look-in", shelf, "--out", tmp_path / "report", "--set", "resamples=100")
    assert told.returncode == 0, told.stderr
    dressed = muslin(
        "style", next((out / "designs").glob("*.png")), "--style", "weave_ikat", "--fast", "--size", 96, "--out", tmp_path / "again"
    )
    assert dressed.returncode == 0, dressed.stderr
    assert read_recipe(next((tmp_path / "again").glob("01*.png"))).source() == "compositeWithTrainedAlgorithmicMedia"
    drawn = tmp_path / "plain.png"
    assert muslin("generate", "--seeds", "15", "--class", "shirt", "--out", tmp_path).returncode == 0
    assert muslin("remake", tmp_path / "shirt-000015.png", "--blocks", shelf, "--out", drawn).returncode == 0
    assert read_recipe(drawn).settings[BLOCK]["author"] == "Ana"
    assert "name that (designs/ in a lookbook)" in refused(muslin("remake", look, "--blocks", "starter"))
    write_ledger(tmp_path / "shelf.rights.csv", Ledger((("*", Rights("all rights reserved")),)))
    closed = muslin("design", "--count", 1, "--blocks", shelf, "--out", tmp_path / "no", env={"MUSLIN_RIGHTS": ""})
    assert "all rights reserved" in refused(closed) and not (tmp_path / "no").exists()


def test_drafts_and_edits_can_be_made_up_too(tmp_path):
    done = muslin("generate", "--seeds", "15", "--class", "shirt", "--blocks", "starter", "--size", 320, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    file = tmp_path / "shirt-000015.png"
    assert open_image(file).pixels.shape == (3, 320, 320) and read_recipe(file).settings[BLOCK]
    assert SAME in muslin("remake", file).stderr
    assert muslin("edit", "slide", file, "--set", "length=+1", "--out", tmp_path / "edited").returncode == 0
    edited = tmp_path / "edited" / "shirt-000015-length+1.png"
    made = muslin("remake", edited, "--blocks", "starter", "--size", 256)
    assert "made up at 256 px" in made.stderr, made.stderr
    larger = tmp_path / "edited" / "shirt-000015-length+1.256px.png"
    assert SAME in muslin("remake", larger).stderr
    assert "1 of 1 designs made up on blocks of starter: CC0-1.0" in done.stderr
    drawing = muslin("generate", "--generator", "sketches-64", "--seeds", "4", "--blocks", "starter", "--out", tmp_path / "drawings")
    assert "0 of 1 designs made up" in drawing.stderr and "1 as drawn: no block fits" in drawing.stderr
    bare = muslin("remake", file, "--blocks", "none", "--size", 256, "--out", tmp_path / "bare.png")
    assert "drawn anew at 256 px" in bare.stderr and BLOCK not in read_recipe(tmp_path / "bare.png").settings


def test_what_cannot_be_a_block_is_told_in_a_line_before_anything_is_written(tmp_path):
    assert "no such file or folder" in refused(muslin("design", "--blocks", tmp_path / "nosuch", "--out", tmp_path / "book"))
    assert "no such file or folder" in refused(muslin("design", "--against", tmp_path / "nosuch", "--out", tmp_path / "book"))
    dark = tmp_path / "dark"
    dark.mkdir()
    (dark / "night.png").write_bytes(encode_png(torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1))
    assert "none of its 1 pictures shows a garment" in refused(muslin("generate", "--blocks", dark, "--out", tmp_path / "book"))
    assert not (tmp_path / "book").exists()


def test_a_recipes_block_that_is_forged_is_told(tmp_path):
    for nonsense in ({}, {"file": "/etc/hostname", "sha256": "0"}, {"file": "../x.jpg", "sha256": "0"}):
        with pytest.raises(InputError, match="cut or changed|within their folder"):
            find_block(nonsense, [tmp_path])


def test_what_is_cut_by_the_border_or_tiny_is_no_block(tmp_path, shirts):
    item = next(item for item in open_source(STARTER).items if item.name.startswith("shirt/8ce2f4eb"))
    whole = open_image(item.content(), item.name).pixels
    parts = {"whole": whole, "middle": whole[:, 90:170], "side": whole[:, :, 90:], "tiny": resize(whole, 60, 60)}
    for name, pixels in parts.items():
        path = tmp_path / "archive" / "shirt" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(pixels))
    *events, blocks = open_blocks(str(tmp_path / "archive"), "the tests")
    assert [row["file"] for row in blocks.fits(shirts[0], "shirt")] == ["shirt/whole.png"]
    assert any(isinstance(e, Note) and "128 px a side or more" in e.text for e in events)


def test_an_edit_leaves_the_block_and_what_was_told_of_it_behind(starter):
    block = {"file": "shirt/a.jpg", "sha256": "0", "licence": "own work"}
    base = Recipe("draft", generator={"name": "g", "sha256": "1", "seed": 1, "truncation": 0.7}, licence={"block print.jpg": "CC0-1.0"})
    made = made_up(replace(base, made={"chosen": "by hand", "originality": "distinct"}), 256, block)
    assert made.licence == {"block print.jpg": "CC0-1.0", "block shirt/a.jpg": "own work"} and made.source_type.startswith("composite")
    left = bare(made)
    assert replace(left, made_with={}) == base and "originality" not in left.made and left.made["chosen"] == "by hand"
    photo = Recipe("photo", content={"file": "block x.jpg", "sha256": "2"}, licence={"block x.jpg": "own work"}, source_type="composite")
    assert bare(photo) == photo
