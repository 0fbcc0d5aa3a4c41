"""Sizes of the ONNX files, and onnxruntime's speed beside torch's, on the CPU.

    python benchmarks/onnx_speed.py [--rounds 7]

Generators: milliseconds for a batch of 1 and of 16. Fast styler: milliseconds for a picture with a 256 px style; torch with
and without bfloat16, which Muslin itself uses where the processor has it. Medians of rounds that take turns.
"""

import argparse
import statistics
import time

import onnxruntime
import torch

from muslin.assets import FAST_STYLER, GENERATORS
from muslin.base.seeds import seeded
from muslin.export.onnx import export_generator, export_styler, read_generator
from muslin.gan.generators import load_generator
from muslin.style.feedforward import load_styler


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    print(
        f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}, {torch.get_num_threads()} threads; medians of {asked.rounds}\n"
    )
    generators(asked.rounds)
    styler(asked.rounds)


def generators(count):
    print("| generator | MB here | MB ONNX | apart | batch | torch ms | onnxruntime ms |\n|---|---|---|---|---|---|---|")
    for name, path in GENERATORS.items():
        ours = load_generator(name)
        file = export_generator(ours)
        theirs = read_generator(file.content, path)
        for batch in (1, 16):
            z, labels = torch.randn(batch, ours.network.z_size, generator=seeded(0)), torch.zeros(batch, dtype=torch.long)
            work = {
                runtime: lambda network=drawn.network, z=z, k=labels: network(z, k, 0.7)
                for runtime, drawn in (("torch", ours), ("onnx", theirs))
            }
            with torch.no_grad():
                middle = rounds(work, count, 20 if batch == 1 else 5)
            sizes = f"{path.stat().st_size / 1e6:.1f} | {len(file.content) / 1e6:.1f} | {file.away:.0e}"
            print(f"| {name} | {sizes} | {batch} | {middle['torch']:.2f} | {middle['onnx']:.2f} |", flush=True)


def styler(count):
    net, digest = load_styler()
    file = export_styler(net, digest)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file.content, options, providers=["CPUExecutionProvider"])
    print(f"\nfast: {FAST_STYLER.stat().st_size / 1e6:.1f} MB here, {len(file.content) / 1e6:.1f} MB ONNX, {file.away:.0e} apart\n")
    print("| side | torch float32 ms | torch bfloat16 ms | onnxruntime ms |\n|---|---|---|---|")
    for side in (256, 512):
        rng, sizes = seeded(side), {"content": (3, side), "start": (3, side), "mask": (1, side), "style": (3, 256)}
        given = {name: torch.rand(1, c, s, s, generator=rng) for name, (c, s) in sizes.items()}

        def ours(half, given=given):
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=half):
                x = {name: part.contiguous(memory_format=torch.channels_last) for name, part in given.items()}
                net(x["content"], x["start"], x["mask"], net.measure(x["style"]))

        feed = {name: part.numpy() for name, part in given.items()}
        work = {"float32": lambda ours=ours: ours(False), "bfloat16": lambda ours=ours: ours(True)}
        middle = rounds(work | {"onnx": lambda feed=feed: session.run(None, feed)}, count, 1)
        print(f"| {side} | {middle['float32']:.0f} | {middle['bfloat16']:.0f} | {middle['onnx']:.0f} |", flush=True)


def rounds(works, count, times):
    """The median milliseconds of each, after one round to warm up."""
    taken = {name: [] for name in works}
    for turn in range(count + 1):
        for name, work in works.items():
            start = time.perf_counter()
            for _ in range(times):
                work()
            if turn:
                taken[name].append((time.perf_counter() - start) / times * 1000)
    return {name: statistics.median(values) for name, values in taken.items()}


if __name__ == "__main__":
    main()
