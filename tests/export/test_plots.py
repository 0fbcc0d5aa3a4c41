"""Plots are well-formed SVG, hold their data, and take any name."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from muslin.export.plots import curve, short, whiskers

SPACE = "{http://www.w3.org/2000/svg}"


@settings(max_examples=60, deadline=None, derandomize=True)
@example([(0.0, 5e-324)])
@given(st.lists(st.tuples(st.floats(0, 1e7), st.floats(-1e6, 1e6)), min_size=1, max_size=20))
def test_a_curve_stays_within_its_frame(points):
    line = ET.fromstring(curve(points)).find(f"{SPACE}polyline")
    for pair in line.get("points").split():
        x, y = map(float, pair.split(","))
        assert -1 <= x - 52 <= 400 - 64 + 1 and 11 <= y <= 165


def test_whiskers_show_each_name_and_interval_and_escape_names():
    drawn = ET.fromstring(whiskers([("a <b>", "甲"), ("c", "丙")], [[(0.5, 0.4, 0.6), None], [(0.1, 0.0, 0.2), (1.0, 0.9, 1.0)]]))
    assert len(drawn.findall(f"{SPACE}circle")) == 3
    assert {text.text for text in drawn.findall(f"{SPACE}text")} >= {"a <b>", "甲", "c", "丙"}


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (0.25, "0.25"), (1200, "1.2k"), (72_000, "72k"), (2_500_000, "2.5M")])
def test_numbers_on_an_axis_are_short(value, text):
    assert short(value) == text
