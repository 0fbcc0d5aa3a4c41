"""A draft's silhouette drawn anew."""

import pytest
import torch

from muslin.base.contours import closed_contours, length
from muslin.base.image import blur, resize
from muslin.base.seeds import seeded
from muslin.data.draft_mask import cut_draft
from muslin.gan.generators import load_generator
from muslin.studio.cook import as_picture
from muslin.style.enlarge import enlarge


def _shirt(haze=0.0, placket=False, longer=0):
    """128 px: a body, two sleeves, gaps between them (closed below by `haze`), perhaps a bright placket, the right side `longer` by some px."""
    cloth = torch.zeros(128, 128)
    cloth[20:100, 40:88] = 1
    cloth[20:34, 20:108] = 1
    cloth[34:90, 20:32] = cloth[34:90, 96:108] = 1
    cloth[86:90, 32:40] = cloth[86:90, 88:96] = haze
    cloth[100 : 100 + longer, 64:88] = 1
    if placket:
        cloth[40:96, 62:66] = 0.2
    cloth = blur(cloth[None], 0.7)
    return 1 - cloth * torch.tensor([1.5, 1.3, 1.0])[:, None, None]


def test_gaps_beside_sleeves_are_open_even_where_haze_closes_them():
    for haze in (0.0, 0.7):
        cut = cut_draft(_shirt(haze), 512, 512)
        assert cut is not None
        mask = cut.mask[0]
        assert float(mask[4 * 60, 4 * 36]) == float(mask[4 * 60, 4 * 92]) == 0
        assert float(mask[4 * 60, 4 * 26]) == float(mask[4 * 60, 4 * 64]) == 1


def test_a_bright_placket_is_no_gap():
    cut = cut_draft(_shirt(placket=True), 512, 512)
    assert cut is not None
    assert float(cut.mask[0, 4 * 60, 4 * 60 : 4 * 68].min()) == 1


def test_what_is_nearly_its_mirror_image_becomes_it_and_what_is_not_stays():
    near = cut_draft(_shirt(longer=2), 512, 512)
    assert near is not None
    columns = (near.mask[0] > 0.5).any(0).nonzero()[:, 0]
    whole = near.mask[0][:, int(columns[0]) : int(columns[-1]) + 1]
    assert float((whole - whole.flip(1)).abs().mean()) < 0.01
    far = cut_draft(_shirt(longer=25), 512, 512)
    assert far is not None
    assert float(far.mask[0, 4 * 118, 4 * 76]) == 1
    assert float(far.mask[0, 4 * 118, 4 * 50]) == 0


def test_what_one_side_alone_has_stays_on_that_side():
    cloth = torch.zeros(128, 128)
    cloth[16:112, 20:108] = 1
    cloth[40:104, 30:35] = 0  # a sleeve's gap on the left alone
    cloth[16:40, 100:108] = 0  # a notch in the right shoulder alone
    cut = cut_draft(1 - 1.4 * blur(cloth[None], 0.7).expand(3, -1, -1), 512, 512)
    assert cut is not None
    mask = cut.mask[0]
    assert float(mask[4 * 70, 4 * 32]) == 0
    assert float(mask[4 * 70, 4 * 95]) == 1
    assert float(mask[4 * 24, 4 * 104]) == 0
    assert float(mask[4 * 24, 4 * 23]) == 1


def test_what_touches_the_border_goes_on_there():
    cloth = torch.zeros(64, 64)
    cloth[:50, 10:50] = 1
    cut = cut_draft(1 - 1.4 * cloth.expand(3, -1, -1), 512, 512)
    assert cut is not None
    assert float((cut.mask[0, 0].sum() - cut.mask[0, 100].sum()).abs()) < 10  # a pixel of the draft is 8


def test_corners_stay_and_a_wavering_edge_does_not():
    straight, ragged = _shirt(), _shirt()
    for row in range(20, 100):  # the body's right edge wavers by a pixel
        ragged[:, row, 87 + row // 3 % 2] = straight[:, 10, 10]
    cut, was = cut_draft(ragged, 512, 512), enlarge(straight, 512)[1]
    assert cut is not None
    assert was is not None
    assert float(torch.minimum(cut.mask, was).sum() / torch.maximum(cut.mask, was).sum()) > 0.97
    assert float(cut.mask[0, 4 * 100 - 6, 4 * 40 + 6]) == 1  # the hem's corner, cut by a pixel and a half at most
    hem = cut.mask[0, 4 * 50 : 4 * 90, 4 * 80 : 4 * 94].sum(1)
    assert float(hem.max() - hem.min()) < 3


def test_other_sizes_show_the_same_and_strips_meet():
    draft = _shirt()
    small, large = cut_draft(draft, 300, 300), cut_draft(draft, 900, 900)
    assert small is not None
    assert large is not None
    assert float((resize(large.mask * 2 - 1, 300, 300) / 2 + 0.5 - small.mask).abs().max()) < 0.3
    assert len(closed_contours(large.mask[0])) == 1


@pytest.mark.parametrize("side", [32, 40, 200])
def test_too_small_and_photographs_are_left_to_the_level_set(side):
    assert cut_draft(resize(_shirt(), side, side), 512, 512) is None


def test_line_drawings_empty_pages_and_noise_are_left_to_the_level_set():
    drawing = torch.ones(3, 64, 64)
    drawing[:, 10:54, 10:54] = -1
    drawing[:, 12:52, 12:52] = 1
    noise = torch.rand(3, 64, 64, generator=seeded(0, "noise")) * 2 - 1
    for picture in (drawing, torch.ones(3, 64, 64), noise):
        assert cut_draft(picture, 256, 256) is None


def test_contours_of_real_drafts_are_shorter_than_the_drafts_own_and_lie_there():
    generator = load_generator("garments-128")
    for draft in generator.draw_many(range(6), [generator.label(name) for name in ("pants", "skirt", "t-shirt") * 2], 0.7):
        picture = as_picture(draft)
        cut = cut_draft(picture, 512, 512)
        assert cut is not None
        away = (resize(picture, 512, 512) - 0.96).abs().amax(0) > 0.25
        there = cut.mask[0] > 0.5
        assert float((there & away).sum() / (there | away).sum()) > 0.85
        longest = max(length(line) for line in closed_contours(away.float()))
        assert max(length(line) for line in closed_contours(cut.mask[0])) < 0.98 * longest
        assert float((cut.cloth - 1).abs().amax(0)[~there & ~away].min()) > 0.1  # the cloth goes on beyond the edge


def test_folds_stay_and_grain_goes():
    garment, x = _shirt(), torch.arange(128.0)
    fold, grain = -0.25 * torch.exp(-((x - 52) ** 2) / 4), 0.25 * torch.randn(128, 128, generator=seeded(0, "grain"))
    inside = (garment[0] < -0.4).float()
    folded, grainy = enlarge(garment + inside * fold, 512)[0], enlarge(garment + inside * grain, 512)[0]
    plain = enlarge(garment, 512)[0]
    part = (slice(None), slice(4 * 40, 4 * 90), slice(4 * 46, 4 * 82))
    assert float((folded - plain)[part].amin()) < 0.6 * -0.25
    assert float((grainy - plain)[part].std()) < 0.25 * 0.25
