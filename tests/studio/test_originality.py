"""Indexes as files, the report, and drafts screened for copies."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from muslin.assets import STARTER
from muslin.base.checkpoint import load_checkpoint, save_checkpoint
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Event, Finished, Note, Refused, Warned, last_of
from muslin.base.image import encode_png, open_image
from muslin.data.sources import open_source
from muslin.gan.generators import load_generator
from muslin.metrics.originality import Index
from muslin.studio import indexing
from muslin.studio.choose import features, known_garments
from muslin.studio.indexing import index_of, load_index, save_index
from muslin.studio.originality import Search, originality
from muslin.studio.pipeline import look_at
from muslin.studio.screening import choose_new, training_index


@pytest.fixture(scope="module")
def garments(tmp_path_factory):
    """A folder of 24 real dresses and skirts, and one of 12 others of the same kinds."""
    root = tmp_path_factory.mktemp("garments")
    items = [item for item in open_source(STARTER).items if item.label in ("dress", "skirt")]
    for number, item in enumerate(items[:36]):
        target = root / ("learned" if number % 3 else "held") / item.label / f"{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(item.read())
    return root


def run(work):
    events = list(work)
    return [event for event in events if isinstance(event, Event)], events[-1]


@pytest.fixture(scope="module")
def index(garments):
    return run(index_of(str(garments / "learned"), garments / "index.safetensors", str(garments / "held")))[1]


def test_an_index_is_made_once_and_again_when_the_data_change(garments, index, tmp_path):
    assert isinstance(index, Index) and len(index) == 24 and len(index.chance_similar) == 12
    events, again = run(index_of(str(garments / "learned"), garments / "index.safetensors", str(garments / "held")))
    assert any(isinstance(event, Note) and "indexed before" in event.text for event in events)
    assert torch.equal(again.colour, index.colour)
    events, other = run(index_of(str(garments / "held"), garments / "index.safetensors"))
    assert len(other) == 12 and any(isinstance(event, Warned) and "hints" in event.text for event in events)


def test_a_stopped_indexing_goes_on_to_the_same_index(garments, tmp_path, monkeypatch):
    monkeypatch.setattr(indexing, "BLOCK", 10)
    whole, stopped = tmp_path / "whole.safetensors", tmp_path / "stopped.safetensors"
    run(index_of(str(garments / "learned"), whole))
    for event in index_of(str(garments / "learned"), stopped):
        if isinstance(event, Event) and getattr(event, "done", 0) == 10:
            break
    kept = sorted((tmp_path / "stopped.parts").rglob("*.safetensors"))
    before = [path.stat().st_mtime_ns for path in kept]
    assert len(kept) == 1 and not stopped.exists()
    for event in index_of(str(garments / "learned"), stopped):
        if isinstance(event, Event) and getattr(event, "done", 0) == 20:
            assert [path.stat().st_mtime_ns for path in kept] == before
            break
    run(index_of(str(garments / "learned"), stopped))
    one, other = (load_checkpoint(path) for path in (whole, stopped))
    assert all(torch.equal(one[0][name], other[0][name]) for name in one[0]) and one[1] == other[1]
    assert not (tmp_path / "stopped.parts").exists()


def test_the_report_names_a_planted_copy_and_what_it_is_a_copy_of(garments, index, tmp_path):
    source = open_source(garments / "learned").items[5]
    held = open_source(garments / "held").items[2]
    for name, item in (("copy", source), ("new", held)):
        (tmp_path / f"{name}.png").write_bytes(encode_png(open_image(item.read(), name).pixels.flip(2)))
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    files = [tmp_path / "copy.png", tmp_path / "new.png", tmp_path / "broken.png"]
    indexing.save_index(tmp_path / "kept.safetensors", index, {})
    events, last = run(originality(files, tmp_path / "out", Search(str(tmp_path / "kept.safetensors"), language="zh")))
    assert isinstance(last, Finished) and any("1 copy" in getattr(event, "text", "") for event in events)
    rows = json.loads((tmp_path / "out" / "originality.json").read_text())["designs"]
    assert rows[0]["design"] == "copy.png" and rows[0]["verdict"] == "copy"
    assert rows[0]["nearest"][0]["picture"] == source.name
    assert rows[1]["verdict"] != "copy"
    page = (tmp_path / "out" / "index.html").read_text()
    assert "雷同" in page and str(tmp_path) not in page


def test_bad_input_is_told(garments, tmp_path):
    with pytest.raises(SettingError, match="alarm"):
        run(originality([tmp_path], tmp_path, Search(alarm=0.5)))
    with pytest.raises(InputError, match="no such file"):
        run(originality([tmp_path / "nothing.png"], tmp_path))
    with pytest.raises(InputError, match="not an index"):
        load_index(load_generator("garments-64").path)


def test_copies_among_the_drafts_are_not_chosen(garments, index):
    learned = [open_image(item.read(), item.name).pixels for item in open_source(garments / "learned").items[:4]]
    held = [open_image(item.read(), item.name).pixels for item in open_source(garments / "held").items[:8]]
    pool = look_at(learned + held, [""] * 12)
    sure = replace(index, chance_similar=torch.linspace(0.2, 0.95, 100), chance_away=torch.linspace(0.1, 0.9, 100))
    screened = run(choose_new(pool, learned + held, 6, known_garments(64), sure))[1]
    assert not set(range(4)) & set(screened.chosen.places.tolist())
    assert all(screened.findings[place].verdict != "copy" for place in screened.chosen.places.tolist())
    assert "nearest of 24 pictures" in screened.told(screened.chosen.places.tolist()[0])["originality"]
    without = run(choose_new(pool, learned + held, 6, known_garments(64), None))[1]
    assert without.told(0) == {} and len(without.chosen.places) == 6
    assert features(learned).shape == (4, 1280)


def test_a_generator_of_unknown_data_is_told(tmp_path):
    unknown = replace(load_generator("fashion-mnist-28"), path=tmp_path / "x.safetensors")
    events, _ = run(training_index(unknown, "", tmp_path / "i.safetensors"))
    assert isinstance(events[0], Warned) and "--against" in events[0].text
    assert list(training_index(unknown, "none", tmp_path / "i.safetensors")) == []


def test_what_a_work_makes_is_returned_and_its_news_passed_on():
    def outer():
        made = yield from last_of(iter([Note("a"), 7]))
        yield Note(str(made))

    assert [event.text for event in outer()] == ["a", "7"]


def test_the_shipped_index_is_of_what_garments_64_learned_from():
    shipped = load_index(indexing.INDEXES["garments-64"])
    assert len(shipped) == 2704 and len(shipped.chance_similar) > 500
    assert shipped.thumbnail(2703).shape == (3, 64, 64)


def test_thresholds_say_where_they_come_from(garments, index, tmp_path):
    ready, design = str(tmp_path / "ready.safetensors"), next((garments / "held").rglob("*.jpg"))
    save_index(Path(ready), index, {})
    with pytest.raises(SettingError, match="the index .* has its thresholds"):
        run(originality([design], tmp_path, Search(ready, held_out=str(garments / "held"))))
    events, _ = run(originality([design], tmp_path, Search(ready)))
    assert any(isinstance(event, Warned) and "hints" in event.text for event in events)  # of 12 pictures, whenever it is used
    assert json.loads((tmp_path / "originality.json").read_text())["calibrated_on"] == "12 pictures held out"


def test_an_index_takes_no_other_files_place(garments, tmp_path):
    mine, beside = tmp_path / "mine.safetensors", tmp_path / "mine.parts" / "notes.txt"
    beside.parent.mkdir()
    beside.write_text("my own")
    run(index_of(str(garments / "held"), mine))
    assert beside.read_text() == "my own" and list(beside.parent.iterdir()) == [beside]
    save_checkpoint(mine, {"weight": torch.zeros(3)}, {"kind": "generator"})
    with pytest.raises(InputError, match=r"mine\.safetensors: is there, and is no index"):
        run(index_of(str(garments / "held"), mine))
    assert load_checkpoint(mine)[1]["kind"] == "generator"


def test_a_held_out_picture_that_cannot_be_read_is_left_out(garments, tmp_path):
    shutil.copytree(garments / "held", tmp_path / "held")
    (tmp_path / "held" / "dress" / "zz.jpg").write_text("no picture")
    events, made = run(index_of(str(garments / "learned"), tmp_path / "a.safetensors", str(tmp_path / "held")))
    assert [event.path for event in events if isinstance(event, Refused)] == ["dress/zz.jpg"]
    assert len(made.chance_similar) == 12
    only = tmp_path / "only"
    only.mkdir()
    (only / "zz.jpg").write_text("no picture")
    with pytest.raises(InputError, match="only: holds no picture that can be read"):
        run(index_of(str(garments / "learned"), tmp_path / "b.safetensors", str(only)))


def test_a_named_index_of_other_pictures_is_not_written_over(garments, tmp_path):
    design, mine = next((garments / "held").rglob("*.jpg")), tmp_path / "mine.safetensors"
    run(originality([design], tmp_path / "out", Search(str(garments / "held"), index=mine)))
    before = mine.read_bytes()
    with pytest.raises(InputError, match=r"mine\.safetensors: is the index of other pictures \(held\); name another"):
        run(originality([design], tmp_path / "out", Search(str(garments / "learned"), index=mine)))
    assert mine.read_bytes() == before


def test_a_page_of_another_command_is_not_written_over(garments, index, tmp_path):
    save_index(tmp_path / "ready.safetensors", index, {})
    design = next((garments / "held").rglob("*.jpg"))
    book = tmp_path / "book"
    book.mkdir()
    (book / "index.html").write_text("a lookbook")
    (book / "lookbook.json").write_text("{}")
    with pytest.raises(InputError, match=r"index\.html: is the page of lookbook\.json beside it; name another folder"):
        run(originality([design], book, Search(str(tmp_path / "ready.safetensors"))))
    assert (book / "index.html").read_text() == "a lookbook"
