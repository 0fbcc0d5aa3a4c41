"""Inversion on the shipped generator: its own designs come back, outlines are kept, the same bits come again, no gradient leaks."""

from dataclasses import replace

import pytest
import torch

from muslin.base.errors import InputError
from muslin.gan.generators import load_generator
from muslin.gan.invert import FollowConfig, Followed, ProjectConfig, Projected, feature_distance, follow, project
from muslin.gan.latent import latent, picture

QUICK = ProjectConfig(starts=48, steps=10, layer_steps=20)


@pytest.fixture(scope="module")
def network():
    return load_generator("garments-64").network


def last(events):
    *_, result = events
    return result


def test_a_design_of_the_generators_own_comes_nearly_back(network):
    target = picture(network, latent(network, 77, 5, 0.7))
    found = last(project(network, target, None, QUICK))
    assert isinstance(found, Projected)
    assert found.distance < 0.6 * found.distance_start
    assert found.distance == pytest.approx(float(feature_distance(found.picture[None], target[None])), rel=1e-4)
    again = last(project(network, target, None, QUICK))
    assert torch.equal(found.ws, again.ws)


def test_a_w_for_each_layer_comes_nearer_than_one(network):
    target = picture(network, latent(network, 12, 2, 1.0)).flip(1)  # upside down: nothing that it would draw
    one, each = (last(project(network, target, None, replace(QUICK, steps=s, layer_steps=n))) for s, n in ((30, 0), (30, 30)))
    assert each.distance < one.distance


def test_gradients_do_not_leak_while_it_yields(network):
    for number, _ in enumerate(project(network, picture(network, latent(network, 1, 1)), None, QUICK)):
        assert torch.is_grad_enabled()
        if number > 3:
            break
    assert all(not weight.requires_grad and weight.grad is None for weight in network.parameters())


def test_designs_keep_an_outline_and_differ_inside(network):
    shape = (picture(network, latent(network, 7, 5, 0.7)).mean(0, keepdim=True) < 0.8).float()
    found = last(follow(network, shape, None, None, 3, FollowConfig(starts=160, steps=25, layer_steps=35)))
    assert isinstance(found, Followed)
    assert min(found.ious) >= 0.85  # a short run; the usual one keeps 90 % and more
    inside = shape[0] > 0.5
    colours = [design[:, inside].mean(1) for design in found.pictures]
    assert all(float((a - b).norm()) > 0.1 for i, a in enumerate(colours) for b in colours[:i])


def test_other_sizes_and_empty_outlines_are_told(network):
    with pytest.raises(InputError, match="64 px a side"):
        last(project(network, torch.ones(3, 32, 32), None, QUICK))
    with pytest.raises(InputError, match="outline of 0 px"):
        last(follow(network, torch.zeros(1, 64, 64), None, None, 2, FollowConfig()))


def test_the_distance_is_none_for_the_same_and_grows(network):
    one, other = picture(network, latent(network, 1, 0))[None], picture(network, latent(network, 2, 5))[None]
    assert float(feature_distance(one, one)) == 0
    assert float(feature_distance(one, other)) > float(feature_distance(one, 0.9 * one + 0.1 * other)) > 0
