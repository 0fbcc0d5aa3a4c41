"""The one door to ONNX: a generator or the fast styler as an .onnx file that needs no Muslin, and back as a network that onnxruntime runs.

Each file is run and compared with torch's network before anyone gets it. Departs from the networks in nothing but the order of a
few roundings. Does not know where files are kept.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from muslin.base.errors import InputError
from muslin.base.seeds import seeded
from muslin.gan.generators import Loaded
from muslin.gan.latent import style_based
from muslin.gan.synthesis import Generator
from muslin.style.feedforward import FastStyler

TOLERANCE = 1e-3  # the largest difference that is let pass, in [-1, 1]
BATCHES = (1, 3, 16)
PSIS = (0.0, 0.7, 1.0)
SIZES = (((64, 64), (96, 40)), ((121, 77), (33, 150)))  # of content and of style
_KIND = "muslin-generator"
_REMEDY = "update torch, onnxscript and onnxruntime together"


@dataclass(frozen=True)
class Exported:
    """A file's content, and how it was compared: pictures, and the largest difference from torch's in [-1, 1]."""

    content: bytes
    compared: int
    away: float


class _FromLatent(nn.Module):
    """z, class, truncation -> picture and ws: truncation is a number for each picture, so no branch depends on it."""

    def __init__(self, network: Generator) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor, label: Tensor, truncation: Tensor) -> tuple[Tensor, Tensor]:
        w, mean = self.network.mapping(z, label), self.network.mapping.get_buffer("w_mean")[label]
        ws = (mean + truncation[:, None] * (w - mean))[:, None].expand(-1, self.network.layers, -1)
        return self.network.synthesise(ws).clamp(-1, 1), ws


class _FromW(nn.Module):
    """ws, one w for each layer -> picture."""

    def __init__(self, network: Generator) -> None:
        super().__init__()
        self.network = network

    def forward(self, ws: Tensor) -> Tensor:
        return self.network.synthesise(ws).clamp(-1, 1)


class _WithoutClasses(nn.Module):
    """z, truncation -> picture, for networks whose truncation scales z (the article's)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor, truncation: Tensor) -> Tensor:
        made: Tensor = self.network(z * truncation[:, None]).clamp(-1, 1)
        return made


class _AnySize(nn.Module):
    """The fast styler for pictures of any size from 32 px: edges repeated up to multiples of 8, and cut off again."""

    def __init__(self, network: FastStyler) -> None:
        super().__init__()
        self.network = network

    def forward(self, content: Tensor, start: Tensor, mask: Tensor, style: Tensor) -> Tensor:
        fitted = [_multiple_of_8(x) for x in (content, start, mask)]
        made: Tensor = self.network(*fitted, self.network.measure(_multiple_of_8(style)))
        return made[:, :, : content.shape[2], : content.shape[3]]


def _multiple_of_8(x: Tensor) -> Tensor:
    for axis in (2, 3):  # by index: sizes stay symbols
        places = torch.arange((x.shape[axis] + 7) // 8 * 8).clamp(max=x.shape[axis] - 1)
        x = x.index_select(axis, places)
    return x


def check_installed(*names: str) -> None:
    """Raises InputError that names the extra where one of `names` (default: all that an export needs) is missing."""
    missing = [name for name in names or ("onnx", "onnxruntime", "onnxscript") if find_spec(name) is None]
    if missing:
        raise InputError(f"{', '.join(missing)}: not installed; pip install 'muslin[onnx]'")


@torch.no_grad()
def export_generator(generator: Loaded) -> Exported:
    """ONNX of a generator: z, class (where it has any) and truncation in, pictures out, and `ws` where there is a W space.

    Batches are dynamic. Verified for each of `BATCHES` and `PSIS` and all classes. Raises InputError.
    """
    check_installed()
    network, two, batch = generator.network, torch.ones(2), torch.export.Dim("batch", max=65536)
    inputs = {"z": torch.randn(2, network.z_size, generator=seeded(0, "onnx")), "label": two.long() * 0, "truncation": two}
    plain, outputs = _FromLatent(network) if isinstance(network, Generator) else _WithoutClasses(network), ["picture", "ws"]
    if not isinstance(network, Generator):
        del inputs["label"], outputs[1]
    content = _export(plain, inputs, {0: batch}, outputs, _about(generator) | {"muslin.in": "z"})
    return _verified(content, _latents(generator), f"{generator.name}, z in")


@torch.no_grad()
def export_synthesis(generator: Loaded) -> Exported:
    """ONNX of what follows the mapping: ws, one w for each layer (as `export_generator` gives, mixed, moved), in; pictures out.

    Raises InputError, also for a generator without a W space.
    """
    check_installed()
    network, batch = style_based(generator), torch.export.Dim("batch", max=65536)
    about = _about(generator) | {"muslin.in": "w"}
    content = _export(_FromW(network), next(_mixed(network, 2))[0], {0: batch}, ["picture"], about)
    return _verified(content, _mixed(network), f"{generator.name}, w in")


@torch.no_grad()
def export_styler(network: FastStyler, digest: str) -> Exported:
    """The fast styler, batch 1, any height and width from 32 px for the picture and for the style. Raises InputError."""
    check_installed()
    inputs = next(_stylings(network))[0]
    side = {name: torch.export.Dim(name, min=32, max=16384) for name in ("height", "width", "style_height", "style_width")}
    own, other = {2: side["height"], 3: side["width"]}, {2: side["style_height"], 3: side["style_width"]}
    about = {"muslin.kind": "fast-styler", "muslin.sha256": digest, "muslin.licence": "Apache-2.0"}
    shapes = {"content": own, "start": own, "mask": own, "style": other}
    content = _export(_AnySize(network), inputs, shapes, ["picture"], about)
    return _verified(content, _stylings(network), "fast")


def read_generator(content: bytes, path: Path) -> Loaded:
    """A generator of `export_generator` (z in) that onnxruntime draws. Raises InputError where the file is none."""
    session = _session(content, str(path))
    about = session.get_modelmeta().custom_metadata_map
    if about.get("muslin.kind") != _KIND or about.get("muslin.in") != "z":
        raise InputError(f"{path}: not a generator with z in that `muslin export --to onnx` wrote")
    network = OnnxNetwork(session)
    classes, card = tuple(json.loads(about["muslin.classes"])), json.loads(about["muslin.card"])
    return Loaded(network, about["muslin.name"], about["muslin.family"], classes, card, about["muslin.sha256"], path, "onnx")


class OnnxNetwork(nn.Module):
    """A generator's network run by onnxruntime, called as torch's are. Holds no tensors of torch."""

    def __init__(self, session: Any) -> None:
        super().__init__()
        self.session, self.about = session, dict[str, str](session.get_modelmeta().custom_metadata_map)
        self.takes = {one.name: one.shape for one in session.get_inputs()}
        self.z_size, self.classes = self.takes.get("z", [0, 0])[1], int(self.about.get("muslin.labels", 1))
        self.channels, self.size = session.get_outputs()[0].shape[1:3]

    def forward(self, z: Float[Tensor, "b z"], labels: Int[Tensor, " b"], psi: float = 1.0) -> Float[Tensor, "b c s s"]:
        """Pictures in [-1, 1]; labels are left out where the network has no classes."""
        given = {"z": z, "label": labels, "truncation": torch.full((len(z),), psi)}
        return _run(self.session, {name: given[name] for name in self.takes})[0]


def _about(generator: Loaded) -> dict[str, str]:
    card = generator.card
    plain = {"kind": _KIND, "name": generator.name, "family": generator.family, "sha256": generator.sha256}
    plain |= {"classes": json.dumps(generator.classes), "labels": str(generator.network.classes), "card": json.dumps(card)}
    plain["licence"] = f"{card.get('data', '?')}: {card.get('data_licence', 'unknown')}"
    return {f"muslin.{key}": text for key, text in plain.items()}


def _export(network: nn.Module, inputs: dict[str, Tensor], shapes: Any, outputs: list[str], about: Mapping[str, str]) -> bytes:
    """ONNX of a network in evaluation mode; `shapes`: the dynamic axes by input, or the same for all inputs."""
    each = [shapes.get(name, shapes) for name in inputs]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*will not be used, since it shares the same shape constraints.*")
        program = torch.onnx.export(
            network.eval(), tuple(inputs.values()), dynamo=True, verbose=False,
            dynamic_shapes=tuple(each), input_names=list(inputs), output_names=outputs,
        )  # fmt: skip
    assert program is not None
    model = program.model_proto
    for key, text in about.items():
        model.metadata_props.add(key=key, value=text)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


Case = tuple[dict[str, Tensor], list[Tensor]]  # inputs by name, and torch's own outputs


def _latents(generator: Loaded) -> Iterator[Case]:
    network, rng, classes = generator.network, seeded(1, "onnx"), max(generator.network.classes, 1)
    for psi in PSIS:
        for batch in (*BATCHES[:-1], max(BATCHES[-1], classes)):
            z, labels = torch.randn(batch, network.z_size, generator=rng), torch.arange(batch) % classes
            wanted = [network(z, labels, psi).clamp(-1, 1)]
            if isinstance(network, Generator):
                wanted.append(network.mapping(z, labels, psi)[:, None].expand(-1, network.layers, -1))
            yield {"z": z, "label": labels, "truncation": torch.full((batch,), psi)}, wanted


def _mixed(network: Generator, *batches: int) -> Iterator[Case]:
    """Another w in each layer, as mixing and editing give."""
    rng = seeded(2, "onnx")
    for batch in batches or BATCHES:
        z = torch.randn(batch * network.layers, network.z_size, generator=rng)
        ws = network.mapping(z, torch.arange(len(z)) % max(network.classes, 1)).view(batch, network.layers, -1)
        yield {"ws": ws}, [network.synthesise(ws).clamp(-1, 1)]


def _stylings(network: FastStyler) -> Iterator[Case]:
    rng, plain = seeded(3, "onnx"), _AnySize(network)
    for (height, width), (high, wide) in SIZES:
        sizes = {"content": (3, height, width), "start": (3, height, width), "mask": (1, height, width), "style": (3, high, wide)}
        given = {name: torch.rand(1, *size, generator=rng) for name, size in sizes.items()}
        given |= {name: x * 2 - 1 for name, x in given.items() if name != "mask"}
        yield given, [plain(**given)]


def _verified(content: bytes, cases: Iterator[Case], name: str) -> Exported:
    """The file, once onnxruntime gives what torch gives. Raises InputError where it does not: nothing is kept then."""
    session, compared, away = _session(content, name), 0, 0.0
    takes = [one.name for one in session.get_inputs()]
    for given, wanted in cases:
        for ours, theirs in zip(_run(session, {key: given[key] for key in takes}), wanted, strict=True):
            if ours.shape != theirs.shape:
                raise InputError(f"{name}: the ONNX file gives {tuple(ours.shape)}, torch {tuple(theirs.shape)}; not kept: {_REMEDY}")
            here = float((ours - theirs).abs().max())
            if not here <= TOLERANCE:  # or not a number
                raise InputError(f"{name}: the ONNX file is {here:.1e} away from torch, {TOLERANCE:g} may be; not kept: {_REMEDY}")
            away = max(away, here)
        compared += len(wanted[0])
    return Exported(content, compared, away)


def _session(content: bytes, name: str) -> Any:
    check_installed("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as failure:  # its classes are private
        raise InputError(f"{name}: onnxruntime cannot read it ({failure}); it may be cut short: export it again") from failure


def _run(session: Any, given: Mapping[str, Tensor]) -> list[Tensor]:
    try:
        made = session.run(None, {name: x.numpy() for name, x in given.items()})
    except Exception as failure:  # onnxruntime has many kinds of its own
        raise InputError(
            f"onnxruntime cannot run this network ({(str(failure).splitlines() or [type(failure).__name__])[0][:200]}): {_REMEDY}"
        ) from failure
    return [torch.from_numpy(x) for x in made]
