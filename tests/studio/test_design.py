"""The chain: draft, choose, dress, lay out, remake."""

import json
import re
from dataclasses import replace

import pytest
import torch

from muslin.base.errors import InputError, SettingError
from muslin.base.events import Finished, Note, Saved, Step
from muslin.base.image import encode_png, open_image
from muslin.gan.generators import load_generator
from muslin.provenance.recipe import read_recipe
from muslin.studio.pipeline import DesignConfig, design
from muslin.studio.remake import remake
from muslin.studio.styles import find_styles
from muslin.style.configs import StyleConfig

QUICK = DesignConfig(count=2, pool=4, classes=("dress", "skirt"), style=StyleConfig(size=128, steps=4, coarsest=64))


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    out = tmp_path_factory.mktemp("book") / "lookbook"
    events = list(design(out, load_generator("garments-64"), find_styles(["weave_ikat", "paint_great_wave"]), QUICK))
    return out, events


def test_one_call_makes_a_lookbook(book):
    out, events = book
    assert isinstance(events[-1], Finished)
    looks = sorted((out / "looks").glob("*.png"))
    assert len(looks) == 2
    assert len(list((out / "designs").glob("*.png"))) == 2
    assert open_image(looks[0]).pixels.shape == (3, 128, 128)
    assert open_image(looks[0]).dpi == pytest.approx(300, abs=0.5)
    page = (out / "index.html").read_text("utf-8")
    linked = json.loads(re.search(r'ld\+json">(.*?)</script>', page)[1])
    assert linked["digitalSourceType"] == "https://schema.org/CompositeSyntheticDigitalSource"  # photographed cloths beside drawn looks
    assert {part["digitalSourceType"] for part in linked["hasPart"]} == {
        "https://schema.org/CompositeWithTrainedAlgorithmicMediaDigitalSource"
    }  # made up on photographs
    assert {part["contentUrl"] for part in linked["hasPart"]} == {f"looks/{path.name}" for path in (out / "looks").glob("*.png")}
    # pictures in letters may spell anything; names of terms are not fetched, nor is anything else
    assert "http" not in re.sub(r"data:image/[^\"')]+|https?://(schema|cv\.iptc)\.org", "", page)
    assert page.count("data:image/jpeg;base64,") >= 6
    assert "连衣裙" in page
    data = json.loads((out / "lookbook.json").read_text())
    assert data["looks"][0]["recipe"]["styles"][0]["licence"]


def test_every_look_can_be_made_again_bit_for_bit(book, tmp_path):
    out, _ = book
    for look in [*(out / "looks").glob("*.png"), *(out / "designs").glob("*.png")]:
        events = list(remake(look, tmp_path / "again.png"))
        assert any(isinstance(e, Note) and e.text == "the same, bit for bit" for e in events)
        assert torch.equal(open_image(events[-1].path).pixels, open_image(look).pixels)  # again.png, again-2.png ...
        assert read_recipe(events[-1].path) == read_recipe(look)


def test_the_same_call_again_makes_only_what_is_missing(book):
    out, _ = book
    looks = sorted((out / "looks").glob("*.png"))
    kept, gone = looks
    gone.unlink()
    drafts = {path: path.read_bytes() for path in (out / "designs").glob("*.png")}
    when = [row["recipe"]["made"]["when"] for row in json.loads((out / "lookbook.json").read_text())["looks"]]
    old = replace(read_recipe(kept), made={"when": "2020-01-01 00:00:00 UTC"})
    kept.write_bytes(encode_png(open_image(kept).pixels, dpi=300, text=old.text()))
    before = kept.stat().st_mtime_ns
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)  # the same drafts are chosen, whose bits are those of the first time
    try:
        again = list(design(out, load_generator("garments-64"), find_styles(["weave_ikat", "paint_great_wave"]), QUICK))
    finally:
        torch.set_num_threads(threads)
    assert drafts == {path: path.read_bytes() for path in (out / "designs").glob("*.png")}  # they may be signed
    saved = [e.path for e in again if isinstance(e, Saved) and e.path.parent.name == "looks"]
    assert saved == [gone]
    told = [row["recipe"]["made"]["when"] for row in json.loads((out / "lookbook.json").read_text())["looks"]]
    assert told[0] == "2020-01-01 00:00:00 UTC" and len(when) == 2  # the one that was kept is as old as it is
    assert kept.stat().st_mtime_ns == before


def test_stopping_keeps_what_is_finished(tmp_path):
    work = design(tmp_path / "book", load_generator("garments-64"), find_styles(["weave_ikat"]), QUICK)
    for event in work:
        if isinstance(event, Step) and event.work == "dress":
            break
    work.close()
    assert len(list((tmp_path / "book" / "looks").glob("*.png"))) == 1
    assert not (tmp_path / "book" / "index.html").exists()


def test_another_seed_is_another_collection():
    generator = load_generator("garments-64")
    assert float((generator.draw(0) - generator.draw(1)).abs().mean()) > 0.02


@pytest.mark.parametrize(
    ("change", "says"), [({"count": 0}, "count=0"), ({"truncation": 9.0}, "truncation"), ({"language": "fr"}, "en or zh")]
)
def test_settings_out_of_range_are_told_before_anything_is_written(tmp_path, change, says):
    with pytest.raises(SettingError, match=says):
        next(design(tmp_path / "book", load_generator("garments-64"), find_styles(["weave_ikat"]), replace(QUICK, **change)))
    with pytest.raises(InputError, match="did you mean 'dress'"):
        next(design(tmp_path / "book", load_generator("garments-64"), find_styles(["weave_ikat"]), replace(QUICK, classes=("dres",))))
    assert not (tmp_path / "book").exists()


def test_styles_that_are_not_there_are_told(tmp_path):
    with pytest.raises(InputError, match="did you mean 'weave_ikat'"):
        find_styles(["weave_ikatt"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no pictures in this style folder"):
        find_styles([str(tmp_path / "empty")])


def test_a_recipe_whose_style_is_missing_says_which(tmp_path, ikat, garment_file):
    from muslin.studio.dressing import Wanted, dress_all

    style = tmp_path / "shelf" / "mine.png"
    style.parent.mkdir()
    style.write_bytes(encode_png(ikat))
    list(dress_all([garment_file], [(str(style), 1.0)], tmp_path / "out", QUICK.style, Wanted(rights="the tests")))
    look = next((tmp_path / "out").glob("dress-*.png"))
    forged = tmp_path / "forged.png"
    forged.write_bytes(encode_png(ikat, text=replace(read_recipe(look), styles=[]).text()))
    with pytest.raises(InputError, match="cut or changed: it is a look's and names no style"):
        list(remake(forged, look_in=[tmp_path]))
    with pytest.raises(InputError, match=r"mine\.png: the style of this recipe is not here"):
        list(remake(look, look_in=[tmp_path]))
    events = list(remake(look, look_in=[tmp_path, style.parent]))
    assert any(isinstance(e, Note) and e.text == "the same, bit for bit" for e in events)


def test_the_command_line_has_the_settings_defaults():
    from muslin.cli.design import design as command

    config = DesignConfig()
    given = {option.name: option.default for option in command.params}
    assert [given[name] for name in ("count", "pool", "seed", "truncation")] == [config.count, config.pool, config.seed, config.truncation]
