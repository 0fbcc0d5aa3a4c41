"""The door to Inception: what is missing is told without a look at the net; a file of the right shape gives the features."""

import pytest
import torch

from muslin.base.errors import InputError
from muslin.features.inception import FILE, URL, Inception, find_inception

fidelity = pytest.importorskip("torch_fidelity")


def test_missing_weights_are_told_with_where_to_get_them(tmp_path):
    with pytest.raises(InputError, match="no FID and KID") as told:
        find_inception(tmp_path / FILE)
    assert URL in str(told.value) and "\n" not in str(told.value)


def test_another_file_is_refused(tmp_path):
    (tmp_path / FILE).write_bytes(b"something else")
    with pytest.raises(InputError, match="it should be 6726825d"):
        find_inception(tmp_path / FILE)
    with pytest.raises(InputError, match="not Inception's weights"):
        Inception(tmp_path / FILE)


def test_a_file_of_the_right_shape_gives_2048_features(tmp_path):
    class Fresh(fidelity.FeatureExtractorInceptionV3):
        def load_state_dict(self, state):  # starts from the random weights it was built with
            return None

    torch.save({}, tmp_path / "empty.pth")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(Fresh("fresh", ["2048"], str(tmp_path / "empty.pth")).state_dict(), tmp_path / "weights.pth")
    found = Inception(tmp_path / "weights.pth").pooled(torch.arange(2 * 16 * 16).reshape(2, 1, 16, 16).byte())
    assert found.shape == (2, 2048) and found.isfinite().all()
