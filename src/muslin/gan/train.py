"""The training loop of both families: an iterator of events. Resume is the same call again, bit for bit on the CPU.

Knows checkpoints, the images-seen clock, when to judge and when to go back; not networks (see `classic`, `atelier`), not pictures
and not metrics: the judge is handed in.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from muslin.base import parallel
from muslin.base.checkpoint import load_checkpoint
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Event, Finished, Note, Saved, Step, Warned
from muslin.base.files import make_folder
from muslin.base.machine import out_of_memory, pick_device, resolve_precision
from muslin.base.seeds import seeded
from muslin.data.images import Images
from muslin.gan.atelier import AtelierTrainer
from muslin.gan.classic import ClassicTrainer
from muslin.gan.configs import AtelierConfig, ClassicConfig, Config, check
from muslin.gan.finishing import FinishTrainer
from muslin.gan.generators import save_generator
from muslin.gan.log import Log
from muslin.gan.start import Start
from muslin.gan.state import GOOD, STATE, Progress, Trainer, load_state, mended, same_run, save_state

GENERATOR, LATEST, LOG = "generator.safetensors", "latest.safetensors", "log.csv"
Judge = Callable[[Any], dict[str, float]]  # a generator's network -> {"distance": lower is better, "copies": share in [0, 1]}, and more
_SCORES = ("distance", "copies", "authenticity", "copying_z")  # what a judge may tell: the first two decide, all are kept in log and card
_MENDS = 4  # how often a run may go back before it gives up
_COPIES = 0.03  # a generator that copies more than this is never the best one while there is one that copies less
_COLLAPSE = 2.0  # times the best distance


def train(
    run: Path, data: Images, config: Config, device: str = "auto", start: Start | None = None, judge: Judge | None = None
) -> Iterator[Event]:
    """Train on `data` in the folder `run`, or go on with what is there; `start` is what a new run begins from.

    Writes `generator.safetensors` (averaged weights, fp16, ready to use: the best so far by the judge), `latest.safetensors`,
    `state.safetensors` (all that a resume needs) and `log.csv`. Stop by not asking for more. Under torchrun every process
    makes the same call, and the first one writes. Raises InputError and SettingError before anything is written.
    """
    with parallel.group(pick_device(device)) as at, parallel.heeding_stops():
        yield from _Run(run, data, config, at, start, judge).events()


def fit(config: Config, data: Images) -> Config:
    """The config with the data's classes filled in. Raises InputError when the pictures are not of the network's form."""
    check(config)
    if len(data) < 2:
        raise InputError(
            f"{data.name}: {len(data)} picture; training needs at least 2, 50 with --init garments-64, 500 from nothing to be of use"
        )
    channels = 1 if isinstance(config, ClassicConfig) else 3
    wanted = (channels, config.net.size, config.net.size)
    if tuple(data.pixels.shape[1:]) != wanted:
        raise InputError(f"{data.name}: pictures are {tuple(data.pixels.shape[1:])}, this network is made for {wanted}")
    if isinstance(config, ClassicConfig) and parallel.world() > 1:
        raise SettingError(f"{parallel.world()} processes: the classic family trains in one; run it without torchrun")
    if isinstance(config, AtelierConfig):
        if config.batch % (4 * parallel.world()):  # the discriminator sees pictures in fours
            raise SettingError(f"batch={config.batch}: should be a multiple of {4 * parallel.world()} for {parallel.world()} processes")
        if config.warm and config.net.finish:
            raise SettingError(f"warm={config.warm}: a finishing net has nothing to redraw first; leave warm out")
        if config.warm >= config.images:
            raise SettingError(f"warm={config.warm}: should be below images={config.images}, so that a contest follows")
        return replace(config, net=replace(config.net, classes=len(data.classes)))
    return config


def _trainer(config: Config, data: Images, at: torch.device) -> Trainer:
    if isinstance(config, ClassicConfig):
        return ClassicTrainer(config, data, at)
    return FinishTrainer(config, at) if config.net.finish else AtelierTrainer(config, at)


class _Run:
    def __init__(self, run: Path, data: Images, config: Config, at: torch.device, start: Start | None, judge: Judge | None) -> None:
        self.run, self.at, self.judge, self.start = run, at, judge, start
        config = fit(start.fit(config) if start and isinstance(config, AtelierConfig) else config, data)
        config = replace(config, precision=resolve_precision(config.precision, at))
        self.told = mended(run) if parallel.rank() == 0 else ""
        parallel.wait()
        self.made_of = data.fingerprint()
        lost = not (run / STATE).exists() and _seen(run / GENERATOR) > config.save_every + config.batch
        if lost:  # more than a kill within the first checkpoint leaves
            raise SettingError(
                f"{run}: holds a generator and no state to go on from; train in another folder, with --init {run / GENERATOR}"
            )
        self.config = same_run(run / STATE, config, self.made_of) if (run / STATE).exists() else config
        self.data = data.to(at)
        self.log, self.progress = Log(run / LOG), Progress(started_from=start.name if start else "")
        self._make()

    def _make(self) -> None:
        """A trainer at the last checkpoint, or at the start."""
        self.rng = seeded(self.config.seed, "train")
        self.progress.seen, self.trainer = 0, _trainer(self.config, self.data, self.at)
        if (self.run / STATE).exists():
            self.progress = load_state(self.run / STATE, self.trainer, self.rng)
            if self.start and self.progress.started_from != self.start.name:
                begun = f"was started from {self.progress.started_from}" if self.progress.started_from else "began from nothing"
                raise SettingError(
                    f"{self.run}: that run {begun}, now it would be {self.start.name}; leave --init out, or use another folder"
                )
        elif self.start and isinstance(self.trainer, AtelierTrainer):
            self.start.into(self.trainer, self.data.classes)
        self.log.load(self.progress.seen)

    def events(self) -> Iterator[Event]:
        self.began = time.monotonic()
        make_folder(self.run)
        if self.told:
            yield Warned(self.told)
        if self.progress.seen:
            yield Note(f"goes on at {self.progress.seen:,} of {self.trainer.total:,} images")
        while self.progress.seen < self.trainer.total:
            figures = self._step()
            if figures:
                yield from self._news(figures)
            else:
                yield self._shrink()
        yield Finished(self.run / GENERATOR, time.monotonic() - self.began)

    def _step(self) -> dict[str, torch.Tensor]:
        autocast = torch.bfloat16 if self.config.precision == "bfloat16" else None
        before, clock = self.progress.seen, time.monotonic()
        try:
            figures = self.trainer.step(self.data, before, self.rng, autocast)
        except RuntimeError as failure:
            if not out_of_memory(failure):
                raise
            return {}  # the failure holds on to the memory: it must be gone before anything is made smaller
        self.progress.seen += self.config.batch
        self.progress.seconds += time.monotonic() - clock
        return figures

    def _news(self, figures: dict[str, torch.Tensor]) -> Iterator[Event]:
        """What is due after a step: a stop that was asked for, a line of news, a checkpoint, a judgement."""
        seen, total = self.progress.seen, self.trainer.total
        stop = parallel.asked_to_stop(self.at) if parallel.world() == 1 or self._due(8 * self.config.batch) else False
        judge = self._due(self.config.judge_every) or seen >= total
        save = stop or judge or self._due(self.config.save_every)
        if save or self._due(self.config.report_every):
            plain = {name: round(float(parallel.mean(value)), 5) for name, value in figures.items()}
            bad = [name for name, value in plain.items() if not math.isfinite(value)]
            bad += ["a weight"] * (save and not self._sound())
            if bad:
                yield self._go_back(GOOD if self.progress.mends else STATE, f"{bad[0]} is not a number at {seen:,} images")
                return
            plain |= {"images_per_second": self._rate()}
            self.log.add(seen, plain | {"seconds": round(self.progress.seconds, 1)})
            yield Step("train", min(seen, total), total, plain)
        if save:
            yield from self._checkpoint(judge)
        if stop:
            raise KeyboardInterrupt

    def _checkpoint(self, judge: bool) -> Iterator[Event]:
        if isinstance(self.trainer, AtelierTrainer):
            self.trainer.before_showing(self.data, self.progress.seen)
        scores = self._scores() if judge and self.judge else {}
        best = self.progress.best
        if scores:
            self.log.add(self.progress.seen, scores)
            yield Step("train", min(self.progress.seen, self.trainer.total), self.trainer.total, scores)
            if best and scores["distance"] > _COLLAPSE * best["distance"]:
                what = f"distance {scores['distance']:.0f} at {self.progress.seen:,} images, {best['distance']:.0f} before: collapse"
                yield self._go_back(GOOD, what)
                return
        better = bool(scores) and (not best or _rank(scores) <= _rank(best))
        if better:
            self.progress.best = scores | {"images": float(self.progress.seen)}
        if parallel.rank() == 0:
            yield from self._write(better or not self.progress.best, better, scores)
        parallel.wait()

    def _write(self, best: bool, good: bool, scores: dict[str, float]) -> Iterator[Event]:
        # the state comes last: what it says is on the disk, is
        names = [LATEST] + [GENERATOR] * best
        for name in names:
            critic = self.trainer.discriminator if isinstance(self.trainer, AtelierTrainer) else None
            card = self._card(self.progress.best if name == GENERATOR else scores)
            save_generator(self.run / name, self.trainer.average.network, self.config, self.data.classes, card, critic)
        self.log.write()
        for name in [GOOD] * good + [STATE]:
            save_state(self.run / name, self.trainer, self.config, self.progress, self.rng, self.made_of)
        yield from (Saved(self.run / name) for name in names)

    def _rate(self) -> float:
        """Images a second since the last row of the log."""
        last = next((row for row in reversed(self.log.rows) if "seconds" in row), {"images": 0, "seconds": 0.0})
        return round((self.progress.seen - last["images"]) / max(self.progress.seconds - last["seconds"], 1e-3), 1)

    def _card(self, scores: dict[str, float]) -> dict[str, Any]:
        progress = self.progress
        card = {"data": self.data.name, "data_licence": self.data.licence, "pictures": len(self.data), "images_seen": progress.seen}
        card |= {"rights": self.data.rights} if self.data.rights else {}
        card |= {"hours": round(progress.seconds / 3600, 2)}
        card |= {"started_from": progress.started_from} if progress.started_from else {}
        return card | {name: round(value, 4) for name, value in scores.items() if name != "images"}

    def _scores(self) -> dict[str, float]:
        # the first process judges, all hear of it: they must agree on what follows
        judge = self.judge
        mine = judge(self.trainer.average.network) if judge and parallel.rank() == 0 else {}
        told = parallel.from_first(torch.tensor([mine.get(name, math.nan) for name in _SCORES], device=self.at))
        return {name: round(value, 5) for name, value in zip(_SCORES, told.tolist(), strict=True) if not math.isnan(value)}

    def _go_back(self, where: str, why: str) -> Warned:
        """To an earlier state, at half the rate. Raises SettingError when that was done too often."""
        mends, path = self.progress.mends + 1, self.run / (where if (self.run / where).exists() else STATE)
        share = self.trainer.rate_share / 2
        if mends > _MENDS:
            raise SettingError(
                f"{self.run}: {why}; went back {_MENDS} times already: lower `rate` or raise `gamma`, and use another folder"
            )
        if path.exists():
            best, asked = self.progress.best, self.progress.asked_batch
            self.progress = load_state(path, self.trainer, self.rng)
            self.progress.best, self.progress.asked_batch = best or self.progress.best, asked
        else:
            self._make()
        self.progress.mends, self.trainer.rate_share = mends, share
        self.log.load(self.progress.seen)
        if parallel.rank() == 0:  # so that a resume goes on from here too
            save_state(self.run / STATE, self.trainer, self.config, self.progress, self.rng, self.made_of)
        parallel.wait()
        return Warned(f"{why}; back to the state at {self.progress.seen:,} images, at {share:g} of the rate")

    def _shrink(self) -> Warned:
        """Half the batch, once. Raises SettingError with what to try when that does not fit either."""
        batch = self.config.batch
        if self.progress.asked_batch or batch < 8 or parallel.world() > 1:
            least = 4 * parallel.world()
            half = batch // 2 // least * least
            remedy = f"try --set batch={half}" if half else "try a smaller --size" + (" or fewer processes" if parallel.world() > 1 else "")
            raise SettingError(f"batch={batch}: out of memory at {self.config.net.size} px; {remedy} in another folder, without --budget")
        self.config = replace(self.config, batch=batch // 8 * 4)
        self.trainer = None  # type: ignore[assignment]  # gives its memory back first
        self._make()
        self.progress.asked_batch = batch
        return Warned(f"batch={batch}: out of memory; goes on with {self.config.batch} from {self.progress.seen:,} images")

    def _sound(self) -> bool:
        # one sum for each network: not a number anywhere makes it not a number
        networks = (self.trainer.generator, self.trainer.discriminator, self.trainer.average.network)
        return all(math.isfinite(float(sum(weight.detach().abs().sum() for weight in network.parameters()))) for network in networks)

    def _due(self, every: int) -> bool:
        seen = self.progress.seen
        return (seen - self.config.batch) // every != seen // every


def _seen(path: Path) -> float:
    """Images that the generator at `path` has learned from: 0 where there is none, infinity where the file does not tell."""
    try:
        card = load_checkpoint(path)[1].get("card", {}) if path.exists() else {"images_seen": 0}
        return float(card.get("images_seen", math.inf))
    except InputError:
        return math.inf


def _rank(scores: dict[str, float]) -> tuple[bool, float]:
    return scores["copies"] > _COPIES, scores["distance"]
