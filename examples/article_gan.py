"""The article's GAN in Keras, repaired as little as possible, so that it runs on today's Keras 3 (TensorFlow, JAX or torch).

`python examples/article_gan.py --data FOLDER` (Fashion-MNIST's .gz files; without --data Keras downloads them) trains, writes
generator.keras and samples.png. Needs `pip install keras` and a backend; nothing of Muslin. `muslin import keras generator.keras
mine.safetensors` then brings the result in. Each repair is marked where it was made, with what stood there or was missing.
"""

import argparse
import gzip
from pathlib import Path

import keras
import numpy as np  # repair 1: numpy was used and never imported

BATCH = 128  # repair 2: `batch_size` did not exist


def load(folder=None):
    """Repair 3: `x_train` did not exist. Repair 4: the tanh gives [-1, 1], so the pictures must be there too, not in 0..255."""
    if folder:
        pixels = np.frombuffer(gzip.decompress((Path(folder) / "train-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    else:
        pixels = keras.datasets.fashion_mnist.load_data()[0][0]
    return pixels.reshape(-1, 784).astype("float32") / 127.5 - 1


def build_generator():
    """100-256-512-1024-784, as the article has it."""
    layers = [keras.layers.Dense(n, activation="relu") for n in (256, 512, 1024)]
    return keras.Sequential([keras.Input((100,)), *layers, keras.layers.Dense(784, activation="tanh")])


def build_discriminator():
    """784-1024-512-256-1, as the article has it."""
    layers = [keras.layers.Dense(n, activation="relu") for n in (1024, 512, 256)]
    return keras.Sequential([keras.Input((784,)), *layers, keras.layers.Dense(1, activation="sigmoid")])


def build():
    """Generator, discriminator, and the two in a row with the discriminator held."""
    generator, discriminator = build_generator(), build_discriminator()
    # repair 5: only `gan` was compiled, and `train_on_batch` on a discriminator that is not fails
    discriminator.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(2e-4, 0.5))
    discriminator.trainable = False
    z = keras.Input((100,))
    gan = keras.Model(z, discriminator(generator(z)))
    gan.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(2e-4, 0.5))
    return generator, discriminator, gan


def step(generator, discriminator, gan, real):
    """The article's steps 1 to 5 on one batch; gives both losses."""
    count = len(real)
    noise = np.random.normal(0, 1, (count, 100)).astype("float32")
    fake = generator.predict(noise, verbose=0)  # repair 6: without verbose=0 it prints a bar at every step
    labels = np.concatenate([np.full((count, 1), 0.9), np.zeros((count, 1))]).astype("float32")  # real 0.9: the article's, kept
    discriminator.trainable = True  # repair 7: Keras 3 looks at `trainable` when it first trains, not when it compiles
    d_loss = discriminator.train_on_batch(np.concatenate([real, fake]), labels)
    discriminator.trainable = False
    noise = np.random.normal(0, 1, (count, 100)).astype("float32")
    g_loss = gan.train_on_batch(noise, np.ones((count, 1), "float32"))
    return float(d_loss), float(g_loss)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="A folder with train-images-idx3-ubyte.gz; default: Keras downloads it.")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path())
    given = parser.parse_args()
    keras.utils.set_random_seed(0)
    x_train = load(given.data)
    generator, discriminator, gan = build()
    for epoch in range(given.epochs):
        order = np.random.permutation(len(x_train))  # repair 8: an "epoch" was a single batch; now it is every picture once
        for start in range(0, len(order) - BATCH + 1, BATCH):
            d_loss, g_loss = step(generator, discriminator, gan, x_train[order[start : start + BATCH]])
        print(f"epoch {epoch + 1} of {given.epochs}: discriminator {d_loss:.3f}, generator {g_loss:.3f}", flush=True)
    given.out.mkdir(parents=True, exist_ok=True)
    generator.save(given.out / "generator.keras")  # repair 9: nothing was saved or shown
    drawn = generator.predict(np.random.normal(0, 1, (64, 100)).astype("float32"), verbose=0).reshape(8, 8, 28, 28)
    keras.utils.save_img(given.out / "samples.png", drawn.transpose(0, 2, 1, 3).reshape(224, 224, 1))


if __name__ == "__main__":
    main()
