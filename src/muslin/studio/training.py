"""Training for people: data found by name, a preset or a time budget, measured as it learns, with sheets of what it draws."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from muslin.base import board, parallel
from muslin.base.board import Board
from muslin.base.config import overlay
from muslin.base.errors import SettingError, nearest
from muslin.base.events import Event, Note, Refused, Saved, Step, Warned
from muslin.base.files import write_bytes
from muslin.base.machine import pick_device
from muslin.base.rights import clear
from muslin.data.images import Images
from muslin.data.loader import load_images, read_source, source_of
from muslin.export.sheets import contact_sheet, encode_sheet
from muslin.gan.budget import LITTLE, plan
from muslin.gan.configs import PRESETS, AtelierConfig, ClassicConfig, Config, check, lasting
from muslin.gan.generators import load_generator
from muslin.gan.start import Start
from muslin.gan.state import STATE, mended, read_config
from muslin.gan.train import LATEST, fit, train
from muslin.studio.cook import draft_recipe
from muslin.studio.drafts import first_drafts
from muslin.studio.judge import Judge

GENTLE = 0.2  # of the rate, for what was started from another generator: more unlearns what it knew (docs/LOG.md)
_SHEET = 60
_PLANNED_NET = ("cbase", "cmax", "w", "z")  # by --budget
_PLANNED_REST = ("batch", "images", "warm", "report_every", "save_every", "judge_every")
_PLANNED = (*(f"net.{part}" for part in _PLANNED_NET), *_PLANNED_REST, "average_half_life")
_FEW = ((50, "expect near copies of what is there"), (500, "expect variations of what is there rather than new garments"))


@dataclass(frozen=True)
class Wish:
    """What a training is asked for. `budget` in seconds, 0: as long as the preset says; `size` in pixels, 0: the preset's or start's."""

    preset: str = ""
    settings: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    device: str = "auto"
    download: bool = False
    init: str = ""
    size: int = 0
    budget: float = 0.0
    rights: str = ""  # who says that she has the rights to pictures of unknown or closed rights


def train_on(data: str, run: Path, wish: Wish | None = None) -> Iterator[Event]:
    """Train on a named set, folder or zip in the folder `run`; `sheet.png` is drawn at each checkpoint, curves go to TensorBoard.

    Raises InputError and SettingError before anything is written.
    """
    wish = wish or Wish()
    with parallel.group(pick_device(wish.device)):
        yield from _train_on(data, run, wish)


def _train_on(data: str, run: Path, wish: Wish) -> Iterator[Event]:
    _apart(data, run)
    told = mended(run) if parallel.rank() == 0 else ""
    parallel.wait()
    if told:
        yield Warned(told)
    start = Start(wish.init) if wish.init else None
    config = _config(data, wish, start, run)
    images, left_out = _load(data, config, wish)
    yield from left_out
    yield from _told(images, config, start)
    judge = Judge(images)
    if wish.budget:
        config, note = _budgeted(config, images, run, wish, start, judge)
        yield Note(note)
        if isinstance(config, AtelierConfig) and config.images < LITTLE and not start:
            yield Warned(f"{config.images:,} images are too few to learn from nothing: give it longer, or --init garments-64")
    yield from _shown(train(run, images, config, wish.device, start, judge), run)


def _apart(data: str, run: Path) -> None:
    """Raises SettingError for a run within its own pictures, where its sheets would be learned from."""
    if data != "fashion-mnist" and Path(data).is_dir() and run.resolve().is_relative_to(Path(data).resolve()):
        raise SettingError(f"{run}: lies within {data}, and what it draws would be learned from; name a folder beside it")


def _shown(events: Iterator[Event], run: Path) -> Iterator[Event]:
    """The events of a training; beside them its curves, and a sheet at each checkpoint (by the first process)."""
    curves, seen = None, 0
    for event in events:
        yield event
        if parallel.rank():
            continue
        if isinstance(event, Step):
            curves, seen = curves or Board(run / "board"), event.done
            curves.figures(seen, event.figures)
        if isinstance(event, Saved) and event.path.name == LATEST and curves:
            drawn = load_generator(run / LATEST)
            sheet = contact_sheet(first_drafts(drawn, _SHEET), columns=10, side=112, gap=4)
            curves.picture(seen, "drafts", sheet)
            yield Saved(write_bytes(run / "sheet.png", encode_sheet(sheet, [draft_recipe(drawn, 0, 0, 0.8)])))
    if curves:
        curves.close()


def _config(data: str, wish: Wish, start: Start | None, run: Path) -> Config:
    """The preset by name, by size, or by what the data is, with the settings laid over it."""
    size = wish.size or (start.drawn if start else 0)
    family = "vae-gan" if start and start.judged_by != "residual" else "atelier"  # as it was learned, so it goes on
    name = wish.preset or (f"{family}-{size}" if size else "classic" if data == "fashion-mnist" else "atelier-64")
    said = {setting.partition("=")[0].strip(): setting for setting in wish.settings}
    for part, setting in said.items():
        if wish.budget and part in _PLANNED:
            raise SettingError(f"--set {setting}: --budget settles that; leave one of the two out")
        if start and part.startswith("net."):
            raise SettingError(f"--set {setting}: --init settles that; leave one of the two out")
        if part == "net.classes":
            raise SettingError(f"--set {setting}: the data's folders are the classes; choose among them with --class")
    if name not in PRESETS and size and not wish.preset:
        raise SettingError(f"size={size}: should be 32, 64, 128, 256 or 512")
    if name not in PRESETS:
        raise SettingError(f"preset '{name}': not known{nearest(name, PRESETS)}")
    preset = PRESETS[name]
    config = overlay(preset, wish.settings)
    check(config)  # before pictures are read
    if isinstance(config, ClassicConfig):
        if wish.size or wish.budget or start:
            raise SettingError(f"preset '{name}': --size, --budget and --init are for the atelier family; add --preset atelier-32")
        return config
    if wish.size and config.net.size != wish.size:
        raise SettingError(f"--size {wish.size}: preset '{name}' draws {config.net.size} px; leave one of the two out")
    old = read_config(run / STATE) if (run / STATE).exists() else None
    if isinstance(preset, AtelierConfig) and preset.warm and (old or "images" in said) and "warm" not in said:
        known = old.warm if isinstance(old, AtelierConfig) else lasting(replace(config, images=preset.images), config.images).warm
        config = replace(config, warm=known)  # a run that is made longer has redrawn as long as it has
    if config.net.finish and not start:
        raise SettingError(f"preset '{name}': finishes what another generator drafts; say which, as --init garments-64")
    anew = config.net.finish and start and not start.net.finish and not config.finish_from  # such a net has all to learn
    if start and not config.warm and "rate" not in said and not anew:
        config = replace(config, rate=config.rate * GENTLE)
    return start.fit(config) if start else config


def _load(data: str, config: Config, wish: Wish) -> tuple[Images, list[Event]]:
    """The pictures, and what is to be told of those that are not taken."""
    refused = list[Event]()
    channels = 1 if isinstance(config, ClassicConfig) else 3

    def refuse(file: str, why: str) -> None:
        refused.append(Refused(file, why))

    if data == "fashion-mnist":
        return load_images(data, config.net.size, channels, wish.classes, refuse, wish.download), refused
    source = source_of(data, wish.classes)
    cleared = clear([(item.name, item.rights) for item in source.items], "train", data, wish.rights)
    images = read_source(source, config.net.size, channels, refuse)
    return replace(images, licence=cleared.text(), rights=cleared.plain()), [*map(Warned, source.warnings()), *refused]


def _told(images: Images, config: Config, start: Start | None) -> Iterator[Event]:
    begun = f", started from {start.name}" if start else ""
    yield Note(
        f"{len(images):,} pictures in {len(images.classes)} classes from {images.name}; {config.family}, {config.net.size} px{begun}; rights: {images.licence}"
    )
    for most, what in _FEW:
        if 1 < len(images) < most:
            yield Note(f"{len(images)} pictures, under {most}: {what}")
            break
    if not board.installed():
        yield Note("curves go to log.csv alone; pip install 'muslin[board]' for TensorBoard")


def _budgeted(config: Config, images: Images, run: Path, wish: Wish, start: Start | None, judge: Judge) -> tuple[Config, str]:
    """The config that fills the time, or, in a run that was begun, the one it began with."""
    assert isinstance(config, AtelierConfig)
    if (run / STATE).exists():
        old = read_config(run / STATE)
        if not isinstance(old, AtelierConfig) or old.net.size != config.net.size:
            raise SettingError(f"{run}: that run draws {old.net.size} px; choose another folder, or that size")
        net = replace(config.net, **{part: getattr(old.net, part) for part in _PLANNED_NET})
        kept = {part: getattr(old, part) for part in _PLANNED_REST}
        kept["average_half_life"] = min(old.average_half_life, config.average_half_life)  # a short time made it less
        return replace(config, net=net, **kept), "the budget was set when this run began"
    fitted = fit(config, images)
    assert isinstance(fitted, AtelierConfig)
    at = parallel.own(pick_device(wish.device))
    planned, speed = plan(fitted, images.to(at), wish.budget, at, start is not None, judge.seconds)
    shape = f"cbase {planned.net.cbase}, cmax {planned.net.cmax}, batch {planned.batch}"
    return planned, f"{wish.budget / 60:.0f} min at {speed:.0f} images/s: {planned.images:,} images, {shape}"
