"""The style rooms' own networks as files: fp16 safetensors that say their kind, config and card."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from muslin.base.checkpoint import load_checkpoint, save_checkpoint
from muslin.base.config import as_dict
from muslin.base.errors import InputError

Net = TypeVar("Net", bound=nn.Module)


def save_network(path: Path, kind: str, net: nn.Module, card: Mapping[str, object]) -> Path:
    """Weights in fp16, `net.config` and the card. Raises DiskError."""
    tensors = {name: x.half() for name, x in net.state_dict().items()}
    return save_checkpoint(path, tensors, {"kind": kind, "config": as_dict(net.config), "card": dict(card)})


def load_network(path: Path, kind: str, name: str, make: Callable[[Any], Net]) -> Net:
    """What `make` gives for the file's config, with its weights in float32, ready for use.

    Raises InputError, which calls it by `name`, where the file is of another kind, or damaged.
    """
    tensors, about = load_checkpoint(path)
    if about.get("kind") != kind:
        raise InputError(f"{path}: not a {name} (it says: {about.get('kind', 'nothing')})")
    net = make(about["config"])
    try:
        net.load_state_dict({name: x.float() for name, x in tensors.items()})
    except RuntimeError as failure:
        raise InputError(f"{path}: its tensors do not fit its config; it is damaged or from another version") from failure
    return net.eval().to(memory_format=torch.channels_last)
