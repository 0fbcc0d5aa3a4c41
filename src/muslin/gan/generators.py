"""A trained generator as a file and back: fp16 weights with config, classes and card. Each family, one call shape."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
from muslin.gan import classic, imported, synthesis
from muslin.gan.configs import AtelierNet, ClassicNet, Config
from muslin.gan.imported import ImportedConfig, ImportedNet

_FAMILIES: dict[str, tuple[type[Any], type[nn.Module]]] = {
    "classic": (ClassicNet, classic.Generator),
    "atelier": (AtelierNet, synthesis.Generator),
    "imported": (ImportedNet, imported.Generator),
}
BLOCK = 16  # designs drawn at once
CRITIC = "critic/"  # how the discriminator's tensors are called in a generator's file


@dataclass(frozen=True)
class Loaded:
    """A generator ready to draw: the network, the names of its classes, its card, and which file it is."""

    network: Any
    name: str
    family: str
    classes: tuple[str, ...]
    card: dict[str, Any]
    sha256: str
    path: Path = Path()
    runtime: str = "torch"  # or onnx: the network is then one that onnxruntime runs (export.onnx)

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

    def to(self, device: torch.device) -> "Loaded":
        """The same generator on a device."""
        return replace(self, network=self.network.to(device))

    def draw(self, seed: int, label: int = 0, psi: float = 1.0) -> Float[Tensor, "1 c s s"]:
        """The design of (seed, class, truncation psi), in [-1, 1], on the CPU."""
        return next(self.draw_many([seed], [label], psi))[None]

    @torch.no_grad()
    def draw_many(self, seeds: Sequence[int], labels: Sequence[int], psi: float = 1.0) -> Iterator[Float[Tensor, "c s s"]]:
        """The designs of (seed, label) pairs in order, drawn as they are asked for: memory does not grow with their number.

        Always in blocks of `BLOCK`, the last one filled up: a product's rounding depends on how many rows it has, and
        a design should have the same bits in any company.
        """
        device = next(self.network.parameters(), torch.empty(0)).device  # onnxruntime's has none of torch's: it reads from the CPU
        for start in range(0, len(seeds), BLOCK):
            block = list(zip(seeds[start : start + BLOCK], labels[start : start + BLOCK], strict=True))
            filled = block + block[-1:] * (BLOCK - len(block))
            z = torch.cat([torch.randn(1, self.network.z_size, generator=seeded(seed, "z")) for seed, _ in filled])
            drawn = self.network(z.to(device), torch.tensor([label for _, label in filled], device=device), psi)
            yield from torch.as_tensor(drawn).clamp(-1, 1).cpu().unbind()[: len(block)]


def save_generator(
    path: Path,
    network: nn.Module,
    config: Config | ImportedConfig,
    classes: tuple[str, ...],
    card: dict[str, Any],
    critic: nn.Module | None = None,
) -> Path:
    """Write the weights as fp16 with all that is needed to use them, and the discriminator's to start from. Raises DiskError.

    An imported network keeps float32: it should draw what it drew where it comes from.
    """
    about = {"kind": "generator", "family": config.family, "net": as_dict(config.net), "classes": classes}
    about |= {"training": as_dict(config), "card": card}
    tensors = network.state_dict()
    if critic is not None:
        tensors |= {CRITIC + name: tensor for name, tensor in critic.state_dict().items()}
    kept = torch.float32 if isinstance(config, ImportedConfig) else torch.float16
    return save_checkpoint(path, {name: tensor.to(kept) for name, tensor in tensors.items()}, about)


def load_generator(which: str | Path) -> Loaded:
    """A generator by the name of a shipped one, a file, or a run's folder. Raises InputError."""
    path = locate(which)
    tensors, about = load_checkpoint(path)
    if about.get("kind") != "generator" or about.get("family") not in _FAMILIES:
        raise InputError(f"{path}: not a generator of Muslin; `muslin train` makes one, in RUN/generator.safetensors")
    net, network = _FAMILIES[about["family"]]
    made = network(from_dict(net, about["net"]))
    try:
        made.load_state_dict({name: tensor.float() for name, tensor in tensors.items() if not name.startswith(CRITIC)})
    except RuntimeError as failure:
        raise InputError(
            f"{path}: holds other networks than this version of muslin draws with; train it again, or use the version that made it"
        ) from failure
    if not _told_rightly(about.get("classes"), about.get("card"), made):
        raise InputError(f"{path}: its classes or its card are not what Muslin writes; take the file that `muslin train` made")
    made.eval().requires_grad_(False)
    return Loaded(made, called(path), about["family"], tuple(about["classes"]), about["card"], sha256_file(path), path)


def _told_rightly(classes: object, card: object, network: Any) -> bool:
    """Whether these are names of the network's classes (where it has but one: any), each another, and a card."""
    if not isinstance(classes, list) or not isinstance(card, dict) or not all(isinstance(name, str) for name in classes):
        return False
    return len(set(classes)) == len(classes) and network.classes in (0, 1, len(classes))


def called(path: Path) -> str:
    """What a person calls a generator's file: its stem, or its run's name."""
    return path.resolve().parent.name if path.name == "generator.safetensors" else path.stem


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
