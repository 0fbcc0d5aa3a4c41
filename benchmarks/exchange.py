"""Keras in and out, on the backends that a person may have: every shipped generator as a .keras file, and Keras generators brought in.

`python benchmarks/exchange.py --keras-python PYTHON --backends tensorflow,jax`, where PYTHON has Keras with these backends and need not
have Muslin. Out: 64 latents of every class, half of them truncated, largest difference in [-1, 1], and pictures a second. In: the
article's generator and a DCGAN (transposed convolutions of 5 by 2), made and drawn there, imported and drawn here.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from muslin.assets import GENERATORS
from muslin.gan.generators import load_generator
from muslin.studio.exchange import export_generator, import_keras

OUT = """
import json, sys, time
import numpy as np, keras
model, given = keras.models.load_model(sys.argv[1]), dict(np.load(sys.argv[2]))
wanted = given.pop("wanted")
if len(model.inputs) == 1: given = given["z"]
model.predict(given, batch_size=64, verbose=0)
start = time.perf_counter()
drawn = model.predict(given, batch_size=64, verbose=0)
seconds = time.perf_counter() - start
print(json.dumps({"keras": keras.__version__, "most": float(abs(drawn - wanted).max()), "rate": len(wanted) / seconds}))
"""
IN = """
import json, sys
import numpy as np, keras
L = keras.layers
article = [keras.Input((100,)), *[L.Dense(n, "relu") for n in (256, 512, 1024)], L.Dense(784, "tanh")]
dcgan = [keras.Input((100,)), L.Dense(7 * 7 * 64, use_bias=False), L.BatchNormalization(), L.LeakyReLU(), L.Reshape((7, 7, 64)),
         L.Conv2DTranspose(32, 5, strides=1, padding="same", use_bias=False), L.BatchNormalization(), L.LeakyReLU(),
         L.Conv2DTranspose(16, 5, strides=2, padding="same", use_bias=False), L.BatchNormalization(), L.LeakyReLU(),
         L.Conv2DTranspose(1, 5, strides=2, padding="same", use_bias=False, activation="tanh")]
rng = np.random.default_rng(0)
for name, layers in {"article": article, "dcgan": dcgan}.items():
    model = keras.Sequential(layers)
    for weight in model.weights:
        drawn = rng.normal(0, 1 / max(1, np.prod(weight.shape[:-1])) ** 0.5, weight.shape)
        weight.assign(abs(drawn) + 0.3 if "variance" in weight.path else drawn * 1.4)
    model.save(f"{sys.argv[1]}/{name}.keras")
    z = rng.normal(size=(64, 100)).astype("float32")
    np.savez(f"{sys.argv[1]}/{name}.npz", z=z, drawn=model.predict(z, verbose=0).reshape(64, 28, 28))
print(json.dumps({"keras": keras.__version__}))
"""


def _keras(python, backend, code, *words):
    """Run `code` in a Python that does not see Muslin."""
    seen = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    seen |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([python, "-c", code, *map(str, words)], capture_output=True, text=True, env=seen, check=False)
    if done.returncode:
        sys.exit(f"Keras on {backend} does not run: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


@torch.no_grad()
def _wanted(name):
    """Latents, labels, truncations and pictures (channels last) of 64 latents of every class; and our own pictures a second."""
    network = load_generator(name).network
    z = torch.randn(64, network.z_size, generator=torch.Generator().manual_seed(5))
    parts, start = [], time.perf_counter()
    for label in range(max(network.classes, 1)):
        for psi in (1.0, 0.7) if network.classes > 1 else (1.0,):
            part = z[:32] if psi == 1 and network.classes > 1 else z[32:] if network.classes > 1 else z
            labels = torch.full((len(part),), label)
            parts.append((part, labels[:, None].int(), torch.full((len(part), 1), psi), network(part, labels, psi).clamp(-1, 1)))
    seconds = time.perf_counter() - start
    columns = [torch.cat(column).numpy() for column in zip(*parts, strict=True)]
    named = dict(zip(("z", "label", "truncation", "wanted"), columns, strict=True))
    return named | {"wanted": named["wanted"].transpose(0, 2, 3, 1)}, len(named["z"]) / seconds


def _out(python, backends, folder):
    for name in GENERATORS:
        path, (given, rate) = folder / f"{name}.keras", _wanted(name)
        for _ in export_generator(name, "keras", path):
            pass
        np.savez(folder / "given.npz", **given)
        print(f"{name}: {path.stat().st_size / 1e6:.1f} MB, {len(given['z'])} pictures; Muslin {rate:.0f} pictures/s")
        for backend in backends:
            told = _keras(python, backend, OUT, path, folder / "given.npz")
            print(f"    {backend:11} Keras {told['keras']}: differs by at most {told['most']:.1e}, {told['rate']:.0f} pictures/s")


@torch.no_grad()
def _in(python, backends, folder):
    for backend in backends:
        told = _keras(python, backend, IN, folder)
        for name in ("article", "dcgan"):
            for _ in import_keras(folder / f"{name}.keras", folder / f"{name}.safetensors"):
                pass
            given = np.load(folder / f"{name}.npz")
            ours = load_generator(folder / f"{name}.safetensors").network(torch.from_numpy(given["z"]))[:, 0].numpy()
            print(f"{name} from {backend}, Keras {told['keras']}: differs by at most {abs(ours - given['drawn']).max():.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keras-python", default=sys.executable)
    parser.add_argument("--backends", default="torch")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _out(given.keras_python, given.backends.split(","), Path(folder))
        _in(given.keras_python, given.backends.split(","), Path(folder))


if __name__ == "__main__":
    main()
