"""Masks on plain grounds, against masks that were made by another method."""

import torch

from muslin.assets import STARTER
from muslin.base.image import open_image
from muslin.data.ground import beside, cut_out, extend, find_mask, ground_colour, outline, shrink
from muslin.data.sources import open_source


def _disc(side=128, ground=(1.0, 1.0, 1.0), colour=(-0.5, 0.2, 0.6)):
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    inside = ((rows - side / 2) ** 2 + (columns - side / 2) ** 2).sqrt() < side / 3
    picture = torch.tensor(ground)[:, None, None].expand(3, side, side).clone()
    picture[:, inside] = torch.tensor(colour)[:, None]
    return picture, inside


def test_a_disc_is_found_on_any_plain_ground():
    for ground in ((1.0, 1.0, 1.0), (-1.0, -1.0, -1.0), (0.2, 0.5, -0.3)):
        picture, inside = _disc(ground=ground)
        mask = find_mask(picture)
        assert mask is not None
        found = mask[0] > 0.5
        assert float((found & inside).sum() / (found | inside).sum()) > 0.98
        assert torch.allclose(ground_colour(picture), torch.tensor(ground))


def test_a_hole_that_shows_the_ground_is_kept():
    picture, inside = _disc()
    picture[:, 58:70, 58:70] = 1.0
    mask = find_mask(picture)
    assert mask is not None
    assert float(mask[0, 64, 64]) == 0.0
    assert float(mask[0, 40, 64]) == 1.0


def test_no_ground_or_nothing_on_it_gives_none():
    assert find_mask(torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1) is None
    assert find_mask(torch.ones(3, 64, 64)) is None


def test_real_garments_are_found():
    found = 0
    items = open_source(STARTER).items[::15]
    for item in items:
        mask = find_mask(open_image(item.read(), item.name).pixels)
        found += mask is not None and 0.05 < float(mask.mean()) < 0.9
    assert found >= 0.95 * len(items)


def test_light_checks_on_the_rim_belong_to_the_garment():
    """The starter set's gingham shirt: what lies two pixels inside its outline is in the mask (until 0.3: 97.6 %)."""
    (item,) = (item for item in open_source(STARTER).items if item.name.endswith("f46976d8142c.jpg"))
    picture = open_image(item.read(), item.name).pixels
    mask, whole = find_mask(picture), outline(picture)
    assert mask is not None
    assert whole is not None
    inner = shrink(whole[None].float(), 2)[0] > 0.5
    assert float((mask[0] > 0.5)[inner].float().mean()) > 0.99


def test_what_stands_beside_the_garment_is_told():
    """A dark hook on a blue disc is; a sash of the disc's own colour, as thin, is not."""
    picture, inside = _disc(256)
    picture[:, 20:50, 125:131] = torch.tensor([-0.9, -0.9, -0.9])[:, None, None]
    picture[:, 125:131, 205:240] = picture[:, 128:129, 128:129]
    mask = find_mask(picture)
    assert mask is not None
    assert float(mask[0, 30, 128]) == float(mask[0, 128, 230]) == 1
    out = beside(picture, mask, photo=False)
    assert float(out[0, 24:38, 128].min()) == 1
    assert float(out[0, 128].max()) == 0
    assert float(out[0][inside].mean()) < 0.001


def test_a_hanger_with_clips_is_told_from_the_garment_in_a_photo():
    """A black bar with two clips over red cloth is; the same in the cloth's own red is a waistband; a draft's are left alone."""
    picture = torch.ones(3, 256, 256)
    picture[:, 60:220, 60:200] = torch.tensor([0.6, -0.7, -0.6])[:, None, None]
    plain = picture.clone()
    for top, bottom, left, right in ((48, 56, 40, 220), (44, 72, 66, 78), (44, 72, 182, 194)):
        picture[:, top:bottom, left:right] = -0.9
        plain[:, top:bottom, left:right] = plain[:, 128:129, 128:129]
    solid = (picture.mean(0) < 0.9)[None].float()
    out = beside(picture, solid, photo=True)
    assert float(out[0, 50:54, 50:210].min()) == 1
    assert float(out[0, 62:70, 70:74].min()) == 1
    assert float(out[0, 90:].max()) == 0
    assert float(beside(plain, solid, photo=True)[0, 44:72, 60:200].max()) == 0
    assert float(beside(picture, solid, photo=False)[0, 62:70, 70:74].max()) == 0


def test_a_hanger_and_the_wall_inside_a_neck_are_told_from_the_garment():
    """A hook over a grey wall that a neck shows is no garment; a collar of the cloth's own as narrow as a hook is, and so are a dark yoke without a hook and a bib on a halter neck."""
    red = torch.tensor([0.6, -0.7, -0.6])[:, None, None]
    picture = torch.ones(3, 256, 256)
    picture[:, 60:230, 50:210] = red
    collared, yoked, bib = (picture.clone() for _ in range(3))
    picture[:, 30:64, 127:131] = -0.9
    picture[:, 60:84, 100:158] = torch.tensor([0.5, 0.5, 0.52])[:, None, None]
    picture[:, 62:66, 90:168] = -0.9
    collared[:, 50:64, 124:134] = red
    collared[:, 64:74, 124:134] = -0.9  # a label
    bib[:, 40:64, 121:139] = bib[:, 60:90, 90:170] = -0.9
    yoked[:, 60:110, 50:210] = -0.9
    out = beside(picture, (picture.mean(0) < 0.9)[None].float(), photo=True)
    assert float(out[0, 40:60, 128:130].min()) == 1 and float(out[0, 68:80, 104:154].min()) == 1
    assert float(out[0, 92:].max()) == 0
    for other in (collared, yoked, bib):
        assert float(beside(other, (other.mean(0) < 0.9)[None].float(), photo=True)[0, 52:].max()) == 0


def test_colours_are_carried_outwards():
    picture, inside = _disc()
    mask = inside[None].float()
    grown = extend(picture, mask)
    assert torch.equal(grown[:, 0, 0], picture[:, 64, 64])
    assert float(shrink(mask, 3).sum()) < float(mask.sum())


def test_transparency_that_cuts_nothing_out_is_no_mask():
    alpha = torch.ones(1, 100, 100)
    assert cut_out(None) is None and cut_out(alpha) is None
    alpha[:, :9, :9] = 0
    assert cut_out(alpha) is None
    alpha[:, :50] = 0
    assert cut_out(alpha) is alpha
