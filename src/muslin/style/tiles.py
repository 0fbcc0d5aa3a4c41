"""Large pictures in tiles whose gradients are those of the whole: each tile carries a rim as wide as the network sees.

A tile's core lies on the coarsest grid of the network, so that its maps are cut-outs of the whole picture's maps; moments add over
cores (`losses.moments`). Departs from random offsets (no seams to hide: nothing is approximated).
"""

from dataclasses import dataclass

from torch import Tensor

GRID = 32  # no backbone's stride is larger
_PRINT = 2.5  # from so many sides on a picture is a print


@dataclass(frozen=True)
class Tile:
    """Rows and columns in the whole picture: of the `core` that counts, and of the `outer` part that the network sees."""

    core: tuple[slice, slice]
    outer: tuple[slice, slice]

    def cut(self, picture: Tensor) -> Tensor:
        """The outer part of a (..., h, w) picture, a view."""
        return picture[..., self.outer[0], self.outer[1]]

    def inside(self, features: Tensor) -> Tensor:
        """The core's part of a map (or picture) of the outer part, whatever its stride."""
        places: list[slice] = []
        for core, outer, length in zip(self.core, self.outer, features.shape[-2:], strict=True):
            stride = max(1, round((outer.stop - outer.start) / length))
            last = length if core.stop == outer.stop else (core.stop - outer.start) // stride
            places.append(slice((core.start - outer.start) // stride, last))
        return features[..., places[0], places[1]]


def plan_tiles(height: int, width: int, side: int, reach: int, heavy: bool = False) -> list[Tile]:
    """One tile, where the picture is no larger than `side` px; else cores of three quarters of it, each with a rim of `reach` px or more.

    With its rim a tile is then about as large as the largest picture that goes whole, and so is the memory that it takes. Where maps are
    `heavy` (float32), print sizes have cores of half of it: there the picture's own copies need the room.
    """
    if max(height, width) <= side:
        whole = (slice(0, height), slice(0, width))
        return [Tile(whole, whole)]
    rim = -(-reach // GRID) * GRID
    core = max(GRID, side // 2 if heavy and max(height, width) > _PRINT * side else side * 3 // 4)
    rows, columns = _cuts(height, core, rim), _cuts(width, core, rim)
    return [Tile((r[0], c[0]), (r[1], c[1])) for r in rows for c in columns]


def _cuts(length: int, side: int, rim: int) -> list[tuple[slice, slice]]:
    """(core, outer) along one side; the cores are as even as the grid lets them be."""
    count = max(1, -(-length // side))
    step = -(-length // (count * GRID)) * GRID
    starts = range(0, length, step)
    return [(slice(a, min(a + step, length)), slice(max(0, a - rim), min(a + step + rim, length))) for a in starts]
