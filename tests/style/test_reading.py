"""A garment's picture read: panels from what the network sees, and traces as a person would draw them."""

import math

import pytest
import torch

from muslin.assets import MORE_BLOCKS, STARTER, TRACES
from muslin.base.contours import stroke
from muslin.base.image import open_image
from muslin.data.ground import find_mask
from muslin.data.loader import square
from muslin.data.panels import Panel, find_panels, frame
from muslin.data.sources import open_source
from muslin.data.traces import from_text, to_panels, to_text
from muslin.style.construction import PARTS, Construction, find_construction
from muslin.style.enlarge import enlarge
from muslin.style.reading import buttons_seen, lines_across, parts_of, read_traces, seen_panels


@pytest.fixture(scope="module")
def shirts():
    """Traced shirts and coats with collars that were held out (every eighth block: runs/construction.py), pictures and traces."""
    traced = dict(line.split("\t") for line in TRACES.read_text().splitlines())
    items = sorted(
        (item for path in (STARTER, MORE_BLOCKS) for item in open_source(path).items if item.name in traced), key=lambda i: i.name
    )
    held = [item for item in items[::8] if item.label in ("shirt", "outwear") and "collar" in traced[item.name]]
    return [(square(open_image(item.content(), item.name).pixels), from_text(traced[item.name])) for item in held]


def overlap(one, other):
    return float((one & other).sum() / (one | other).sum().clamp(min=1))


def told(**areas):
    """What a network would say of a garment of 180 x 260 px: 1 on each part's slices of the frame, or on a line."""
    mask = torch.zeros(1, 300, 300)
    mask[:, 20:280, 60:240] = 1
    view = frame(mask)
    parts = torch.zeros(len(PARTS), *view.size)
    for kind, area in areas.items():
        layer = parts[PARTS.index(kind)]
        if isinstance(area, torch.Tensor):
            layer.copy_(stroke(view.into(area), 5.0, layer))
        else:
            points = torch.tensor([[float(area[1].start), area[0].start], [area[1].stop, area[0].stop]])
            (left, top), (right, bottom) = (tuple(round(float(x)) for x in place) for place in view.into(points))
            layer[top:bottom, left:right] = 1
    return Construction(torch.zeros_like(mask), parts, view), mask


def area_of(panel, mask):
    return (panel.area(300, 300) * mask)[0] > 0.5


def test_where_it_sees_a_collar_no_curve_is_an_opening():
    found, mask = told(collar=(slice(20, 60), slice(110, 190)))
    panels = seen_panels(0.5 - mask.expand(3, -1, -1), mask, found, [])
    assert [panel.kind for panel in panels] == ["collar"]
    wanted = torch.zeros(300, 300, dtype=torch.bool)
    wanted[20:60, 110:190] = True
    assert overlap(area_of(panels[0], mask), wanted) > 0.85  # it goes on beyond the silhouette
    speck, _ = told(inside=(slice(100, 102), slice(100, 102)))
    assert parts_of(speck, mask) == []


def test_pockets_cuffs_and_buttons_are_each_for_themselves():
    found, mask = told(pocket=(slice(80, 130), slice(90, 130)), cuff=(slice(240, 280), slice(60, 100)))
    layer = found.parts[PARTS.index("pocket")]
    layer.copy_(torch.maximum(layer, layer.flip(1)))  # one on either side
    for place in ((150.0, 100.0), (150.0, 150.0), (150.0, 200.0)):
        spot = found.view.into(torch.tensor([place, place])) + torch.tensor([[0.0, 0.0], [0.0, 1.0]])
        dots = found.parts[PARTS.index("button")]
        dots.copy_(stroke(spot, 5.0, dots))
    assert sorted(panel.kind for panel in parts_of(found, mask)) == ["cuff", "pocket", "pocket"]
    buttons = buttons_seen(found, mask)
    assert [tuple(round(float(x) / 5) * 5 for x in one.pivot) for one in buttons] == [(150, 100), (150, 150), (150, 200)]


def test_a_front_runs_down_and_a_seam_across_is_a_yoke_or_a_waist():
    across = torch.tensor([[62.0, 60.0], [238.0, 64.0]])
    found, mask = told(front=torch.tensor([[140.0, 30.0], [152.0, 270.0]]), across=across)
    front, yoke = lines_across(found, mask)
    assert (front.kind, yoke.kind) == ("front", "yoke")
    assert front.area(300, 300)[0, 150, 200] == 1 and front.area(300, 300)[0, 150, 100] == 0
    assert yoke.area(300, 300)[0, 30, 150] == 1 and yoke.area(300, 300)[0, 150, 150] == 0
    found, mask = told(across=across + torch.tensor([0.0, 100.0]))
    (waist,) = lines_across(found, mask)
    assert waist.kind == "waist" and waist.area(300, 300)[0, 250, 150] == 1 and waist.area(300, 300)[0, 100, 150] == 0
    short, mask = told(front=torch.tensor([[140.0, 30.0], [140.0, 90.0]]), across=torch.tensor([[62.0, 160.0], [120.0, 160.0]]))
    assert lines_across(short, mask) == []


def test_what_has_sleeves_has_no_waistband_and_what_has_legs_no_front():
    line = torch.tensor([[150.0, 30.0], [150.0, 270.0]])
    sleeve, leg = (Panel(kind, torch.zeros(3, 2), torch.zeros(2, 2), 0.0, torch.zeros(2)) for kind in ("sleeve", "leg"))
    for known, kept in (([sleeve], {"front"}), ([leg], {"band"}), ([], {"front", "band"})):
        found, mask = told(band=(slice(20, 45), slice(60, 240)), front=line)
        kinds = {panel.kind for panel in seen_panels(0.5 - mask.expand(3, -1, -1), mask, found, known)}
        assert kinds & {"front", "band"} == kept


def test_a_garment_is_built_alike_at_any_size_and_beside_any_ground(shirts):
    """Of shirts and coats at 256 and at 512 px, there beside more ground: the same collar and inside in three of four at least."""
    alike = []
    for picture, _ in shirts:
        areas = []
        for size, rim in ((256, 0), (512, 40)):
            content, mask = enlarge(picture, size)
            pixels, area = (torch.nn.functional.pad(x, (rim, 0, 0, rim), value=value) for x, value in ((content, 1.0), (mask, 0.0)))
            panels = seen_panels(pixels, area, find_construction(pixels, area), [])
            found = torch.stack([panel.area(*area.shape[1:])[0] for panel in panels if panel.kind in ("collar", "inside")]).amax(0)
            areas.append(torch.nn.functional.interpolate(found[None, None, :size, rim:], (256, 256), mode="area")[0, 0] > 0.5)
        alike.append(overlap(*areas))
    assert sum(share > 0.75 for share in alike) >= 0.75 * len(alike), alike


def test_a_picture_read_is_built_much_as_it_was_traced(shirts):
    """Of held-out shirts and coats: collars and cuffs where a person traced them, and text that can be read again."""
    shares = {"collar": [], "cuff": []}
    for picture, traces in shirts:
        mask = find_mask(picture)
        read = read_traces(picture, mask)
        assert to_text(from_text(to_text(read))) == to_text(read)
        for kind, found in shares.items():
            areas = [[panel.area(*mask.shape[1:]) for panel in to_panels(one, mask) if panel.kind == kind] for one in (read, traces)]
            if areas[1]:
                one, other = (torch.stack(each).amax(0) * mask > 0.5 if each else mask < 0 for each in areas)
                found.append(overlap(one, other))
    for kind, found in shares.items():
        assert len(found) >= 4 and sum(share > 0.3 for share in found) >= 0.5 * len(found), (kind, found)


def test_nothing_is_read_where_there_is_no_garment():
    nothing = Construction(torch.zeros(1, 40, 50), torch.zeros(len(PARTS), 1, 1), None)
    mask = torch.zeros(1, 40, 50)
    assert parts_of(nothing, mask) == lines_across(nothing, mask) == buttons_seen(nothing, mask) == []
    assert read_traces(torch.zeros(3, 40, 50), mask) == []


def test_sleeves_and_legs_are_left_to_the_silhouette(shirts):
    mask = find_mask(shirts[0][0])
    assert not {"sleeve", "leg"} & {trace.kind for trace in read_traces(shirts[0][0], mask)}
    assert math.isfinite(sum(panel.grain for panel in find_panels(mask)))
