"""From a time to a training: capacity, batch and number of images that this machine can get through in it.

Measures, does not guess: a few steps of each capacity, the smallest first, as long as there is time to see enough images; then what a
judgement and a look at drafts cost. The time that measuring took is part of the budget.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

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
_SPARE = 0.92  # of the time that is left to steps: the rest goes to writing checkpoints, and to surprises
_RARE = 10  # times what it costs, at least, lies between two judgements or two looks
_SETTLING = 4  # looks: what the one fit before the contest costs (2.8 measured with 294 pictures; more of them take longer)

Judging = Callable[[Any], float]  # a generator's network -> seconds


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


@dataclass(frozen=True)
class Costs:
    """Seconds that a run spends beside its steps: for a judgement, and for a look at drafts while it learns to redraw."""

    judgement: float = 0.0
    look: float = 0.0


def plan(
    config: AtelierConfig, data: Images, seconds: float, device: torch.device, fixed: bool, judging: Judging | None = None
) -> tuple[AtelierConfig, float]:
    """The config for a run of `seconds` and the images/s measured. `fixed`: the net stays as it is (it was started from another); `judging`: the seconds that it will take to judge a network.

    What does not fit in memory is tried with half the batch. Raises SettingError when not even the smallest capacity gets through 10 batches.
    """
    began, speed, chosen = time.monotonic(), 0.0, None
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
    spent = costs(chosen, data, device, judging)
    left = parallel.least(max(seconds - (time.monotonic() - began), 0.0), device)
    save, verdict = _pace(left, spent)
    redrawn = left * chosen.warm / chosen.images
    beside = spent.judgement * max(left / verdict, 1) + spent.look * (redrawn / save + _SETTLING * bool(chosen.warm)) if left else 0.0
    images = int(speed * max(left - beside, 0.0) * _SPARE) // chosen.batch * chosen.batch
    if images < 10 * chosen.batch:
        raise SettingError(f"budget of {seconds:.0f} s: time for {images} images at {speed:.0f} images/s; give it some minutes at least")
    return _paced(lasting(chosen, images), speed, save, verdict), speed


def costs(config: AtelierConfig, data: Images, device: torch.device, judging: Judging | None) -> Costs:
    """What judging (the first process does it) and looking cost here."""
    trainer = (FinishTrainer if config.net.finish else AtelierTrainer)(config, device)
    judgement = look = 0.0
    if judging and parallel.rank() == 0:
        judgement = judging(trainer.average.network)
    if config.warm and trainer.redrawer:
        trainer.redrawer.begin(trainer.generator.mapping)
        began = time.monotonic()
        trainer.before_showing(data, config.batch)
        finish(device)
        look = time.monotonic() - began
    return Costs(*(-parallel.least(-cost, device) for cost in (judgement, look)))


def _pace(seconds: float, spent: Costs) -> tuple[float, float]:
    # seconds between checkpoints (2 min) and between judgements (about 12), more where they cost much
    save = max(min(120, seconds / 12), min(_RARE * spent.look, seconds / 3))
    verdict = max(min(max(120, seconds / 12), seconds / 3), min(_RARE * spent.judgement, seconds))
    return max(save, 1e-3), max(verdict, 1e-3)


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
    """Training speed at this config, the shares of redrawing and of the lazy penalty included; starts and throws away trainers."""
    autocast = torch.bfloat16 if resolve_precision(config.precision, device) == "bfloat16" else None
    trainer = (FinishTrainer if config.net.finish else AtelierTrainer)(replace(config, warm=0), device)
    plain, punished = (_seconds(trainer, data, autocast, start, steps, device) for start in (1, 0))
    every, share = config.penalty_every, config.warm / config.images
    contest = (plain * (every - 1) + punished) / every
    redrawing = _seconds(AtelierTrainer(config, device), data, autocast, 0, steps, device) if share else 0.0
    return config.batch / (share * redrawing + (1 - share) * contest)


def _seconds(trainer: AtelierTrainer, data: Images, autocast: torch.dtype | None, first: int, steps: int, device: torch.device) -> float:
    # the median of `steps` steps of one kind (`first` 0: with penalty, or the first of redrawing), after one to warm up
    took, seen, rng = [], first * trainer.config.batch, seeded(0, "budget")
    for _ in range(steps + 1):
        begin = time.perf_counter()
        trainer.step(data, seen, rng, autocast)
        finish(device)
        took.append(time.perf_counter() - begin)
    return sorted(took[1:])[steps // 2]


def _paced(config: AtelierConfig, speed: float, save: float, verdict: float) -> AtelierConfig:
    def pace(every: float) -> int:
        return min(max(int(speed * every) // config.batch, 1) * config.batch, config.images)

    half_life = min(config.average_half_life, max(config.images // 20, config.batch))
    return replace(config, average_half_life=half_life, report_every=pace(10), save_every=pace(save), judge_every=pace(verdict))
