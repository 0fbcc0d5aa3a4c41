"""Generators as Keras models: the same pictures, of nothing but Keras's own layers."""

import importlib.util
import json
import zipfile

import pytest
import torch

from keras_models import keras
from muslin.base.errors import InputError
from muslin.base.seeds import seeded_weights
from muslin.gan import classic, synthesis
from muslin.gan.configs import AtelierConfig, AtelierNet, ClassicConfig, ClassicNet
from muslin.gan.generators import load_generator, save_generator
from muslin.studio.exchange import compared, export_generator, import_keras

CARD = {"data": "nothing", "data_licence": "none"}


def _settled(network):
    """Every number moved from its start: biases, the mean of W, the classes' rows."""
    with torch.no_grad(), seeded_weights(3, "settled"):
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            tensor.add_(torch.randn_like(tensor) * (20 if "mapping.layers" in name and "bias" in name else 0.3))
    return network


@pytest.fixture
def dressmaker(tmp_path):
    """A small style-based generator with three classes, as a file."""
    config = AtelierConfig(net=AtelierNet(size=32, z=16, w=24, mapping=2, cbase=256, cmax=20, cmin=6, classes=3))
    with seeded_weights(0, "weights"):
        network = synthesis.Generator(config.net)
    return save_generator(tmp_path / "own.safetensors", _settled(network), config, ("dress", "skirt", "hat"), CARD)


def _modules(part):
    if isinstance(part, dict):
        return {part["module"]} if isinstance(part.get("module"), str) else set().union(*map(_modules, part.values()))
    return set().union(*map(_modules, part)) if isinstance(part, list) else set()


def test_a_style_based_generator_draws_the_same_in_keras(tmp_path, dressmaker):
    told = [event.text for event in export_generator(str(dressmaker), "keras", tmp_path / "own.keras") if hasattr(event, "text")]
    assert "64 latents of each of 3 classes differ by at most" in told[-1]
    model = keras.models.load_model(tmp_path / "own.keras")
    network, z = load_generator(dressmaker).network, torch.randn(4, 16)
    labels, psi = torch.tensor([2, 0, 1, 1]), torch.tensor([[0.3], [1.0], [0.0], [0.7]])
    drawn = model.predict({"z": z.numpy(), "label": labels[:, None].int().numpy(), "truncation": psi.numpy()}, verbose=0)
    with torch.no_grad():
        ours = torch.cat([network(z[i : i + 1], labels[i : i + 1], float(psi[i])) for i in range(4)]).clamp(-1, 1)
    assert drawn.shape == (4, 32, 32, 3)
    assert float(ours.std(0).mean()) > 0.05
    assert float((torch.from_numpy(drawn).permute(0, 3, 1, 2) - ours).abs().max()) < 1e-3


def test_the_file_holds_kerass_own_layers_only(tmp_path, dressmaker):
    list(export_generator(str(dressmaker), "keras", tmp_path / "own.keras"))
    with zipfile.ZipFile(tmp_path / "own.keras") as archive:
        config, about = archive.read("config.json"), json.loads(archive.read("metadata.json"))["muslin"]
    rows = json.loads(config)["config"]["layers"]
    assert b"quantization_config" not in config  # Keras 3.5 refuses it
    assert (about["data_licence"], about["classes"]) == ("none", ["dress", "skirt", "hat"])
    kinds = {row["class_name"] for row in rows if row["module"] == "keras.layers"}
    assert {row["class_name"] for row in rows} - kinds == {"Rsqrt"}  # one of keras.ops; Keras has no layer for it
    assert all(module.split(".")[0] == "keras" for row in rows for module in _modules(row))
    assert kinds >= {"Dense", "Conv2D", "Multiply", "Embedding"} and "Lambda" not in kinds


def test_the_articles_generator_goes_out_and_comes_back(tmp_path):
    config = ClassicConfig(net=ClassicNet(z=20, hidden=(16, 32)))
    with seeded_weights(0, "weights"):
        network = classic.Generator(config.net)
    path = save_generator(tmp_path / "own.safetensors", _settled(network), config, ("all",), CARD)
    list(export_generator(str(path), "keras", tmp_path / "own.keras"))
    assert isinstance(keras.models.load_model(tmp_path / "own.keras"), keras.Sequential)
    list(import_keras(tmp_path / "own.keras", tmp_path / "back.safetensors"))
    there, back = load_generator(path), load_generator(tmp_path / "back.safetensors")
    assert float((there.draw(5, psi=0.6) - back.draw(5, psi=0.6)).abs().max()) < 1e-5
    with pytest.raises(InputError, match=r"came from own\.keras"):
        list(export_generator(str(tmp_path / "back.safetensors"), "keras", tmp_path / "again.keras"))


def test_other_pictures_are_not_let_through(tmp_path, dressmaker):
    generator = load_generator(dressmaker)
    with pytest.raises(InputError, match="draws other pictures than own"):
        list(compared(generator, lambda z, labels, psi: generator.network(z, labels, psi).clamp(-1, 1) + 0.002, tmp_path))
    with pytest.raises(InputError, match="draws other pictures"):  # truncation forgotten
        list(compared(generator, lambda z, labels, psi: generator.network(z, labels, 1.0), tmp_path))
    with pytest.raises(InputError, match="draws other pictures"):
        list(compared(generator, lambda z, labels, psi: torch.full((len(z), 3, 32, 32), torch.nan), tmp_path))


def test_a_wrong_name_is_told_before_anything_is_done(tmp_path, dressmaker):
    with pytest.raises(InputError, match=r"ends in \.keras"):
        list(export_generator(str(dressmaker), "keras", tmp_path / "own.h5"))
    with pytest.raises(InputError, match="is there already; a SavedModel is a new folder"):
        list(export_generator(str(dressmaker), "savedmodel", tmp_path))


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is not None, reason="TensorFlow is here")
def test_without_tensorflow_its_extra_is_named(tmp_path):
    from command import muslin, refused

    done = muslin("export", "fashion-mnist-28", "--to", "savedmodel", "--out", "served", cwd=tmp_path)
    assert "pip install 'muslin[tensorflow]'" in refused(done)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow")
def test_a_saved_model_serves_the_same_pictures(tmp_path, dressmaker):
    from command import muslin

    done = muslin("export", dressmaker, "--to", "savedmodel", "--out", tmp_path / "served")
    assert done.returncode == 0, done.stderr
    assert "differ by at most" in done.stderr
    assert (tmp_path / "served" / "saved_model.pb").exists()
