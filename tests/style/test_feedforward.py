"""The fast styler: untrained it gives the start; trained it comes nearer to the style; no grid; one pass at any size."""

from dataclasses import replace

import pytest
import torch

from muslin.assets import FAST_STYLER
from muslin.base.checkpoint import save_checkpoint
from muslin.base.errors import InputError
from muslin.base.image import resize
from muslin.data.ground import find_mask
from muslin.style.configs import StyleConfig
from muslin.style.dress import Cloth, Dressed, dress, lay_only
from muslin.style.feedforward import FastConfig, draft, load_styler, new_styler, save_styler
from muslin.style.measure import measure
from muslin.style.samples import draw_batch, procedural
from muslin.style.train import FastTraining, train_styler

TINY = FastTraining(batches=4, batch=4, side=64, every=2, net=FastConfig((4, 8, 8, 8), 1))


def test_an_untrained_one_gives_the_start(garment, ikat):
    start = resize(ikat, 256, 256)
    made = draft(new_styler(), garment, start, find_mask(garment), [(start, 1.0)])
    assert torch.equal(made, start)


@pytest.mark.parametrize(("height", "width"), [(33, 70), (256, 200), (129, 511)])
def test_any_size_goes(ikat, height, width):
    content = resize(ikat, height, width)
    assert draft(load_styler()[0], content, content, None, [(ikat, 1.0)]).shape == content.shape


@pytest.mark.parametrize(("height", "width"), [(32, 40), (64, 72), (136, 64), (200, 96)])
def test_strips_give_what_the_whole_gives(height, width):
    net, draw = load_styler()[0], torch.Generator().manual_seed(1)
    content, start = (torch.rand(1, 3, height, width, generator=draw) * 2 - 1 for _ in range(2))
    mask = (torch.rand(1, 1, height, width, generator=draw) > 0.3).float()
    with torch.no_grad():
        style = net.measure(content.flip(3))
        whole, strips = net(content, start, mask, style), net.draw(content, start, mask, style)
    assert float((whole - start).abs().max()) > 0.1
    assert torch.allclose(strips, whole, atol=1e-5)


def test_it_is_small():
    assert sum(x.numel() for x in load_styler()[0].parameters()) <= 1_000_000
    assert FAST_STYLER.stat().st_size <= 4_000_000


def test_it_beats_the_laid_cloth_by_its_own_measure(garment, ikat):
    from muslin.features.embedded import embedded

    config = StyleConfig(size=320, effort=0)
    *_, fast = dress(garment, [Cloth(ikat)], embedded(), config)
    laid = lay_only(garment, Cloth(ikat), config)
    assert isinstance(fast, Dressed)
    styles = [(resize(ikat, 256, 256), 1.0)]
    ours, theirs = (measure(x.pixels, x.content, x.mask, styles) for x in (fast, laid))
    assert ours.cloth_score < theirs.cloth_score
    assert ours.silhouette >= 0.99 and ours.background == 0


def test_no_grid_in_flat_areas(garment):
    """Energy at periods of 2, 4 and 8 px, where up-sampling would leave a weave, is no higher than beside them."""
    flat = torch.tensor([0.3, -0.2, -0.4])[:, None, None].expand(3, 256, 256).contiguous()
    cloth = torch.tensor([-0.5, 0.1, 0.4])[:, None, None].expand(3, 256, 256).contiguous()
    noise = torch.randn(3, 256, 256, generator=torch.Generator().manual_seed(0)) * 0.004
    made = draft(load_styler()[0], flat + noise, cloth + noise, None, [(cloth + noise, 1.0)])
    spectrum = torch.fft.rfft2(made[:, 32:224, 32:224] - made.mean((1, 2), keepdim=True)).abs().mean(0)
    for axis in (0, 1):
        line = spectrum[:, 0] if axis == 0 else spectrum[0]
        for period in (2, 4, 8):
            place = 192 // period
            beside = torch.cat([line[place - 8 : place - 2], line[place + 3 : place + 8]]) if place < 90 else line[place - 8 : place - 2]
            assert float(line[place]) < 6 * float(beside.median()) + 0.05, (axis, period)
    assert float(made.std((1, 2)).max()) < 0.08  # flat stays flat


def test_a_stopped_training_goes_on_as_if_never_stopped(tmp_path, garment, ikat, stopped_equals_unbroken):
    stopped_equals_unbroken(lambda folder: train_styler(folder, [garment], [ikat], TINY), "fast-styler.safetensors")
    with pytest.raises(InputError, match="begun with other settings"):
        list(train_styler(tmp_path / "whole", [garment], [ikat], replace(TINY, rate=1.0)))
    with pytest.raises(InputError, match="one of them is empty"):
        list(train_styler(tmp_path / "new", [garment], [], TINY))


def test_batches_depend_on_their_number_alone(garment, ikat):
    first, again, other = (draw_batch([garment], [ikat], 4, 64, number) for number in (0, 0, 1))
    assert torch.equal(first.start, again.start) and not torch.equal(first.start, other.start)
    assert bool((first.mask[3] == 1).all())  # one in four is a whole picture
    assert torch.equal(first.start[3], first.content[3])
    kinds = {procedural(torch.Generator().manual_seed(n), 32).unique(dim=1).shape[1] for n in range(12)}
    assert len(kinds) >= 1


def test_what_is_no_styler_is_told(tmp_path):
    wrong = save_checkpoint(tmp_path / "x.safetensors", {"a": torch.zeros(1)}, {"kind": "generator"})
    with pytest.raises(InputError, match="not a fast styler"):
        load_styler(wrong)
    broken = save_styler(tmp_path / "y.safetensors", new_styler(), {})
    content = broken.read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="cut short"):
        load_styler(broken)
