"""The construction network: collars, openings and lines of garments that it did not learn from; its samples and its training."""

from dataclasses import replace

import pytest
import torch

from muslin.assets import MORE_BLOCKS, STARTER, TRACES
from muslin.base.checkpoint import save_checkpoint
from muslin.base.errors import InputError, SettingError
from muslin.base.image import open_image, resize
from muslin.data.loader import square
from muslin.data.sources import open_source
from muslin.data.traces import from_text
from muslin.style.construction import PARTS, find_construction, load_construction, new_construction, save_construction
from muslin.style.construction_samples import built_garment, draw_built
from muslin.style.construction_train import ConstructionTraining, _losses, train_construction
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
        _, built, mask, pixels = one.split()
        found = find_construction(pixels, mask)
        truth = resize(found.view.take(built[1:2]), *found.view.size)[0]
        shares.append(overlap(found.parts[0] > 0.5, truth > 0.5))
    assert len(shares) >= 4 and sum(share > 0.35 for share in shares) >= 0.6 * len(shares), shares


def test_without_a_garment_there_is_nothing():
    found = find_construction(torch.zeros(3, 40, 50), torch.zeros(1, 40, 50))
    assert found.lines.shape == (1, 40, 50) and found.view is None and float(found.parts.sum()) == 0
    assert float(found.folded().sum()) == 0


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
    assert figures[-1]["whole"] < 0.95 * figures[0]["whole"] and figures[-1]["each"] < 0.7 * figures[0]["each"]  # most parts it has not


def test_batches_depend_on_their_number_alone_and_hold_what_was_traced(shirts, ikat):
    built = [built_garment(*shirt) for shirt in shirts[:3]]
    first, again, other = (draw_built(built, [ikat], 4, 96, turn) for turn in (0, 0, 1))
    assert torch.equal(first.garment, again.garment) and not torch.equal(first.garment, other.garment)
    assert first.built.shape == (4, 1 + len(PARTS), 96, 96) and float(first.built[:, :2].amax((0, 2, 3)).min()) > 0.5
    parts = built[0].split()[1][1:]
    assert float((parts[:3].sum(0) > 1.01).float().mean()) == 0  # no place is two things
    assert built_garment(torch.ones(3, 64, 64), []) is None


def test_what_nobody_traced_teaches_no_lines(shirts):
    shoe = built_garment(shirts[0][0], None)
    batch = draw_built([shoe], [shirts[0][0]], 2, 96, 0)
    logits = torch.zeros(2, 1 + len(PARTS), 96, 96)
    other = logits.clone()
    other[:, 0] = 5.0  # whatever is said of its lines
    one, two = _losses(batch, logits), _losses(batch, other)
    assert float(one["each"]) == float(two["each"]) > 0


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
    assert first(seen).shape == (1, 1 + len(PARTS), 64, 64)
