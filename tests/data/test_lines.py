"""Lines of a picture."""

import torch

from muslin.base.seeds import seeded
from muslin.data.lines import along_lines


def test_what_is_flat_stays_flat_whatever_its_light():
    for light in (-0.5, 0.2, 0.9):
        picture = torch.full((1, 40, 56), light)
        assert torch.allclose(along_lines(picture, 4.0, 0.9), picture, atol=1e-5)


def test_a_line_stays_at_any_angle_and_grain_goes():
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    grain = 0.2 * torch.randn(1, 96, 96, generator=seeded(0, "grain"))
    for turn in (0.0, 0.4, 1.2, 2.3):
        away = (x - 48) * torch.tensor(turn).cos() + (y - 48) * torch.tensor(turn).sin()
        line = -torch.exp(-away.square() / 8)[None]
        found = along_lines(line + grain, 4.0, 0.9)
        assert float(found[0, 44:52, 44:52].min()) < -0.75
        assert float(found[0][away.abs() > 20].std()) < 0.3 * 0.2
