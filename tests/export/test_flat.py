"""Flats: the silhouette is the mask's, seams are found, cloth is not scribbled on, the SVG is what other programs read."""

import json
import xml.etree.ElementTree as ET

import pytest
import torch

from muslin.base.errors import SettingError
from muslin.data.ground import find_mask
from muslin.export.flat import SIDE, FlatConfig, draw, filled, make_flat, to_svg

SVG, INKSCAPE = "{http://www.w3.org/2000/svg}", "{http://www.inkscape.org/namespaces/inkscape}"


def plain(side: int = 256) -> tuple[torch.Tensor, torch.Tensor]:
    """A blue square on white."""
    mask = torch.zeros(1, side, side)
    mask[:, side // 8 : -side // 8, side // 8 : -side // 8] = 1
    return 1 - mask * (1 - torch.tensor([-0.4, -0.2, 0.3])[:, None, None]), mask


@pytest.fixture(scope="module")
def dress(garment):
    return make_flat(garment, find_mask(garment))


def test_the_silhouette_is_the_masks(garment, dress):
    mask = find_mask(garment)[0] > 0.5
    rows, columns = (torch.nonzero(mask.any(dim))[:, 0] for dim in (1, 0))
    crop = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    margin = 0.06 * max(crop.shape)
    height, width = round(crop.shape[0] + 2 * margin), round(crop.shape[1] + 2 * margin)
    ours = filled(dress, height, width)[0] > 0.5
    top, left = (height - crop.shape[0]) // 2, (width - crop.shape[1]) // 2
    best = 0.0
    for down in (0, 1):
        for right in (0, 1):
            wanted = torch.zeros(height, width, dtype=torch.bool)
            wanted[top + down : top + down + crop.shape[0], left + right : left + right + crop.shape[1]] = crop
            best = max(best, float((ours & wanted).sum() / (ours | wanted).sum()))
    assert best >= 0.98


def test_the_page_is_in_millimetres(garment, dress):
    points = torch.cat([line.curves.view(-1, 2) for line in dress.silhouette])
    assert float(points[:, 1].max() - points[:, 1].min()) == pytest.approx(300, rel=0.02)
    small = make_flat(garment, find_mask(garment), FlatConfig(height_mm=30))
    assert small.height == pytest.approx(dress.height / 10, rel=1e-4)
    assert small.silhouette[0].width == pytest.approx(dress.silhouette[0].width / 10)
    assert dress.nodes < 250


def test_plain_cloth_stays_empty_and_noise_is_not_drawn():
    pixels, mask = plain()
    empty = make_flat(pixels, mask, FlatConfig(detail=1))
    assert empty.seams == empty.details == ()
    assert len(empty.silhouette[0].curves) == 4
    noise = 0.02 * torch.randn(pixels.shape, generator=torch.Generator().manual_seed(0))
    assert len((noisy := make_flat((pixels + noise * mask).clamp(-1, 1), mask)).seams + noisy.details) <= 3


@pytest.mark.parametrize("colour", [[-0.6, -0.4, 0.1], [-0.4, 0.05, 0.3]])
def test_a_planted_straight_seam_is_found_where_it_is(colour):
    pixels, mask = plain()
    pixels[:, 60:200, 99:101] = torch.tensor(colour)[:, None, None]
    flat = make_flat(pixels, mask)
    (seam,) = flat.seams
    scale = 300 / 192  # mm a pixel
    points = seam.curves.view(-1, 2) / scale + 32 - 0.06 * 192
    assert float((points[:, 0] - 100).abs().max()) < 2
    assert float(points[:, 1].min()) < 66
    assert float(points[:, 1].max()) > 194


def test_a_print_all_over_is_not_drawn_line_by_line(ikat):
    pixels, mask = plain()
    rows, columns = min(192, ikat.shape[1]), min(192, ikat.shape[2])
    pixels[:, 32 : 32 + rows, 32 : 32 + columns] = ikat[:, :rows, :columns]
    flat = make_flat(pixels, mask)
    assert len(flat.seams + flat.details) <= 36


def test_more_detail_is_more_lines_and_the_same_twice_is_the_same(garment, dress):
    mask = find_mask(garment)
    counts = [len((flat := make_flat(garment, mask, FlatConfig(detail))).seams + flat.details) for detail in (0.0, 0.5, 1.0)]
    assert counts == sorted(counts)
    assert counts[0] < counts[2]
    assert to_svg(make_flat(garment, mask), "a") == to_svg(dress, "a")


def test_the_svg_has_named_layers_a_title_and_the_recipe(dress):
    recipe = json.dumps({"kind": "look", "styles": [{"title": "<b> & ]]> \u2028 \U0001f9e5"}]}, ensure_ascii=False)
    root = ET.fromstring(to_svg(dress, "Kleid <1> & \x00", recipe).encode())
    layers = root.findall(f"{SVG}g")
    assert [layer.get(f"{INKSCAPE}label") for layer in layers] == ["silhouette", "seams", "details"]
    assert all(layer.get(f"{INKSCAPE}groupmode") == "layer" and layer.get("id") for layer in layers)
    (outline,) = layers[0]
    assert outline.get("d").strip().endswith("Z")
    assert layers[0].get("fill-rule") == "evenodd"
    assert root.get("height") == f"{dress.height:.2f}mm"
    assert root.findtext(f"{SVG}title") == "Kleid <1> & \ufffd"
    assert json.loads("".join(root.find(f"{SVG}metadata").itertext())) == json.loads(recipe)
    widths = [[float(path.get("stroke-width")) for path in layer] for layer in layers]
    assert min(widths[0]) > max(widths[1])


def test_holes_stay_open():
    pixels, mask = plain()
    mask[:, 100:156, 100:156] = 0
    pixels = torch.where(mask > 0, pixels, torch.ones(()))
    flat = make_flat(pixels, mask)
    assert len(flat.silhouette) == 2
    inside = filled(flat, 200, 200)[0]
    assert float(inside[100, 100]) == 0
    assert float(inside[100, 30]) == 1


def test_the_picture_is_black_lines_on_white(dress):
    picture = draw(dress, 300)
    assert max(picture.shape) == 300
    assert float(picture.max()) == 1
    assert float(picture.min()) < -0.9
    assert 0.01 < float((picture < 0).float().mean()) < 0.15


@pytest.mark.parametrize("config", [FlatConfig(detail=2), FlatConfig(height_mm=0), FlatConfig(detail=float("nan"))])
def test_values_out_of_range_and_empty_masks_are_told(config):
    pixels, mask = plain(64)
    with pytest.raises(SettingError, match="should be"):
        make_flat(pixels, mask, config)
    with pytest.raises(ValueError, match="empty"):
        make_flat(pixels, torch.zeros_like(mask))
    assert SIDE > 64
