import json

import pytest

from muslin.base.errors import InputError
from muslin.base.rights import Rights
from muslin.data.croissant import read_croissant, write_croissant
from muslin.data.ledger import Ledger, write_ledger

pytest.importorskip("mlcroissant")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
ROWS = (("dress/a.png", Rights("CC-BY-4.0", "Ann", may_train=True)), ("*", Rights("own work")))


def test_a_ledger_goes_through_croissant_and_back(tmp_path):
    ledger = write_ledger(tmp_path / "rights.csv", Ledger(ROWS))
    made = write_croissant(tmp_path / "croissant.json", ledger, "archive", ["CC-BY-4.0", "own work"], ["Ann"])
    assert read_croissant(made) == Ledger(ROWS)
    plain = json.loads(made.read_text())
    assert plain["license"] == ["https://spdx.org/licenses/CC-BY-4.0.html", "own work"]
    assert plain["conformsTo"].startswith("http://mlcommons.org/croissant/1.")


def test_the_library_finds_no_fault_with_what_is_written(tmp_path):
    import mlcroissant

    made = write_croissant(
        tmp_path / "croissant.json", write_ledger(tmp_path / "rights.csv", Ledger(ROWS)), "archive", ["CC0-1.0"], ["Ann"]
    )
    found = mlcroissant.Dataset(jsonld=str(made))
    assert not found.metadata.ctx.issues.errors
    assert len(list(found.records("pictures"))) == 2


def test_a_set_that_tells_of_itself_alone_counts_for_all_its_pictures(tmp_path):
    made = write_croissant(
        tmp_path / "c.json", write_ledger(tmp_path / "rights.csv", Ledger(ROWS)), "archive", ["CC-BY-SA-4.0"], ["Ann", "Bea"]
    )
    plain = json.loads(made.read_text())
    del plain["recordSet"], plain["distribution"]
    made.write_text(json.dumps(plain))
    (name, rights), *rest = read_croissant(made).rows
    assert (name, rights.author, rest) == ("*", "Ann, Bea", [])
    assert "CC-BY-SA-4.0" in rights.licence


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}'])
def test_what_is_no_croissant_is_told_in_one_line(tmp_path, content):
    (tmp_path / "c.json").write_text(content)
    with pytest.raises(InputError, match=r"c\.json: "):
        read_croissant(tmp_path / "c.json")
    with pytest.raises(InputError, match="cannot read"):
        read_croissant(tmp_path / "none.json")
