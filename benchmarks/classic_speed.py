"""Training images/s of the article's GAN: Muslin against the article's Keras loop (examples/article_gan.py) and a fused Keras step.

`python benchmarks/classic_speed.py`; the Keras side needs TensorFlow in this or another Python (--keras-python).
Rounds are interleaved; medians and ratios are printed. Data: random bytes of Fashion-MNIST's form (speed does not care).
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

BATCH, STEPS = 128, 60
EXAMPLES = Path(__file__).parents[1] / "examples"

KERAS = """
import json, os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, tensorflow as tf
from tensorflow import keras
L = keras.layers
B, N = int(sys.argv[1]), int(sys.argv[2])
sys.path.insert(0, sys.argv[3])
import article_gan
x = (np.random.rand(6000, 784).astype("float32") * 2 - 1)
def article():
    nets = article_gan.build()
    def run(n):
        for _ in range(n): article_gan.step(*nets, x[np.random.randint(0, len(x), B)])
    return run
def fused():
    g, d = article_gan.build_generator(), article_gan.build_discriminator(); og, od = keras.optimizers.Adam(2e-4, 0.5), keras.optimizers.Adam(2e-4, 0.5)
    og.build(g.trainable_variables); od.build(d.trainable_variables)
    bce = keras.losses.BinaryCrossentropy()
    @tf.function(jit_compile=True)
    def step(real):
        with tf.GradientTape() as t:
            f, r = d(g(tf.random.normal((B, 100)))), d(real)
            loss = bce(tf.fill((B, 1), 0.9), r) + bce(tf.zeros((B, 1)), f)
        od.apply_gradients(zip(t.gradient(loss, d.trainable_variables), d.trainable_variables))
        with tf.GradientTape() as t:
            loss = bce(tf.ones((B, 1)), d(g(tf.random.normal((B, 100)))))
        og.apply_gradients(zip(t.gradient(loss, g.trainable_variables), g.trainable_variables))
    def run(n):
        for _ in range(n): step(tf.constant(x[np.random.randint(0, len(x), B)]))
    return run
runs = {"article": article(), "fused": fused()}
for r in runs.values(): r(3)
for line in sys.stdin:
    name = line.strip(); t = time.perf_counter(); runs[name](N); print(json.dumps(N * B / (time.perf_counter() - t)), flush=True)
"""


def muslin():
    """A function that trains STEPS steps."""
    import torch

    from muslin.base.seeds import seeded
    from muslin.data.images import Images
    from muslin.gan.classic import ClassicTrainer
    from muslin.gan.configs import ClassicConfig

    data = Images(torch.randint(0, 256, (6000, 1, 28, 28), dtype=torch.uint8), torch.zeros(6000, dtype=torch.long), ("all",))
    trainer, rng = ClassicTrainer(ClassicConfig(batch=BATCH), data, torch.device("cpu")), seeded(0)
    kinds = {"bfloat16": torch.bfloat16, "float32": None}

    def run(steps, kind):
        for step in range(steps):
            trainer.step(data, step % 40 * BATCH, rng, kinds[kind])

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keras-python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    keras = subprocess.Popen(
        [given.keras_python, "-c", KERAS, str(BATCH), str(STEPS), str(EXAMPLES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    ours, rates = muslin(), {name: [] for name in ("article", "fused", "float32", "bfloat16")}
    for kind in ("float32", "bfloat16"):
        ours(3, kind)
    for _ in range(given.rounds):
        for name in ("article", "fused"):
            keras.stdin.write(name + "\n")
            keras.stdin.flush()
            rates[name].append(json.loads(keras.stdout.readline() or sys.exit("the Keras side does not run: pip install tensorflow-cpu")))
        for name in ("float32", "bfloat16"):
            start = time.perf_counter()
            ours(STEPS, name)
            rates[name].append(STEPS * BATCH / (time.perf_counter() - start))
    keras.stdin.close()
    middle = {name: statistics.median(values) for name, values in rates.items()}
    titles = {
        "article": "Keras, the article's loop, repaired",
        "fused": "Keras, one fused tf.function, XLA",
        "float32": "Muslin, float32",
        "bfloat16": "Muslin, bfloat16",
    }
    for name, title in titles.items():
        print(f"{title:40} {middle[name]:8.0f} images/s   {middle[name] / middle['article']:.1f} x the article")


if __name__ == "__main__":
    main()
