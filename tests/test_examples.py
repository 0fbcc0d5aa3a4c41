"""The article's code, repaired: it runs, each network is held in the other's step, and its result comes in."""

import importlib.util
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from keras_models import keras
from muslin.data.fashion_mnist import load_fashion_mnist
from muslin.gan.generators import load_generator
from muslin.studio.exchange import import_keras

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"


def _run(name, *words):
    seen = {**os.environ, "KERAS_BACKEND": "torch" if name == "article_gan.py" else "tensorflow"}
    done = subprocess.run([sys.executable, EXAMPLES / name, *map(str, words)], capture_output=True, text=True, env=seen, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_articles_gan_trains_and_comes_in(tmp_path):
    told = _run("article_gan.py", "--data", HERE / "files", "--epochs", 2, "--out", tmp_path)
    assert "epoch 2 of 2" in told
    assert (tmp_path / "samples.png").exists()
    list(import_keras(tmp_path / "generator.keras", tmp_path / "mine.safetensors"))
    generator = load_generator(tmp_path / "mine.safetensors")
    assert generator.draw(0).shape == (1, 1, 28, 28)
    drawn = torch.stack(list(generator.draw_many(range(64), [0] * 64))).mean(0).flatten()
    real = load_fashion_mnist(HERE / "files").pixels.float().mean(0).flatten()
    assert float(torch.corrcoef(torch.stack([drawn, real]))[0, 1]) > 0.3  # on its way to garments


def test_each_network_is_held_while_the_other_learns():
    code = runpy.run_path(str(EXAMPLES / "article_gan.py"))
    keras.utils.set_random_seed(0)
    generator, discriminator, gan = code["build"]()
    real = np.full((16, 784), -0.5, "float32")
    code["step"](generator, discriminator, gan, real)
    moves = {}
    for name, model in (("discriminator", discriminator), ("gan", gan)):
        before = [[w.copy() for w in net.get_weights()] for net in (generator, discriminator)]
        discriminator.trainable = name == "discriminator"
        x = real if name == "discriminator" else np.ones((16, 100), "float32")
        model.train_on_batch(x, np.ones((16, 1), "float32"))
        after = [net.get_weights() for net in (generator, discriminator)]
        moves[name] = [any((a != b).any() for a, b in zip(*pair, strict=True)) for pair in zip(before, after, strict=True)]
    assert moves == {"discriminator": [False, True], "gan": [True, False]}


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow")
def test_the_articles_style_transfer_runs(tmp_path, garment_file):
    keras.applications.VGG19(weights=None, include_top=False).save_weights(tmp_path / "vgg.weights.h5")
    words = ["--weights", tmp_path / "vgg.weights.h5", "--size", 64, "--steps", 5, "--out", tmp_path / "styled.png"]
    assert "step 5 of 5" in _run("article_style.py", garment_file, garment_file, *words)
    assert (tmp_path / "styled.png").exists()
