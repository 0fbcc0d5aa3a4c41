"""Seconds for one optimisation step at 256 and 512 px: Muslin against a plain transcription of the same losses.

`python benchmarks/style_step.py`. The transcription is in the manner of the widely used scripts: float32, contiguous
memory, the network run anew for each loss, targets as they come. Both do Adam on the same picture, same layers, same network: the
embedded encoder, and VGG19's shape with random weights (for timing only; nothing is drawn with them). Rounds interleave.
"""

import statistics
import time
from dataclasses import replace

import torch
import torch.nn.functional as F

from muslin.assets import STARTER, STYLES
from muslin.base.image import open_image, resize
from muslin.data.sources import open_source
from muslin.features.embedded import embedded
from muslin.features.vgg import Vgg, expected_shapes
from muslin.style.configs import PRESETS
from muslin.style.objective import Problem, as_it_is
from muslin.style.optimise import optimise

ROUNDS, STEPS = 3, 3


def random_vgg():
    """VGG19's shape; random weights, for timing only."""
    rng = torch.Generator().manual_seed(0)
    tensors = {}
    for name, shape in expected_shapes("vgg19").items():
        tensors[f"{name}.weight"] = torch.randn(shape, generator=rng) * (2 / (shape[1] * 9)) ** 0.5
        tensors[f"{name}.bias"] = torch.zeros(shape[0])
    return Vgg("vgg19", tensors)


def plain(content, style, net, steps):
    """The losses as one would first write them; returns seconds a step."""

    def gram(x):
        x = x.flatten(2)
        return x @ x.transpose(1, 2) / x.shape[2]

    with torch.no_grad():
        targets = {name: gram(net(style[None], (name,))[name]) for name in net.style_layers}
        kept = {name: net(content[None], (name,))[name] for name in net.content_layers}
    image = content[None].clone().requires_grad_(True)
    adam = torch.optim.Adam([image], 0.04)
    start = time.perf_counter()
    for _ in range(steps):
        adam.zero_grad()
        maps = net(image, (*net.content_layers, *net.style_layers))
        loss = sum(0.5 * F.mse_loss(maps[name], kept[name], reduction="sum") for name in kept)
        loss = loss + sum((gram(maps[name]) - targets[name]).square().sum() for name in targets)
        loss.backward()
        adam.step()
        image.data.clamp_(-1, 1)
    return (time.perf_counter() - start) / steps


def ours(content, style, net, steps):
    """Muslin's own loop; returns seconds a step (targets not counted, as above)."""
    config = replace(PRESETS["article"], steps=steps + 1, optimiser="adam")
    work = optimise(Problem(content, content, [as_it_is(style)]), net, config)
    next(work)
    start = time.perf_counter()
    for _ in work:
        pass
    return (time.perf_counter() - start) / steps


def main():
    garment = open_image(open_source(STARTER).items[3].read()).pixels
    cloth = open_image(STYLES / "paint_starry_night.jpg").pixels
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; medians of {ROUNDS} rounds of {STEPS} steps")
    for net in (embedded(), random_vgg()):
        for side in (256, 512):
            content, style = resize(garment, side, side), resize(cloth, side, side)
            seconds = {"plain": [], "muslin": []}
            for _ in range(ROUNDS):
                seconds["plain"].append(plain(content, style, net, STEPS))
                seconds["muslin"].append(ours(content, style, net, STEPS))
            middle = {name: statistics.median(values) for name, values in seconds.items()}
            print(
                f"{net.name:20} {side} px: plain {middle['plain']:.3f} s, Muslin {middle['muslin']:.3f} s, ratio {middle['plain'] / middle['muslin']:.2f}"
            )


if __name__ == "__main__":
    main()
