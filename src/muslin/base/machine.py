"""What this machine is good at: the device to use, and whether its processor multiplies bfloat16 fast."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch

from muslin.base.errors import SettingError


def pick_device(name: str = "auto") -> torch.device:
    """`auto`: CUDA, else Apple's MPS, else the CPU. Raises SettingError for a device that is not there."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    if not there.get(name.split(":")[0], False):
        raise SettingError(f"device {name}: not on this machine; there are: {', '.join(k for k, v in there.items() if v)}")
    try:
        return torch.device(name)
    except RuntimeError as failure:
        raise SettingError(f"device {name}: no such device; cpu, cuda, mps, or cuda:0 for the first of several") from failure


Precision = Literal["auto", "float32", "bfloat16"]


@lru_cache(maxsize=1)
def fast_bfloat16() -> bool:
    """Whether the processor has bfloat16 products (AVX-512 BF16 or AMX); read from the system, so the same at each start."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def resolve_precision(wanted: Precision, device: torch.device) -> Precision:
    """`auto` becomes `bfloat16` where that is faster, else `float32`."""
    if wanted != "auto":
        return wanted
    quick = fast_bfloat16() if device.type == "cpu" else device.type == "cuda" and torch.cuda.is_bf16_supported()
    return "bfloat16" if quick else "float32"


def finish(device: torch.device) -> None:
    """Wait until the device has done what it was given: before reading a clock."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def out_of_memory(failure: RuntimeError) -> bool:
    """Whether this is PyTorch's way of saying that memory is used up, on a GPU or on the CPU."""
    text = str(failure).lower()
    said = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
    return isinstance(failure, torch.OutOfMemoryError) or any(words in text for words in said)


def free_memory() -> int:
    """Bytes of memory that a new piece of work may take here: what the system calls available; 8 GB where it does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 8_000_000_000
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 8_000_000_000)
