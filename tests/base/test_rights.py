from datetime import date

import pytest

from muslin.base.errors import InputError, SettingError
from muslin.base.rights import Rights, check_name, clear, from_row, known, objection, share_alike, sum_of, terms_of

TODAY = date(2026, 11, 26)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CC0", "CC0-1.0"),
        ("cc by 4.0", "CC-BY-4.0"),
        ("https://creativecommons.org/licenses/by-nc-sa/3.0/", "CC-BY-NC-SA-3.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/deed.en", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "public domain"),
        ("https://spdx.org/licenses/CC-BY-4.0.html", "CC-BY-4.0"),
        ("Public Domain (author died >=100 years ago)", "public domain"),
        ("mit or apache-2.0", "MIT OR Apache-2.0"),
        ("(MIT OR Apache-2.0)", "(MIT OR Apache-2.0)"),
        ("", "unknown"),
    ],
)
def test_spellings_come_to_one_name(text, name):
    assert known(text) == name
    assert known(known(text)) == name


def test_a_licence_that_nobody_knows_is_named_with_the_nearest():
    with pytest.raises(InputError, match=r"'CC-BY-4': nobody knows it; did you mean 'CC-BY-4\.0'"):
        known("CC-BY-4")


@pytest.mark.parametrize(
    ("licence", "against", "credit", "alike"),
    [
        ("CC0-1.0", "", False, False),
        ("CC-BY-4.0", "", True, False),
        ("CC-BY-SA-4.0", "", True, True),
        ("CC-BY-NC-4.0", "commercial", True, False),
        ("CC-BY-ND-4.0", "changed", True, False),
        ("all rights reserved", "reserved", False, False),
        ("CC0-1.0 AND CC-BY-NC-4.0", "commercial", True, False),
        ("CC-BY-NC-4.0 OR MIT", "", True, False),
    ],
)
def test_what_a_licence_asks(licence, against, credit, alike):
    terms = terms_of(licence)
    assert against in terms.against
    assert bool(terms.against) == bool(against)
    assert (terms.credit, terms.alike) == (credit, alike)


def test_a_known_licence_of_unknown_terms_is_not_guessed():
    assert terms_of("GPL-3.0-only") is None
    assert "does not know what it allows" in objection(Rights("GPL-3.0-only"), "train", TODAY)[0]


def test_the_ledgers_own_word_goes_before_the_licence_and_a_passed_day_before_both():
    assert objection(Rights("CC-BY-NC-4.0", may_train=True), "train", TODAY)[0] == ""
    assert objection(Rights("CC-BY-NC-4.0", may_train=True), "style", TODAY)[0]
    assert objection(Rights("CC0-1.0", may_train=False), "train", TODAY) == ("of which the ledger says may_train: no", False)
    assert objection(Rights("CC0-1.0", expires=TODAY), "train", TODAY)[0] == ""
    assert objection(Rights("CC0-1.0", may_train=True, expires=date(2026, 11, 25)), "train", TODAY) == (
        "whose rights ended on 2026-11-25",
        False,
    )


def test_the_list_is_told_and_a_name_vouches_for_what_is_unknown():
    named = [(f"{n}.png", Rights()) for n in range(5)] + [("nc.png", Rights("CC-BY-NC-4.0")), ("mine.png", Rights("own work"))]
    with pytest.raises(InputError) as stopped:
        clear(named, "train", "archive")
    line = str(stopped.value)
    assert "6 of 7 pictures are not cleared for training" in line
    assert "5 of unknown rights (0.png, 1.png, 2.png and 2 more)" in line
    assert "1 under CC-BY-NC-4.0, which allows no commercial use (nc.png)" in line
    cleared = clear(named, "train", "archive", "Ann Tailor")
    assert cleared.vouched["by"] == "Ann Tailor"
    assert cleared.vouched["pictures"] == 6
    assert cleared.licences == {"unknown": 5, "CC-BY-NC-4.0": 1, "own work": 1}
    assert cleared.text().endswith("6 vouched for by Ann Tailor")


@pytest.mark.parametrize("rights", [Rights("CC0-1.0", may_style=False), Rights("own work", expires=date(2020, 1, 1))])
def test_nobody_vouches_away_what_the_ledger_forbids(rights):
    with pytest.raises(InputError, match="change the ledger"):
        clear([("a.png", rights)], "style", "styles", "Ann Tailor")


def test_credits_are_the_lines_that_licences_ask_for_each_once():
    by = Rights("CC-BY-SA-4.0", "Ann", "https://a.example", "Roses")
    cleared = clear([("a", by), ("b", by), ("c", Rights("CC0-1.0", "Bea"))], "style", "styles")
    assert cleared.credits == ("Roses, Ann, CC-BY-SA-4.0, https://a.example",)
    assert cleared.alike == share_alike(["CC-BY-SA-4.0", "CC0-1.0"]) == ("CC-BY-SA-4.0",)
    assert sum_of([by, by, Rights("CC0")]) == "CC-BY-SA-4.0 (2), CC0-1.0 (1)"


def test_a_row_comes_back_as_it_went():
    rights = Rights("CC-BY-4.0", "Ann", "here", "Roses", "ab" * 32, True, False, date(2027, 12, 31))
    assert from_row(rights.plain(), "x") == rights
    assert from_row({"licence": "MIT"}, "x", rights).author == "Ann"


@pytest.mark.parametrize(
    ("name", "value"), [("may_train", "perhaps"), ("expires", "soon"), ("expires", "2027-12-311"), ("expires", "2026-13-01")]
)
def test_a_bad_value_names_its_place(name, value):
    with pytest.raises(InputError, match=rf"rights\.csv, line 3: {name} '{value}'"):
        from_row({name: value}, "rights.csv, line 3")


def test_an_empty_name_vouches_for_nothing():
    assert check_name(None) == ""
    with pytest.raises(SettingError, match="write the name"):
        check_name("  ")
