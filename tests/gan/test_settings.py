"""Settings of a training out of their range are told by name and value, before anything is written."""

import pytest

from muslin.base.config import overlay
from muslin.base.errors import SettingError
from muslin.gan.configs import PRESETS, check

BAD = (
    "rate=nan",
    "rate=-1",
    "rate=0",
    "batch=0",
    "penalty_every=0",
    "save_every=0",
    "report_every=0",
    "judge_every=0",
    "net.z=0",
    "net.w=0",
)
BAD += ("net.cbase=0", "beta2=2", "gamma=-5", "gamma=nan", "strength=7", "adapt_over=-1", "decay_last=2", "images=0", "images=-5")
BAD += ("average_half_life=-1", "translate=3", "scale=1.5", "light=-1", "cut=2", "target=5")


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_are_within(name):
    check(PRESETS[name])


@pytest.mark.parametrize("setting", BAD)
def test_the_value_is_named(setting):
    with pytest.raises(SettingError, match=f"^{setting.split('=')[0]}=.*: should be"):
        check(overlay(PRESETS["atelier-32"], [setting]))


@pytest.mark.parametrize("setting", ["epochs=0", "batch=-4", "net.hidden=0,5", "net.dropout=1", "real_label=0", "rate=nan"])
def test_the_classic_one_too(setting):
    with pytest.raises(SettingError, match=f"^{setting.split('=')[0]}=.*: should be"):
        check(overlay(PRESETS["classic"], [setting]))
