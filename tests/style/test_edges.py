"""Where cloth ends: soft edges and sheer cloth on the ground that is behind them, grounds that keep their light, styles cut where they lie."""

from dataclasses import replace

import pytest
import torch

from muslin.features.embedded import embedded
from muslin.style.configs import StyleConfig
from muslin.style.dress import Cloth, Dressed, dress, sized
from muslin.style.laying import lay

FLAT = StyleConfig(size=128, mode="print", folds=0.0, repeat_cm=20.0, width_cm=20.0)


def dressed(picture, cloth, config, mask=None) -> Dressed:
    *_, last = dress(picture, [Cloth(cloth)], embedded(), config, mask)
    assert isinstance(last, Dressed)
    return last


def disc(side: int, soft: float) -> torch.Tensor:
    """A round garment's mask, (1, side, side), its edge `soft` px wide."""
    places = torch.arange(side) - (side - 1) / 2
    away = (places[:, None].square() + places.square()).sqrt()
    return ((side / 3 - away) / soft + 0.5).clamp(0, 1)[None]


@pytest.mark.parametrize("given", [True, False])
def test_a_black_garment_leaves_no_dark_rim_round_pale_cloth(given):
    mask, pale = disc(128, 4.0), torch.full((3, 64, 64), 0.9)
    picture = (1 - 2 * mask).expand(3, -1, -1).contiguous()  # black on white, the edge mixed of both
    made = dressed(picture, pale, FLAT, mask if given else None)
    rim = (made.mask > 0.02) & (made.mask < 0.98)
    assert int(rim.sum()) > 100
    assert float(made.pixels[:, rim[0]].min()) > 0.85  # as light as cloth and ground (0.4 before)


def test_sheer_cloth_shows_the_ground_and_not_the_old_garment():
    mask = 0.5 * disc(128, 2.0) + 0.5 * disc(128, 2.0) * (torch.arange(128) < 64)[None, :, None]  # the lower half is a veil
    made = dressed((1 - 2 * mask).expand(3, -1, -1).contiguous(), torch.full((3, 64, 64), 0.0), FLAT, mask)
    assert float(made.pixels[:, 80, 64].mean()) == pytest.approx(0.5, abs=0.05)  # half of white and half of the cloth's grey
    assert float(made.pixels[:, 40, 64].mean()) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("given", [True, False])
def test_a_small_photograph_keeps_the_light_and_shadow_of_its_ground(garment, given):
    light = 1 - 0.12 * torch.linspace(0, 1, 256)[None, :, None]
    photo = ((garment[:, ::1] + 1) * light - 1).clamp(-1, 1)
    found = dressed(photo, torch.zeros(3, 64, 64), replace(FLAT, size=512))
    made = (
        dressed(photo, torch.zeros(3, 64, 64), replace(FLAT, size=512), torch.nn.functional.interpolate(found.mask[None], 256)[0])
        if given
        else found
    )
    ground = made.mask[0] == 0
    column = made.pixels.mean(0)[:, 4]
    assert float(column[20] - column[-20]) > 0.15  # the fall of light from top to bottom
    large = torch.nn.functional.interpolate(photo[None], size=(512, 512), mode="bicubic", align_corners=False)[0].clamp(-1, 1)
    assert float((made.pixels - large).abs().mean(0)[ground].mean()) < 0.02


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_the_descent_aims_at_the_part_of_a_large_style_that_lies_on_the_garment(seed):
    style = torch.rand(3, 128, 128, generator=torch.Generator().manual_seed(0)) * 0.2
    style[0, :64, :64] = 1.0  # one quarter red
    mask, config = torch.ones(1, 96, 96), StyleConfig(zoom=6.0, seed=seed)
    (aimed,) = sized([Cloth(style)], mask, torch.zeros(3, 96, 96), config)
    laid = lay(style, mask, 6.0, seed)
    assert float(aimed.at(1.0)[0].mean()) == pytest.approx(float(laid[0].mean()), abs=0.35)
    assert aimed.pixels.shape[1] < 128
