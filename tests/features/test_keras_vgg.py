"""Keras's VGG files as a backbone: a file of the right shapes, made here and run by Keras itself, feature by feature."""

import h5py
import numpy as np
import pytest
import torch

from keras_models import keras
from muslin.base.errors import InputError
from muslin.features.backbones import load_backbone
from muslin.features.keras_vgg import is_published, keras_file
from muslin.features.vgg import load_vgg

BUILD = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}
PREPARE = {"vgg16": keras.applications.vgg16.preprocess_input, "vgg19": keras.applications.vgg19.preprocess_input}


def _name(name):
    return f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"


@pytest.fixture(scope="module", params=["vgg19", "vgg16"])
def vgg(request, tmp_path_factory):
    """Name, file as Keras publishes it (its groups and names), and Keras's network with the weights of that file."""
    model = BUILD[request.param](weights=None, include_top=False)
    path, rng = tmp_path_factory.mktemp("models") / _name(request.param), np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group, names = file.create_group(layer.name), []
            for kind, value in zip("Wb", layer.get_weights(), strict=False):
                names.append(f"{layer.name}_{kind}_1:0".encode())
                group[names[-1].decode()] = value * 1.4 if kind == "W" else rng.normal(0, 0.3, value.shape).astype("f4")
            group.attrs["weight_names"] = names
    model.load_weights(path)
    return request.param, path, model


def _theirs(name, model, picture):
    """Keras's maps by layer name for a picture (3, h, w) in [-1, 1]."""
    pixels = ((picture + 1) * 127.5).permute(1, 2, 0).numpy()[None]
    layers = [layer for layer in model.layers if "conv" in layer.name]
    with torch.no_grad():
        maps = keras.Model(model.input, [layer.output for layer in layers])(PREPARE[name](pixels.copy()))
    return {
        layer.name.replace("block", "relu").replace("conv", ""): torch.as_tensor(m).detach().permute(0, 3, 1, 2)
        for layer, m in zip(layers, maps, strict=True)
    }


def test_every_feature_is_kerass_own(vgg, garment):
    name, path, model = vgg
    picture = garment[:, 40:104, 90:138].contiguous()
    ours = load_backbone(f"{name}:{path}")
    theirs = _theirs(name, model, picture)
    found = ours(picture[None], list(theirs))
    assert len(theirs) == (16 if name == "vgg19" else 13)
    for layer, wanted in theirs.items():
        assert float(wanted.std()) > 0
        assert float((found[layer] - wanted).abs().max()) < 1e-4 * float(wanted.abs().max()), layer
    assert ours.name == f"{name} ({path.name}, taken as BGR)"  # not byte for byte what Keras publishes
    assert not is_published(name, path)


def test_it_is_found_in_kerass_own_cache(vgg, tmp_path, monkeypatch):
    name, path, _ = vgg
    for key in ("MUSLIN_CACHE", "TORCH_HOME", "KERAS_HOME"):
        monkeypatch.setenv(key, str(tmp_path / key))
    assert keras_file(name) is None
    (tmp_path / "KERAS_HOME" / "models").mkdir(parents=True)
    (tmp_path / "KERAS_HOME" / "models" / path.name).symlink_to(path)
    assert load_vgg(name).name.startswith(name)
    assert keras_file(name) == tmp_path / "KERAS_HOME" / "models" / path.name


def test_a_wrong_file_is_named(vgg, tmp_path):
    name, path, _ = vgg
    other = "vgg19" if name == "vgg16" else "vgg16"
    with pytest.raises(InputError, match=f"convolutions where {other} has"):
        load_backbone(f"{other}:{path}")
    half = tmp_path / "half.h5"
    half.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="cut short"):
        load_backbone(f"{name}:{half}")
    theano = tmp_path / "th.h5"
    with h5py.File(path) as old, h5py.File(theano, "w") as new:
        for layer, group in old.items():
            for key, value in group.items():
                new[f"{layer}/{key}"] = value[()].transpose(3, 2, 0, 1) if value.ndim == 4 else value[()]
    with pytest.raises(InputError, match=r"channels first, \(64, 3, 3, 3\): a file for Theano"):
        load_backbone(f"{name}:{theano}")


def test_weights_saved_again_by_keras_3_serve_too(vgg, tmp_path, garment):
    name, path, model = vgg
    model.save_weights(tmp_path / "again.weights.h5")
    layers = ("relu1_1", "relu5_1")
    one, other = (load_backbone(f"{name}:{file}")(garment[None, :, :32, :32], layers) for file in (path, tmp_path / "again.weights.h5"))
    assert all(torch.equal(one[layer], other[layer]) for layer in layers)
