"""A draft that would become a copy on its block is made up on the next one, in `generate` as in `design`."""

from dataclasses import replace

import pytest
import torch

from muslin.gan.generators import load_generator
from muslin.metrics.originality import Finding, Neighbour, thresholds
from muslin.provenance.recipe import BLOCK, read_recipe
from muslin.studio import screening
from muslin.studio.drafts import generate
from muslin.studio.screening import compared, first_new, known_index
from muslin.style.blocks import Pattern


@pytest.fixture(scope="module")
def generator():
    return load_generator("garments-128")


@pytest.fixture(scope="module")
def patterns():
    return [({"file": f"{number}.jpg"}, Pattern(torch.full((3, 64, 64), number / 10), torch.ones(1, 64, 64))) for number in range(6)]


def test_the_first_that_is_no_copy_is_taken_and_told(generator, patterns, monkeypatch):
    index = known_index(generator)
    monkeypatch.setattr(
        screening,
        "compared",
        lambda pixels, known: replace(compared(pixels, known), verdict="copy" if float(pixels[0, 0, 0]) < 0.15 else "distinct"),
    )
    row, made, lines = first_new(iter(patterns), index)
    assert row["file"] == "2.jpg" and lines["originality"].startswith("distinct") and made is patterns[2][1]
    monkeypatch.setattr(screening, "_TRIED", 4)
    names = ["copy", "close", "copy", "close", "distinct", "distinct"]  # the fifth block is not tried
    monkeypatch.setattr(
        screening, "compared", lambda pixels, known: replace(compared(pixels, known), verdict=names[round(float(pixels[0, 0, 0]) * 10)])
    )
    row, _, lines = first_new(iter(patterns), index)
    assert row["file"] == "1.jpg" and lines["originality"].startswith("close")
    monkeypatch.setattr(screening, "compared", lambda pixels, known: replace(compared(pixels, known), verdict="copy"))
    row, _, lines = first_new(iter(patterns), index)
    assert row["file"] == "0.jpg" and lines["originality"].startswith("copy")  # told, and not hidden
    assert first_new(iter(patterns), None)[2] == {}
    assert first_new(iter([]), index) is None


def test_one_that_is_near_by_features_gives_way_to_one_that_is_not(generator, patterns, monkeypatch):
    """Distinct at the alarm, but nearer than one new picture in twenty comes: only where no other block does better."""
    index = known_index(generator)
    far = thresholds(index, 0.05)[2]

    def finds(*away):
        near = [Finding("distinct", 0.1, 50.0, (Neighbour(0, 0.1, distance),)) for distance in away]
        monkeypatch.setattr(screening, "compared", lambda pixels, known: near[round(float(pixels[0, 0, 0]) * 10)])
        return first_new(iter(patterns[: len(away)]), index)[0]["file"]

    assert finds(far - 0.01, far - 0.02, far + 0.01, far + 0.3) == "2.jpg"
    assert finds(far - 0.01, far - 0.02) == "0.jpg"


def test_generate_takes_the_next_block_too(generator, tmp_path, monkeypatch):
    list(generate(generator, [52], ("shirt",), 0.7, tmp_path / "first", 256, "starter"))
    seen = []

    def first_is_a_copy(pixels, index):
        seen.append(pixels)
        return replace(compared(pixels, index), verdict="copy" if len(seen) == 1 else "distinct")

    monkeypatch.setattr(screening, "compared", first_is_a_copy)
    list(generate(generator, [52], ("shirt",), 0.7, tmp_path / "second", 256, "starter"))
    one, other = (read_recipe(next((tmp_path / name).glob("shirt*.png"))) for name in ("first", "second"))
    assert one.settings[BLOCK]["file"] != other.settings[BLOCK]["file"]
    assert one.made["originality"] and other.made["originality"].startswith("distinct")


def test_of_a_generator_without_an_index_nothing_is_known(generator):
    assert known_index(generator) is not None
    assert known_index(load_generator("sketches-64")) is None
