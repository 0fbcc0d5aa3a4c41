"""The construction network: collars, openings and lines of garments that it did not learn from; its samples and its training."""

from dataclasses import replace

import pytest
import torch

from muslin.assets import MORE_BLOCKS, STARTER, TRACES
from muslin.base.checkpoint import save_checkpoint
from muslin.base.errors import InputError, SettingError
from muslin.base.image import open_image
from muslin.data.loader import square
from muslin.data.sources import open_source
from muslin.data.traces import from_text
from muslin.style.construction import (
    Construction,
    find_construction,
    load_construction,
    new_construction,
    parts_of,
    save_construction,
    seen_panels,
)
from muslin.style.construction_samples import built_garment, draw_built
from muslin.style.construction_train import ConstructionTraining, train_construction
from muslin.style.enlarge import enlarge
from muslin.style.relief import ReliefConfig

TINY = ConstructionTraining(batches=4, batch=2, side=64, every=2, net=ReliefConfig((4, 8, 8, 8, 8)))


@pytest.fixture(scope="module")
def shirts():
    """Traced shirts with collars that were held out (every eighth block: runs/construction.py), pictures and traces."""
    traced = dict(line.split("\t") for line in TRACES.read_text().splitlines())
    items = sorted(
        (item for path in (STARTER, MORE_BLOCKS) for item in open_source(path).items if item.name in traced), key=lambda i: i.name
    )
    held = [
        item
        for number, item in enumerate(items)
        if number % 8 == 0 and item.label in ("shirt", "outwear") and "collar" in traced[item.name]
    ]
    return [(square(open_image(item.content(), item.name).pixels), from_text(traced[item.name])) for item in held]


def overlap(one, other):
    return float((one & other).sum() / (one | other).sum().clamp(min=1))


def test_collars_are_found_where_they_were_traced(shirts):
    shares = []
    for picture, traces in shirts:
        one = built_garment(picture, traces)
        found = find_construction(one.layers[6:], one.layers[5:6])
        shares.append(overlap(found.parts[0] > 0.5, one.layers[2] > 0.5))
    assert len(shares) >= 4 and sum(share > 0.35 for share in shares) >= 0.6 * len(shares), shares


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


def test_where_it_sees_a_collar_no_curve_is_an_opening():
    mask = torch.zeros(1, 300, 300)
    mask[:, 20:280, 60:240] = 1
    parts = torch.zeros(3, 300, 300)
    parts[0, 20:60, 110:190] = 1
    found = Construction(torch.zeros_like(mask), parts)
    panels = seen_panels(0.5 - mask.expand(3, -1, -1), mask, found, [])
    assert [panel.kind for panel in panels] == ["collar"]
    area = (panels[0].area(300, 300) * mask)[0] > 0.5  # it goes on beyond the silhouette
    assert overlap(area, parts[0] > 0.5) > 0.85
    parts[0], parts[1, 100:102, 100:102] = 0, 1
    assert parts_of(found, mask) == []  # a speck is nothing


def test_without_a_garment_there_is_nothing():
    found = find_construction(torch.zeros(3, 40, 50), torch.zeros(1, 40, 50))
    assert found.lines.shape == (1, 40, 50) and found.parts.shape == (3, 40, 50) and float(found.parts.sum()) == 0
    assert parts_of(found, torch.zeros(1, 40, 50)) == []


def test_a_stopped_training_goes_on_as_if_never_stopped(tmp_path, shirts, ikat, stopped_equals_unbroken):
    built = [built_garment(*shirt) for shirt in shirts[:2]]
    stopped_equals_unbroken(lambda folder: train_construction(folder, built, [ikat], TINY), "construction.safetensors")
    with pytest.raises(InputError, match="begun with other settings"):
        list(train_construction(tmp_path / "whole", built, [ikat], replace(TINY, rate=1.0)))
    with pytest.raises(InputError, match="one of them is empty"):
        list(train_construction(tmp_path / "new", [], [ikat], TINY))
    with pytest.raises(SettingError, match="multiple of 16"):
        list(train_construction(tmp_path / "new", built, [ikat], replace(TINY, side=100)))


def test_training_learns(tmp_path, shirts, ikat):
    config = replace(TINY, batches=80, batch=4, every=80, side=96, rate=5e-3, net=ReliefConfig((8, 8, 8, 8, 8)))
    built = [built_garment(*shirts[0])]
    figures = [news.figures for news in train_construction(tmp_path, built, [ikat], config) if hasattr(news, "figures")]
    assert figures[-1]["whole"] < 0.9 * figures[0]["whole"]


def test_batches_depend_on_their_number_alone_and_hold_what_was_traced(shirts, ikat):
    built = [built_garment(*shirt) for shirt in shirts[:3]]
    first, again, other = (draw_built(built, [ikat], 4, 96, turn) for turn in (0, 0, 1))
    assert torch.equal(first.garment, again.garment) and not torch.equal(first.garment, other.garment)
    assert first.built.shape == (4, 4, 96, 96) and float(first.built[:, :2].amax((0, 2, 3)).min()) > 0.5
    parts = built[0].layers[2:5]
    assert float((parts.sum(0) > 1.01).float().mean()) == 0  # no place is two things
    assert built_garment(torch.ones(3, 64, 64), []) is None


def test_what_is_no_construction_network_is_told(tmp_path):
    wrong = save_checkpoint(tmp_path / "x.safetensors", {"a": torch.zeros(1)}, {"kind": "relief"})
    with pytest.raises(InputError, match="not a construction network"):
        load_construction(wrong)
    kept = save_construction(tmp_path / "y.safetensors", new_construction(ReliefConfig((4, 8, 8, 8, 8))), {})
    assert load_construction(kept).config.widths == (4, 8, 8, 8, 8)


def test_it_begins_with_the_body_that_tells_light_from_print():
    first, again = new_construction(), new_construction()
    assert torch.equal(first.out.weight, again.out.weight)
    seen = torch.zeros(1, 5, 64, 64)
    assert float(first(seen).detach().sigmoid().mean()) < 0.2  # at first nothing anywhere
    assert first(seen).shape == (1, 4, 64, 64)
