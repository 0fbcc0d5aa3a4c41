"""A draft made up on a block: its colour and proportions, the block's construction, without the block's colour or print."""

import pytest
import torch

from muslin.assets import STARTER
from muslin.base.colour import to_oklab
from muslin.base.image import Picture, encode_png, open_image
from muslin.data.draft_mask import draft_outline
from muslin.data.sources import open_source
from muslin.gan.generators import load_generator
from muslin.studio.cook import as_picture
from muslin.style.blocks import make_up, outline_of

SHIRT = "shirt/8ce2f4eb-e638-42c7-8671-d0737da0c2fb.jpg"  # sand, buttoned, sleeves laid over its front


@pytest.fixture(scope="module")
def draft():
    generator = load_generator("garments-128")
    return as_picture(next(generator.draw_many([52], [generator.label("shirt")], 0.7)))


@pytest.fixture(scope="module")
def block():
    return open_image(next(item for item in open_source(STARTER).items if item.name == SHIRT).content(), SHIRT).pixels


def test_it_has_the_drafts_colour_and_silhouette_and_the_blocks_lines(draft, block):
    made = make_up(draft, Picture(block), 320)
    assert made.pixels.shape == (3, 320, 320) and made.mask.shape == (1, 320, 320)
    assert bool((made.pixels[:, made.mask[0] == 0] == 1).all())  # white to the bit beside it
    outline = torch.nn.functional.interpolate(draft_outline(draft)[None], (320, 320), mode="area")[0]
    assert float(torch.minimum(outline, made.mask).sum() / torch.maximum(outline, made.mask).sum()) > 0.85
    small = torch.nn.functional.interpolate(draft[None], (320, 320), mode="bicubic", align_corners=False)[0].clamp(-1, 1)
    ours, drawn, lent = (to_oklab(x)[:, inside > 0.9].mean(1) for x, inside in ((made.pixels, made.mask[0]), (small, outline[0]), (
        torch.nn.functional.interpolate(block[None], (320, 320), mode="bicubic", align_corners=False)[0].clamp(-1, 1), made.mask[0])))  # fmt: skip
    assert float((ours - drawn).norm()) < 0.06 < 0.12 < float((ours - lent).norm())
    lightness = to_oklab(made.pixels)[0]
    plain = to_oklab(small)[0]

    well_inside = -torch.nn.functional.max_pool2d(-torch.minimum(made.mask, outline), 21, 1, 10)[0] > 0.99

    def fine(x):  # lines of a few pixels
        soft = torch.nn.functional.avg_pool2d(x[None, None], 9, 1, 4, count_include_pad=False)[0, 0]
        return float((x - soft)[well_inside].std())

    assert fine(lightness) > 2 * fine(plain)


def test_a_blocks_print_stays_behind(draft, block):
    rows = torch.arange(block.shape[1])[None, :, None]
    inside = (block.mean(0, keepdim=True) < 0.9).float()
    striped = block * (1 - 0.8 * inside * ((rows // 12) % 2)) + inside * ((rows // 12) % 2) * torch.tensor([-0.7, -0.6, 0.1])[:, None, None]
    bare, printed = (to_oklab(make_up(draft, Picture(one.clamp(-1, 1)), 256).pixels)[0] for one in (block, striped))
    mask = make_up(draft, Picture(block), 256).mask[0] > 0.99
    there = (printed - bare)[mask]
    given = (to_oklab(striped.clamp(-1, 1))[0] - to_oklab(block)[0])[inside[0] > 0]
    assert float(given.std()) > 0.1  # the stripes are strong
    assert float(there.std()) < 0.35 * float(given.std())


def test_the_same_draft_and_block_give_the_same_bits(draft, block):
    assert torch.equal(make_up(draft, Picture(block), 256).pixels, make_up(draft, Picture(block), 256).pixels)


def test_where_no_garment_is_there_is_nothing_to_make(draft, block):
    plain = torch.ones(3, 96, 96)
    assert make_up(plain, Picture(block), 256) is None
    assert make_up(draft, Picture(plain), 256) is None


def test_a_torn_mask_is_whole_again(draft, block):
    bitten = block.clone()
    bitten[:, 100:112, 30:70] = 1  # a bite into the sleeve's side
    whole, mended = make_up(draft, Picture(block), 256).mask, make_up(draft, Picture(bitten), 256).mask
    assert float(torch.minimum(whole, mended).sum() / torch.maximum(whole, mended).sum()) > 0.97


def test_a_blocks_transparency_tells_its_silhouette(draft, block):
    found = outline_of(Picture(block))
    pale = torch.where(found > 0.5, block * 0.02 + 0.98, block)  # on white nobody would find it
    assert make_up(draft, Picture(pale), 256) is None
    made, whole = make_up(draft, Picture(pale, alpha=found), 256), make_up(draft, Picture(block), 256)
    assert float(torch.minimum(made.mask, whole.mask).sum() / torch.maximum(made.mask, whole.mask).sum()) > 0.95


def test_a_pattern_is_what_a_file_of_it_holds(draft, block):
    made = make_up(draft, Picture(block), 256)
    assert torch.equal(open_image(encode_png(made.pixels)).pixels, made.pixels)
