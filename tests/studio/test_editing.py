"""The designer's hand: every edit is a file whose recipe makes it again, whose parents are inside, and whose history can be told."""

import json
import math
import time
from pathlib import Path

import pytest

from muslin.base.errors import InputError, SettingError
from muslin.base.events import Note, Saved
from muslin.base.image import encode_png, open_image
from muslin.gan.generators import load_generator
from muslin.provenance.recipe import read_recipe
from muslin.studio.dressing import dress_all, style_config
from muslin.studio.editing import Source, blend, change_class, equal_weights, slide, strips, vary, walk
from muslin.studio.history import history
from muslin.studio.remake import remake


@pytest.fixture(scope="module")
def source():
    return Source(load_generator("garments-64"), "dress")


def same_again(path):
    return any(isinstance(e, Note) and e.text == "the same, bit for bit" for e in remake(path, path.with_name("again.png")))


def test_a_slider_moves_what_it_names_and_is_made_again(tmp_path, source):
    from muslin.metrics.garment import measure_all

    list(slide(source, "12", {"lightness": 1.2, "width": -1.0}, tmp_path))
    path = tmp_path / "12-lightness+1.2-width-1.png"
    after, label = measure_all(open_image(path).pixels[None]), source.generator.label("dress")
    before = measure_all(source.generator.draw(12, label, 0.7))
    assert float(after["lightness"]) > float(before["lightness"]) + 0.05
    assert float(after["width"]) < float(before["width"])
    assert same_again(path)


def test_the_tree_is_remade_and_told_from_its_last_leaf(tmp_path, source, monkeypatch):
    monkeypatch.setenv("MUSLIN_HAND", "Lin")
    list(slide(source, "3", {"warmth": 1.0}, tmp_path))
    list(blend(source, [str(tmp_path / "3-warmth+1.png"), "8"], equal_weights(2, "1,0", "0.3,0.7"), tmp_path))
    mixed = tmp_path / "3-warmth+1+8-mix.png"
    list(vary(source, str(mixed), 0.2, 1, 5, tmp_path))
    leaf = tmp_path / "3-warmth+1+8-mix-near0.2-005.png"
    for other in tmp_path.glob("3*.png"):
        if other != leaf:
            other.unlink()  # parents are inside: no file is needed
    assert same_again(leaf)
    told = "\n".join(history(leaf))
    for words in (
        "varied: a neighbour at 0.2",
        "mixed by hand of 2 designs: shape 1:0",
        "edited by hand: warmth +1",
        "seed 3",
        "seed 8",
        "Lin",
    ):
        assert words in told


def test_a_dressed_edit_is_made_again_without_its_file(tmp_path, source):
    list(slide(source, "3", {"warmth": 1.0}, tmp_path))
    edited = tmp_path / "3-warmth+1.png"
    list(dress_all([edited], [("weave_ikat", 1.0)], tmp_path / "looks", style_config("garment", ["size=96", "steps=4", "coarsest=64"])))
    look = tmp_path / "looks" / "3-warmth+1-weave_ikat.png"
    edited.unlink()
    assert same_again(look)
    assert "dressed in" in "\n".join(history(look))
    with pytest.raises(InputError, match="is a dressed look"):
        source.design(str(look))


def test_neighbours_strips_and_kinds_come_as_files_and_sheets(tmp_path, source):
    list(vary(source, "4", 0.3, 3, 0, tmp_path / "near"))
    assert len(list((tmp_path / "near").glob("4-near0.3-*.png"))) == 3
    list(strips(source, ["4"], tmp_path / "strips", ("warmth", "width"), 3))
    assert (tmp_path / "strips" / "strips-4.png").exists()
    list(change_class(source, "4", ("skirt",), tmp_path / "kinds"))
    made = read_recipe(tmp_path / "kinds" / "4-as-skirt.png")
    assert made.generator["class"] == "skirt" and made.edit["from"] == "dress"
    assert same_again(tmp_path / "kinds" / "4-as-skirt.png")


def test_a_walk_is_a_film_and_its_stops_are_designs(tmp_path, source):
    events = list(walk(source, ["1", "2"], tmp_path, "gif", 4, keep=1))
    assert [e.path.name for e in events if isinstance(e, Saved)][-2:] == ["walk.gif", "walk-strip.png"]
    kept = next(tmp_path.glob("walk-1-*.png"))
    assert same_again(kept)


def test_bad_wishes_are_told(tmp_path, source, garment_file):
    with pytest.raises(InputError, match="did you mean 'lightness'"):
        list(slide(source, "1", {"lightnes": 1.0}, tmp_path))
    with pytest.raises(InputError, match=r"warmth=50: should be -\d"):
        list(slide(source, "1", {"warmth": 50.0}, tmp_path))
    with pytest.raises(SettingError, match="which slider"):
        list(slide(source, "1", {}, tmp_path))
    with pytest.raises(InputError, match="bring it in with `muslin edit project"):
        list(vary(source, str(garment_file), 0.2, 1, 0, tmp_path))
    with pytest.raises(InputError, match="no such file"):
        source.design("none.png")
    with pytest.raises(SettingError, match="distance=2"):
        list(vary(source, "1", 2.0, 1, 0, tmp_path))
    with pytest.raises(InputError, match="needs two designs"):
        list(blend(source, ["1"], equal_weights(1), tmp_path))
    assert not list(tmp_path.glob("*near*"))


def test_parents_of_different_generators_are_told(tmp_path, source):
    other = Source(load_generator("fashion-mnist-32"))
    list(vary(other, "1", 0.2, 1, 0, tmp_path))
    with pytest.raises(InputError, match=r"from the generator 'fashion-mnist-32'.*muslin edit project"):
        list(blend(source, [str(tmp_path / "1-near0.2-000.png"), "2"], equal_weights(2), tmp_path))


def test_another_design_of_the_same_name_is_kept_beside(tmp_path, source):
    for shape, look in (("1,0", "0,1"), ("0,1", "1,0"), ("1,0", "0,1")):
        time.sleep(1.1)  # the parents of a later second
        events = list(blend(source, ["3", "8"], equal_weights(2, shape, look), tmp_path))
    names = sorted(path.name for path in tmp_path.glob("*mix*.png"))
    assert names == ["3+8-mix-2.png", "3+8-mix.png"] and events[-1].path.name == "3+8-mix.png"  # the third is the first again
    assert read_recipe(tmp_path / "3+8-mix.png").edit["weights"]["shape"] == [1.0, 0.0]
    with pytest.raises(InputError, match="as many weights"):
        list(blend(source, ["3", "8"], {"shape": [math.nan, 1.0], "detail": [1.0, 1.0], "look": [1.0, 1.0]}, tmp_path))


def test_generations_of_siblings_stay_readable_and_are_made_again(tmp_path, source):
    pair, weights = ["3", "8"], (equal_weights(2), equal_weights(2, "1,3"))
    for generation in range(12):  # each has two parents, which share theirs: 4,096 ancestors at the end
        for child, shares in zip("ab", weights, strict=True):
            list(blend(source, pair, shares, tmp_path / f"{generation}{child}"))
        pair = [str(next((tmp_path / f"{generation}{child}").glob("*-mix.png"))) for child in "ab"]
    last = Path(pair[0])
    assert len(read_recipe(last).plain()) < 600_000 and same_again(last)
    told = "\n".join(history(last))
    assert "mixed by hand of 2 designs" in told and "what came before is in this design's own file" in told


def test_a_walk_keeps_as_many_stops_as_asked(tmp_path, source):
    list(walk(source, ["1", "2"], tmp_path, "gif", 12, keep=5))
    assert len(list(tmp_path.glob("walk-1-*.png"))) == 5
    with pytest.raises(SettingError, match="keep=12: should be 0 to 11"):
        list(walk(source, ["1", "2"], tmp_path, "gif", 12, keep=12))


def test_a_neighbour_is_never_the_design_itself(tmp_path, source):
    list(vary(source, "3", 1.0, 4, 2, tmp_path))
    assert sorted(path.name for path in tmp_path.glob("3-near*.png")) == [f"3-near1-00{n}.png" for n in (2, 4, 5, 6)]
    own = open_image(tmp_path / "3-near1-002.png").pixels
    assert all(float((open_image(tmp_path / f"3-near1-00{n}.png").pixels - own).abs().max()) > 0.5 for n in (4, 5, 6))
    list(vary(source, str(tmp_path / "3-near1-002.png"), 0.5, 2, 3, tmp_path))  # not towards its parent's own seed either
    assert {path.name[-7:] for path in tmp_path.glob("3-near1-002-near*.png")} == {"004.png", "005.png"}


@pytest.mark.parametrize("form", ["gif", "webp", "mp4"])
def test_a_film_is_written_over_only_where_it_is_ours(tmp_path, source, form):
    if form == "mp4":
        pytest.importorskip("imageio_ffmpeg")
    (tmp_path / f"walk.{form}").write_bytes(b"mine")
    for _ in range(2):
        list(walk(source, ["1", "2"], tmp_path, form=form, frames=2))
    assert (tmp_path / f"walk.{form}").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.glob(f"*.{form}")) == [f"walk-2.{form}", f"walk.{form}"]


def test_what_is_wrong_is_told_before_anything_is_written(tmp_path, source):
    with pytest.raises(InputError, match="skrt"):
        list(change_class(source, "12", ("skirt", "skrt"), tmp_path / "a"))
    with pytest.raises(InputError, match="nofile"):
        list(strips(source, ["12", "nofile.png"], tmp_path / "a", ("width",), 3))
    assert not (tmp_path / "a").exists()
    for value in (50.0, math.nan, -0.1):
        with pytest.raises(SettingError, match="truncation"):
            Source(source.generator, truncation=value)


def test_two_designs_of_one_name_have_a_sheet_each_and_the_last_line_is_true(tmp_path, source):
    for folder in ("a", "b"):
        list(slide(source, "12" if folder == "a" else "13", {"width": 1.0}, tmp_path / folder))
        next((tmp_path / folder).glob("*width*.png")).rename(tmp_path / folder / "x.png")
    list(strips(source, [str(tmp_path / "a" / "x.png"), str(tmp_path / "b" / "x.png")], tmp_path / "out", ("width",), 3))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["strips-x-2.png", "strips-x.png"]
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "sheet.png").write_bytes(b"mine")
    *_, last = vary(source, "12", 0.2, 1, 0, tmp_path / "new")
    assert last.path == tmp_path / "new" / "sheet-2.png" and last.path.exists()
    assert (tmp_path / "new" / "sheet.png").read_bytes() == b"mine"


def test_long_names_have_room_for_what_is_added(tmp_path, source):
    list(slide(source, "12", {"width": 1.0}, tmp_path))
    long = tmp_path / f"{'裙' * 80}.png"
    next(tmp_path.glob("*width*.png")).rename(long)
    list(slide(source, str(long), {"width": 1.0, "warmth": -1.0}, tmp_path / "out"))
    list(blend(source, [str(long), str(long), "3"], equal_weights(3), tmp_path / "out"))
    assert all(len(path.name.encode()) < 220 for path in (tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    "change",
    [
        lambda r: {"edit": {"do": "slide"}},
        lambda r: {"edit": {"do": "vary", "seed": 1}},
        lambda r: {"parents": []},
        lambda r: {"parents": [r.parents[0] | {"generator": {k: v for k, v in r.parents[0]["generator"].items() if k != "seed"}}]},
        lambda r: {"parents": [r.parents[0] | {"generator": r.parents[0]["generator"] | {"truncation": "x"}}]},
        lambda r: {"parents": ["x"]},
        lambda r: {"settings": None},
        lambda r: {"kind": "film"},
        lambda r: {"licence": {"a": 1}},
        lambda r: {"styles": [1], "kind": "look"},
        lambda r: {"kind": "fabric"},
        lambda r: {"kind": "look", "styles": [{"file": "weave_ikat.jpg"}]},
        lambda r: {"generator": {"sha256": 5}},
    ],
)
def test_recipes_that_were_cut_or_changed_are_told(tmp_path, source, change):
    list(slide(source, "3", {"warmth": 1.0}, tmp_path))
    made = tmp_path / "3-warmth+1.png"
    other = tmp_path / "other.png"
    forged = json.dumps(json.loads(read_recipe(made).plain()) | change(read_recipe(made)))
    other.write_bytes(encode_png(open_image(made).pixels, text={"muslin": forged}))
    refusals = 0
    for ask in (
        lambda: list(history(other)),
        lambda: list(remake(other, tmp_path / "again.png")),
        lambda: list(vary(source, str(other), 0.2, 1, 0, tmp_path)),
    ):
        try:
            ask()
        except InputError:
            refusals += 1
    assert refusals, "one of them reads what was changed; none may end otherwise than by a line"
