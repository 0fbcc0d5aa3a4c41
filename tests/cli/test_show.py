"""Bars: one that lasts for a grid, rates and times that are true, and the same news as JSON lines."""

import json
import re
import time

from command import muslin
from muslin.base.events import Finished, Note, Refused, Step
from muslin.cli.show import run


def _states(text):
    """Each state that a bar was drawn in."""
    return [part.strip() for part in re.split(r"[\r\n]", text) if "%" in part]


def test_a_grid_has_one_bar_whose_eta_goes_by_what_was_made(capsys, tmp_path):
    def work():
        time.sleep(0.5)  # loading
        yield Step("style", 0, 20, made=0)
        for step in (1, 2, 3):
            time.sleep(0.12)
            yield Step("a-ikat", step, 3, {"style": 0.25}, part_of="style")
        yield Step("style", 1, 20, made=1)
        for number in range(2, 10):
            yield Step("style", number, 20, made=1)  # there already
        yield Refused("b.png", "b.png: damaged")
        yield Note("something besides")
        yield Step("style", 10, 20, made=1)
        yield Step("c-ikat", 1, 3, part_of="style")
        yield Step("style", 20, 20, made=1)
        yield Finished(tmp_path, 0.4)

    run(work, False)
    text = capsys.readouterr().err
    states = _states(text)
    assert all(state.startswith("style") for state in states)
    assert sum("100%" in line for line in text.split("\n")) == 1  # one bar, left standing at its end
    assert any("0/20, a-ikat 2/3 style=0.25" in state for state in states)
    half = next(state for state in states if " 10/20" in state)
    each = float(re.search(r"([\d.]+) s each", half)[1])
    assert 0.36 <= each < 0.6
    minutes, seconds = re.search(r"ETA (\d+):(\d+)", half).groups()
    assert each * 10 <= int(minutes) * 60 + int(seconds) <= each * 10 + 1
    assert "100%" in states[-1] and "20/20" in states[-1] and "ETA" not in states[-1]
    assert "left out b.png: damaged" in text and "something besides" in text


def test_a_rate_counts_from_where_the_work_began(capsys):
    def work():
        time.sleep(0.5)  # loading
        yield Step("draw", 0, 32)
        for done in (16, 32):
            time.sleep(0.2)
            yield Step("draw", done, 32)
        time.sleep(0.2)
        yield Step("compare", 16, 16)  # the first news comes at its end

    run(work, False)
    states = _states(capsys.readouterr().err)
    rates = [float(rate) for state in states for rate in re.findall(r"([\d.]+)it/s", state)]
    assert len(rates) >= 3
    assert all(40 < rate <= 80.1 for rate in rates), states


def test_drawing_tells_a_rate_that_can_be(tmp_path):
    began = time.monotonic()
    done = muslin("generate", "--seeds", "0-15", "--out", tmp_path)
    took = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    last = _states(done.stderr)[-1]
    rate = float(re.search(r"([\d.]+)it/s", last)[1])
    assert 16 / took < rate < 2000


def test_a_grid_with_one_left_out_comes_to_its_end(tmp_path, garment_file):
    (tmp_path / "in").mkdir()
    garment_file.rename(tmp_path / "in" / "dress.png")
    (tmp_path / "in" / "text.jpg").write_text("no picture")
    words = ["style", tmp_path / "in", "--style", "weave_ikat", "--size", 96, "--steps", 5, "--out", tmp_path / "out"]
    done = muslin(*words)
    assert done.returncode == 0, done.stderr
    assert "100%" in _states(done.stderr)[-1] and "2/2" in _states(done.stderr)[-1]
    events = [json.loads(line) for line in muslin(*words, "--json").stdout.splitlines()]
    outer = [e for e in events if e["event"] == "step" and e["work"] == "style"]
    assert [(e["done"], e["total"], e["made"]) for e in outer] == [(0, 2, 0), (1, 2, 0), (2, 2, 0)]  # nothing made the second time
