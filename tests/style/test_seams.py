"""What a garment's picture shows within its silhouette: the opening of a neck, a closed front, a waistband."""

import pytest
import torch

from muslin.assets import STARTER
from muslin.base.contours import fill, stroke
from muslin.base.image import blur, from_bytes, open_image
from muslin.data.ground import find_mask
from muslin.data.loader import load_images
from muslin.data.panels import find_panels
from muslin.data.sources import open_source
from muslin.style.enlarge import enlarge
from muslin.style.relief import find_relief
from muslin.style.seams import find_seams

SHIRT = [
    (96, 40),
    (104, 46),
    (152, 46),
    (160, 40),
    (236, 90),
    (212, 126),
    (176, 100),
    (176, 230),
    (80, 230),
    (80, 100),
    (44, 126),
    (20, 90),
]
SKIRT = [(90, 40), (166, 40), (216, 220), (40, 220)]


def garment(points, dark=()):
    """A garment of one colour on white; `dark`: (x, y) lines drawn into it, 2 px."""
    mask = fill([torch.tensor(points).float()], 256, 256)
    lines = torch.zeros(256, 256)
    for line in dark:
        lines = stroke(torch.tensor(line).float(), 2.0, lines)
    cloth = torch.tensor([0.2, 0.3, 0.5])[:, None, None] - 0.5 * lines
    return cloth * mask + 1 - mask, mask


def seams(picture, mask, panels=()):
    return {panel.kind: panel for panel in find_seams(picture, mask, find_relief(picture, mask).lines, list(panels))}


def test_the_inside_of_a_neck_is_found():
    """The back above the front's edge, somewhat darker: its curve is found to a few pixels."""
    picture, mask = garment(SHIRT)
    across = torch.linspace(-1, 1, 41)
    curve = torch.stack([128 + 32 * across, 40 + 30 * (1 - across.square())], 1)
    inside = fill([torch.cat([curve, torch.tensor([[160.0, 0.0], [96.0, 0.0]])])], 256, 256) * mask
    found = seams(picture - 0.2 * inside * mask, mask, find_panels(mask))["inside"]
    assert float((torch.cdist(found.seam, curve).amin(1)).max()) < 6
    area = found.area(256, 256)
    assert float(area[0, 55, 128]) == 1
    assert float(area[0, 120, 128]) == 0


def test_a_closed_front_is_found():
    picture, mask = garment(SHIRT, [[(132, 44), (130, 228)]])
    found = seams(picture, mask, find_panels(mask))["front"]
    assert float((found.seam[:, 0] - 131).abs().max()) < 4
    area = found.area(256, 256)
    assert float(area[0, 150, 160]) == 1
    assert float(area[0, 150, 100]) == 0


def test_a_waistband_is_found_and_its_cloth_lies_across():
    found = seams(*garment(SKIRT, [[(87, 52), (169, 52)]]))["band"]
    assert float((found.seam[:, 1] - 52).abs().max()) < 3
    assert float(found.seam[0, 0]) < 88 < 168 < float(found.seam[-1, 0])
    assert found.grain == 90
    area = found.area(256, 256)
    assert float(area[0, 45, 128]) == 1
    assert float(area[0, 60, 128]) == 0


@pytest.mark.parametrize("points", [SHIRT, SKIRT])
def test_plain_cloth_has_none(points):
    picture, mask = garment(points)
    assert seams(picture, mask, find_panels(mask)) == {}


def test_no_garment_has_none():
    assert find_seams(torch.ones(3, 64, 64), torch.zeros(1, 64, 64), torch.zeros(1, 64, 64), []) == []


def test_a_larger_picture_has_the_same_seams():
    picture, mask = garment(SHIRT, [[(132, 44), (130, 228)]])
    large = [torch.nn.functional.interpolate(x[None], scale_factor=4, mode="bilinear")[0] for x in (picture, mask)]
    found = seams(*large, find_panels(large[1]))["front"]
    assert float((found.seam[:, 0] / 4 - 131).abs().max()) < 4


def test_real_garments():
    """Of the starter set: fronts at most shirts and coats and hardly a T-shirt or trousers; openings at some tops and waists."""
    images, found = load_images(STARTER, 256, 3), dict[str, list[set[str]]]()
    for picture, label in list(zip(from_bytes(images.pixels), images.labels, strict=True))[::2]:
        if (mask := find_mask(picture)) is not None:
            found.setdefault(images.classes[int(label)], []).append(set(seams(picture, mask, find_panels(mask))))

    def share(kind, seam):
        return sum(seam in kinds for kinds in found[kind]) / len(found[kind])

    assert share("outwear", "front") + share("shirt", "front") > 0.7
    assert share("t-shirt", "front") + share("pants", "front") <= 0.15
    assert share("t-shirt", "inside") > 0.2
    assert share("hat", "inside") <= 0.2


def test_blur_of_the_picture_does_not_move_a_front():
    picture, mask = garment(SHIRT, [[(132, 44), (130, 228)]])
    one, other = (seams(x, mask, find_panels(mask))["front"].seam for x in (picture, blur(picture, 0.8)))
    assert float((one - other).abs().max()) < 3


def test_seams_of_the_mirror_image_are_the_mirrored_seams():
    picture, mask = garment(SHIRT, [[(120, 44), (118, 228)]])
    one = seams(picture, mask, find_panels(mask))["front"].seam[:, 0]
    other = seams(picture.flip(2), mask.flip(2), find_panels(mask.flip(2)))["front"].seam[:, 0]
    assert float((256 - one - other).abs().max()) < 3


def test_most_garments_have_the_same_seams_at_another_size():
    """Preview and final: at 256 and at 512 px, of the starter set's T-shirts, shirts and trousers."""
    items = [item for item in open_source(STARTER).items if item.label in ("t-shirt", "shirt", "pants")][::6]
    same = 0
    for item in items:
        found = []
        for size in (256, 512):
            picture, mask = enlarge(open_image(item.content(), item.name).pixels, size)
            panels = find_panels(mask)
            found.append({*seams(picture, mask, panels), *(panel.kind for panel in panels)})
        same += found[0] == found[1]
    assert same >= 0.75 * len(items)
