"""Randomness is an argument; the global state is never touched."""

import torch

from muslin.base.seeds import seeded, seeded_weights


def test_the_same_parts_give_the_same_numbers_and_others_do_not():
    draws = [torch.randn(5, generator=seeded(*parts)) for parts in ((0, "z"), (0, "z"), (1, "z"), (0, "w"), ("0", "z"))]
    assert torch.equal(draws[0], draws[1])
    assert len({tuple(d.tolist()) for d in draws}) == 4


def test_layers_made_inside_are_seeded_and_the_outside_goes_on_undisturbed():
    torch.manual_seed(7)
    expected = torch.randn(3)
    torch.manual_seed(7)
    with seeded_weights(1, "a"):
        first = torch.nn.Linear(4, 4).weight
    assert torch.equal(torch.randn(3), expected)
    with seeded_weights(1, "a"):
        assert torch.equal(torch.nn.Linear(4, 4).weight, first)
