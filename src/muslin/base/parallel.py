"""The door to torch.distributed: which process this is under `torchrun`, and sums over all of them. Alone, everything is free.

Every process draws the same random numbers for the whole batch and takes its own rows, so that one process of 64 and two
of 32 see the same pictures; gradients are averaged by hand (one flat sum), which also serves a second derivative.
"""

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor

from muslin.base.errors import SettingError


def world() -> int:
    """How many processes work together; 1 when not started by torchrun."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is, from 0; known from the environment before `group` is entered."""
    return dist.get_rank() if world() > 1 else int(os.environ.get("RANK", "0"))


def own(device: torch.device) -> torch.device:
    """This process's own GPU, where there are several processes and the device is a GPU."""
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if several and device.type == "cuda" else device


@contextmanager
def group(device: torch.device) -> Iterator[torch.device]:
    """Joins the processes that torchrun started (nccl on CUDA, else gloo); yields this process's own device.

    Does nothing when this process is alone, or when they are joined already.
    """
    device = own(device)
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or world() > 1:
        yield device
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    before = {number: signal.signal(number, _note_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield device
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        dist.destroy_process_group()


_stops: list[int] = []


def _note_stop(number: int, _frame: object) -> None:
    _stops.append(number)


@contextmanager
def heeding_stops() -> Iterator[None]:
    """Alone: ctrl-C or SIGTERM is noted for `asked_to_stop`, so that a loop ends at its own place; a second one acts at once.

    Only the main thread hears of signals: in any other nothing changes. Several processes agree on a stop by `group`.
    """
    if world() > 1 or threading.current_thread() is not threading.main_thread():
        yield
        return
    _stops.clear()
    # one that is ignored stays so: a job in the background is not meant to hear of ctrl-C
    heard = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _note_once) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _stops.clear()


def _note_once(number: int, _frame: object) -> None:
    if _stops:
        raise KeyboardInterrupt
    _stops.append(number)


def share(batch: int) -> slice:
    """The rows of a batch that belong to this process. Raises SettingError where the batch cannot be shared out evenly."""
    if batch % world():
        raise SettingError(f"batch={batch}: cannot be shared by {world()} processes; use a multiple of {world()}")
    size = batch // world()
    return slice(rank() * size, (rank() + 1) * size) if world() > 1 else slice(0, batch)


@torch.no_grad()
def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Each gradient becomes its mean over all processes."""
    if world() > 1:
        gradients = [weight.grad for weight in parameters if weight.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= world()
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))


@torch.no_grad()
def mean(value: Tensor) -> Tensor:
    """The mean of a tensor over all processes."""
    if world() > 1:
        value = value.detach().clone()
        dist.all_reduce(value)
        value /= world()
    return value


@torch.no_grad()
def from_first(value: Tensor) -> Tensor:
    """The first process's tensor, on all of them."""
    if world() > 1:
        dist.broadcast(value, 0)
    return value


def least(value: float, device: torch.device) -> float:
    """The smallest of a number over all processes: what all of them can do, and all of them decide by."""
    if world() == 1:
        return value
    shared = torch.tensor(value, dtype=torch.float32, device=device)
    dist.all_reduce(shared, dist.ReduceOp.MIN)
    return float(shared)


def asked_to_stop(device: torch.device) -> bool:
    """Whether any process was sent ctrl-C or SIGTERM: how all of them stop at the same step."""
    if world() == 1:
        return bool(_stops)
    raised = torch.tensor(len(_stops), device=device)
    dist.all_reduce(raised, dist.ReduceOp.MAX)
    return bool(raised)


def wait() -> None:
    """Returns when all processes have come here."""
    if world() > 1:
        dist.barrier()
