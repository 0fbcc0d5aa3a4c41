"""Means over a grid of garments and styles: their bounds hold for other garments and styles, as plain resampling's do not."""

import torch

from muslin.metrics.intervals import crossed


def grid(rows, columns, seed, spread=1.0):
    rng = torch.Generator().manual_seed(seed)
    values = (
        torch.randn(rows, 1, generator=rng)
        + spread * torch.randn(1, columns, generator=rng)
        + 0.3 * torch.randn(rows, columns, generator=rng)
    )
    numbers = torch.arange(rows * columns)
    return values.flatten(), [numbers // columns, numbers % columns]


def test_the_bounds_hold_for_fresh_garments_and_styles():
    held = plain = 0
    for seed in range(100):
        values, factors = grid(10, 8, seed)
        figure = crossed(values, factors, 200, seed)
        held += figure.low <= 0 <= figure.high
        alone = crossed(values, [torch.arange(80)], 200, seed)  # as if each result had been made on its own
        plain += alone.low <= 0 <= alone.high
    assert held >= 85 and plain <= 60


def test_what_all_share_moves_nothing_and_an_uneven_grid_has_bounds():
    values, (garments, styles) = grid(6, 1, 3)
    assert crossed(values, [garments, styles], 100, 0) == crossed(values, [garments], 100, 0)
    kept = torch.tensor([0, 1, 2, 3, 4, 5, 11, 17])
    values, factors = grid(3, 6, 1)
    figure = crossed(values[kept], [part[kept] for part in factors], 300, 0)
    assert figure.low < figure.value < figure.high and figure.value == float(values[kept].double().mean())
    assert crossed(torch.ones(4), [torch.arange(4)], 100, 0).high == 1
