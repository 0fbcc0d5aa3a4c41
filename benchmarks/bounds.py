"""How often bounds hold that are said to hold 95 times in 100: means over grids of garments and styles whose true mean is 0.

    python benchmarks/bounds.py [GRIDS]

A result is what its garment, its style and itself bring, each normal (standard deviations 1, 1 and 0.3). The bounds of `muslin evaluate
FOLDER` against plain resampling of the results.
"""

import sys

import torch

from muslin.metrics.intervals import crossed

_RESAMPLES = 400


def main(grids: int = 400) -> None:
    print(
        f"{grids} grids, {_RESAMPLES} resamples\n\n| garments x styles | garments and styles drawn anew | results drawn anew |\n|---|---|---|"
    )
    for rows, columns in ((4, 4), (12, 5), (10, 8), (30, 20)):
        held = [0, 0]
        for seed in range(grids):
            rng = torch.Generator().manual_seed(seed)
            values = (
                torch.randn(rows, 1, generator=rng)
                + torch.randn(1, columns, generator=rng)
                + 0.3 * torch.randn(rows, columns, generator=rng)
            )
            places = torch.arange(rows * columns)
            for which, factors in enumerate(([places // columns, places % columns], [places])):
                figure = crossed(values.flatten(), factors, _RESAMPLES, seed)
                held[which] += figure.low <= 0 <= figure.high
        print(f"| {rows} x {columns} | {held[0] / grids:.0%} | {held[1] / grids:.0%} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
