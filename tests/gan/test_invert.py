"""Pictures brought back into a real generator, with few steps."""

import pytest
import torch

from muslin.base.errors import InputError
from muslin.data.ground import outline
from muslin.gan import latent
from muslin.gan.generators import load_generator
from muslin.gan.invert import FollowConfig, Followed, InvertProgress, ProjectConfig, Projected, feature_distance, follow, iou, project

QUICK = ProjectConfig(starts=32, steps=10, layer_steps=35)
BRISK = FollowConfig(starts=192, steps=25, layer_steps=45, rate=0.2)


@pytest.fixture(scope="module")
def network():
    return latent.style_based(load_generator("garments-64"))


@pytest.fixture(scope="module")
def design(network):
    """A design that is not among the starts."""
    return latent.picture(network, latent.latent(network, 11, 9))


def _last(work):
    *progress, result = work
    assert all(isinstance(news, InvertProgress) for news in progress)
    assert progress[-1].done == progress[-1].total == len(progress) - 1  # the first says that the start is chosen
    return result


@pytest.fixture(scope="module")
def projected(network, design):
    return _last(project(network, design, None, QUICK))


def test_a_design_of_the_generator_comes_back_nearly(network, design, projected):
    assert isinstance(projected, Projected)
    assert projected.distance < 0.5 * projected.distance_start
    assert projected.ws.shape == (network.layers, network.net.w) and projected.ws.dtype == torch.float32
    assert torch.equal(latent.picture(network, projected.ws), projected.picture)
    assert float((projected.picture - design).abs().mean()) < 0.08


def test_the_same_projection_twice_is_the_same_bits(network, design):
    short = ProjectConfig(starts=16, steps=3, layer_steps=3)
    first, second = (_last(project(network, design, None, short)) for _ in range(2))
    assert torch.equal(first.ws, second.ws) and first.distance == second.distance


def test_one_w_for_each_layer_beats_one_for_all(network, garment):
    target = torch.nn.functional.interpolate(garment[None], size=(64, 64), mode="bilinear", antialias=True)[0]
    found = [_last(project(network, target, None, ProjectConfig(starts=16, steps=steps, layer_steps=28 - steps))) for steps in (28, 8)]
    assert found[1].distance < found[0].distance < found[0].distance_start
    assert torch.equal(found[0].ws[0], found[0].ws[-1]) and not torch.equal(found[1].ws[0], found[1].ws[-1])


def test_a_look_is_nearest_to_itself(network):
    pictures = torch.stack([latent.picture(network, latent.latent(network, seed, seed)) for seed in range(4)])
    distances = torch.stack([feature_distance(pictures, one[None]) for one in pictures])
    assert torch.allclose(distances.diag(), torch.zeros(4), atol=1e-6)
    assert torch.allclose(distances, distances.T, atol=1e-5)
    assert float((distances + torch.eye(4)).min()) > 0.05


def test_designs_keep_an_outline_and_differ_inside(network, design):
    drawn = outline(design)
    wanted = drawn[None].float()
    found = _last(follow(network, wanted, None, None, 4, BRISK))
    assert isinstance(found, Followed)
    assert min(found.ious) >= 0.9
    assert found.ious == [iou(picture, wanted) for picture in found.pictures]
    colours = torch.stack([picture[:, drawn].mean(1) for picture in found.pictures])
    assert float((torch.cdist(colours, colours) + torch.eye(4) * 9).min()) > 0.1


def test_lines_and_a_class_can_be_asked_for(network, design):
    wanted = outline(design)[None].float()
    lines = torch.zeros_like(wanted)
    lines[:, :, 31:33] = 1.0
    short = FollowConfig(starts=16, steps=2, layer_steps=2, lines=1.0)
    *progress, found = follow(network, wanted, lines, 9, 2, short)
    assert "lines" in progress[-1].losses and found.labels == [9, 9]
    *progress, _ = follow(network, wanted, torch.zeros_like(lines), 9, 2, short)
    assert "lines" not in progress[-1].losses


@pytest.mark.parametrize("grad", [True, False])
def test_gradients_stay_as_the_caller_had_them(network, design, grad):
    short, wanted = ProjectConfig(starts=4, steps=2, layer_steps=2), outline(design)[None].float()
    with torch.set_grad_enabled(grad):
        for work in (
            project(network, design, None, short),
            follow(network, wanted, None, 0, 2, FollowConfig(starts=4, steps=2, layer_steps=2)),
        ):
            seen = [(type(news), torch.is_grad_enabled()) for news in work]
            assert {enabled for _, enabled in seen} == {grad} and seen[-1][0] in (Projected, Followed)
    assert not any(weight.requires_grad or weight.grad is not None for weight in network.parameters())


def test_what_does_not_fit_is_refused(network, design):
    with pytest.raises(InputError, match="64 px a side"):
        next(project(network, design[:, :32, :32], None, QUICK))
    with pytest.raises(InputError, match="1 or more"):
        next(follow(network, torch.zeros(1, 64, 64), None, None, 4, BRISK))
