"""InceptionV3's 2,048 pooled features, which FID and KID are defined on (Heusel et al. 2017): the one door to torch-fidelity.

Its weights are never fetched: they are used where the user names the file or torch's own cache has it, and only when the SHA-256 is
that of the published file. Pictures are resized to 299 px inside, as the original TensorFlow graph does.
"""

import importlib.util
import pickle
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.files import sha256_file

FILE = "weights-inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}"
_DIGEST = "6726825d"  # how its SHA-256 begins, by its name


class Inception:
    """The network with the weights of a file. Raises InputError for a file that is not tensors only, or another network's."""

    def __init__(self, weights: Path) -> None:
        from torch_fidelity import FeatureExtractorInceptionV3

        try:  # torch-fidelity unpickles whatever it is given: only what passes the strict reader goes on to it
            torch.load(weights, map_location="cpu", weights_only=True)
            self._network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], str(weights))
        except (
            pickle.UnpicklingError,
            RuntimeError,
            OSError,
            EOFError,
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
            AssertionError,
        ) as failure:
            raise InputError(f"{weights}: not Inception's weights ({str(failure).splitlines()[0]}); get {URL}") from failure

    @torch.no_grad()
    def pooled(self, pixels: UInt8[Tensor, "n c h w"], batch: int = 32) -> Float[Tensor, "n 2048"]:
        """Features of pictures (grey or RGB, uint8)."""
        return torch.cat([self._network(part.expand(-1, 3, -1, -1).contiguous())[0].float() for part in pixels.split(batch)])


def find_inception(named: Path | None = None) -> Path:
    """The weights' file: the named one, else that of torch's cache. Raises InputError that says what is missing and how to get it."""
    if importlib.util.find_spec("torch_fidelity") is None:
        raise InputError("no FID and KID: torch-fidelity is not installed; `pip install 'muslin[inception]'`")
    path = named or Path(torch.hub.get_dir()) / "checkpoints" / FILE
    if not path.exists():
        where = str(named) if named else f"torch's cache, as hub/checkpoints/{FILE}"  # no path of this machine: the line goes into reports
        raise InputError(f"no FID and KID: Inception's weights are not in {where}; get {URL} and put it there, or name it by --inception")
    found = sha256_file(path)
    if not found.startswith(_DIGEST):
        raise InputError(f"{path}: its SHA-256 begins {found[:8]}, it should be {_DIGEST}; cut short or another file: get {URL}")
    return path
