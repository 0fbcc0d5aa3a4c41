import os
import zipfile
from pathlib import Path

import pytest

from muslin.base.errors import InputError
from muslin.base.rights import Rights
from muslin.data.ledger import COLUMNS, Ledger, parse_ledger, place_of, read_ledger, rights_near, write_ledger
from muslin.data.sources import open_source
from muslin.studio.rights import Entry, ledger_of


def test_a_pictures_own_row_goes_before_patterns_and_the_first_pattern_before_later_ones():
    ledger = parse_ledger(b"file,licence\n*,CC0-1.0\ndress/*,MIT\ndress/a.jpg,own work\n", "rights.csv")
    assert ledger.of("dress/a.jpg").licence == "own work"
    assert ledger.of("dress/b.jpg").licence == "CC0-1.0"
    assert Ledger(ledger.rows[1:]).of("skirt/b.jpg") is None


def test_what_is_written_last_counts():
    ledger = Ledger((("*", Rights("MIT")), ("a.png", Rights("CC0-1.0"))))
    later = ledger.with_rows([("a.png", Rights("own work")), ("dress/*", Rights("CC-BY-4.0"))])
    assert later.of("a.png").licence == "own work"
    assert later.of("dress/b.png").licence == "CC-BY-4.0"
    assert later.of("b.png").licence == "MIT"


def test_a_ledger_comes_back_as_it_went(tmp_path):
    ledger = Ledger((("a, b.png", Rights("CC-BY-4.0", "Ann 安", "x", "“Roses”", may_train=False)), ("*", Rights("own work"))))
    assert read_ledger(write_ledger(tmp_path / "rights.csv", ledger).parent) == ledger


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"file,license\na.png,MIT\n", "column 'license' is not known; did you mean 'licence'"),
        (b"licence\nMIT\n", "has no column 'file'"),
        (b"file,may_train\na.png,maybe\n", "line 2: may_train 'maybe'"),
        (b"file,licence\n\xff\xfe,MIT\n", "not a table in UTF-8"),
        (b'file,licence\n"a.png,MIT\n', "not a table"),
        (b"", "has no column 'file'"),
    ],
)
def test_a_bad_table_is_named(content, told):
    with pytest.raises(InputError, match=told):
        parse_ledger(content, "rights.csv")


def test_excels_byte_order_mark_is_no_matter():
    assert parse_ledger("\ufefffile,licence\na.png,MIT\n".encode(), "rights.csv").of("a.png") == Rights("MIT")


def test_a_source_takes_its_ledgers_word_before_dataset_jsons_and_the_one_beside_a_zip_before_the_one_inside(archive, tmp_path):
    name = open_source(archive).items[0].name
    packed = tmp_path / "set.zip"
    with zipfile.ZipFile(packed, "w") as file:
        file.write(archive / name, name)
        file.writestr("dataset.json", f'{{"licence": "MIT", "author": "Ann", "images": [{{"file": "{name}"}}]}}')
    assert open_source(packed).items[0].rights == Rights("MIT", "Ann")
    with zipfile.ZipFile(packed, "a") as file:
        file.writestr("rights.csv", "file,licence\n*,CC0-1.0\n")
    assert open_source(packed).items[0].rights.licence == "CC0-1.0"
    write_ledger(place_of(packed), Ledger((("*", Rights("own work")),)))
    assert open_source(packed).items[0].rights.licence == "own work"
    assert open_source(packed).others == ()


def test_a_picture_that_changed_since_its_rights_were_written_is_refused(archive):
    item = open_source(archive).items[0]
    write_ledger(archive / "rights.csv", Ledger(((item.name, Rights("own work", sha256="0" * 64)),)))
    with pytest.raises(InputError, match="changed since its rights were written"):
        open_source(archive).items[0].content()


def test_the_columns_are_those_of_the_record():
    assert COLUMNS == ("file", "licence", "author", "source", "title", "sha256", "may_train", "may_style", "expires")


def test_names_with_signs_of_a_pattern_are_names(archive):
    first = sorted((archive / "dress").glob("*.jpg"))[0]
    named = first.rename(first.with_name("look[1].jpg"))
    (archive / "rights.csv").unlink()
    list(ledger_of(archive, Entry(licence="own work")))
    source = open_source(archive)
    assert {item.rights.licence for item in source.items} == {"own work"}
    assert read_ledger(archive).of("dress/look1.jpg") is None  # the sum is another file's
    list(ledger_of(archive, Entry(author="Ann", only="dress/look[1].jpg")))
    assert read_ledger(archive).of("dress/look[1].jpg").author == "Ann"
    assert rights_near(named).author == "Ann"


def test_the_nearest_ledger_above_a_picture_speaks_for_it(archive):
    picture = sorted((archive / "dress").glob("*.jpg"))[0]
    write_ledger(archive / "rights.csv", Ledger(((f"dress/{picture.name}", Rights("own work", may_style=False)),)))
    assert rights_near(picture).may_style is False
    write_ledger(picture.parent / "rights.csv", Ledger((("*", Rights("CC0-1.0")),)))
    assert rights_near(picture).licence == "CC0-1.0"


@pytest.mark.parametrize("name", [" b.jpg", "b .jpg ", "cr\rx.jpg", 'a"b,c.jpg', "line\nx.jpg"])
def test_names_with_any_sign_come_back(tmp_path, name):
    ledger = Ledger(((name, Rights("CC0-1.0")), ("*", Rights("MIT"))))
    assert read_ledger(write_ledger(tmp_path / "rights.csv", ledger).parent).of(name) == Rights("CC0-1.0")


def test_spaces_and_old_ends_of_lines_of_a_hand_written_table_do_no_harm():
    assert parse_ledger(b"file,licence\ndress/a.jpg , MIT\n dress/* ,CC0-1.0\n", "rights.csv").of("dress/a.jpg") == Rights("MIT")
    assert parse_ledger(b"file,licence\n dress/* ,CC0-1.0\n", "rights.csv").of("dress/b.jpg") == Rights("CC0-1.0")
    assert parse_ledger(b"file,licence\ra.jpg,MIT\rb.jpg,CC0-1.0\r", "rights.csv").of("b.jpg") == Rights("CC0-1.0")


def test_a_row_with_spaces_takes_the_place_of_one_without():
    inner, outer = parse_ledger(b"file,licence\na.jpg,CC0-1.0\n", "in"), parse_ledger(b"file,licence\na.jpg ,reserved\n", "out")
    assert inner.with_rows(list(outer.rows)).of("a.jpg") == outer.rows[0][1]
    assert parse_ledger(b"file,licence\na.jpg ,MIT\na.jpg,CC0-1.0\n", "one").of("a.jpg") == Rights("MIT"), "the first row counts"


def test_a_name_that_is_no_utf8_is_told_before_anything_is_read(tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg")).write_bytes(b"x")
    with pytest.raises(InputError, match=r"caf\\udce9.jpg: the name of this file is not UTF-8; rename it"):
        list(ledger_of(folder, Entry(licence="CC0-1.0")))
    assert not (folder / "rights.csv").exists()
