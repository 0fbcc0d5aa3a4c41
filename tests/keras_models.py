"""Small Keras models for the tests, with weights that are not at their start. On the torch backend, which is light."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np

L = keras.layers


def settled(model, seed=0):
    """Every weight random, variances positive, so that a wrong order or a forgotten one shows."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.dtype == "float32":
            drawn = rng.normal(0, 0.4 / max(1, weight.shape[0] ** 0.5 / 4), weight.shape)
            weight.assign(np.abs(drawn) + 0.3 if weight.name == "moving_variance" else drawn)
    return model


def article(end="tanh"):
    return settled(keras.Sequential([keras.Input((100,)), *[L.Dense(n, "relu") for n in (32, 48)], L.Dense(784, end)]))


def convolutional():
    return settled(
        keras.Sequential(
            [
                keras.Input((12,)),
                L.Dense(4 * 4 * 6, use_bias=False),
                L.BatchNormalization(),
                L.LeakyReLU(negative_slope=0.3),
                L.Dropout(0.3),
                L.Reshape((4, 4, 6)),
                L.Conv2DTranspose(5, 4, strides=2, padding="same", activation="leaky_relu"),
                L.BatchNormalization(scale=False, epsilon=1e-2),
                L.UpSampling2D(2, interpolation="bilinear"),
                L.Conv2D(4, (3, 2), padding="same", activation="elu"),
                L.Conv2D(7, 4, strides=2, padding="same", activation=L.LeakyReLU(negative_slope=0.1)),
                L.UpSampling2D((2, 2)),
                L.Conv2DTranspose(3, 3, strides=1, padding="valid"),
                L.ReLU(),
                L.Flatten(),
                L.Reshape((18, 18, 3)),
                L.Activation("sigmoid"),
            ]
        )
    )


def chain():
    """The functional form."""
    z = keras.Input((10,), name="z")
    x = L.Dense(64, "silu", name="first")(z)
    return settled(keras.Model(z, L.Reshape((16, 16))(L.Dense(256, "tanh", name="last")(x))))


MODELS = {"article": article, "convolutional": convolutional, "chain": chain}
