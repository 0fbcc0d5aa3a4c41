"""Sliders found by themselves: directions of W that change one thing that can be measured, named from what they do.

Candidates (`gan.latent`: principal components, factors of the modulation weights; and what goes with each figure among random designs) are
tried on designs of all kinds; the effect of each on every figure of `metrics.garment` makes a table; for each figure the mix of candidates is solved that moves it and nothing else (ridge
regression), limited to the layers where it acts, tried again, and kept only where what it does is mostly what it names. Where that goes too
far off in W, a less pure and shorter one is tried.
"""

import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from muslin.base.checkpoint import load_checkpoint, save_checkpoint
from muslin.base.errors import InputError, nearest
from muslin.base.events import Event, Finished, Note, Saved, Step
from muslin.base.files import check_writable
from muslin.gan.generators import Loaded
from muslin.gan.latent import Direction, as_changes, candidates, groups, latent, style_based
from muslin.gan.synthesis import Generator
from muslin.metrics.garment import MEASURES, measure_all

_BATCH = 16
_SURE = 0.9  # least share of designs that must go the way the name says
_PURE = 0.65  # least share of a slider's whole effect that must be on what it names
_RIDGES = (0.02, 0.1, 0.5)  # the purest change first; a larger one asks for a shorter way
_SEEN = 0.006  # natural spread of a figure below which nobody sees it
_FAR = 1.5  # cost above which a slider tears the garment before it does what it says
_REACH = 1.6  # how far in W a slider may go from the design, in the same unit as `cost`
_MOST = 2.2  # standard deviations that a slider goes, however short its way


@dataclass(frozen=True)
class Slider:
    """`changes` moves the figure by one standard deviation of natural variety at amount 1; `purity`: see `_PURE`."""

    name: str
    less: str
    more: str
    changes: Float[Tensor, "layers w"]
    acts_in: tuple[str, ...]
    purity: float
    cost: float  # how far in W one unit goes, in half the mean distance of designs from their mean

    @property
    def limit(self) -> float:
        """The largest amount, either way, at which garments still look like garments (by eye, on sheets)."""
        return round(min(_MOST, _REACH / self.cost), 1)

    def row(self) -> dict[str, Any]:
        """What a list shows and a file keeps, without the tensor."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items() if key != "changes"}


@dataclass(frozen=True)
class _Trial:
    """Designs to try directions on, and the figures' spread over them."""

    network: Generator
    ws: Float[Tensor, "n layers w"]
    kinds: list[str]
    scale: Float[Tensor, " k"]  # standard deviation of each figure within a kind

    def figures(self, changes: Float[Tensor, "layers w"], amount: float) -> Float[Tensor, "n k"]:
        """All figures of all designs after a change, in standard deviations."""
        return figures_of(self.network, self.ws + amount * changes) / self.scale

    def effect(self, changes: Float[Tensor, "layers w"], step: float = 1.0) -> Float[Tensor, " k"]:
        """Change of each figure per unit, the mean over the designs on which the figure means what it says."""
        slopes = (self.figures(changes, step) - self.figures(changes, -step)) / (2 * step)
        return torch.stack([slopes[self._rows(name), place].mean() for place, name in enumerate(MEASURES)])

    @property
    def shares(self) -> Float[Tensor, " k"]:
        """On what share of the designs each figure means what it says: what a figure counts beside the others."""
        return torch.tensor([len(self._rows(name)) / len(self.kinds) for name in MEASURES])

    def _rows(self, name: str) -> Tensor:
        wanted = MEASURES[name].kinds
        rows = [number for number, kind in enumerate(self.kinds) if kind in wanted]
        return torch.tensor(rows or list(range(len(self.kinds))))


def find_sliders(generator: Loaded, designs: int = 40, out: Path | None = None) -> Iterator[Event]:
    """Find, name and save the sliders of a generator, beside it (or at `out`). Raises InputError for one without W space."""
    network, path = style_based(generator), out or sliders_file(generator)
    check_writable(path)
    many = _many(network)
    trial = _trial(generator, network, designs, many)
    tried, effects = [*candidates(network), *_following(trial, many)], list[Tensor]()
    for number, direction in enumerate(tried, 1):
        effects.append(trial.effect(as_changes(network, [direction], torch.ones(1))))
        if number % 4 == 0 or number == len(tried):
            yield Step("try", number, len(tried))
    found, solved = list[Slider](), [_solve(trial, tried, torch.stack(effects), ridge) for ridge in _RIDGES]
    for name in MEASURES:
        slider = _first(trial, [each[name] for each in solved], name)
        if isinstance(slider, Slider):
            found.append(slider)
        else:
            yield Note(f"{name}: no slider: {slider}")
    if not found:
        raise InputError(f"{generator.name}: no direction does one thing only; train it longer")
    found.sort(key=lambda slider: -slider.purity)
    for slider in found:
        acts = " and ".join(slider.acts_in)
        yield Note(f"{slider.name}: {slider.less} ... {slider.more}; {slider.purity:.0%} of what it does, in {acts}")
    yield Saved(save_sliders(path, generator, found))
    yield Finished(path, 0.0)


@dataclass(frozen=True)
class _Many:
    """Designs of all kinds in turn, as they come, to see what varies with what."""

    ws: Float[Tensor, "n layers w"]
    labels: Int[Tensor, " n"]
    figures: Float[Tensor, "n k"]

    def within(self, label: int) -> tuple[Tensor, Tensor]:
        """w and figures of one kind, each less its mean."""
        rows = self.labels == label
        w, figures = self.ws[rows, 0], self.figures[rows]
        return w - w.mean(0), figures - figures.mean(0)


def _many(network: Generator) -> _Many:
    count = max(network.classes, 1)
    labels = torch.arange(max(400, 40 * count)) % count
    ws = torch.stack([latent(network, 20_000 + number, int(label), 0.7) for number, label in enumerate(labels)])
    return _Many(ws, labels, figures_of(network, ws))


def _trial(generator: Loaded, network: Generator, designs: int, many: _Many) -> _Trial:
    count = max(network.classes, 1)
    labels = [number % count for number in range(designs)]
    ws = torch.stack([latent(network, 10_000 + number, label, 0.7) for number, label in enumerate(labels)])
    within = torch.stack([many.within(label)[1].std(0) for label in range(count)])
    named = [generator.classes[label] if generator.conditional else "" for label in labels]
    return _Trial(network, ws, named, within.mean(0).clamp(min=1e-4))


def _following(trial: _Trial, many: _Many) -> list[Direction]:
    """For each figure the change of w that goes with one standard deviation more of it among designs as they come, in each group of layers.

    It stays where designs lie, which a component or a factor of a W wider than its use may not.
    """
    within = [many.within(label) for label in range(max(trial.network.classes, 1))]
    w, figures = (torch.cat(part) for part in zip(*within, strict=True))
    slopes = (figures / figures.std(0).clamp(min=1e-6)).T @ w / len(w)
    layers = [(name, rows) for name, rows in groups(trial.network).items() if rows]
    return [
        Direction(slope, rows, f"with {figure}, {name}") for figure, slope in zip(MEASURES, slopes, strict=True) for name, rows in layers
    ]


@torch.no_grad()
def figures_of(network: Generator, ws: Float[Tensor, "n layers w"]) -> Float[Tensor, "n k"]:
    """Every measure of the designs of many latents."""
    drawn = (network.synthesise(part).clamp(-1, 1) for part in ws.split(_BATCH))
    return torch.cat([torch.stack(list(measure_all(pictures).values()), 1) for pictures in drawn])


def _first(trial: _Trial, ways: list[Tensor], name: str) -> Slider | str:
    """The first of some changes that is a slider, or why the first is none."""
    why = ""
    for changes in ways:
        slider = _judge(trial, changes, name)
        if isinstance(slider, Slider):
            return slider
        why = why or slider
    return why


def _solve(trial: _Trial, tried: list[Direction], effects: Float[Tensor, "c k"], share: float) -> dict[str, Tensor]:
    """For each figure the change that moves it alone: min |E^T c - e|^2 + ridge |c|^2, as long as `_length`; `share`: of the mean effect."""
    ridge = share * float(effects.square().sum()) / len(effects) * torch.eye(len(effects))
    # what only trousers have counts by the share of trousers
    amounts = torch.linalg.solve(effects * trial.shares @ effects.T + ridge, effects * trial.shares)
    solved, length = [as_changes(trial.network, tried, column) for column in amounts.T], _length(trial)
    return {name: changes / changes.norm(dim=1).max().clamp(min=1e-6) * length for name, changes in zip(MEASURES, solved, strict=True)}


def _judge(trial: _Trial, changes: Tensor, name: str) -> Slider | str:
    """The slider of a change, limited to the layers where it acts and scaled to one standard deviation; or why it is none."""
    place, layers = list(MEASURES).index(name), groups(trial.network)
    if float(trial.scale[place]) < _SEEN:
        return "it does not vary in what this generator draws"
    acts_in = _acting(trial, changes, place)
    limited = torch.zeros_like(changes)
    for group in acts_in:
        limited[list(layers[group])] = changes[list(layers[group])]
    reach = float(trial.effect(limited, 0.7)[place])
    if reach < 1 / _FAR:
        return f"one standard deviation of it is {1 / max(reach, 0.01):.1f} away in W, where designs come apart"
    effect = trial.effect(limited / reach)
    counted = effect.square() * trial.shares.index_fill(0, torch.tensor(place), 1.0)
    purity = float(counted[place] / counted.sum())
    if purity < _PURE:
        other = list(MEASURES)[int(counted.index_fill(0, torch.tensor(place), 0).argmax())]
        return f"only {purity:.0%} of what changes is that; most of the rest is {other}"
    measure, sure = MEASURES[name], _followed(trial, limited / reach, name)
    if sure < _SURE:
        return f"only {sure:.0%} of designs follow it"
    return Slider(name, measure.less, measure.more, limited / reach, acts_in, purity, 1 / reach)


def _followed(trial: _Trial, changes: Tensor, name: str) -> float:
    """The share of designs, of kinds that the figure means something on, that have more of it at +1 than at -1."""
    place = list(MEASURES).index(name)
    less, more = (trial.figures(changes, amount)[:, place] for amount in (-1.0, 1.0))
    return float((more > less)[trial._rows(name)].float().mean())


def _length(trial: _Trial) -> float:
    """How long one standard deviation of W is, at the layers."""
    return float((trial.ws - trial.ws.mean(0)).norm(dim=2).mean()) * 0.5


def _acting(trial: _Trial, changes: Tensor, place: int) -> tuple[str, ...]:
    """The groups of layers without which the effect would be smaller by a tenth or more."""
    layers, whole, kept = groups(trial.network), float(trial.effect(changes)[place]), list[str]()
    for name, rows in layers.items():
        if not rows:
            continue
        alone = torch.zeros_like(changes)
        alone[list(rows)] = changes[list(rows)]
        if float(trial.effect(alone)[place]) > 0.1 * abs(whole):
            kept.append(name)
    return tuple(kept) or tuple(name for name, rows in layers.items() if rows)


def sliders_file(generator: Loaded) -> Path:
    """Where a generator's sliders are kept: beside its file."""
    return generator.path.with_name(f"{generator.path.stem}.sliders.safetensors")


def save_sliders(path: Path, generator: Loaded, sliders: list[Slider]) -> Path:
    """fp16 changes and rows, with the generator's sha256. Raises DiskError."""
    about = {"kind": "sliders", "generator": generator.name, "sha256": generator.sha256, "sliders": [slider.row() for slider in sliders]}
    return save_checkpoint(path, {slider.name: slider.changes.half() for slider in sliders}, about)


def load_sliders(generator: Loaded, path: Path | None = None) -> dict[str, Slider]:
    """The sliders of a generator by name. Raises InputError where there are none, or they are another generator's."""
    path = path or sliders_file(generator)
    if not path.exists():
        style_based(generator)  # there are none to be found where there is no W
        raise InputError(f"{generator.name}: its sliders are not found yet; `{_finding(generator)}` finds them, in some minutes")
    tensors, about = load_checkpoint(path)
    if about.get("kind") != "sliders" or about.get("sha256") != generator.sha256:
        raise InputError(f"{path}: sliders of another generator, or of this one before it was trained on; run `{_finding(generator)}`")
    rows = {row["name"]: row for row in about["sliders"]}
    return {
        name: Slider(name, row["less"], row["more"], tensors[name].float(), tuple(row["acts_in"]), row["purity"], row["cost"])
        for name, row in rows.items()
    }


def _finding(generator: Loaded) -> str:
    return f"muslin edit sliders --generator {shlex.quote(str(generator.path))}"


def slid(sliders: dict[str, Slider], ws: Float[Tensor, "layers w"], amounts: dict[str, float]) -> Float[Tensor, "layers w"]:
    """A design with sliders moved by amounts (standard deviations). Raises InputError that names the nearest slider."""
    for name, amount in amounts.items():
        if name not in sliders:
            raise InputError(f"slider '{name}': not known{nearest(name, sliders)}")
        limit = sliders[name].limit
        if not -limit <= amount <= limit:
            raise InputError(f"{name}={amount:g}: should be {-limit:g} to {limit:g} standard deviations; beyond that garments come apart")
        ws = ws + amount * sliders[name].changes
    return ws
