"""Keras's VGG files as a backbone: a file of the right shapes, made here and run by Keras itself, feature by feature."""

import hashlib
import shutil

import h5py
import numpy as np
import pytest
import torch

from keras_models import keras
from muslin.base.errors import InputError
from muslin.features.backbones import load_backbone
from muslin.features.keras_vgg import PUBLISHED, is_published, keras_file
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
    with pytest.raises(InputError, match="cannot read"):
        load_backbone(f"{name}:{tmp_path / 'none.h5'}")
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


def test_a_file_that_takes_rgb_is_said_to_be_so(vgg, tmp_path, garment, monkeypatch):
    name, path, _ = vgg
    turned = tmp_path / "turned.h5"
    shutil.copy(path, turned)
    with h5py.File(turned, "r+") as file:
        kernel = file["block1_conv1/block1_conv1_W_1:0"]
        kernel[...] = kernel[()][:, :, ::-1]
    pixels = garment[None, :, :32, :32].clone()
    pixels[:, 0] *= 0.5  # no grey picture: its channels differ
    bgr, rgb, wrong = (load_backbone(f"{name}:{which}") for which in (path, f"rgb:{turned}", turned))
    assert torch.equal(bgr(pixels, ("relu2_1",))["relu2_1"], rgb(pixels, ("relu2_1",))["relu2_1"])
    assert not torch.allclose(bgr(pixels, ("relu2_1",))["relu2_1"], wrong(pixels, ("relu2_1",))["relu2_1"], rtol=1e-2)
    assert rgb.name == f"{name} (turned.h5, said to be RGB)"
    monkeypatch.setitem(PUBLISHED, name, (hashlib.md5(path.read_bytes()).hexdigest(),))
    assert load_backbone(f"{name}:{path}").name == f"{name} (Keras)"
    with pytest.raises(InputError, match="leave out rgb:"):
        load_backbone(f"{name}:rgb:{path}")
    with pytest.raises(InputError, match=r"rgb: is for Keras's \.h5 files"):
        load_backbone(f"{name}:rgb:mine.safetensors")
