"""Latents: what is drawn from one is what the generator draws; mixes, neighbours and classes do what they say."""

import pytest
import torch

from muslin.base.errors import InputError
from muslin.gan.generators import load_generator
from muslin.gan.latent import as_changes, between, candidates, class_mean, groups, latent, mix, neighbour, of_class, picture, style_based


@pytest.fixture(scope="module")
def garments():
    return load_generator("garments-64")


@pytest.fixture(scope="module")
def network(garments):
    return style_based(garments)


def test_a_latent_draws_what_its_seed_draws(garments, network):
    drawn = picture(network, latent(network, 7, 2, 0.7))
    assert float((drawn - garments.draw(7, 2, 0.7)[0]).abs().max()) < 1e-3


def test_every_layer_belongs_to_one_group(network):
    assert sorted(layer for layers in groups(network).values() for layer in layers) == list(range(network.layers))


def test_structure_of_one_and_look_of_another(network):
    first, other = latent(network, 1, 0), latent(network, 2, 0)
    made = mix([first, other], {"shape": [1, 0], "detail": [1, 0], "look": [0, 1]}, network)
    look, shape = list(groups(network)["look"]), list(groups(network)["shape"])
    assert torch.equal(made[shape], first[shape])
    assert torch.equal(made[look], other[look])
    assert torch.allclose(mix([first, other], {group: [1.0, 1.0] for group in groups(network)}, network), (first + other) / 2)
    with pytest.raises(InputError, match="2 parents need as many weights"):
        mix([first, other], {group: [1.0] for group in groups(network)}, network)


def test_neighbours_go_from_the_same_to_another(network):
    ws = latent(network, 3, 4)
    assert torch.allclose(neighbour(network, ws, 4, 0.0, 9), ws, atol=1e-5)
    away = [float((neighbour(network, ws, 4, distance, 9) - ws).norm()) for distance in (0.1, 0.4, 1.0)]
    assert away == sorted(away)
    # as likely as the design itself: no nearer to the mean garment, no farther
    mean = class_mean(network, 4)
    near = [float((x - mean).norm()) for x in (ws, neighbour(network, ws, 4, 0.5, 9))]
    assert near[1] == pytest.approx(near[0], rel=0.35)
    assert not torch.equal(neighbour(network, ws, 4, 0.5, 1), neighbour(network, ws, 4, 0.5, 2))


def test_another_class_keeps_the_look(network):
    ws = latent(network, 3, 0)
    other = of_class(network, ws, 0, 5)
    look = list(groups(network)["look"])
    assert torch.equal(other[look], ws[look])
    assert torch.allclose(of_class(network, other, 5, 0), ws, atol=1e-5)


def test_half_way_is_half_way(network):
    first, last = latent(network, 1, 0), latent(network, 2, 0)
    assert torch.allclose(between(first, last, 0.5), (first + last) / 2)
    assert torch.equal(between(first, last, 0.0), first)


def test_candidates_act_in_their_layers_only(network):
    found = candidates(network, components=2, factors=2)
    assert len(found) == 12
    for direction in found:
        changes = as_changes(network, [direction], torch.ones(1))
        rest = [layer for layer in range(network.layers) if layer not in direction.layers]
        assert float(changes[rest].abs().sum()) == 0 < float(changes.norm())


def test_the_articles_gan_has_no_w_space():
    with pytest.raises(InputError, match="has no W space"):
        style_based(load_generator("fashion-mnist-28"))
