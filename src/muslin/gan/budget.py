"""From a time to a training: capacity, batch and number of images that this machine can get through in it.

Measures, does not guess: a few steps of each capacity, the smallest first, as long as there is time to see enough images.
"""

import time
from dataclasses import dataclass, replace

import torch

from muslin.base import parallel
from muslin.base.errors import SettingError
from muslin.base.machine import finish, out_of_memory, resolve_precision
from muslin.base.seeds import seeded
from muslin.data.images import Images
from muslin.gan.atelier import AtelierTrainer
from muslin.gan.configs import AtelierConfig, lasting
from muslin.gan.finishing import FinishTrainer

ENOUGH = 300_000  # images; fewer and a larger network is worse than a smaller one
LITTLE = 30_000  # images; fewer give nothing from the start
_SPARE = 0.92  # of the time: the rest goes to checkpoints and measurements


@dataclass(frozen=True)
class Capacity:
    """Width at a resolution is min(cmax, cbase / resolution); `w` the latent's size."""

    cbase: int
    cmax: int
    w: int
    batch: int


CAPACITIES = (
    Capacity(1024, 256, 128, 32),
    Capacity(2048, 256, 256, 32),
    Capacity(4096, 256, 256, 32),
    Capacity(8192, 512, 512, 64),
    Capacity(16384, 512, 512, 64),
)


def plan(config: AtelierConfig, data: Images, seconds: float, device: torch.device, fixed: bool) -> tuple[AtelierConfig, float]:
    """The config for a run of `seconds` and the images/s measured. `fixed`: the net stays as it is (it was started from another).

    What does not fit in memory is tried with half the batch. Raises SettingError when not even the smallest capacity gets through 10 batches.
    """
    speed, chosen = 0.0, None
    for capacity in CAPACITIES:
        net = replace(config.net, cbase=capacity.cbase, cmax=capacity.cmax, w=capacity.w, z=min(capacity.w, 128))
        tried = config if fixed else replace(config, net=net, batch=_shared(capacity.batch))
        measured = parallel.least(_speed(tried, data, device), device)
        if chosen is not None and measured * seconds * _SPARE < ENOUGH:
            break
        chosen, speed = tried, measured
        if fixed or speed * seconds * _SPARE < ENOUGH:
            break
    assert chosen is not None
    while speed == 0 and chosen.batch > 4 * parallel.world():
        chosen = replace(chosen, batch=_shared(chosen.batch // 2))
        speed = parallel.least(_speed(chosen, data, device), device)
    if speed == 0:
        raise SettingError(f"net.size={config.net.size}: not even a batch of {chosen.batch} fits in memory; choose a smaller --size")
    images = int(speed * seconds * _SPARE) // chosen.batch * chosen.batch
    if images < 10 * chosen.batch:
        raise SettingError(f"budget of {seconds:.0f} s: time for {images} images at {speed:.0f} images/s; give it some minutes at least")
    return _paced(lasting(chosen, images), speed, seconds), speed


def _shared(batch: int) -> int:
    # the next multiple of four pictures for each process
    least = 4 * parallel.world()
    return -(-batch // least) * least


def _speed(config: AtelierConfig, data: Images, device: torch.device) -> float:
    # 0 where it does not fit in memory
    try:
        return images_per_second(config, data, device)
    except RuntimeError as failure:
        if not out_of_memory(failure):
            raise
        return 0.0


def images_per_second(config: AtelierConfig, data: Images, device: torch.device, steps: int = 4) -> float:
    """Training speed at this config, the lazy penalty's share included; starts and throws away a trainer."""
    config = replace(config, warm=0)  # the contest's speed: redrawing alone is quicker
    trainer, rng = (FinishTrainer if config.net.finish else AtelierTrainer)(config, device), seeded(0, "budget")
    autocast = torch.bfloat16 if resolve_precision(config.precision, device) == "bfloat16" else None
    plain, punished = (_seconds(trainer, data, rng, autocast, start, steps, device) for start in (1, 0))
    every = config.penalty_every
    return config.batch / ((plain * (every - 1) + punished) / every)


def _seconds(
    trainer: AtelierTrainer, data: Images, rng: torch.Generator, autocast: torch.dtype | None, first: int, steps: int, device: torch.device
) -> float:
    # the median of `steps` steps of one kind (`first` 0: with penalty), after one to warm up
    took, seen = [], first * trainer.config.batch
    for _ in range(steps + 1):
        begin = time.perf_counter()
        trainer.step(data, seen, rng, autocast)
        finish(device)
        took.append(time.perf_counter() - begin)
    return sorted(took[1:])[steps // 2]


def _paced(config: AtelierConfig, speed: float, seconds: float) -> AtelierConfig:
    # news about every 10 s, a checkpoint every 2 min, a measurement about 12 times
    def pace(every: float) -> int:
        return max(int(speed * every) // config.batch, 1) * config.batch

    half_life = min(config.average_half_life, max(config.images // 20, config.batch))
    save, judge = pace(min(120, seconds / 12)), pace(min(max(120, seconds / 12), seconds / 3))
    return replace(config, average_half_life=half_life, report_every=pace(10), save_every=save, judge_every=judge)
