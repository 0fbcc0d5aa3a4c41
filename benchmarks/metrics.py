"""How fast the figures are: the Frechet distance beside SciPy's matrix square root on the same data, and features in pictures a second.

    OMP_NUM_THREADS=2 python benchmarks/metrics.py            50,000 x 2,048 (goal: 10 s on two cores), peer at 10,000 x 1,024
    OMP_NUM_THREADS=2 python benchmarks/metrics.py --rows 5000 --wide 1280

The peer is what most implementations of FID do: numpy.cov and scipy.linalg.sqrtm in float64. Data: correlated, not negative, like features.
"""

import argparse
import time

import numpy as np
import scipy.linalg
import torch

from muslin.metrics.figures import measure
from muslin.metrics.frechet import frechet, pooled


def features(rows, wide, seed):
    rng = torch.Generator().manual_seed(seed)
    strength = torch.logspace(0, -1.5, wide)
    mix = torch.randn(64, wide, generator=rng) * 0.1
    return torch.cat(
        [(torch.randn(n, 64, generator=rng) @ mix + torch.randn(n, wide, generator=rng) * strength).relu() for n in blocks(rows)]
    )


def blocks(rows):
    return [min(4096, rows - start) for start in range(0, rows, 4096)]


def peer(x, y):
    x, y = x.numpy().astype(np.float64), y.numpy().astype(np.float64)
    c1, c2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(c1 @ c2)
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * np.real(root)))


def timed(name, call):
    started, busy = time.perf_counter(), time.process_time()
    value = call()
    took, busy = time.perf_counter() - started, time.process_time() - busy
    print(f"{name:52s} {took:8.2f} s ({busy:.2f} s of CPU)   {value if isinstance(value, float) else ''}", flush=True)
    return took, value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--wide", type=int, default=2048)
    parser.add_argument("--peer-rows", type=int, default=10_000)
    parser.add_argument("--peer-wide", type=int, default=1024)
    asked = parser.parse_args()
    print(f"{torch.get_num_threads()} threads")
    x, y = features(asked.peer_rows, asked.peer_wide, 0), features(asked.peer_rows, asked.peer_wide, 1) * 1.05
    size = f"{asked.peer_rows:,} x {asked.peer_wide:,}"
    ours, value = timed(f"Frechet, Muslin, {size}", lambda: frechet(x, y))
    theirs, expected = timed(f"Frechet, NumPy and scipy.linalg.sqrtm, {size}", lambda: peer(x, y))
    print(f"ratio {theirs / ours:.1f}, relative difference {abs(value / expected - 1):.1e}")
    timed("all figures, 2,000 against 2,000 x 1,280", lambda: measure(features(2000, 1280, 0), features(2000, 1280, 1), 1.0).extrapolated)
    pixels = torch.randint(0, 256, (256, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    pooled(pixels[:64])
    took = timed("embedded features of 256 pictures, looked at 96 px", lambda: pooled(pixels))[0]
    print(f"{256 / took:.0f} pictures a second")
    x, y = features(asked.rows, asked.wide, 0), features(asked.rows, asked.wide, 1) * 1.05
    timed(f"Frechet, Muslin, {asked.rows:,} x {asked.wide:,}", lambda: frechet(x, y))


if __name__ == "__main__":
    main()
