"""Figures of garments, on drawn shapes whose answer is known."""

import pytest
import torch

from muslin.metrics.garment import MEASURES, measure_all


def shape(rows=(20, 100), columns=(40, 88), colour=(0.2, -0.4, -0.6), side=128):
    picture = torch.ones(1, 3, side, side)
    picture[:, :, rows[0] : rows[1], columns[0] : columns[1]] = torch.tensor(colour)[:, None, None]
    return picture


def of(picture, name):
    return float(measure_all(picture)[name])


def test_length_and_width_are_those_of_the_box():
    assert of(shape(), "length") == pytest.approx(80 / 128, abs=0.02)
    assert of(shape(), "width") == pytest.approx(48 / 128, abs=0.02)


def test_where_it_stands_does_not_matter():
    for name in MEASURES:
        if name != "legs" and name != "neckline" and name != "symmetry" and name != "centre":
            moved = of(shape(rows=(30, 110), columns=(40, 88)), name)
            assert moved == pytest.approx(of(shape(), name), abs=0.02), name


@pytest.mark.parametrize(
    ("name", "less", "more"),
    [
        ("lightness", {"colour": (-0.8, -0.8, -0.8)}, {"colour": (0.3, 0.3, 0.3)}),
        ("warmth", {"colour": (-0.5, -0.2, 0.6)}, {"colour": (0.6, 0.3, -0.6)}),
        ("redness", {"colour": (-0.5, 0.4, -0.5)}, {"colour": (0.7, -0.4, -0.2)}),
        ("colour", {"colour": (0.0, 0.0, 0.0)}, {"colour": (0.9, -0.7, -0.7)}),
        ("length", {"rows": (40, 80)}, {"rows": (10, 110)}),
    ],
)
def test_more_is_more(name, less, more):
    assert of(shape(**less), name) < of(shape(**more), name)


def test_shapes_are_told_apart():
    skirt, sleeves, neck, stripes = shape(), shape(), shape(), shape()
    for row in range(20, 100):
        wide = (row - 20) // 4
        skirt[:, :, row, 40 - wide : 88 + wide] = skirt[:, :, 60, 60, None]
    sleeves[:, :, 24:40, 10:118] = sleeves[:, :, 60, 60, None, None]
    neck[:, :, 20:34, 56:72] = 1
    stripes[:, :, 20:100:6, 40:88] = -0.9
    assert of(skirt, "flare") > of(shape(), "flare") + 0.1
    assert of(sleeves, "sleeves") > of(shape(), "sleeves") + 0.3
    assert of(neck, "neckline") > of(shape(), "neckline") + 0.2
    assert of(stripes, "pattern") > 5 * of(shape(), "pattern") + 0.01


def test_a_batch_is_measured_picture_by_picture():
    both = measure_all(torch.cat([shape(), shape(rows=(10, 120))]))
    for name, values in both.items():
        assert float(values[1]) == pytest.approx(of(shape(rows=(10, 120)), name), abs=1e-4), name
