"""Contact sheets."""

import pytest
import torch

from muslin.export.sheets import contact_sheet


def test_pictures_of_all_sizes_are_fitted(garment):
    tiny, tall = -torch.ones(1, 8, 8), torch.zeros(3, 90, 30)
    sheet = contact_sheet([garment, tiny, tall], columns=2, side=64, gap=4, captions=["a dress", "长" * 40, ""])
    assert sheet.shape == (3, 4 + 2 * (64 + 26 + 4), 4 + 2 * (64 + 4))
    assert torch.equal(sheet[:, 4:68, 72:136], -torch.ones(3, 64, 64))
    assert float(sheet[:, 98 + 30, 4 + 2].min()) == 1.0
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([])
