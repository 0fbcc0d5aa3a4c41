"""The dataset doctor, on an archive with everything that goes wrong."""

import io
import json
import os
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from muslin.base.errors import InputError, SettingError
from muslin.base.events import Finished, Refused, Warned
from muslin.base.image import open_image
from muslin.data.loader import square, within
from muslin.data.prepare import PrepareConfig, mend, prepare
from muslin.data.sources import open_source


@pytest.fixture
def messy(archive):
    """Six good pictures, and: a twin, a near twin, a text, a cut PNG, a tiny one, a wide one, a turned one, a clear one."""
    (archive / "rights.csv").unlink()
    first = sorted((archive / "dress").glob("*.jpg"))[0]
    image = Image.open(first)
    (archive / "dress" / "twin.jpg").write_bytes(first.read_bytes())
    image.save(archive / "dress" / "twin2.jpg", quality=70)
    (archive / "dress" / "text.jpg").write_text("not a picture")
    out = io.BytesIO()
    image.save(out, "PNG")
    (archive / "dress" / "cut.png").write_bytes(out.getvalue()[:3000])
    image.resize((8, 8)).save(archive / "dress" / "tiny.png")
    second = Image.open(sorted((archive / "skirt").glob("*.jpg"))[0])
    second.crop((0, 40, 256, 216)).save(archive / "skirt" / "wide.png")
    exif = Image.Exif()
    exif[0x0112] = 3
    second.rotate(180).resize((300, 300)).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(archive / "skirt" / "turned.jpg", exif=exif)
    clear = second.convert("RGBA").transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((200, 180))
    clear.putalpha(Image.new("L", (200, 180), 0))
    clear.paste(second.resize((100, 100)), (50, 40))
    clear.save(archive / "skirt" / "clear.png")
    return archive


def _run(source, target, config=None):
    return list(prepare(source, target, config))


def test_every_offender_is_named_and_the_rest_is_packed(messy, tmp_path):
    events = _run(messy, tmp_path / "set.zip", PrepareConfig(size=128, licence="own work"))
    assert isinstance(events[-1], Finished)
    refused = {event.path: event.reason for event in events if isinstance(event, Refused)}
    assert set(refused) == {"dress/text.jpg", "dress/cut.png", "dress/tiny.png"}
    report = json.loads((tmp_path / "set.report.json").read_text())
    assert {row["file"]: row["kind"] for row in report["twins_dropped"]} == {"dress/twin.jpg": "exact", "dress/twin2.jpg": "near"}
    done = {row["file"]: row["done"] for row in report["mended"]}
    assert any("padded from 256 x 176" in what for what in done["skirt/wide.png"])
    assert "turned as EXIF says" in done["skirt/turned.jpg"]
    assert "transparency laid on white" in done["skirt/clear.png"]
    assert report["kept"] == 9


def test_the_pack_is_one_form_that_can_be_read_again(messy, tmp_path):
    _run(messy, tmp_path / "set.zip", PrepareConfig(size=128, licence="own work"))
    source = open_source(tmp_path / "set.zip")
    listing = json.loads(zipfile.ZipFile(tmp_path / "set.zip").read("dataset.json"))
    assert source.classes == ("dress", "skirt")
    assert source.licence == "own work"
    assert len(source.items) == len(listing["images"]) == 9
    for row in listing["images"]:
        content = zipfile.ZipFile(tmp_path / "set.zip").read(row["file"])
        assert Image.open(io.BytesIO(content)).size == (128, 128)
        assert len(row["sha256"]) == 64
        assert row["mask"] is None or row["mask"] in zipfile.ZipFile(tmp_path / "set.zip").namelist()
    assert sum(row["mask"] is not None for row in listing["images"]) >= 8


def test_the_same_archive_gives_the_same_pack(messy, tmp_path):
    listings = []
    for name in ("a.zip", "b.zip"):
        _run(messy, tmp_path / name)
        listings.append(zipfile.ZipFile(tmp_path / name).read("dataset.json"))
    assert listings[0] == listings[1]


def test_stopping_in_the_middle_leaves_nothing_half_written(messy, tmp_path):
    work = prepare(messy, tmp_path / "out" / "set.zip")
    for _ in range(5):
        next(work)
    work.close()
    assert list((tmp_path / "out").iterdir()) == []


def test_an_archive_without_one_good_picture_says_so(tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.jpg").write_text("text")
    with pytest.raises(InputError, match="none of its 1 pictures can be used"):
        _run(tmp_path / "bad", tmp_path / "set.zip")
    assert not (tmp_path / "set.zip").exists()
    with pytest.raises(SettingError, match="size=4"):
        _run(tmp_path / "bad", tmp_path / "set.zip", PrepareConfig(size=4))


def test_only_what_prepare_wrote_is_written_over(archive, tmp_path):
    pack = tmp_path / "pack.zip"
    for _ in range(2):
        list(prepare(archive, pack, PrepareConfig(size=32)))
    with pytest.raises(InputError, match="is what is read"):
        list(prepare(pack, pack, PrepareConfig(size=32)))
    mine = tmp_path / "mine.zip"
    with zipfile.ZipFile(mine, "w") as out:
        out.writestr("notes.txt", "my own")
    before = mine.read_bytes()
    with pytest.raises(InputError, match=r"mine\.zip: is there and was not written by `muslin prepare`"):
        list(prepare(archive, tmp_path / "mine", PrepareConfig(size=32)))
    assert mine.read_bytes() == before


def test_odd_names_and_a_long_page_are_packed(tmp_path):
    folder = tmp_path / "in" / "dress: red"
    folder.mkdir(parents=True)
    Image.new("RGB", (300, 12_000), "white").save(folder / "page.png")
    Image.new("RGB", (64, 80), "red").save(os.fsencode(folder) + b"/robe_\xe9.png")
    list(prepare(tmp_path / "in", tmp_path / "out.zip", PrepareConfig(size=32)))
    assert open_source(tmp_path / "out.zip").classes == ("dress: red",)
    assert sorted(item.name for item in open_source(tmp_path / "out.zip").items) == ["dress- red/page.png", "dress- red/robe_-.png"]


def test_names_of_old_systems_and_backslashes_make_a_pack_that_can_be_read(archive, tmp_path):
    items, folder = open_source(archive).items, tmp_path / "old"
    for item, name in zip(items, (b"dress/a\\b.jpg", b"dress/x\\..\\..\\y.jpg", b"caf\xe9/caf\xe9.jpg"), strict=False):
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.read())
    _run(folder, tmp_path / "old.zip")
    items = open_source(tmp_path / "old.zip").items
    assert len(items) == 3 and all(item.read() for item in items)


@pytest.mark.parametrize("name", [".", "/", ".."])
def test_a_zip_without_a_name_is_told(archive, name):
    with pytest.raises(SettingError, match="name the zip to write"):
        list(prepare(archive, Path(name)))


def test_rounded_corners_are_no_mask_and_a_clear_picture_is_refused(archive, tmp_path):
    image = Image.open(sorted((archive / "dress").glob("*.jpg"))[0]).convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    image.save(archive / "dress" / "nothing.png")
    image.putalpha(255)
    image.paste((0, 0, 0, 0), (0, 0, 12, 12))
    image.save(archive / "dress" / "rounded.png")
    events = _run(archive, tmp_path / "set.zip", PrepareConfig(size=64, drop_twins=False))
    assert [(event.path, "transparent all over" in event.reason) for event in events if isinstance(event, Refused)] == [
        ("dress/nothing.png", True)
    ]
    with zipfile.ZipFile(tmp_path / "set.zip") as pack:
        mask = Image.open(io.BytesIO(pack.read("masks/dress/rounded.png")))
    assert sum(mask.convert("L").tobytes()) < 0.7 * 255 * 64 * 64


def test_a_strip_is_made_small_before_it_is_squared(tmp_path):
    """40 x 8000 px: squared as it is it would be 64 million pixels."""
    picture = Image.new("RGB", (40, 8000), "white")
    picture.paste((90, 20, 20), (10, 200, 30, 7800))
    out = io.BytesIO()
    picture.save(out, "PNG")
    pixels, mask, told = mend(open_image(out.getvalue(), "strip.png"), PrepareConfig(size=64))
    assert pixels.shape == (3, 64, 64) and "padded from 40 x 8000 to a square" in told
    assert square(within(open_image(out.getvalue()).pixels, 1024)).shape[1] == 1024


def test_a_row_of_the_ledger_that_names_nothing_is_told(archive, tmp_path):
    (archive / "rights.csv").write_text("file,licence,may_train\n*,CC0-1.0,\nDress/none.jpg,,no\n")
    events = _run(archive, tmp_path / "set.zip", PrepareConfig(size=64))
    assert [event.text for event in events if isinstance(event, Warned)] == [
        "Dress/none.jpg: this row of the ledger names no picture; correct the name, or take the row out"
    ]
