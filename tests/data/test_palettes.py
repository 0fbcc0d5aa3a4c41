"""Palettes from the files of other programs; damaged ones are told."""

import struct

import pytest

from muslin.base.errors import InputError
from muslin.data.palettes import read_palette


def swatch(name, model, *values):
    letters = (name + "\0").encode("utf-16-be")
    body = struct.pack(">H", len(name) + 1) + letters + model.encode() + struct.pack(f">{len(values)}f", *values) + struct.pack(">H", 0)
    return struct.pack(">HI", 1, len(body)) + body


def ase(*blocks):
    return b"ASEF" + struct.pack(">HHI", 1, 0, len(blocks)) + b"".join(blocks)


def test_gimp(tmp_path):
    path = tmp_path / "inks.gpl"
    path.write_text("GIMP Palette\nName: x\nColumns: 2\n# comment\n 31  42  96\tNavy blue\n192 48 40 Red\n240 232 216\tEcru\n")
    inks = read_palette(path)
    assert [ink.colour for ink in inks] == ["#1f2a60", "#c03028", "#f0e8d8"]
    assert inks[0].name == "Navy blue"


@pytest.mark.parametrize(
    "text", ["name,hex\nnavy,#1F2A60\nred,C03028\n", "r,g,b\n31,42,96\n192,48,40\n", "#1f2a60\r#c03028\r", "31,42,96,navy\n192,48,40,red\n"]
)
def test_csv(tmp_path, text):
    path = tmp_path / "inks.csv"
    path.write_text(text)
    assert [ink.colour for ink in read_palette(path)] == ["#1f2a60", "#c03028"]


def test_adobe(tmp_path):
    path = tmp_path / "inks.ase"
    group = struct.pack(">HI", 0xC001, 2) + b"\0\0"
    path.write_bytes(
        ase(group, swatch("Navy", "RGB ", 31 / 255, 42 / 255, 96 / 255), swatch("Druck", "CMYK", 0, 1, 1, 0), swatch("Papier", "LAB ", 0.95, 0, 0),
            swatch("Grau", "Gray", 0.5))
    )  # fmt: skip
    inks = read_palette(path)
    assert [ink.colour for ink in inks][:2] == ["#1f2a60", "#ff0000"]
    assert [ink.guessed for ink in inks] == [False, True, False, False]
    paper = [int(inks[2].colour[p : p + 2], 16) for p in (1, 3, 5)]
    assert max(paper) - min(paper) <= 3  # neutral stays neutral through D50
    assert 238 <= paper[0] <= 244  # L* 95 is about 241 in sRGB


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.ase", b"nope", "does not begin with ASEF"),
        ("a.ase", ase(swatch("x", "RGB ", 0, 0, 0))[:-9], "damaged or cut short"),
        ("a.csv", b"#112233\nthis is no ink\n", "row 2"),
        ("a.csv", b"#112233\n", "1 inks found"),
        ("a.pdf", b"", "palettes are .ase, .gpl or .csv"),
    ],
)
def test_what_is_no_palette_is_told(tmp_path, name, content, told):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=told):
        read_palette(path)


def test_article_numbers_and_names_are_no_inks_and_mistyped_ones_are_told(tmp_path):
    path = tmp_path / "inks.csv"
    path.write_text("# spring\n190303,#b01e3c\nfacade,10,20,30\n#1F2A60\n")
    assert [(ink.colour, ink.name) for ink in read_palette(path)] == [("#b01e3c", ""), ("#0a141e", "facade"), ("#1f2a60", "")]
    for mistyped in ("#00ff0", "#0f0"):
        path.write_text(f"#ff0000\n{mistyped}\n#0000ff\n")
        with pytest.raises(InputError, match=f"row 2 \\({mistyped}\\) is no ink"):
            read_palette(path)
    path.write_text("#ff0000\n1²,2,3\n")
    with pytest.raises(InputError, match="row 2 .* is no ink"):
        read_palette(path)
    (tmp_path / "nan.ase").write_bytes(ase(swatch("Navy", "RGB ", float("nan"), 0, 0), swatch("Red", "RGB ", 1, 0, 0)))
    with pytest.raises(InputError, match="damaged .*'Navy' has values that are no numbers"):
        read_palette(tmp_path / "nan.ase")


def test_hex_digits_that_are_numbers_are_told_from_colours(tmp_path):
    """An article number is no ink beside one; a first line of figures is no heading; two colours in a line are told."""
    path = tmp_path / "inks.csv"
    path.write_text("100200,ff0000\n100201,00ff00\n")
    assert [ink.colour for ink in read_palette(path)] == ["#ff0000", "#00ff00"]
    for text in ("300,0,0\n0,255,0\n0,0,255\n", "0,255,0\n300,0,0\n"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"\(300, 0, 0\) is no ink"):
            read_palette(path)
    path.write_text("ff0000,00ff00,0000ff\n111111,222222\n")
    with pytest.raises(InputError, match="row 1 .* has several colours"):
        read_palette(path)
