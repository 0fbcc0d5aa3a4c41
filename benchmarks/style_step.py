"""Seconds for one optimisation step at 256 and 512 px: Muslin, a plain transcription of the same losses, and the article's own code.

`python benchmarks/style_step.py --keras-python PYTHON`. The transcription is in the manner of the widely used scripts: float32, contiguous
memory, the network run anew for each loss, targets as they come. The article's is examples/article_style.py, Keras on TensorFlow in this or another
Python; where there is none it is left out. All do Adam on the same picture, same layers, same network: the embedded encoder (not the
article's), and VGG19 from one file in Keras's own layout with random weights (for timing only; nothing is drawn with them). Before the
timing Muslin and the article each say the two losses of one picture, in float32, by the article's formulas, layers and weights. Rounds interleave.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import h5py
import torch
import torch.nn.functional as F

from muslin.assets import STARTER, STYLES
from muslin.base.image import encode_png, open_image, resize
from muslin.data.sources import open_source
from muslin.features.embedded import embedded
from muslin.features.vgg import expected_shapes, load_vgg
from muslin.style.configs import PRESETS
from muslin.style.objective import Objective, Problem, as_it_is
from muslin.style.optimise import optimise

EXAMPLES = Path(__file__).parents[1] / "examples"

KERAS = """
import json, os, sys, time
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
folder, threads, examples = sys.argv[1:]
sys.path.insert(0, examples)
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(int(threads))
import article_style as article
model = article.build(f"{folder}/vgg19.h5")
steps = {}
print("ready", flush=True)
def losses(side):
    content, style, start = (article.load(f"{folder}/{name}-{side}.png", side) for name in ("content", "style", "start"))
    steps[side] = article.prepare(model, content, style)[1]
    steps[side]()
    found = article.losses(model, start, *article.targets(model, content, style))
    return {"content": float(found[0]), "style": float(found[1]), "alpha": article.ALPHA, "beta": article.BETA, "weights": article.WEIGHTS}
def seconds(side, count):
    begun = time.perf_counter()
    for _ in range(count): float(steps[side]())
    return (time.perf_counter() - begun) / count
for line in sys.stdin:
    asked = [int(word) for word in line.split()]
    print(json.dumps(losses(*asked) if len(asked) == 1 else seconds(*asked)), flush=True)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = sys.executable if find_spec("tensorflow") else ""
    parser.add_argument("--keras-python", default=here, help="a Python with TensorFlow, for the article's code")
    parser.add_argument("--sizes", default="256,512")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3, help="in each round")
    asked = parser.parse_args()
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads; medians of {asked.rounds} rounds of {asked.steps} steps; in brackets: times Muslin's"
    )
    if not asked.keras_python:
        print("the article's code was left out: --keras-python PYTHON_WITH_TENSORFLOW")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vgg = load_vgg("vgg19", random_vgg(folder / "vgg19.h5"))
        with article(asked.keras_python, folder) as keras:
            for net, peer in ((embedded(), None), (vgg, keras)):
                for side in map(int, asked.sizes.split(",")):
                    content, style = pictures(folder, side)
                    preset = agreed(folder, side, net, peer(side)) if peer else PRESETS["article"]
                    report(net, side, timed(content, style, net, preset, peer, asked))


def random_vgg(path):
    """VGG19's shape in the layout of Keras's own file; random weights, for timing only."""
    rng = torch.Generator().manual_seed(0)
    with h5py.File(path, "w") as file:
        shapes = {name.replace("relu", "block").replace("_", "_conv"): shape for name, shape in expected_shapes("vgg19").items()}
        file.attrs["layer_names"] = [name.encode() for name in shapes]
        for name, (wide, inputs, *kernel) in shapes.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}_{part}_1:0".encode() for part in "Wb"]
            group[f"{name}_W_1:0"] = torch.randn(*kernel, inputs, wide, generator=rng).numpy() * (2 / (inputs * 9)) ** 0.5
            group[f"{name}_b_1:0"] = torch.randn(wide, generator=rng).numpy()
    return path


def pictures(folder, side):
    """(content, style) as both sides read them from PNG; `start`, half of each, is where the losses are compared."""
    garment, cloth = open_image(open_source(STARTER).items[3].read()).pixels, open_image(STYLES / "paint_starry_night.jpg").pixels
    content, style = resize(garment, side, side), resize(cloth, side, side)
    for name, pixels in (("content", content), ("style", style), ("start", (content + style) / 2)):
        (folder / f"{name}-{side}.png").write_bytes(encode_png(pixels))
    return tuple(open_image(folder / f"{name}-{side}.png").pixels for name in ("content", "style"))


@contextmanager
def article(python, folder):
    """The article's code in a process of its own: called with a side it gives the losses there, with a count as well the seconds a step."""
    if not python:
        yield None
        return
    words = [python, "-c", KERAS, folder, str(torch.get_num_threads()), EXAMPLES]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if not process.stdout.readline():
            sys.exit(f"the article's side does not run in {python}: pip install tensorflow-cpu")

        def ask(*numbers):
            print(*numbers, file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield ask


def agreed(folder, side, net, theirs):
    """The preset `article` with the example's weights (it takes means where Muslin sums); prints both sides' losses of one picture."""
    content, style, start = (open_image(folder / f"{name}-{side}.png").pixels for name in ("content", "style", "start"))
    widths = {name: shape[0] for name, shape in expected_shapes("vgg19").items()}
    with torch.no_grad():
        places = sum(x.numel() for x in net(content[None], net.content_layers).values())
    shares = tuple(weight / widths[name] ** 2 for name, weight in zip(net.style_layers, theirs["weights"], strict=True))
    preset = replace(PRESETS["article"], alpha=theirs["alpha"] / places, beta=theirs["beta"], layer_weights=shares)
    problem = Problem(start, content, [as_it_is(style)])
    objective = Objective(problem, net, replace(preset, precision="float32"), side, side)
    found = objective.backward(start[None].clone().requires_grad_(True))
    for name, ours in (("content", found["content"] / places), ("style", found["style"])):
        print(f"{side} px, L_{name}: article {theirs[name]:.6g}, Muslin {ours:.6g}, {abs(ours / theirs[name] - 1):.1e} apart")
    return preset


def timed(content, style, net, preset, keras, asked):
    """Seconds a step of each, medians."""
    ways = {
        "article": lambda: keras(content.shape[1], asked.steps),
        "plain": lambda: plain(content, style, net, asked.steps),
        "Muslin float32": lambda: ours(content, style, net, replace(preset, precision="float32"), asked.steps),
        "Muslin": lambda: ours(content, style, net, preset, asked.steps),
    }
    if keras is None:
        del ways["article"]
    seconds = [{name: way() for name, way in ways.items()} for _ in range(asked.rounds)]
    return {name: statistics.median(each[name] for each in seconds) for name in ways}


def report(net, side, seconds):
    told = ", ".join(f"{name} {taken:.3f} s ({taken / seconds['Muslin']:.2f})" for name, taken in seconds.items())
    print(f"{net.name}, {side} px: {told}", flush=True)


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


def ours(content, style, net, preset, steps):
    """Muslin's own loop; returns seconds a step (targets not counted, as above)."""
    work = optimise(Problem(content, content, [as_it_is(style)]), net, replace(preset, steps=steps + 1, optimiser="adam"))
    next(work)
    start = time.perf_counter()
    for _ in work:
        pass
    return (time.perf_counter() - start) / steps


if __name__ == "__main__":
    main()
