"""The rights ledger from the command line: written, told, checked, and what stops without it."""

import json
import shutil

import pytest

from command import muslin, refused
from muslin.assets import STYLES
from muslin.base.image import encode_png
from muslin.base.rights import Rights
from muslin.data.ledger import Ledger, read_ledger, write_ledger
from muslin.gan.generators import load_generator
from muslin.provenance.recipe import read_recipe

LITTLE = ("--size", "32", "--set", "images=32", "--set", "batch=8", "--set", "net.cbase=256", "--set", "net.cmax=16")
QUICK = ("--fast", "--size", "96")


@pytest.fixture
def unknown(archive):
    (archive / "rights.csv").unlink()
    return archive


@pytest.fixture
def dress_file(garment, tmp_path):
    path = tmp_path / "own" / "dress.png"
    path.parent.mkdir()
    path.write_bytes(encode_png(garment))
    return path


def _alone(*words):
    """As a user would: nobody vouches for anything."""
    return muslin(*words, env={"MUSLIN_RIGHTS": "", "OMP_NUM_THREADS": "1"})


def test_training_on_unknown_rights_stops_with_the_list_and_writes_nothing(unknown, tmp_path):
    line = refused(_alone("train", unknown, tmp_path / "run", *LITTLE))
    count = len(list(unknown.rglob("*.jpg")))
    assert f"{count} of {count} pictures are not cleared for training: {count} of unknown rights (dress/" in line
    assert "--i-have-the-rights NAME" in line
    assert not (tmp_path / "run").exists()


def test_who_vouches_stands_in_the_generators_card(unknown, tmp_path):
    done = _alone("train", unknown, tmp_path / "run", *LITTLE, "--i-have-the-rights", "Ann Tailor")
    assert done.returncode == 0, done.stderr
    card = load_generator(tmp_path / "run").card
    assert card["rights"]["vouched"]["by"] == "Ann Tailor"
    assert card["rights"]["vouched"]["pictures"] == sum(card["rights"]["licences"].values()) == len(list(unknown.rglob("*.jpg")))
    assert "vouched for by Ann Tailor" in card["data_licence"]
    assert "rights" in refused(_alone("train", unknown, tmp_path / "two", *LITTLE, "--i-have-the-rights", " "))


def test_the_command_writes_tells_and_checks_and_then_training_goes(unknown, tmp_path):
    assert "not cleared" in refused(_alone("rights", unknown, "--check", "train"))
    done = _alone("rights", unknown, "--licence", "cc by 4.0", "--author", "Ann Tailor", "--expires", "2999-01-01", "--check", "train")
    assert done.returncode == 0, done.stderr
    assert "cleared for training: CC-BY-4.0" in done.stderr
    rows = read_ledger(unknown).rows
    assert {rights.author for _, rights in rows} == {"Ann Tailor"}
    assert all(len(rights.sha256) == 64 for _, rights in rows)
    assert _alone("rights", unknown, "--only", "skirt/*", "--may-train", "no").returncode == 0
    line = refused(_alone("train", unknown, tmp_path / "run", *LITTLE, "--i-have-the-rights", "Ann"))
    assert "the ledger says may_train: no (skirt/" in line
    done = _alone("train", unknown, tmp_path / "run", *LITTLE, "--class", "dress")
    assert done.returncode == 0, done.stderr
    rights = load_generator(tmp_path / "run").card["rights"]
    assert set(rights["licences"]) == {"CC-BY-4.0"}
    assert all(line.startswith("Ann Tailor, CC-BY-4.0") for line in rights["credits"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--licence", "CC-BY-4"), "did you mean 'CC-BY-4.0'"),
        (("--expires", "soon"), "expires 'soon'"),
        (("--only", "coats/*", "--licence", "MIT"), "none of the"),
        (("--only", "dress/*"), "say what is known"),
        (("--from", "none.json"), "cannot read"),
    ],
)
def test_bad_values_are_one_line_and_the_ledger_stays(archive, words, told):
    before = (archive / "rights.csv").read_bytes()
    assert told in refused(_alone("rights", archive, *words))
    assert (archive / "rights.csv").read_bytes() == before


def test_styling_stops_at_a_style_or_a_picture_of_unknown_rights(dress_file, tmp_path):
    line = refused(_alone("style", dress_file, "--style", "weave_ikat", *QUICK, "--out", tmp_path / "out"))
    assert "1 of 2 pictures are not cleared for styling: 1 of unknown rights (dress.png)" in line
    assert not (tmp_path / "out").exists()
    assert _alone("rights", dress_file.parent, "--licence", "own work").returncode == 0
    mine = tmp_path / "cloths" / "mine.jpg"
    mine.parent.mkdir()
    shutil.copy(STYLES / "weave_ikat.jpg", mine)
    assert "(mine.jpg)" in refused(_alone("style", dress_file, "--style", mine, *QUICK, "--out", tmp_path / "out"))
    assert "(mine.jpg)" in refused(_alone("fabric", mine, "--cm", "5", "--dpi", "50", "--out", tmp_path / "out"))
    assert "(mine.jpg)" in refused(_alone("design", "--style", mine, "--out", tmp_path / "out"))
    assert "(mine.jpg)" in refused(_alone("range", "7", "--style", mine, "--out", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_look_tells_the_licences_of_all_that_went_in_and_who_vouched(dress_file, tmp_path):
    write_ledger(dress_file.parent / "rights.csv", Ledger((("*", Rights("own work")),)))
    mine = tmp_path / "mine.jpg"
    shutil.copy(STYLES / "weave_ikat.jpg", mine)
    done = _alone("style", dress_file, "--style", mine, *QUICK, "--out", tmp_path / "out", "--i-have-the-rights", "Ann Tailor")
    assert done.returncode == 0, done.stderr
    recipe = read_recipe(tmp_path / "out" / "dress-mine.png")
    assert recipe.licence == {"dress.png": "own work", "mine.jpg": "unknown"}
    assert recipe.made["rights"] == "Ann Tailor vouched for 1 pictures"
    again = _alone("style", tmp_path / "out" / "dress-mine.png", "--style", "weave_ikat", *QUICK, "--out", tmp_path / "more")
    assert again.returncode == 0, again.stderr  # what Muslin made was cleared when it was made
    assert read_recipe(tmp_path / "more" / "dress-mine-weave_ikat.png").licence["mine.jpg"] == "unknown"


def test_croissant_goes_out_and_comes_in_again(archive):
    pytest.importorskip("mlcroissant")
    done = _alone("rights", archive, "--only", "dress/*", "--licence", "CC-BY-4.0", "--author", "Ann", "--croissant")
    assert done.returncode == 0, done.stderr
    before = read_ledger(archive)
    assert json.loads((archive / "croissant.json").read_text())["recordSet"]
    other = archive.parent / "copy"
    shutil.copytree(archive, other)
    (other / "rights.csv").write_text("file\n")
    done = _alone("rights", other, "--from", archive / "croissant.json", "--check", "train")
    assert done.returncode == 0, done.stderr
    assert dict(read_ledger(other).rows) == dict(before.rows)


def test_the_lookbook_carries_the_attribution_lines_that_licences_ask_for(tmp_path):
    cloths = tmp_path / "cloths"
    cloths.mkdir()
    shutil.copy(STYLES / "weave_ikat.jpg", cloths / "roses.jpg")
    write_ledger(cloths / "rights.csv", Ledger((("roses.jpg", Rights("CC-BY-SA-4.0", "Ann Tailor", "https://a.example", "Roses")),)))
    words = ("--count", "1", "--pool", "4", "--against", "none", "--size", "96", "--set", "style.effort=0")
    done = _alone("design", "--style", cloths, *words, "--out", tmp_path / "book")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "book" / "index.html").read_text()
    assert "Roses, Ann Tailor, CC-BY-SA-4.0, https://a.example" in page
    assert "to be shared under the same licence" in page


@pytest.mark.parametrize("command", [("edit", "project"), ("edit", "sketch", "--count", "1"), ("flat",)])
def test_a_photo_of_unknown_rights_is_neither_brought_in_nor_drawn(command, dress_file, tmp_path):
    out = tmp_path / "out"
    line = refused(_alone(*command, dress_file, "--out", out))
    assert "pictures: 1 of 1 pictures are not cleared for styling: 1 of unknown rights (dress.png)" in line and not out.exists()
    write_ledger(dress_file.parent / "rights.csv", Ledger((("*", Rights("own work", may_style=False)),)))
    assert "pictures are not cleared" in refused(_alone(*command, dress_file, "--out", out, "--i-have-the-rights", "Ann"))
    assert not out.exists()


def test_who_vouches_for_a_photo_stands_in_the_design_and_in_the_flat(dress_file, tmp_path):
    vouched = ("--i-have-the-rights", "Ann Tailor")
    assert _alone("edit", "sketch", dress_file, "--count", 1, "--out", tmp_path, *vouched).returncode == 0
    design = tmp_path / "dress-sketch-1.png"
    assert read_recipe(design).made["rights"] == "Ann Tailor vouched for 1 pictures"
    assert _alone("flat", dress_file, "--out", tmp_path, *vouched).returncode == 0
    assert "Ann Tailor vouched for 1 pictures" in (tmp_path / "dress.flat.svg").read_text()
    assert _alone("flat", design, "--out", tmp_path / "own").returncode == 0  # of the studio's own making
    write_ledger(dress_file.parent / "rights.csv", Ledger((("*", Rights("own work")),)))
    assert _alone("flat", dress_file, "--out", tmp_path / "again").returncode == 0
