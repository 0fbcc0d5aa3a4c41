"""A garment's light: told from its print, with lines of construction drawn in, put back after a descent."""

import torch

from muslin.base.colour import from_oklab, to_oklab
from muslin.base.image import blur, resize
from muslin.data.ground import extend, find_mask, shrink
from muslin.style.laying import lay
from muslin.style.retinex import print_in
from muslin.style.shading import folds_back, light, plain, shading, turned


def _cloth(inks, side=256):
    """A square of cloth in `inks` (OKLab lightness, a, b; by an index from 0), lit by soft folds: the picture, its mask, the light."""
    across = torch.arange(side).expand(side, side).float()
    fold = 1 + 0.15 * torch.sin(across / 14) + 0.1 * torch.sin(across.T / 20 + 1)
    mask = torch.zeros(1, side, side)
    mask[:, 16:-16, 16:-16] = 1
    picture = from_oklab(inks * fold) * mask + 1 - mask
    return picture, mask, fold


def _striped(inks, widths, side=256):
    number = torch.arange(side) % sum(widths) >= widths[0]
    return torch.tensor(inks)[number.long()].T[:, None].expand(3, side, side)


def _unlike_light(lightness, fold, mask):
    """Mean difference of two maps of light, their means made one."""
    solid = mask > 0.5
    one, other = (x[solid] / x[solid].mean() for x in (lightness, fold[None]))
    return float((one - other).abs().mean())


def _print_of(picture, mask):
    spread = extend(picture, shrink(mask, 3))
    return print_in(spread, to_oklab(spread)[:1], mask)


def _light_of(picture, mask):
    return to_oklab(plain(picture, mask)[0])[:1]


def test_broad_and_dense_coloured_stripes_are_no_light():
    """White and blue stripes of 40, 20 and 4 px: of what they add to the lightness less than half is left, and the folds stay."""
    for widths in ((40, 40), (20, 20), (4, 4)):
        picture, mask, fold = _cloth(_striped(((0.75, 0.02, 0.03), (0.5, -0.02, -0.12)), widths))
        before = _unlike_light(to_oklab(picture)[:1], fold, mask)
        after = _unlike_light(_light_of(picture, mask), fold, mask)
        assert before > 0.15
        assert after < 0.5 * before


def test_black_and_white_stripes_are_no_light():
    """No hue tells these: less than half is left."""
    picture, mask, fold = _cloth(_striped(((0.75, 0.0, 0.0), (0.5, 0.0, 0.0)), (12, 12)))
    assert _unlike_light(_light_of(picture, mask), fold, mask) < 0.5 * _unlike_light(to_oklab(picture)[:1], fold, mask)


def test_cloth_of_one_colour_keeps_its_light():
    picture, mask, _ = _cloth(torch.tensor([0.6, 0.08, 0.05])[:, None, None])
    assert torch.equal(plain(picture, mask)[0], picture)
    assert float(_print_of(picture, mask).abs().max()) < 0.01


def test_one_button_changes_nothing_far_from_it():
    """Trousers, much lighter to the hem (by four fifths), with a blue button: the light of the legs stays as it was, to 6 %."""
    light = (0.6 + 0.5 * torch.arange(256) / 256)[:, None].expand(256, 256)
    mask = torch.zeros(1, 256, 256)
    mask[:, 20:236, 60:100] = mask[:, 20:236, 150:190] = mask[:, 20:60, 60:190] = 1
    red = torch.tensor([0.55, 0.1, 0.05])[:, None, None].expand(3, 256, 256).clone()
    red[:, 50:60, 120:130] = torch.tensor([0.4, 0.0, -0.15])[:, None, None]
    picture = from_oklab(red * light) * mask + 1 - mask
    away = (_light_of(picture, mask) - to_oklab(picture)[:1])[0, 100:230, 62:98]
    assert float(away.max() - away.min()) < 0.06


def test_a_dark_trim_of_another_colour_is_no_shade():
    """A black yoke over red cloth: without its print the yoke is nearly as light as the rest."""
    inks = torch.tensor([0.6, 0.15, 0.08])[:, None, None].expand(3, 256, 256).clone()
    inks[:, :80] = torch.tensor([0.2, 0.0, 0.0])[:, None, None]
    picture, mask, fold = _cloth(inks)
    assert _unlike_light(_light_of(picture, mask), fold, mask) < 0.35 * _unlike_light(to_oklab(picture)[:1], fold, mask)


def _blots(seed, side=256):
    """Blots of some 5 px, half of all places."""
    return (blur(torch.randn(1, side, side, generator=torch.Generator().manual_seed(seed)), 1.5) > 0).float()


def test_mottle_of_a_print_goes_and_folds_stay():
    """Blots of two hues, and grey ones that no hue tells: less than half is left, and the folds stay."""
    inks = torch.tensor([0.55, 0.03, 0.02])[:, None, None] + _blots(1) * torch.tensor([-0.15, -0.03, -0.05])[:, None, None]
    inks = inks + _blots(2) * torch.tensor([-0.08, 0.0, 0.0])[:, None, None]
    picture, mask, fold = _cloth(inks)
    before, after = (_unlike_light(x, fold, shrink(mask, 8)) for x in (to_oklab(picture)[:1], _light_of(picture, mask)))
    assert after < 0.5 * before


def test_faint_seams_are_drawn_and_plain_cloth_is_not():
    """A seam of 5 % of the lightness would be invisible under a pattern: in the shading it is twice as deep, and under checks it is still found."""
    across = torch.arange(256).expand(256, 256).float()
    seam = 1 - 0.05 * torch.exp(-((across - 128) / 2).square())
    check = torch.arange(256) % 16 < 8
    red, blue = (torch.tensor(ink)[:, None, None].expand(3, 256, 256) for ink in ((0.7, 0.02, 0.03), (0.45, -0.02, -0.12)))
    checked = torch.where(check[:, None] ^ check[None], red, blue)
    mask = torch.zeros(1, 256, 256)
    mask[:, 16:-16, 16:-16] = 1

    def depth(inks, light):
        shade = plain(from_oklab(inks * light) * mask + 1 - mask, mask)[1][0, 64:192, 64:192]
        return float(shade.median() - shade[:, 64].mean())

    assert depth(red, seam) > 0.09
    assert depth(checked, seam) > 0.05
    assert abs(depth(red, torch.ones_like(seam))) < 0.02


def test_a_fine_print_of_the_old_cloth_does_not_show_through(garment):
    """A gingham laid on the dress is gone from `plain`; the dress itself nearly comes back (it has a trim), the ground to the bit."""
    mask = find_mask(resize(garment, 320, 320))
    whole, inside = resize(garment, 320, 320) * mask + 1 - mask, mask[0] > 0.99
    bare, _ = plain(whole, mask)
    assert float((bare - whole).abs().mean(0)[inside].median()) < 0.01
    assert torch.equal(bare[:, mask[0] == 0], whole[:, mask[0] == 0])
    check = torch.arange(320) % 8 < 4
    gingham = torch.where(check[:, None] ^ check[None], (-0.9 - whole) * mask + whole, whole).clamp(-1, 1)
    cleaned, _ = plain(gingham, mask)
    steps = [float((x[:, :, 4:] - x[:, :, :-4]).abs().mean(0)[inside[:, 4:]].mean()) for x in (whole, gingham, cleaned)]
    assert steps[2] - steps[0] < 0.35 * (steps[1] - steps[0])
    assert torch.equal(cleaned[:, mask[0] == 0], gingham[:, mask[0] == 0])


def test_folds_that_a_descent_took_are_put_back(garment, ikat):
    """A picture of which half the light of the folds is gone comes back as it was, to a few levels."""
    mask = find_mask(garment)
    shade = shading(garment, mask)
    start, half = (light(lay(ikat, mask, 1.0, 0), shade, folds) for folds in (1.0, 0.5))
    inside = (mask[0] > 0.99).expand(3, -1, -1)
    whole = turned(start, mask, 1.0)  # cloth turns away at its edge
    away, back = ((x - whole).abs()[inside].mean() for x in (turned(half, mask, 1.0), folds_back(half, start, shade, mask, 1.0)))
    assert float(back) < 0.4 * float(away)
    assert torch.equal(folds_back(start, start, shade, mask, 0.0), start)
    assert float((folds_back(start, start, shade, mask, 1.0) - whole).abs().max()) < 0.01  # never more than was there


def test_beside_a_dark_yoke_cloth_is_lit_as_ever():
    """What is left when print has gone is centred again: plain cloth below a black yoke has a shading of about 1."""
    lightness = torch.full((256, 256), 0.7)
    lightness[:80] = 0.2
    mask = torch.zeros(1, 256, 256)
    mask[:, 16:-16, 16:-16] = 1
    picture = from_oklab(torch.stack([lightness, torch.full_like(lightness, 0.02), torch.full_like(lightness, 0.03)])) * mask + 1 - mask
    assert abs(float(plain(picture, mask)[1][0, 120:220, 40:216].mean()) - 1) < 0.06


def test_a_mask_that_is_soft_all_over_keeps_the_folds():
    """A mask of 0.5 where the garment is, and nowhere more: the folds of plain cloth are as deep as with a whole one."""
    picture, mask, _ = _cloth(torch.tensor([0.6, 0.08, 0.05])[:, None, None])
    whole, half = (plain(picture, mask * part)[1][0, 40:216, 40:216].std() for part in (1, 0.5))
    assert float(half) > 0.8 * float(whole)
