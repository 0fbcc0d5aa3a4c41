"""VGG by layer names; the whole way from torchvision's file, with a file of the right shape made here."""

import hashlib

import pytest
import torch
import torchvision

from muslin.base.errors import InputError
from muslin.base.vision import hash_prefix
from muslin.features.vgg import Vgg, convert, expected_shapes, layer_plan, load_vgg


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return torchvision.models.vgg16(weights=None).features.eval()


@pytest.fixture
def theirs(tmp_path, network):
    """A file as torchvision's download is: named by its hash."""
    path = tmp_path / "raw.pth"
    torch.save({f"features.{key}": value for key, value in network.state_dict().items()}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return path.rename(tmp_path / f"vgg16-{digest}.pth")


def test_the_layers_have_the_names_of_the_literature():
    names = [name for name in layer_plan("vgg19") if name != "pool"]
    assert len(names) == 16
    assert names[0] == "relu1_1"
    assert names[-1] == "relu5_4"
    assert expected_shapes("vgg19")["relu3_4"] == (256, 256, 3, 3)


def test_torchvisions_file_becomes_the_same_network(theirs, tmp_path, network):
    convert("vgg16", theirs, tmp_path / "cut.safetensors")
    ours = load_vgg("vgg16", tmp_path / "cut.safetensors")
    picture = torch.rand(1, 3, 48, 48) * 2 - 1
    mean, std = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    x, wanted = ((picture + 1) / 2 - mean) / std, {}
    for number, layer in enumerate(network):
        x = layer(x)
        wanted[number] = x
    maps = ours(picture, ("relu1_1", "relu3_3", "relu5_1"))
    for name, number in (("relu1_1", 1), ("relu3_3", 15), ("relu5_1", 25)):
        assert torch.allclose(maps[name], wanted[number], rtol=0.02, atol=0.02)


def test_a_changed_file_is_refused_by_its_hash(theirs, tmp_path):
    with theirs.open("r+b") as file:
        file.seek(5000)
        file.write(b"\x01\x02\x03")
    with pytest.raises(InputError, match="cut short or changed"):
        convert("vgg16", theirs, tmp_path / "cut.safetensors")
    with pytest.raises(InputError, match="pickles of other names are refused"):
        hash_prefix(tmp_path / "mine.pth")


def test_a_file_of_another_network_is_told(theirs, tmp_path):
    with pytest.raises(InputError, match="13 convolutions where vgg19 has 16"):
        convert("vgg19", theirs, tmp_path / "cut.safetensors")
    with pytest.raises(InputError, match="not this network"):
        Vgg("vgg16", {"relu1_1.weight": torch.zeros(1)})


def test_without_weights_a_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSLIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    with pytest.raises(InputError, match="muslin weights vgg19") as told:
        load_vgg("vgg19")
    assert "embedded encoder is always there" in str(told.value)
