"""A trained generator as a file and back: fp16 weights with config, classes and card. Either family, one call shape."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from muslin.assets import GENERATORS
from muslin.base.checkpoint import load_checkpoint, save_checkpoint
from muslin.base.config import as_dict, from_dict
from muslin.base.errors import InputError, nearest
from muslin.base.files import sha256_file
from muslin.base.seeds import seeded
from muslin.gan import classic, synthesis
from muslin.gan.configs import AtelierNet, ClassicNet, Config

_FAMILIES: dict[str, tuple[type[Any], type[nn.Module]]] = {
    "classic": (ClassicNet, classic.Generator),
    "atelier": (AtelierNet, synthesis.Generator),
}


@dataclass(frozen=True)
class Loaded:
    """A generator ready to draw: the network, the names of its classes, its card, and which file it is."""

    network: Any
    name: str
    family: str
    classes: tuple[str, ...]
    card: dict[str, Any]
    sha256: str

    @property
    def conditional(self) -> bool:
        """Whether a class can be asked for."""
        return bool(self.network.classes > 1)

    def label(self, name: str) -> int:
        """The number of a class. Raises InputError that names the nearest one."""
        if not self.conditional:
            raise InputError(f"{self.name} has no classes to choose from; leave --class out")
        if name not in self.classes:
            raise InputError(f"class '{name}': {self.name} does not know it{nearest(name, self.classes)}")
        return self.classes.index(name)

    @torch.no_grad()
    def draw(self, seed: int, label: int = 0, psi: float = 1.0) -> Float[Tensor, "1 c s s"]:
        """The design of (seed, class, truncation psi), in [-1, 1]; one at a time, so it is the same bits in any company."""
        z = torch.randn(1, self.network.z_size, generator=seeded(seed, "z"))
        return torch.as_tensor(self.network(z, torch.tensor([label]), psi)).clamp(-1, 1)


def save_generator(path: Path, network: nn.Module, config: Config, classes: tuple[str, ...], card: dict[str, Any]) -> Path:
    """Write the weights as fp16 with all that is needed to use them. Raises DiskError."""
    about = {"kind": "generator", "family": config.family, "net": as_dict(config.net), "classes": classes}
    about |= {"training": as_dict(config), "card": card}
    return save_checkpoint(path, {name: tensor.half() for name, tensor in network.state_dict().items()}, about)


def load_generator(which: str | Path) -> Loaded:
    """A generator by the name of a shipped one, a file, or a run's folder. Raises InputError."""
    path = locate(which)
    tensors, about = load_checkpoint(path)
    if about.get("kind") != "generator" or about.get("family") not in _FAMILIES:
        raise InputError(f"{path}: not a generator of Muslin; `muslin train` makes one, in RUN/generator.safetensors")
    net, network = _FAMILIES[about["family"]]
    made = network(from_dict(net, about["net"]))
    made.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    made.eval().requires_grad_(False)
    name = which if str(which) in GENERATORS else path.parent.name if path.name == "generator.safetensors" else path.stem
    return Loaded(made, str(name), about["family"], tuple(about["classes"]), about["card"], sha256_file(path))


def locate(which: str | Path) -> Path:
    """The file of a generator. Raises InputError when there is none."""
    if str(which) in GENERATORS:
        return GENERATORS[str(which)]
    path = Path(which)
    if path.is_dir():
        path = path / "generator.safetensors"
    if not path.exists():
        raise InputError(f"{which}: no such file or shipped generator{nearest(str(which), GENERATORS)}")
    return path
