from dataclasses import replace

import pytest
import torch

from muslin.assets import STARTER
from muslin.base.errors import InputError
from muslin.base.image import decode, encode_jpeg, from_bytes
from muslin.data.loader import load_images
from muslin.metrics.originality import Neighbour, judged, look_at, make_index, nearest, thresholds


@pytest.fixture(scope="module")
def pictures():
    return list(from_bytes(load_images(STARTER, 128, 3, ("dress", "shirt", "pants")).pixels[:80]))


@pytest.fixture(scope="module")
def index(pictures):
    made = make_index([f"{n}.jpg" for n in range(60)], look_at(pictures[:60]))
    return replace(made, chance_similar=torch.linspace(0.2, 0.8, 101), chance_away=torch.linspace(0.1, 0.9, 101))


def test_a_picture_of_the_index_finds_itself_and_a_jpeg_of_it_too(index, pictures):
    for place in (0, 17, 59):
        for picture in (pictures[place], decode(encode_jpeg(pictures[place].flip(2), 50))):
            found = nearest(index, picture)
            assert found[0].place == place
            assert found[0].similarity > 0.95


def test_what_is_left_out_is_not_found(index, pictures):
    assert nearest(index, pictures[3], leave_out=frozenset({3}))[0].place != 3


def test_features_survive_being_kept_in_fewer_dimensions(index, pictures):
    again = look_at(pictures[:1])[0].colour[None]
    kept = (again - index.mean[0]) @ index.basis[0]
    assert float((kept[0] - index.points[0][0][:, 0]).norm()) < 0.01


def test_verdicts_follow_the_thresholds(index):
    copy, close, near = thresholds(index, 0.01)
    assert (copy, close) == pytest.approx((0.794, 0.77), abs=1e-3)
    assert judged(index, (Neighbour(0, copy + 0.01, 0.5),)).verdict == "copy"
    assert judged(index, (Neighbour(0, close + 0.01, 0.5),)).verdict == "close"
    assert judged(index, (Neighbour(0, 0.1, near - 0.01),)).verdict == "close"
    assert judged(index, (Neighbour(0, 0.1, 0.5),)).verdict == "distinct"
    assert judged(index, (Neighbour(0, 0.9, 0.5),)).percentile == 100
    assert judged(index, ()).verdict == "distinct"


def test_a_lower_alarm_asks_for_more(index):
    assert thresholds(index, 0.001)[0] > thresholds(index, 0.05)[0]


def test_thumbnails_come_back(index, pictures):
    assert index.thumbnail(59).shape == (3, 64, 64)


def test_too_few_pictures_and_no_calibration_are_told(pictures):
    with pytest.raises(InputError, match="at least 3"):
        make_index(["a", "b"], look_at(pictures[:2]))
    with pytest.raises(InputError, match="calibrate"):
        thresholds(make_index(["a", "b", "c"], look_at(pictures[:3])))
