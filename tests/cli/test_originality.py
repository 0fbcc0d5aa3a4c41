"""`muslin originality` from outside, with the index that ships."""

import json

from command import muslin, refused


def test_drafts_are_compared_with_what_their_generator_learned_from(tmp_path):
    made = muslin("generate", "--seeds", "0-2", "--class", "dress", "--out", tmp_path / "drafts")
    assert made.returncode == 0, made.stderr
    (tmp_path / "drafts" / "sheet.png").unlink()
    done = muslin("originality", tmp_path / "drafts", "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["event"] == "finished"
    report = json.loads((tmp_path / "out" / "originality.json").read_text())
    assert report["pictures"] == 2704 and len(report["designs"]) == 3
    assert (tmp_path / "out" / "index.html").stat().st_size > 10_000


def test_bad_input_gets_one_line(tmp_path):
    for words, said in (
        (["nothing.png"], "no such file or folder"),
        ([tmp_path, "--alarm", "3"], "alarm=3.0"),
        ([tmp_path], "no pictures in this folder"),
        ([__file__, "--against", "nowhere"], "nowhere: no such file or folder"),
    ):
        done = muslin("originality", *words, "--out", tmp_path / "out")
        assert said in refused(done)
        assert not (tmp_path / "out").exists()
