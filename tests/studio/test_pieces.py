"""How a design is built goes with it: from the block that was traced, bent, into its recipe, into every look that is made of it."""

from dataclasses import replace

import pytest
import torch

from command import muslin, refused
from muslin.base.image import encode_png, open_image
from muslin.data.traces import from_text
from muslin.gan.generators import load_generator
from muslin.provenance.recipe import BLOCK, PIECES, bare, pieces_in, read_recipe
from muslin.studio.blocks import open_blocks
from muslin.studio.flat import flat
from muslin.studio.pipeline import DesignConfig, design
from muslin.studio.styles import find_styles
from muslin.style.configs import StyleConfig

QUICK = DesignConfig(count=2, pool=6, classes=("shirt",), style=StyleConfig(size=256, effort=0.0))


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    out = tmp_path_factory.mktemp("pieces") / "book"
    list(design(out, load_generator("garments-128"), find_styles(["weave_tartan_red"]), QUICK))
    return out


@pytest.fixture(scope="module")
def shirt(book):
    """A design that is built of more than one piece."""
    return max(sorted((book / "designs").glob("*.png")), key=lambda path: len(read_recipe(path).made[PIECES]))


def test_a_shirts_recipe_tells_its_block_as_traced_and_itself_as_bent(shirt):
    recipe = read_recipe(shirt)
    *_, blocks = open_blocks("starter")
    row = recipe.settings[BLOCK]
    assert row[PIECES] == blocks.traced[row["file"]].text
    traced, carried = from_text(row[PIECES]), from_text(recipe.made[PIECES])
    assert [trace.kind for trace in traced] == [trace.kind for trace in carried]
    moved = [float((one.points - other.points).norm(dim=1).max()) for one, other in zip(traced, carried, strict=True)]
    assert max(moved) > 3 and max(moved) < 400  # bent onto another silhouette, and not thrown about
    assert "collar" in row[PIECES]


def test_what_is_dressed_from_the_file_is_cut_like_the_look_of_the_same_run(book, shirt, tmp_path):
    look = next(path for path in (book / "looks").glob("*.png") if path.name.startswith(shirt.stem))
    words = ("--style", "weave_tartan_red", "--fast", "--size", "256")
    done = muslin("style", shirt, *words, "--out", tmp_path / "own")
    assert done.returncode == 0, done.stderr
    own = next((tmp_path / "own").glob(f"{shirt.stem}-*.png"))
    assert pieces_in(read_recipe(own).plain_dict(), 256, 256) == read_recipe(shirt).made[PIECES]
    blank = tmp_path / "blank.png"
    blank.write_bytes(encode_png(open_image(shirt).pixels))  # the same picture without its recipe
    done = muslin("style", blank, *words, "--i-have-the-rights", "own work", "--out", tmp_path / "unknown")
    assert done.returncode == 0, done.stderr
    unknown = next((tmp_path / "unknown").glob("blank-*.png"))
    pictures = [open_image(path).pixels for path in (look, own, unknown)]
    apart = [float((pictures[0] - other).abs().mean()) for other in pictures[1:]]
    assert apart[0] < 0.5 * apart[1]

    done = muslin("remake", own, "--look-in", shirt.parent, "--out", tmp_path / "again.png")
    assert done.returncode == 0, done.stderr
    assert torch.equal(open_image(tmp_path / "again.png").pixels, pictures[1])


def test_without_its_block_a_design_is_not_built(shirt):
    recipe = read_recipe(shirt)
    assert PIECES not in bare(recipe).made
    assert pieces_in(bare(recipe).plain_dict(), 256, 256) is None


def test_a_recipe_with_nonsense_for_pieces_is_refused(shirt, tmp_path):
    recipe = read_recipe(shirt)
    wrong = tmp_path / "wrong.png"
    wrong.write_bytes(encode_png(open_image(shirt).pixels, text=replace(recipe, made=recipe.made | {PIECES: "collar here"}).text()))
    done = muslin("style", wrong, "--style", "weave_tartan_red", "--fast", "--size", "256", "--out", tmp_path / "out")
    assert "traced pieces" in refused(done) and "wrong.png" in refused(done)
    block = recipe.settings[BLOCK] | {PIECES: "front 1,2"}
    wrong.write_bytes(encode_png(open_image(shirt).pixels, text=replace(recipe, settings=recipe.settings | {BLOCK: block}).text()))
    assert "traced pieces" in refused(muslin("remake", wrong, "--out", tmp_path / "again.png"))


def test_pieces_hold_on_the_picture_that_was_drawn_and_on_no_cut_of_it(shirt, tmp_path):
    plain = read_recipe(shirt).plain_dict()
    assert pieces_in(plain, 256, 256) and pieces_in(plain, 256, 200) is None and pieces_in(plain, 200, 200) is None
    cropped = tmp_path / "cropped.png"
    cropped.write_bytes(encode_png(open_image(shirt).pixels[:, :200], text=read_recipe(shirt).text()))
    *_, finished = flat([cropped], tmp_path / "flats")
    assert "stroke-dasharray" not in (tmp_path / "flats" / "cropped.flat.svg").read_text()


@pytest.mark.parametrize("change", [{"made": []}, {"made": None}, {"made": {"pieces": 5}}, {"settings": None}, {"kind": []}])
def test_a_recipe_from_anybody_tells_nothing_or_its_pieces(shirt, change):
    plain = read_recipe(shirt).plain_dict()
    assert pieces_in(plain | change, 256, 256) is None
    look = {"kind": "look", "settings": {"size": 256}}
    for parents in (["x"], 5, {"a": 1}, None):
        assert pieces_in(look | {"parents": parents}, 256, 256) is None
    assert pieces_in(look | {"parents": [plain | change]}, 256, 256) in (None, plain["made"]["pieces"])
    assert pieces_in(look | {"parents": [plain]}, 256, 256) == plain["made"]["pieces"]


def test_at_another_size_its_pieces_are_bent_anew(shirt, tmp_path):
    done = muslin("remake", shirt, "--size", "384", "--out", tmp_path / "large.png")
    assert done.returncode == 0, done.stderr
    small, large = (from_text(read_recipe(path).made[PIECES]) for path in (shirt, tmp_path / "large.png"))
    apart = [float((one.points - other.points).norm(dim=1).max()) for one, other in zip(small, large, strict=True)]
    assert 0 < max(apart) < 12
    assert pieces_in(read_recipe(tmp_path / "large.png").plain_dict(), 384, 384)


def test_a_block_that_is_built_of_nothing_is_traced_too():
    *_, blocks = open_blocks("starter")
    nothing = next(name for name, row in blocks.traced.items() if row is not None and row.text == "")
    shoe = next(item for item in blocks.items if item.label == "shoes")
    assert PIECES not in blocks._row(shoe)  # its picture is looked at
    assert blocks._row(next(item for item in blocks.items if item.name == nothing))[PIECES] == ""
