"""Keras's files read without Keras: the same numbers as Keras itself, and every file that should be refused is, by name."""

import io
import json
import pickle
import zipfile

import h5py
import numpy as np
import pytest
import torch

import keras_models
from keras_models import MODELS, L, keras, settled
from muslin.base.errors import InputError
from muslin.export.keras_file import read_keras
from muslin.export.keras_layers import translate
from muslin.gan.imported import Generator, ImportedLayer, _Layer


def _ours(path, asked=""):
    net, tensors, told = translate(read_keras(path), str(path), asked)
    network = Generator(net)
    network.load_state_dict(tensors)
    return network.eval(), told


def _saved(model, path):
    model.save(path)
    return path


@pytest.mark.parametrize("form", ["keras", "h5"])
@pytest.mark.parametrize("name", MODELS)
def test_the_same_numbers_as_keras(tmp_path, name, form):
    model = MODELS[name]()
    network, _ = _ours(_saved(model, tmp_path / f"model.{form}"))
    z = torch.randn(7, network.z_size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        theirs, ours = torch.as_tensor(model(z, training=False)), network.raw(z)
        pictures = network(z)
    assert float(theirs.std()) > 0.02
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) < 1e-4
    low, high = network.net.low, network.net.high
    wanted = 2 * (theirs.reshape(7, network.size, network.size, network.channels).permute(0, 3, 1, 2) - low) / (high - low) - 1
    assert torch.allclose(pictures, wanted, atol=2e-4)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (4, 2), (5, 2), (3, 2), (2, 3), (2, 2), (5, 3)])
def test_a_transposed_convolution_is_the_gradient_of_tensorflows_convolution(kernel, stride, padding):
    """<conv(x), y> = <x, transposed(y)>, at the odd kernels with even strides of DCGANs too."""
    rng = torch.Generator().manual_seed(1)
    weight = torch.randn(kernel, kernel, 2, 3, generator=rng)
    there = _Layer(ImportedLayer("convolution", (kernel, kernel, 2, 3), (stride, stride), padding))
    back = _Layer(ImportedLayer("transposed", (kernel, kernel, 3, 2), (stride, stride), padding))
    there.load_state_dict({"weight": weight.permute(3, 2, 0, 1), "bias": torch.zeros(3)})
    back.load_state_dict({"weight": weight.permute(3, 2, 0, 1), "bias": torch.zeros(2)})
    y = torch.randn(1, 6, 6, 3, generator=rng)
    with torch.no_grad():
        grown = back(y)
        x = torch.randn(grown.shape, generator=rng)
        assert there(x).shape == y.shape
        assert torch.allclose((there(x) * y).sum(), (x * grown).sum(), rtol=1e-3, atol=1e-3)


def test_the_range_is_found_or_asked_for(tmp_path):
    bytes_out = settled(keras.Sequential([keras.Input((9,)), L.Dense(64, "sigmoid"), L.Rescaling(255.0)]))
    for model, low, high, told in (
        (keras_models.article("tanh"), -1, 1, "ends in tanh"),
        (keras_models.article("sigmoid"), 0, 1, "ends in sigmoid"),
        (bytes_out, 0, 255, "0..255, since it ends in sigmoid and a scale"),
    ):
        network, said = _ours(_saved(model, tmp_path / "model.keras"))
        assert (network.net.low, network.net.high) == (low, high)
        assert told in said
    linear = _saved(keras_models.article(None), tmp_path / "linear.keras")
    with pytest.raises(InputError, match="its range cannot be known; say --range"):
        _ours(linear)
    assert _ours(linear, "0..255")[0].net.high == 255


@keras.saving.register_keras_serializable("mine")
class Doubled(L.Layer):
    def call(self, x):
        return 2 * x


def _two_inputs():
    z, label = keras.Input((9,), name="z"), keras.Input((3,), name="label")
    return keras.Model([z, label], L.Dense(64, "tanh")(L.Concatenate()([z, label])))


def _branched():
    z = keras.Input((9,))
    x = L.Dense(64)(z)
    return keras.Model(z, L.Add()([x, L.Activation("tanh")(x)]))


def _sequence(*layers, inputs=(9,)):
    return settled(keras.Sequential([keras.Input(inputs), *layers]))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: _sequence(L.Dense(64), L.Lambda(lambda x: x * 2, name="twice")), "'twice' is a Lambda: it holds code, which is never run"),
        (lambda: _sequence(L.Dense(64), Doubled(name="two")), "'two' is a custom one"),
        (lambda: _sequence(L.Dense(64), L.PReLU(name="p"), L.Activation("tanh")), "'p' (PReLU) cannot be translated"),
        (lambda: _sequence(L.Dense(64, "softmax", name="last")), "'last' has the activation softmax"),
        (lambda: _sequence(L.Dense(8, "relu"), L.Dense(1, "sigmoid"), inputs=(784,)), "a discriminator; name the generator's file"),
        (lambda: _sequence(L.Flatten(), L.Dense(64, "tanh"), inputs=(8, 8, 1)), "takes (8, 8, 1), which is no latent"),
        (lambda: _sequence(L.Dense(60, "tanh")), "no square picture"),
        (lambda: keras.Sequential([keras.Input((9,)), _sequence(L.Dense(64, "tanh"))]), "a model inside the model (a whole GAN?)"),
        (_two_inputs, "2 inputs (z, label)"),
        (_branched, "branches after the layer"),
        (lambda: _sequence(L.Dense(4 * 4 * 2), L.Reshape((4, 4, 2)), L.Conv2D(1, 3, dilation_rate=2, padding="same")), "dilation_rate"),
    ],
)
@pytest.mark.parametrize("form", ["keras", "h5"])
def test_what_cannot_be_translated_is_named(tmp_path, make, says, form):
    with pytest.raises(InputError) as told:
        _ours(_saved(make(), tmp_path / f"model.{form}"))
    assert says in str(told.value)
    assert str(tmp_path) in str(told.value)


@pytest.mark.parametrize("form", ["keras", "h5"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_file_cut_short(tmp_path, form, share):
    path = _saved(keras_models.article(), tmp_path / f"model.{form}")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InputError, match="cut short|save the model again"):
        _ours(path)


def _rewritten(path, **parts):
    with zipfile.ZipFile(path) as old:
        kept = {name: old.read(name) for name in old.namelist()} | {key.replace("__", "."): value for key, value in parts.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in kept.items():
            new.writestr(name, content)


def test_bombs_pickles_and_other_files(tmp_path):
    path = _saved(keras_models.chain(), tmp_path / "model.keras")
    _rewritten(path, config__json=b" " * (17 << 20))
    with pytest.raises(InputError, match="config.json unpacks to more than"):
        _ours(path)
    (tmp_path / "model.h5").write_bytes(pickle.dumps([1]))
    with pytest.raises(InputError, match="pickled data are refused"):
        _ours(tmp_path / "model.h5")
    (tmp_path / "model.keras").write_text("hello")
    with pytest.raises(InputError, match=r"neither a \.keras nor an \.h5"):
        _ours(tmp_path / "model.keras")
    with pytest.raises(InputError, match="a folder"):
        _ours(tmp_path)
    keras_models.chain().save_weights(tmp_path / "only.weights.h5")
    with pytest.raises(InputError, match="weights without their architecture"):
        _ours(tmp_path / "only.weights.h5")


def test_arrays_of_another_shape_and_layers_that_do_not_fit(tmp_path):
    path = _saved(keras_models.chain(), tmp_path / "model.keras")
    with zipfile.ZipFile(path) as archive:
        config, weights = json.loads(archive.read("config.json")), io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights, "r+") as file:
        del file["layers/dense_1/vars/0"]
        file["layers/dense_1/vars/0"] = np.zeros((63, 256), np.float32)
    _rewritten(path, model__weights__h5=weights.getvalue())
    with pytest.raises(InputError, match=r"'last' cannot take \(64,\)"):
        _ours(path)
    path = _saved(keras_models.chain(), tmp_path / "model.keras")
    config["config"]["layers"][1]["config"]["units"] = 65
    _rewritten(path, config__json=json.dumps(config).encode())
    with pytest.raises(InputError, match="'first' .*64 outputs in its arrays, 65 in its settings"):
        _ours(path)


@pytest.mark.parametrize("kind", ["link", "external", "virtual"])
def test_links_out_of_the_file_are_refused(tmp_path, kind):
    path = _saved(keras_models.article(), tmp_path / "model.h5")
    (tmp_path / "secret.raw").write_bytes(b"\0" * 400)
    with h5py.File(path, "r+") as file:
        group = file["model_weights"]
        if kind == "link":
            group["evil"] = h5py.ExternalLink("secret.raw", "/")
        elif kind == "external":
            group.create_dataset("evil", (100,), "f4", external=[(str(tmp_path / "secret.raw"), 0, 400)])
        else:
            layout = h5py.VirtualLayout((100,), "f4")
            layout[:] = h5py.VirtualSource("secret.raw", "x", (100,))
            group.create_virtual_dataset("evil", layout)
    with pytest.raises(InputError, match="link to another place|points out of the file"):
        _ours(path)
