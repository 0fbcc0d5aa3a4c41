"""Dressing a real garment: the ground stays, the silhouette stays, the style comes nearer, the same bits come again."""

from dataclasses import replace

import pytest
import torch

from muslin.assets import STARTER
from muslin.base.errors import InputError, SettingError
from muslin.base.image import open_image, resize
from muslin.base.seeds import seeded
from muslin.data.ground import find_mask
from muslin.data.sources import open_source
from muslin.features.embedded import embedded
from muslin.style.configs import PRESETS, StyleConfig
from muslin.style.dress import Cloth, Dressed, check, dress, lay_only, sized
from muslin.style.losses import gram
from muslin.style.measure import folds_kept, measure, silhouette
from muslin.style.objective import layer_weights
from muslin.style.optimise import scales

QUICK = StyleConfig(size=160, steps=8, coarsest=64)


def _dress(picture, cloths, config=QUICK, mask=None) -> Dressed:
    *_, result = dress(picture, cloths, embedded(), config, mask)
    assert isinstance(result, Dressed)
    return result


def test_outside_the_garment_every_bit_stays(garment, ikat):
    result = _dress(garment, [Cloth(ikat)])
    outside = (result.mask == 0).expand(3, -1, -1)
    assert torch.equal(result.pixels[outside], result.content[outside])
    assert float((result.pixels - result.content).abs()[~outside].mean()) > 0.1


@pytest.mark.parametrize("mode", ["style", "print"])
def test_the_silhouette_stays(garment, ikat, mode):
    result = _dress(garment, [Cloth(ikat)], replace(QUICK, size=320, mode=mode))
    assert silhouette(result.pixels, result.content) >= 0.99


@pytest.mark.parametrize("size", [256, 512])
def test_a_hanger_s_hook_is_not_dressed(size):
    picture = torch.ones(3, 256, 256)
    picture[:, 60:240, 60:200] = torch.tensor([0.6, -0.4, -0.4])[:, None, None]
    picture[:, 25:60, 127:132] = -0.8
    laid = lay_only(picture, Cloth(torch.full((3, 64, 64), 0.2)), replace(QUICK, size=size))
    rows, columns = slice(round(0.11 * size), round(0.2 * size)), slice(round(0.4 * size), round(0.6 * size))
    assert torch.equal(laid.pixels[:, rows, columns], laid.content[:, rows, columns])
    assert float(laid.content[:, rows, columns].min()) < -0.6
    assert float(laid.mask[0, size // 2, size // 2]) == 1


def test_a_bite_out_of_the_silhouette_is_seen(garment):
    bitten = garment.clone()
    rows, columns = (garment.mean(0) < 0.5).nonzero().unbind(1)
    bitten[:, int(rows.min()) : int(rows.min()) + 30] = 1
    assert silhouette(garment, garment) == 1
    assert silhouette(bitten, garment) < 0.97
    assert silhouette(torch.ones_like(garment), garment) == 0
    assert silhouette(garment, torch.rand(3, 256, 256, generator=torch.Generator().manual_seed(0)) * 2 - 1) is None


def test_optimising_beats_laying_the_cloth_on_the_styles_own_measure(garment, ikat):
    """On the Gram matrix of 3e: nearer than the laid cloth, which is nearer than the bare content."""
    config = replace(QUICK, steps=30, fewer=0.8, alpha=0.05, statistic="gram", beta=15.0)
    result = _dress(garment, [Cloth(ikat)], config)
    laid = lay_only(garment, Cloth(ikat), config)

    def style(pixels, mask=None):
        maps = embedded()(pixels[None], ("3e",))["3e"].detach()
        area = None if mask is None else torch.nn.functional.adaptive_avg_pool2d(mask[None], maps.shape[2:])
        return gram(maps, area)

    (laid_size,) = sized([Cloth(ikat)], result.mask, result.content, config)
    wanted = style(laid_size.at(1.0))
    away = [float((style(r.pixels, r.mask) - wanted).square().sum() / wanted.square().sum()) for r in (result, laid)]
    bare = float((style(result.content, result.mask) - wanted).square().sum() / wanted.square().sum())
    assert away[0] < away[1] < bare


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_the_same_recipe_gives_the_same_bits_and_the_loss_falls(garment, ikat, optimiser):
    config = replace(QUICK, optimiser=optimiser)
    runs = [list(dress(garment, [Cloth(ikat)], embedded(), config)) for _ in range(2)]
    assert torch.equal(runs[0][-1].pixels, runs[1][-1].pixels)
    totals = [news.losses["total"] for news in runs[0][:8]]
    assert totals[-1] < totals[0]


def test_another_seed_cuts_the_cloth_elsewhere(garment, ikat):
    config = replace(QUICK, zoom=2.0)
    first, other = (lay_only(garment, Cloth(ikat), replace(config, seed=seed)).pixels for seed in (0, 1))
    assert float((first - other).abs().mean()) > 0.02


def test_styles_mix_by_weight(garment, ikat):
    red, blue = torch.full((3, 64, 64), -1.0), torch.full((3, 64, 64), -1.0)
    red[0], blue[2] = 1, 1
    mostly_red = _dress(garment, [Cloth(red, 3.0), Cloth(blue, 1.0)])
    inside = mostly_red.mask[0] > 0.99
    means = mostly_red.pixels[:, inside].mean(1)
    assert means[0] > means[2] > means[1]


def test_the_article_styles_the_whole_picture(garment, ikat):
    config = replace(PRESETS["article"], size=96, steps=12)
    result = _dress(garment, [Cloth(ikat)], config)
    assert result.mask is None
    assert float((result.pixels - result.content)[:, :8].abs().mean()) > 0.005
    assert scales(config, 512, 512) == [(512, 512, 12)]


def test_a_tiny_draft_comes_out_large_with_a_clean_edge(garment, ikat):
    result = _dress(resize(garment, 48, 48), [Cloth(ikat)], replace(QUICK, size=256, steps=4))
    assert result.pixels.shape == (3, 256, 256)
    soft = ((result.mask > 0.02) & (result.mask < 0.98)).float().sum()
    edge = (result.mask[:, 1:] > 0.5).ne(result.mask[:, :-1] > 0.5).sum() + (result.mask[:, :, 1:] > 0.5).ne(
        result.mask[:, :, :-1] > 0.5
    ).sum()
    assert float(soft) < 6 * float(edge)


def test_a_given_mask_is_used_and_a_wrong_one_is_told(garment, ikat):
    mask = torch.zeros(1, 256, 256)
    mask[:, 64:192, 64:192] = 1
    result = _dress(garment, [Cloth(ikat)], QUICK, mask)
    assert torch.equal(result.pixels[:, :30], result.content[:, :30])
    with pytest.raises(InputError, match="make them the same size"):
        _dress(garment, [Cloth(ikat)], QUICK, torch.ones(1, 9, 9))
    with pytest.raises(InputError, match="mask is empty"):
        _dress(garment, [Cloth(ikat)], QUICK, torch.zeros(1, 256, 256))


def test_a_masks_black_that_is_not_quite_black_changes_no_ground(garment, ikat):
    """A mask as a JPEG has it: ringing up to 17 of 255 around the garment, and 250 for white; the ground has a grain."""
    grain = 0.2 * torch.rand(3, 256, 256, generator=seeded(1))
    mask = torch.zeros(1, 256, 256)
    mask[:, 64:192, 64:192] = 1
    rough = mask * 250 / 255 + (1 - mask) * 17 / 255 * torch.rand(1, 256, 256, generator=seeded(2))
    clean, ringing = (_dress((garment - grain).clamp(-1, 1), [Cloth(ikat)], QUICK, area) for area in (mask, rough))
    assert torch.equal(ringing.pixels[:, :30], ringing.content[:, :30]) and torch.equal(
        ringing.pixels[..., -30:], ringing.content[..., -30:]
    )
    assert torch.equal(ringing.mask == 1, clean.mask == 1)


def test_what_cannot_be_dressed_is_told(garment, ikat):
    noise = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with pytest.raises(InputError, match="no garment found on a plain ground"):
        _dress(noise, [Cloth(ikat)])
    with pytest.raises(InputError, match="has no texture"):
        _dress(garment, [Cloth(ikat[:, :1, :1])])
    with pytest.raises(InputError, match="no layer 'relu9_9'"):
        _dress(garment, [Cloth(ikat)], replace(QUICK, style_layers=("relu9_9",)))


@pytest.mark.parametrize(("name", "value"), [("size", 9), ("size", 60_000), ("folds", 2.0), ("steps", 0), ("beta", -1.0), ("rate", 0.0)])
def test_values_out_of_range_are_told(name, value):
    with pytest.raises(SettingError, match=f"{name}="):
        check(replace(StyleConfig(), **{name: value}))


def test_layer_weights_fit_the_layers():
    assert sum(layer_weights(StyleConfig(), embedded()).values()) == pytest.approx(1)
    given = replace(StyleConfig(), style_layers=("stem", "3e"), layer_weights=(0.2, 0.8))
    assert layer_weights(given, embedded()) == {"stem": 0.2, "3e": 0.8}
    with pytest.raises(SettingError, match="2 numbers for the 1 layers"):
        layer_weights(replace(given, style_layers=("stem",)), embedded())


def test_folds_can_be_left_out(garment, ikat):
    flat, lit = (lay_only(garment, Cloth(ikat), replace(QUICK, folds=folds)) for folds in (0.0, 1.0))
    inside = flat.mask[0] > 0.99
    assert float((flat.pixels - lit.pixels)[:, inside].abs().mean()) > 0.02


def test_the_descent_keeps_the_folds_by_their_share(garment, ikat):
    kept = []
    for folds in (0.0, 0.5, 1.0):
        result = _dress(garment, [Cloth(ikat)], replace(QUICK, folds=folds, effort=1.0))
        kept.append(folds_kept(result.pixels, result.content, result.mask))
    assert kept[0] + 0.05 < kept[1] < kept[2] - 0.02


def test_the_ground_does_not_matter_to_the_cloth(garment, ikat):
    """The network sees cloth beyond the seam: on another ground the garment takes the style to the same bits."""
    mask = (find_mask(garment) > 0.5).float()
    dark = torch.where(mask > 0, garment, torch.full_like(garment, -0.6))
    config = replace(QUICK, size=256, start="overlay")  # the fast network is one that sees the ground
    white, black = (_dress(picture, [Cloth(ikat)], config, mask) for picture in (garment, dark))
    inside = (mask > 0).expand(3, -1, -1)
    assert torch.equal(white.pixels[inside], black.pixels[inside])
    assert not torch.equal(white.pixels, black.pixels)


def test_print_lays_the_pattern_itself_at_its_width(garment, ikat):
    """A repeat of half the width shows twice as many motifs; no network is asked, and the ground stays."""
    from muslin.style.repeats import make_tile, resize_unit

    config = replace(QUICK, size=256, mode="print", folds=0.0, repeat_cm=10.0, width_cm=40.0)
    result = _dress(garment, [Cloth(ikat)], config)
    columns = (result.mask[0] > 0.01).any(0).nonzero()[:, 0]
    tile = make_tile(ikat).pixels
    repeat = round((int(columns[-1]) - int(columns[0]) + 1) * 10 / 40 * tile.shape[2] / ikat.shape[2])
    unit = resize_unit(tile, round(repeat * tile.shape[1] / tile.shape[2]), repeat)
    inside = (result.mask[0] > 0.999)[:, repeat:] & (result.mask[0] > 0.999)[:, :-repeat]
    away = (result.pixels[:, :, repeat:] - result.pixels[:, :, :-repeat]).abs().mean(0)[inside].mean()
    assert float(away) < 0.05
    assert float((unit[:, :, 1:] - unit[:, :, :-1]).abs().mean()) > 0.02
    outside = (result.mask == 0).expand(3, -1, -1)
    assert torch.equal(result.pixels[outside], result.content[outside])
    with pytest.raises(SettingError, match="one pattern at a time"):
        _dress(garment, [Cloth(ikat), Cloth(ikat)], config)


@pytest.mark.parametrize("repeat", ["straight", "brick"])
def test_a_picture_of_two_repeats_is_as_wide_as_told_and_not_each_of_them(repeat):
    colours = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
    motif = torch.nn.functional.interpolate(colours[None], size=(64, 64))[0]
    picture, area = torch.ones(3, 320, 320), torch.zeros(1, 320, 320)
    area[:, 10:310, 10:310] = 1
    config = replace(QUICK, size=320, mode="print", repeat=repeat, folds=0.0, repeat_cm=20.0, width_cm=50.0)  # 120 px of 300
    made = _dress(picture * (1 - area) + 0.2 * area, [Cloth(motif.repeat(1, 2, 2))], config, area).pixels[:, 50:270, 30:290]
    away = {period: float((made[:, :, period:] - made[:, :, :-period]).abs().mean()) for period in range(30, 130)}
    assert min(away, key=away.__getitem__) == 60 and away[60] < 0.01


def test_colours_of_the_garment_or_of_a_palette(garment, ikat):
    kept = _dress(garment, [Cloth(ikat)], replace(QUICK, keep="garment"))
    inked = _dress(garment, [Cloth(ikat)], replace(QUICK, keep="palette", inks=("#102040", "#d0d8f0")))
    inside = kept.mask[0] > 0.99
    from muslin.base.colour import to_oklab

    chroma = [to_oklab(x)[1:, inside] for x in (kept.pixels, kept.content, inked.pixels)]
    assert float((chroma[0] - chroma[1]).abs().mean()) < 0.03
    assert float(chroma[2][1].mean()) < 0  # blue
    with pytest.raises(SettingError, match="needs 2 to 16 inks"):
        check(replace(QUICK, keep="palette"))


def test_measures_tell_a_result_from_the_bare_garment(garment, ikat):
    config = replace(QUICK, size=256)
    result = _dress(garment, [Cloth(ikat)], config)
    styles = [(resize(ikat, 200, 200), 1.0)]
    ours = measure(result.pixels, result.content, result.mask, styles)
    bare = measure(result.content, result.content, result.mask, styles)
    assert bare.content == 0 and bare.silhouette > 0.99 and bare.shading == pytest.approx(1, abs=1e-4)
    assert ours.style < 0.7 * bare.style
    assert ours.background == 0
    assert ours.cloth_score == pytest.approx((1 + ours.content) * (1 + ours.style))
    spoiled = result.pixels.clone()
    spoiled[:, 0, 0] -= 1
    assert measure(spoiled, result.content, result.mask, styles).background > 100


def test_large_pictures_go_in_tiles_at_the_same_result(garment, ikat):
    config = replace(QUICK, size=384, precision="float32", steps=4, coarsest=384, style_layers=("stem", "1e"), content_layers=("1e",))
    whole = _dress(garment, [Cloth(ikat)], config)
    tiled = _dress(garment, [Cloth(ikat)], replace(config, tile=256))
    assert float((whole.pixels - tiled.pixels).abs().mean()) < 1e-4  # L-BFGS makes more of float32's rounding


def test_the_average_of_the_iterates_is_calmer(garment, ikat):
    config = replace(QUICK, optimiser="adam", steps=12)
    last, calm = (_dress(garment, [Cloth(ikat)], replace(config, average=decay)) for decay in (0.0, 0.9))
    inside = last.mask[0] > 0.99
    steps = [float((r.pixels[:, :, 1:] - r.pixels[:, :, :-1]).abs()[:, inside[:, 1:]].mean()) for r in (last, calm)]
    assert steps[1] < steps[0]


def test_effort_buys_steps():
    few, usual, many = (sum(n for _, _, n in scales(replace(StyleConfig(), effort=effort), 512, 512)) for effort in (0.1, 0.5, 1.0))
    assert few < usual < many
    full_size = sum(n * rows * columns / 512**2 for rows, columns, n in scales(replace(StyleConfig(), effort=1.0), 512, 512))
    assert full_size <= 120


@pytest.mark.parametrize("more", [{}, {"effort": 0.0}, {"mode": "print"}])
def test_a_picture_too_narrow_is_told_with_the_least_size_that_does(ikat, more):
    thread = torch.zeros(3, 20, 200)
    config = replace(QUICK, where="all", steps=5, **more)
    with pytest.raises(InputError, match="200 x 20 px would be 128 x 13 px at size 128, .* the least --size for it is 155"):
        _dress(thread, [Cloth(ikat)], replace(config, size=128))
    assert _dress(thread, [Cloth(ikat)], replace(config, size=155)).pixels.shape == (3, 16, 155)
    with pytest.raises(InputError, match="cut it to a less narrow shape"):
        _dress(torch.zeros(3, 1, 2000), [Cloth(ikat)], config)


@pytest.mark.parametrize("weights", [(-1.0, 1.0), (0.0, 0.0), (float("nan"), 1.0), (float("inf"), 1.0)])
def test_weights_that_are_none_are_told(weights):
    with pytest.raises(SettingError, match="layer_weights="):
        check(replace(QUICK, layer_weights=weights))


def test_a_print_finer_than_the_pixels_is_told_with_what_does(garment, ikat):
    fine = replace(QUICK, mode="print", repeat_cm=0.2, width_cm=500.0)
    with pytest.raises(SettingError, match=r"repeat_cm=0.2: the garment is 500 cm wide on \d+ px.* --repeat-cm (\d+)") as told:
        _dress(garment, [Cloth(ikat)], fine)
    does = float(str(told.value).split("--repeat-cm ")[1].split()[0])
    _dress(garment, [Cloth(ikat)], replace(fine, repeat_cm=does))
    with pytest.raises(SettingError):
        _dress(garment, [Cloth(ikat)], replace(fine, repeat_cm=does * 0.9))


def test_a_large_mask_is_made_small_without_losing_straps_or_keeping_a_rim(ikat):
    picture, mask = torch.ones(3, 2048, 2048), torch.zeros(1, 2048, 2048)
    mask[:, 600:1500, 512:1536] = 1
    mask[:, 200:600, 700:705] = 1  # a strap of 5 px, a third of a pixel wide at 128
    red = torch.tensor([0.8, -0.8, -0.8])[:, None, None]
    picture = picture * (1 - mask) + red * mask
    result = _dress(
        picture,
        [Cloth(torch.full_like(ikat, -1.0) * torch.tensor([1.0, 1.0, -1.0])[:, None, None] + ikat * 0.05)],
        replace(QUICK, size=128),
        mask,
    )
    strap = result.mask[0, 20, 40:48]
    assert 0.2 < float(strap.sum()) < 0.5
    rim = (result.pixels[0] - result.pixels[2])[(result.mask[0] > 0.5) & (result.mask[0] < 1)]
    assert float(rim.max()) < 0.9  # half of it is the cloth's blue at least, where red alone has 1.6
    with pytest.raises(InputError, match="next to nothing white"):
        speck = torch.zeros_like(mask)
        speck[:, 1000, 1000] = 1
        _dress(picture, [Cloth(ikat)], replace(QUICK, size=128), speck)


def test_sheer_cloth_is_cut_as_the_rest(ikat):
    """A mask that is grey all over has the panels that the white one has."""
    item = next(item for item in open_source(STARTER).items if item.name.startswith("t-shirt/6873"))
    shirt, config = open_image(item.content(), item.name).pixels, StyleConfig(size=192, effort=0.0)
    for strength in (1.0, 0.7):
        one, other = (_dress(shirt, [Cloth(ikat)], replace(config, cut=cut), find_mask(shirt) * strength) for cut in ("panels", "whole"))
        assert float((one.pixels - other.pixels).abs().mean()) > 0.005, strength
