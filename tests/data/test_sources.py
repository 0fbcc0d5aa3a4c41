"""Folders and zips; classes, listings, and archives that must not be trusted."""

import json
import zipfile

import pytest

from muslin.assets import STARTER
from muslin.base.errors import InputError
from muslin.data.sources import open_source


def test_sub_folders_are_classes_and_other_files_are_told(archive):
    (archive / "notes.txt").write_text("hello")
    source = open_source(archive)
    assert source.classes == ("dress", "skirt")
    assert len(source.items) == 6
    assert source.others == ("notes.txt",)


def test_a_zip_holds_the_same_as_its_folder(archive, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        for path in sorted(archive.rglob("*.jpg")):
            out.write(path, path.relative_to(archive))
    folder, packed = open_source(archive), open_source(tmp_path / "a.zip")
    assert [(i.name, i.label, i.read()) for i in folder.items] == [(i.name, i.label, i.read()) for i in packed.items]


def test_the_starter_set_has_ten_classes_and_says_whose_it_is():
    source = open_source(STARTER)
    assert len(source.items) >= 290
    assert len(source.classes) == 10
    assert {item.rights.licence for item in source.items} == {"CC0-1.0"}


def test_a_listing_gives_classes(archive):
    names = [p.relative_to(archive).as_posix() for p in sorted(archive.rglob("*.jpg"))]
    (archive / "dataset.json").write_text(json.dumps({"labels": [[name, i % 2] for i, name in enumerate(names)]}))
    assert open_source(archive).classes == ("class-0", "class-1")
    (archive / "rights.csv").unlink()
    listing = {"name": "spring", "licence": "own work", "images": [{"file": names[0], "class": "coat"}]}
    (archive / "dataset.json").write_text(json.dumps(listing))
    source = open_source(archive)
    assert (source.name, source.classes, source.items[0].rights.licence) == ("spring", ("coat",), "own work")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"images": [1]}', '{"images": [{"file": "none.jpg"}]}'])
def test_a_bad_listing_is_named(archive, text):
    (archive / "dataset.json").write_text(text)
    with pytest.raises(InputError, match=r"dataset\.json"):
        open_source(archive)


@pytest.mark.parametrize("name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "C:/evil.png", "a\\..\\..\\evil.png"])
def test_names_that_lead_out_of_an_archive_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr(name, b"x")
    with pytest.raises(InputError, match="leads out of the archive"):
        open_source(tmp_path / "a.zip")


def test_what_is_missing_empty_or_damaged_is_named(tmp_path, archive):
    with pytest.raises(InputError, match="no such file or folder"):
        open_source(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no pictures in there"):
        open_source(tmp_path / "empty")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(InputError, match="neither a folder nor a zip"):
        open_source(tmp_path / "a.txt")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as out:
        out.write(next(archive.rglob("*.jpg")), "a.jpg")
    content = bytearray((tmp_path / "b.zip").read_bytes())
    content[60:90] = b"\0" * 30
    (tmp_path / "b.zip").write_bytes(bytes(content))
    with pytest.raises(InputError, match="cannot unpack"):
        open_source(tmp_path / "b.zip").items[0].read()


def test_a_class_that_is_not_there_names_the_nearest(archive):
    with pytest.raises(InputError, match="did you mean 'dress'"):
        open_source(archive).only(("dres",))
    assert open_source(archive).only(("skirt",)).classes == ("skirt",)


def test_a_class_may_be_a_number_and_a_bad_pair_is_told(archive):
    names = [p.relative_to(archive).as_posix() for p in sorted(archive.rglob("*.jpg"))]
    rows = [{"file": name, "class": number % 2} for number, name in enumerate(names)]
    (archive / "dataset.json").write_text(json.dumps({"images": rows}))
    assert open_source(archive).classes == ("0", "1")
    (archive / "dataset.json").write_text(json.dumps({"labels": [[names[0], 0], [["x"], 0]]}))
    with pytest.raises(InputError, match="has no list 'images'"):
        open_source(archive)


def test_a_zip_of_older_windows_tools_keeps_its_classes(tmp_path):
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as out:
        for name in ("dress\\a.jpg", "skirt\\b.jpg"):
            info = zipfile.ZipInfo("x")
            info.filename = name
            out.writestr(info, b"x")
    assert open_source(tmp_path / "old.zip").classes == ("dress", "skirt")


def test_any_damage_of_a_zip_is_a_line(archive, tmp_path):
    packed = tmp_path / "set.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as file:
        for item in open_source(archive).items[:2]:
            file.writestr(item.name, item.read())
    good, lines = packed.read_bytes(), 0
    for place in range(0, len(good), max(1, len(good) // 400)):
        packed.write_bytes(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])
        try:
            for item in open_source(packed).items:
                item.read()
        except InputError:
            lines += 1
    assert lines > 50


def test_what_programs_hide_is_no_picture(archive, tmp_path):
    names = ["dress/a.jpg", ".thumbnails/a.jpg", "dress/.ipynb_checkpoints/b.jpg", "__MACOSX/dress/a.jpg", "sub/__MACOSX/c.jpg"]
    content = open_source(archive).items[0].read()
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as file:
        for name in names:
            file.writestr(name, content)
            (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "folder" / name).write_bytes(content)
    for source in (open_source(tmp_path / "set.zip"), open_source(tmp_path / "folder")):
        assert [item.name for item in source.items] == ["dress/a.jpg"] and source.classes == ("dress",)
    hidden = tmp_path / ".cache" / "archive"
    hidden.mkdir(parents=True)
    (hidden / "a.jpg").write_bytes(content)
    assert len(open_source(hidden).items) == 1, "a folder that is named is not hidden"


def _zip_of(path, names, content):
    with zipfile.ZipFile(path, "w") as out:
        for name in names:
            out.writestr(name, content)
    return path


def test_a_zip_of_a_folder_is_that_folder(archive, tmp_path):
    """All below one name: its sub-folders are the classes, its ledger and its listing are read; one class alone stays a class."""
    picture = next(archive.rglob("*.jpg")).read_bytes()
    source = open_source(_zip_of(tmp_path / "a.zip", ["spring/dress/1.jpg", "spring/skirt/1.jpg", "__MACOSX/spring/._x"], picture))
    assert source.classes == ("dress", "skirt") and [item.name for item in source.items] == ["dress/1.jpg", "skirt/1.jpg"]
    with zipfile.ZipFile(_zip_of(tmp_path / "b.zip", ["spring/1.jpg"], picture), "a") as out:
        out.writestr("spring/rights.csv", "file,licence,may_train\n1.jpg,CC0-1.0,no\n")
    assert open_source(tmp_path / "b.zip").items[0].rights.may_train is False
    (tmp_path / "a.rights.csv").write_text("file,licence,may_train\nspring/dress/*,CC0-1.0,no\n*,CC0-1.0,\n")  # by the names of before
    assert [item.rights.may_train for item in open_source(tmp_path / "a.zip").items] == [False, None]
    assert open_source(tmp_path / "a.zip").strays == ()
    masked = open_source(_zip_of(tmp_path / "d.zip", ["spring/1.jpg", "spring/masks/1.jpg", "notes.txt"], picture))
    assert [item.name for item in masked.items] == ["1.jpg"] and masked.others == ("notes.txt",)
    one = open_source(_zip_of(tmp_path / "c.zip", ["dress/2024/1.jpg", "dress/2024/2.jpg"], picture))
    assert one.classes == ("dress",)


def test_chinese_names_of_windows_are_read(archive, tmp_path):
    """GB 2312 without the flag for UTF-8, as Windows packs in Chinese; names of other old systems stay."""
    picture = next(archive.rglob("*.jpg")).read_bytes()
    names = ["连衣裙/1.jpg", "Müller/1.jpg"]
    raw = [names[0].encode("gb2312"), names[1].encode("cp437")]
    path = _zip_of(tmp_path / "a.zip", ["x" * len(one) for one in raw[:1]] + ["y" * len(raw[1])], picture)
    content = path.read_bytes()
    for letter, one in zip("xy", raw, strict=True):
        content = content.replace(letter.encode() * len(one), one)
    path.write_bytes(content)
    source = open_source(path)
    assert set(source.classes) == {"连衣裙", "Müller"}
    assert all(item.read() == picture for item in source.items)


def test_links_to_folders_are_followed_but_not_round(archive, tmp_path):
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "coat").symlink_to(archive / "dress")
    (archive / "dress" / "again").symlink_to(archive)
    source = open_source(tmp_path / "linked")
    assert source.classes == ("coat",) and len(source.items) == 3 * 2  # dress, and again/skirt within it
    (tmp_path / "linked" / "coat" / "back").symlink_to(tmp_path / "linked")
    assert len(open_source(tmp_path / "linked").items) == 6
    (archive / "skirt" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    with pytest.raises(InputError, match=r"gone\.jpg: cannot read|no such file"):
        [item.read() for item in open_source(archive).items]


def test_rows_of_a_ledger_that_name_no_picture_are_told(archive):
    """Accents in two signs and backslashes are the same name; what is mistyped is a stray row."""
    dress = sorted((archive / "dress").glob("*.jpg"))
    dress[0].rename(archive / "dress" / "e\u0301te\u0301.jpg")
    rows = ["file,licence,may_train", "*,CC0-1.0,", "dress\\été.jpg,,no", f"Dress/{dress[1].name},,no", "hat/*,,no"]
    (archive / "rights.csv").write_text("\n".join(rows), encoding="utf-8")
    source = open_source(archive)
    assert [item.name for item in source.items if item.rights.may_train is False] == ["dress/e\u0301te\u0301.jpg"]
    assert source.strays == (f"Dress/{dress[1].name}", "hat/*")


def test_masks_and_what_a_listing_leaves_out_are_no_pictures(archive, tmp_path):
    """What `prepare` wrote, unpacked: with its listing a new picture is told; without it masks are left out."""
    names = [p.relative_to(archive).as_posix() for p in sorted(archive.rglob("*.jpg"))]
    (archive / "masks" / names[0]).parent.mkdir(parents=True)
    (archive / "masks" / names[0]).write_bytes((archive / names[0]).read_bytes())
    assert len(open_source(archive).items) == 6 and open_source(archive).others == ()
    (archive / "dataset.json").write_text(json.dumps({"images": [{"file": name, "class": "x"} for name in names[1:]]}))
    assert open_source(archive).others == (names[0], f"masks/{names[0]}")
    (archive / "dataset.json").write_text('{"labels": null}')
    assert open_source(archive).classes == ("dress", "skirt")


def test_a_large_zip_is_opened_once(archive, tmp_path, monkeypatch):
    picture = next(archive.rglob("*.jpg")).read_bytes()
    source = open_source(_zip_of(tmp_path / "a.zip", [f"{number}.jpg" for number in range(50)], picture))
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert all(item.read() == picture for item in source.items)


def test_of_many_stray_rows_a_few_are_told_and_the_rest_counted(archive):
    rows = ["file,licence", "*,CC0-1.0", *(f"gone/{number}.jpg,CC0-1.0" for number in range(1200))]
    (archive / "rights.csv").write_text("\n".join(rows))
    told = open_source(archive).warnings()
    assert (
        len(told) == 6 and told[0].startswith("gone/0.jpg: this row of the ledger names no picture") and told[-1].startswith("1,195 more")
    )
    (archive / "rights.csv").write_text("file,licence\n*,CC0-1.0\n")
    assert open_source(archive).warnings() == []
