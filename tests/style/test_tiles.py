"""Tiles cover a picture once, and the descent by tiles is the descent of the whole."""

from dataclasses import replace

import pytest
import torch

from muslin.base.image import resize
from muslin.data.ground import find_mask
from muslin.features.embedded import embedded
from muslin.style.configs import StyleConfig
from muslin.style.objective import Objective, Problem, as_it_is
from muslin.style.tiles import plan_tiles


@pytest.mark.parametrize(("height", "width", "side"), [(100, 70, 256), (512, 512, 256), (700, 1000, 256), (513, 300, 128)])
def test_cores_cover_every_pixel_once_and_lie_inside_their_rims(height, width, side):
    count = torch.zeros(height, width)
    for tile in plan_tiles(height, width, side, 50):
        count[tile.core[0], tile.core[1]] += 1
        for core, outer in zip(tile.core, tile.outer, strict=True):
            assert outer.start <= core.start < core.stop <= outer.stop
            assert core.start % 32 == 0
        assert torch.equal(tile.inside(tile.cut(torch.arange(height * width).view(1, height, width))), _part(height, width, tile.core))
    assert torch.equal(count, torch.ones_like(count))


def test_print_sizes_of_heavy_maps_go_in_smaller_tiles():
    def largest(height, width, heavy):
        return max(
            (t.outer[0].stop - t.outer[0].start) * (t.outer[1].stop - t.outer[1].start) for t in plan_tiles(height, width, 1024, 75, heavy)
        )

    assert largest(4096, 2816, heavy=True) < 0.7 * largest(4096, 2816, heavy=False)
    assert largest(2048, 2048, heavy=True) == largest(2048, 2048, heavy=False)
    assert largest(1024, 1024, heavy=True) == 1024**2


def _part(height, width, core):
    return torch.arange(height * width).view(1, height, width)[:, core[0], core[1]]


@pytest.mark.parametrize("statistic", ["w2", "gram"])
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize(("rows", "columns"), [(576, 448), (555, 431)])
def test_losses_and_gradient_by_tiles_are_those_of_the_whole(garment, ikat, statistic, masked, rows, columns):
    content = resize(garment, rows, columns)
    mask = find_mask(content) if masked else None
    start = (content + resize(ikat, rows, columns)) / 2
    # layers up to 3e see 35 px beyond their place: cores of 192 px with a rim of 64
    config = StyleConfig(statistic=statistic, precision="float32", style_layers=("stem", "1e", "3e"), content_layers=("3e",), tile=256)
    found = []
    for tile in (256, 4096):
        objective = Objective(Problem(start, content, [as_it_is(ikat)], mask), embedded(), replace(config, tile=tile), rows, columns)
        image = start[None].clone().requires_grad_()
        found.append((objective.backward(image), image.grad, len(objective.tiles)))
    (by_tiles, ours, many), (whole, theirs, one) = found
    assert many == 9 and one == 1
    assert by_tiles == pytest.approx(whole, rel=2e-4)
    assert float((ours - theirs).norm()) < 2e-3 * float(theirs.norm())


def test_a_deep_layer_sees_no_further_than_its_reach():
    net, picture = embedded(), torch.rand(1, 3, 448, 448, generator=torch.Generator().manual_seed(0)) * 2 - 1
    picture.requires_grad_()
    net(picture, ("5e",))["5e"][0, :, 28, 28].sum().backward()
    rows = (picture.grad.abs().sum((0, 1, 3)) > 0).nonzero()[:, 0]
    reach = net.reach(("5e",))
    assert int(rows.min()) >= 28 * 8 - reach
    assert int(rows.max()) <= 28 * 8 + 8 + reach
