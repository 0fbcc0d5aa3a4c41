"""Pictures to features a block at a time, each block kept on the disk: a stopped evaluation goes on, memory holds features only.

A block's file is named by all that it depends on, so that a larger count or another figure finds it again. Drawn and looked at on the CPU.
"""

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from muslin.assets import ENCODER
from muslin.base.checkpoint import load_checkpoint, save_checkpoint
from muslin.base.errors import MuslinError
from muslin.base.events import Event, Step
from muslin.base.files import make_folder, sha256, sha256_file
from muslin.base.image import to_bytes
from muslin.gan.generators import Loaded
from muslin.metrics.frechet import pooled

BLOCK = 256  # pictures a file
Features = dict[str, Tensor]
Work = Generator[Event, None, Features]  # yields events, returns the features


@dataclass(frozen=True)
class Gatherer:
    """Where blocks are kept and what looks at the pictures: names (with what the features depend on) and functions of uint8 pictures."""

    folder: Path
    looks: dict[str, Callable[[Tensor], Tensor]]
    block: int = BLOCK

    def drafts(self, generator: Loaded, labels: Int[Tensor, " n"], seed: int, psi: float, work: str = "drafts") -> Work:
        """Features of the drafts of seeds `seed` ... `seed + n`, rounded to 8 bits as files are; no picture is kept."""

        def make(start: int, stop: int) -> Tensor:
            drawn = generator.draw_many(range(seed + start, seed + stop), labels[start:stop].tolist(), psi)
            return torch.stack([to_bytes(picture) for picture in drawn])

        def key(start: int, stop: int) -> str:
            return json.dumps([generator.sha256, seed + start, psi, labels[start:stop].tolist()])

        return self._gather(work, len(labels), key, make)

    def pictures(self, pixels: UInt8[Tensor, "n c h w"], work: str = "pictures") -> Work:
        """Features of pictures in memory."""
        return self._gather(work, len(pixels), lambda a, b: digest(pixels[a:b]), lambda a, b: pixels[a:b])

    def _gather(self, work: str, count: int, key: Callable[[int, int], str], make: Callable[[int, int], Tensor]) -> Work:
        make_folder(self.folder)
        blocks = list[Features]()
        for start in range(0, count, self.block):
            stop = min(start + self.block, count)
            path = self.folder / f"{sha256('/'.join([*self.looks, key(start, stop)]).encode())[:24]}.safetensors"
            block = _kept(path, set(self.looks), stop - start)
            if block is None:
                pixels = make(start, stop)
                block = {name: look(pixels) for name, look in self.looks.items()}
                save_checkpoint(path, block, {"kind": "features"})
            blocks.append(block)
            yield Step(work, stop, count)
        return {name: torch.cat([block[name] for block in blocks]) for name in self.looks}


def embedded_look() -> dict[str, Callable[[Tensor], Tensor]]:
    """The embedded encoder's look, named by its weights."""
    return {f"embedded-{sha256_file(ENCODER)[:8]}": pooled}


def digest(pixels: Tensor) -> str:
    """SHA-256 of pictures: their shape and bytes."""
    return sha256(str(tuple(pixels.shape)).encode() + pixels.cpu().contiguous().numpy().tobytes())


def _kept(path: Path, names: set[str], count: int) -> Features | None:
    if not path.exists():
        return None
    try:
        block = load_checkpoint(path)[0]
    except MuslinError:  # a damaged file is made again
        return None
    return block if set(block) == names and all(len(rows) == count for rows in block.values()) else None
