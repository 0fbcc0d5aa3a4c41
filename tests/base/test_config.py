"""Strict overlays."""

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muslin.base.config import as_dict, from_dict, overlay
from muslin.base.errors import SettingError
from muslin.gan.configs import PRESETS
from muslin.style.configs import PRESETS as STYLE_PRESETS


@dataclass(frozen=True)
class Inner:
    width: int = 4
    layers: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Outer:
    rate: float = 0.1
    name: str = "a"
    on: bool = True
    limit: int | None = None
    net: Inner = field(default_factory=Inner)


def test_nested_settings_are_changed_and_the_original_is_not():
    before = Outer()
    after = overlay(before, ["net.width=64", "net.layers=3,4,5", "rate=1e-3", "on=no", "limit=7"])
    assert (after.net.width, after.net.layers, after.rate, after.on, after.limit) == (64, (3, 4, 5), 1e-3, False, 7)
    assert before == Outer()


@dataclass(frozen=True)
class Bound:
    low: int = 1
    high: int = 2

    def __post_init__(self):
        if self.low >= self.high:
            raise SettingError(f"low={self.low}: should be less than high={self.high}")


@pytest.mark.parametrize("order", [1, -1])
def test_settings_that_hang_together_are_set_at_once(order):
    assert overlay(Bound(), ["low=5", "high=9"][::order]) == Bound(5, 9)
    with pytest.raises(SettingError, match="low=5: should be less than high=2"):
        overlay(Bound(), ["low=5"])
    assert overlay(Outer(), ["net.width=1", "net.layers=2", "net.width=3"]).net == Inner(width=3, layers=(2,)), "the last word counts"


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("net.widht=64", "net.width"),
        ("rat=1", "rate"),
        ("net=4", "net.width"),
        ("rate", "name=value"),
        ("rate=fast", "of type float"),
        ("net.width=2.5", "of type int"),
        ("on=perhaps", "yes or no"),
        ("rate.deep=1", "no setting"),
    ],
)
def test_a_wrong_setting_names_the_remedy(setting, says):
    with pytest.raises(SettingError, match=says):
        overlay(Outer(), [setting])


@pytest.mark.parametrize("config", [*PRESETS.values(), *STYLE_PRESETS.values()])
def test_every_preset_survives_the_way_through_plain_values(config):
    assert from_dict(type(config), as_dict(config)) == config


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_any_value_written_as_a_setting_comes_back(width, rate, on):
    made = overlay(Outer(), [f"net.width={width}", f"rate={rate}", f"on={'yes' if on else 'no'}"])
    assert (made.net.width, made.rate, made.on) == (width, rate, on)


def test_a_plain_value_of_an_unknown_name_is_refused():
    with pytest.raises(SettingError, match="did you mean 'rate'"):
        from_dict(Outer, {"rates": 1.0})


@dataclass(frozen=True)
class Part:
    name: str = ""
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Listed:
    parts: tuple[Part, ...] = ()


def test_a_list_of_configs_comes_back():
    listed = Listed((Part("a", (1, 2)), Part("b")))
    assert from_dict(Listed, json.loads(json.dumps(as_dict(listed)))) == listed
