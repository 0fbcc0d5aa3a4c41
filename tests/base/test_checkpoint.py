"""Weights carry what they are; pickles and pieces are refused."""

import pickle

import pytest
import torch

from muslin.base.checkpoint import load_checkpoint, save_checkpoint
from muslin.base.errors import InputError


def test_tensors_and_words_come_back(tmp_path):
    tensors = {"a": torch.randn(3, 4).half(), "b": torch.arange(5)}
    about = {"kind": "test", "classes": ["a", "连衣裙"], "net": {"size": 64}}
    save_checkpoint(tmp_path / "w.safetensors", tensors, about)
    back, words = load_checkpoint(tmp_path / "w.safetensors")
    assert words == about
    assert all(torch.equal(back[k], tensors[k]) and back[k].dtype == tensors[k].dtype for k in tensors)


@pytest.mark.parametrize("length", range(0, 900, 7))
def test_no_length_of_the_words_makes_a_good_file_look_like_a_pickle(tmp_path, length):
    path = save_checkpoint(tmp_path / "w.safetensors", {"a": torch.zeros(1)}, {"x": "y" * length})
    assert load_checkpoint(path)[1]["x"] == "y" * length


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused_whatever_its_name(tmp_path, protocol):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(pickle.dumps({"a": [1.0] * 9}, protocol=protocol))
    with pytest.raises(InputError, match="pickled weights are refused"):
        load_checkpoint(path)


def test_torchs_own_format_is_refused(tmp_path):
    torch.save({"a": torch.zeros(3)}, tmp_path / "w.pt")
    with pytest.raises(InputError, match="pickled weights are refused"):
        load_checkpoint(tmp_path / "w.pt")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_file_cut_short_is_told(tmp_path, share):
    path = save_checkpoint(tmp_path / "w.safetensors", {"a": torch.randn(1000)}, {"kind": "test"})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match="cut short"):
        load_checkpoint(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="check the path"):
        load_checkpoint(tmp_path / "none.safetensors")
