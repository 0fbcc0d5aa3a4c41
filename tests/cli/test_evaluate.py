"""`muslin evaluate` from outside: a page from one command, a killed run goes on, bad input in one line."""

import json
import shutil
import subprocess
import sys
import time

from command import muslin as run
from command import refused as refusal

SMALL = ["--data", "starter", "--class", "dress", "--class", "skirt", "--samples", 40, "--set", "resamples=100"]


def command(*words):
    return [sys.executable, "-m", "muslin", "evaluate", *map(str, words)]


def muslin(*words):
    return run("evaluate", *words)


def refused(*words):
    return refusal(muslin(*words))


def test_a_killed_evaluation_goes_on_to_the_same_report(tmp_path):
    whole = muslin("garments-64", *SMALL, "--out", tmp_path / "whole", "--json")
    assert whole.returncode == 0, whole.stderr
    events = [json.loads(line) for line in whole.stdout.splitlines()]
    assert events[-1]["event"] == "finished" and any(event.get("text", "").startswith("coverage: ") for event in events)
    killed = subprocess.Popen(command("garments-64", *SMALL, "--out", tmp_path / "out"), stderr=subprocess.DEVNULL)
    while not list((tmp_path / "out").glob("features/*.safetensors")) and killed.poll() is None:
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    assert "没有预留图片（--held-out），因此未做数据复制检验" in (tmp_path / "whole" / "index.html").read_text()
    done = muslin("garments-64", *SMALL, "--out", tmp_path / "out")
    assert done.returncode == 0 and "done" in done.stderr, done.stderr
    for name in ("evaluation.json", "index.html"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_bad_input_ends_in_one_line_that_says_what_to_do(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no pictures in there" in refused("garments-64", "--data", tmp_path / "empty", "--out", tmp_path)
    assert "did you mean 'skirt'" in refused("garments-64", "--data", "starter", "--class", "skirts", "--out", tmp_path)
    assert "there is no setting 'resample'; did you mean 'resamples'?" in refused("garments-64", *SMALL, "--set", "resample=3")


def test_dressed_pictures_are_judged_by_their_folder(tmp_path, garment_file):
    styles = ["--style", "weave_ikat", "--style", "weave_tartan_red", "--style", "fabric_leopard"]
    assert run("style", garment_file, *styles, "--size", 96, "--fast", "--out", tmp_path / "dressed").returncode == 0
    done = muslin(tmp_path / "dressed", "--look-in", tmp_path, "--out", tmp_path / "out", "--set", "resamples=100", "--lang", "zh")
    assert done.returncode == 0, done.stderr
    assert "3 results of 1 garments in 3 styles" in done.stderr and "style: 0." in done.stderr
    shutil.copytree(tmp_path / "dressed", tmp_path / "book" / "looks")  # as `design` lays them
    book = muslin(tmp_path / "book", "--look-in", tmp_path, "--out", tmp_path / "out2", "--set", "resamples=100")
    assert "3 results of 1 garments in 3 styles" in book.stderr
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert found["kind"] == "looks" and found["results"] == 3 and found["figures"]["background"]["value"] == 0
    assert "着装结果评估" in (tmp_path / "out" / "index.html").read_text()
    assert "--samples says nothing of dressed pictures; leave it out" in refused(tmp_path / "dressed", "--samples", 50)
    assert "the content of this recipe is not here" in refused(tmp_path / "dressed", "--out", tmp_path / "none")
    assert "--look-in is for dressed pictures" in refused("garments-64", *SMALL, "--look-in", tmp_path)
    assert "garments-64: what did it learn from? Name it with --data" in refused("garments-64", "--out", tmp_path)
    assert "did you mean 'strip'" in refused(tmp_path / "dressed", "--set", "strips=3")
