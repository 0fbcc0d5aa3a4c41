"""Images a second of the atelier family: training at each size, generation at batch 1 and 64, and the share of the matmul peak.

    python benchmarks/speed.py [--device cuda] [--sizes 32,64,128,256] [--profile]

The peak is measured in the same run: the best of some large matrix products in the training's precision. Operations are counted by
PyTorch's own counter over a step without penalty. Medians of three rounds.
"""

import argparse
import platform
import statistics
import time
from dataclasses import replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from muslin.base.machine import finish, pick_device, resolve_precision
from muslin.base.seeds import seeded
from muslin.data.images import Images
from muslin.gan.atelier import AtelierTrainer
from muslin.gan.budget import images_per_second
from muslin.gan.configs import PRESETS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--sizes", default="32,64,128,256")
    parser.add_argument("--seconds", type=float, default=6.0, help="for each round")
    parser.add_argument("--profile", action="store_true", help="the ten costliest operations of a training step at the first size")
    asked = parser.parse_args()
    device = pick_device(asked.device)
    autocast = resolve_precision("auto", device) == "bfloat16"
    top = peak(device, torch.bfloat16 if autocast else torch.float32)
    print(f"{platform.processor() or platform.machine()}, {device}, torch {torch.__version__}, {'bfloat16' if autocast else 'float32'}")
    print(f"matmul peak {top / 1e9:,.0f} GFLOP/s\n")
    print(
        "| size | cbase, cmax, batch | training img/s | share of peak | generation img/s, batch 1 | batch 64 |\n|---|---|---|---|---|---|"
    )
    for size in map(int, asked.sizes.split(",")):
        config = preset(size, device)
        trainer, data = AtelierTrainer(config, device), noise(config)
        train = training_speed(config, data.to(device), device, asked.seconds)
        share = train * operations(trainer, data.to(device), autocast) / top
        single, many = (generation_speed(trainer.average.network, batch, asked.seconds, autocast) for batch in (1, 64))
        net = config.net
        print(f"| {size} | {net.cbase}, {net.cmax}, {config.batch} | {train:.0f} | {share:.0%} | {single:.0f} | {many:.0f} |", flush=True)
        if asked.profile:
            profile(trainer, data.to(device), autocast)
            asked.profile = False


def preset(size, device):
    config = PRESETS[f"atelier-{size}"]
    small = replace(PRESETS["atelier-64"].net, size=size)
    net = config.net if device.type != "cpu" else small if size > 64 else config.net
    if device.type == "cuda" and size == 128:
        net = replace(net, cbase=16384)  # what the peers' figures were taken with
    return replace(config, net=replace(net, classes=10))


def noise(config, count=512):
    size, rng = config.net.size, seeded(0, "noise")
    pixels = torch.randint(0, 256, (count, 3, size, size), generator=rng, dtype=torch.uint8)
    return Images(pixels, torch.arange(count) % 10, tuple("abcdefghij"))


def training_speed(config, data, device, seconds):
    """The median of three rounds of some steps of each kind (with and without penalty, weighed by how often they come); one round if slow."""
    begin, rounds = time.perf_counter(), []
    while len(rounds) < 3 and (not rounds or time.perf_counter() - begin < 3 * seconds):
        rounds.append(images_per_second(config, data, device, steps=5))
    return statistics.median(rounds)


@torch.inference_mode()
def generation_speed(network, batch, seconds, autocast):
    device = next(network.parameters()).device
    z, labels = torch.randn(batch, network.z_size, device=device), torch.zeros(batch, dtype=torch.long, device=device)
    rounds = []
    with torch.autocast(device.type, torch.bfloat16, enabled=autocast and device.type != "cpu"):  # the CPU draws in float32: recipes
        network(z, labels)
        for _ in range(3):
            begin, done = clock(device), 0
            while clock(device) - begin < seconds / 3:
                network(z, labels)
                done += batch
            rounds.append(done / (clock(device) - begin))
    return statistics.median(rounds)


def operations(trainer, data, autocast):
    """Floating point operations for one training image; those of the lazy penalty are not counted, so the share is a lower bound."""
    batch = trainer.config.batch
    with FlopCounterMode(display=False) as counter:
        trainer.step(data, batch, seeded(0, "count"), torch.bfloat16 if autocast else None)
    return counter.get_total_flops() / batch


def peak(device, dtype):
    best, side = 0.0, 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    for _ in range(12):
        begin = clock(device)
        a @ b
        best = max(best, 2 * side**3 / (clock(device) - begin))
    return best


def profile(trainer, data, autocast):
    kinds = [torch.profiler.ProfilerActivity.CPU] + [torch.profiler.ProfilerActivity.CUDA] * (trainer.device.type == "cuda")
    with torch.profiler.profile(activities=kinds) as found:
        for step in range(8):
            trainer.step(data, step * trainer.config.batch, seeded(0, "p"), torch.bfloat16 if autocast else None)
    by = "self_cuda_time_total" if trainer.device.type == "cuda" else "self_cpu_time_total"
    print(found.key_averages().table(sort_by=by, row_limit=10, max_name_column_width=44))


def clock(device):
    finish(device)
    return time.perf_counter()


if __name__ == "__main__":
    main()
