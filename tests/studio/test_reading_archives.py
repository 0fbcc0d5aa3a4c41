"""An archive of one's own read: pieces.txt and sheets, corrections that stay, and designs that are built on them."""

import zipfile
from dataclasses import replace

import pytest
import torch

from command import muslin, refused
from muslin.assets import STARTER
from muslin.base.errors import InputError
from muslin.base.events import Note, Saved
from muslin.base.files import sha256
from muslin.base.image import encode_png, open_image
from muslin.data.sources import open_source
from muslin.data.traces import from_table, from_text, to_table
from muslin.provenance.recipe import BLOCK, PIECES, read_recipe
from muslin.studio.blocks import open_blocks
from muslin.studio.pieces import built_of, pieces

MINE = "inside 420,150 500,200 580,150; stitch 300,800 700,800"


@pytest.fixture
def archive(tmp_path):
    """Six shirts of the starter set in a folder, without what is known of them."""
    folder = tmp_path / "archive" / "shirt"
    folder.mkdir(parents=True)
    for item in [item for item in open_source(STARTER).items if item.label == "shirt"][:6]:
        (folder / item.name.split("/")[1]).write_bytes(item.content())
    return folder.parent


def test_an_archive_is_read_shown_and_kept_as_corrected(archive, tmp_path):
    out = tmp_path / "out"
    done = muslin("pieces", archive, "--out", out)
    assert done.returncode == 0, done.stderr
    rows = from_table((out / "pieces.txt").read_bytes(), "x")
    assert len(rows) == 6 and all(name.startswith("shirt/") for name in rows)
    assert sum("collar" in row.text for row in rows.values()) >= 3  # shirts have some
    assert open_image(out / "pieces-01.png").pixels.shape[2] > 1000
    first = sorted(rows)[0]
    rows[first] = replace(rows[first], text=MINE)
    (out / "pieces.txt").write_text(f"# looked at on Monday\n{to_table(rows)}# shirts only\n")
    again = muslin("pieces", archive, "--out", out)
    assert "0 read, 6 kept" in again.stdout + again.stderr
    assert from_table((out / "pieces.txt").read_bytes(), "x") == rows
    told = (out / "pieces.txt").read_text().splitlines()
    assert told[:3] == ["# how the garments are built of archive", "# looked at on Monday", "# shirts only"]


def test_a_photograph_is_dressed_and_drawn_by_its_row(archive, tmp_path):
    """As the archive's pieces.txt says, corrections and all; the look's recipe holds it, and remakes the look without the file."""
    photo = min((archive / "shirt").iterdir())
    words = ("--style", "weave_tartan_red", "--fast", "--size", 256, "--i-have-the-rights", "own work")
    out, table = tmp_path / "out", archive / "pieces.txt"
    assert muslin("style", photo, *words, "--out", out).returncode == 0
    assert muslin("flat", photo, "--out", out / "flat", "--i-have-the-rights", "own work").returncode == 0
    table.write_text(f"shirt/{photo.name}\t{MINE}\t{sha256(photo.read_bytes())[:12]}\n")
    assert muslin("style", photo, *words, "--out", out).returncode == 0
    assert muslin("flat", photo, "--out", out / "flat2", "--i-have-the-rights", "own work").returncode == 0
    read, told = sorted(out.glob(f"{photo.stem}-weave*.png"), key=lambda path: path.stat().st_mtime)
    assert PIECES not in read_recipe(read).content and read_recipe(told).content[PIECES] == MINE
    assert not torch.equal(open_image(read).pixels, open_image(told).pixels)
    drawn, again = ((out / name / f"{photo.stem}.flat.svg").read_text() for name in ("flat", "flat2"))
    assert drawn != again
    table.unlink()
    for look in (read, told):
        done = muslin("remake", look, "--look-in", photo.parent, "--out", tmp_path / look.name)
        assert done.returncode == 0, done.stderr
        assert torch.equal(open_image(tmp_path / look.name).pixels, open_image(look).pixels)
    table.write_text(f"shirt/{photo.name}\t{MINE}\t000000000000\n")  # of a picture that had its name before
    assert built_of(photo) is None
    table.write_text(f"shirt/{photo.name}\tcollar 1,2\n")
    assert "pieces.txt, line 1: the traced pieces" in refused(muslin("style", photo, *words, "--out", tmp_path / "none"))


def test_a_row_of_another_picture_that_had_the_name_is_not_kept(archive, tmp_path):
    list(pieces(str(archive), tmp_path / "out"))
    first, second, *_ = sorted((archive / "shirt").iterdir())
    before = from_table((tmp_path / "out" / "pieces.txt").read_bytes(), "x")
    first.write_bytes(second.read_bytes())
    news = list(pieces(str(archive), tmp_path / "out"))
    texts = [getattr(event, "text", "") for event in news]
    assert any(f"shirt/{first.name}: has another content than its row" in text for text in texts)
    assert any("1 read, 5 kept" in text for text in texts)
    old = before[f"shirt/{first.name}"].text
    assert f"# was shirt/{first.name}\t{old}\n" in (tmp_path / "out" / "pieces.txt").read_text()  # nobody's corrections are lost
    rows = from_table((tmp_path / "out" / "pieces.txt").read_bytes(), "x")
    assert rows[f"shirt/{first.name}"] == rows[f"shirt/{second.name}"] != before[f"shirt/{first.name}"]
    (tmp_path / "out" / "pieces.txt").rename(archive / "pieces.txt")
    first.write_bytes(encode_png(open_image(second).pixels.flip(2)))
    *_, blocks = open_blocks(str(archive), "own work")
    item = next(item for item in blocks.items if item.name.endswith(first.name))
    assert blocks._built(item) != rows[f"shirt/{first.name}"].text


def test_the_row_that_is_of_the_picture_is_kept_whichever_table_has_it(archive, tmp_path):
    """A stale row in the archive does not drive out a fresh correction in OUT; remarks of both stay, and whose a table is is seen below a remark."""
    out = tmp_path / "out"
    list(pieces(str(archive), out))
    (archive / "pieces.txt").write_bytes(b"# the archive's\n" + (out / "pieces.txt").read_bytes())
    first, second, *_ = sorted((archive / "shirt").iterdir())
    first.write_bytes(second.read_bytes())
    list(pieces(str(archive), out))
    rows = from_table((out / "pieces.txt").read_bytes(), "x")
    rows[f"shirt/{first.name}"] = replace(rows[f"shirt/{first.name}"], text=MINE)
    (out / "pieces.txt").write_text(f"# mine\n# how the garments are built of archive\n{to_table(rows)}")
    news = list(pieces(str(archive), out))
    assert any("0 read, 6 kept" in getattr(event, "text", "") for event in news)
    assert from_table((out / "pieces.txt").read_bytes(), "x")[f"shirt/{first.name}"].text == MINE
    assert (out / "pieces.txt").read_text().splitlines()[:3] == ["# how the garments are built of archive", "# mine", "# the archive's"]
    with pytest.raises(InputError, match="is of archive, not of winter"):
        list(pieces(str(archive.rename(tmp_path / "winter")), out))


def test_a_table_of_something_else_stops_nobody_and_a_stale_row_is_told(archive, tmp_path):
    photo = min((archive / "shirt").iterdir())
    (archive / "pieces.txt").write_text("white king\nblack queen\n")
    words = ("--style", "weave_tartan_red", "--fast", "--size", 128, "--i-have-the-rights", "own work", "--out", tmp_path / "out")
    assert muslin("style", photo, *words).returncode == 0
    (archive / "pieces.txt").write_text(f"shirt/{photo.name}\t{MINE}\t000000000000\n")
    done = muslin("style", photo, *words)
    assert done.returncode == 0 and "1 of its rows are of other pictures" in done.stdout + done.stderr
    assert len(list((tmp_path / "out").glob(f"{photo.stem}*"))) == 1  # the same look
    (archive / "pieces.txt").write_text(f"shirt/{photo.name}\t{MINE}\n")
    for _ in range(2):
        assert muslin("style", photo, *words, "--where", "all").returncode == 0  # nothing is cut: a row makes no other look
        (archive / "pieces.txt").unlink(missing_ok=True)
    assert len(list((tmp_path / "out").glob(f"{photo.stem}*"))) == 2


def test_designs_are_built_on_what_is_read_and_on_what_was_corrected(archive, tmp_path):
    words = (
        "--class",
        "shirt",
        "--count",
        2,
        "--pool",
        6,
        "--style",
        "weave_tartan_red",
        "--set",
        "style.effort=0",
        "--size",
        256,
        "--blocks",
        archive,
        "--i-have-the-rights",
        "own work",
    )
    done = muslin("design", *words, "--out", tmp_path / "read")
    assert done.returncode == 0, done.stderr
    design = next(iter(sorted((tmp_path / "read" / "designs").glob("*.png"))))
    recipe = read_recipe(design)
    assert PIECES in recipe.settings[BLOCK] and PIECES in recipe.made
    remade = muslin("remake", design, "--look-in", archive, "--out", tmp_path / "again.png")
    assert remade.returncode == 0, remade.stderr
    assert torch.equal(open_image(tmp_path / "again.png").pixels, open_image(design).pixels)
    (archive / "pieces.txt").write_text("".join(f"shirt/{path.name}\t{MINE}\n" for path in (archive / "shirt").iterdir()))
    done = muslin("design", *words, "--out", tmp_path / "corrected")
    assert done.returncode == 0, done.stderr
    recipe = read_recipe(next(iter(sorted((tmp_path / "corrected" / "designs").glob("*.png")))))
    assert recipe.settings[BLOCK][PIECES] == MINE
    assert [trace.kind for trace in from_text(recipe.made[PIECES])] == ["inside", "stitch"]


def test_pieces_in_a_zip_are_used_and_wrong_ones_are_named(archive, tmp_path):
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as made:
        for file in (archive / "shirt").iterdir():
            made.write(file, f"shirt/{file.name}")
        made.writestr("pieces.txt", "".join(f"shirt/{file.name}\t{MINE}\n" for file in (archive / "shirt").iterdir()))
    *_, blocks = open_blocks(str(path), "own work")
    assert {row.text for row in blocks.traced.values()} == {MINE}
    (archive / "pieces.txt").write_text("shirt/x.jpg\tcollar 1,2\n")
    with pytest.raises(InputError, match=r"archive/pieces.txt, line 1: the traced pieces"):
        list(open_blocks(str(archive), "own work"))
    done = muslin("pieces", archive, "--out", tmp_path / "out")
    assert "pieces.txt, line 1" in refused(done)
    assert not (tmp_path / "out").exists()


def test_a_stopped_reading_goes_on(archive, tmp_path, monkeypatch):
    monkeypatch.setattr("muslin.studio.pieces._OFTEN", 2)
    for event in pieces(str(archive), tmp_path / "out"):
        if getattr(event, "done", 0) == 4:
            break
    assert len((tmp_path / "out" / "pieces.txt").read_text().splitlines()) == 5  # the first says whose
    news = list(pieces(str(archive), tmp_path / "out"))
    assert any(isinstance(event, Note) and event.text.startswith("2 read, 4 kept") for event in news)
    assert [event.path.name for event in news if isinstance(event, Saved)] == ["pieces.txt", "pieces-01.png"]


def test_sheets_are_all_there_where_pictures_are_refused(archive, tmp_path, monkeypatch):
    monkeypatch.setattr("muslin.studio.pieces._SHEET", 3)
    (archive / "shirt" / "0.png").write_bytes(b"no picture")
    list(pieces(str(archive), tmp_path / "out"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["pieces-01.png", "pieces-02.png", "pieces.txt"]


def test_the_archives_own_corrections_go_first_and_strays_are_told(archive, tmp_path):
    list(pieces(str(archive), tmp_path / "out"))
    name = f"shirt/{min(path.name for path in (archive / 'shirt').iterdir())}"
    (archive / "pieces.txt").write_text(f"# mine\n{name}\t{MINE}\r\nshirt/other.jpg\t{MINE}\n")
    news = list(pieces(str(archive), tmp_path / "out"))
    rows = from_table((tmp_path / "out" / "pieces.txt").read_bytes(), "x")
    assert rows[name].text == MINE and len(rows) == 6
    assert any("1 of its rows name no picture of it, the first 'shirt/other.jpg'" in getattr(event, "text", "") for event in news)
    assert any("'shirt/other.jpg'" in getattr(event, "text", "") for event in open_blocks(str(archive), "own work"))


def test_one_archives_folder_is_not_anothers_nor_in_it(archive, tmp_path):
    list(pieces(str(archive), tmp_path / "out"))
    other = archive.rename(tmp_path / "winter")
    with pytest.raises(InputError, match="is of archive, not of winter; name another folder with --out"):
        list(pieces(str(other), tmp_path / "out"))
    assert "would be taken for garments" in refused(muslin("pieces", ".", cwd=other))


def test_names_that_cannot_stand_in_a_table_are_told(archive, tmp_path):
    first = min((archive / "shirt").iterdir())
    for name in ("two\nlines.jpg", "tab\there.jpg", "caf\udce9.jpg"):
        (archive / "shirt" / name).write_bytes(first.read_bytes())
    news = list(pieces(str(archive), tmp_path / "out"))
    assert sum("rename it" in getattr(event, "reason", "") for event in news) == 3
    assert len(from_table((tmp_path / "out" / "pieces.txt").read_bytes(), "x")) == 6


def test_what_shows_no_garment_is_named_and_the_rest_goes_on(archive, tmp_path):
    (archive / "shirt" / "zebra.png").write_bytes(encode_png(torch.rand(3, 200, 200) * 2 - 1))
    (archive / "shirt" / "torn.png").write_bytes(b"no picture")
    done = muslin("pieces", archive, "--out", tmp_path / "out")
    assert done.returncode == 0 and "zebra.png" in done.stderr and "torn.png" in done.stderr
    assert len((tmp_path / "out" / "pieces.txt").read_text().splitlines()) == 7
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "torn.png").write_bytes(b"no picture")
    assert "torn.png" in refused(muslin("pieces", alone, "--out", tmp_path / "none"))
    assert "nowhere" in refused(muslin("pieces", tmp_path / "nowhere"))
