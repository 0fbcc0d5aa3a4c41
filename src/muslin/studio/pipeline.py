"""The chain: draft with the GAN, choose, dress in styles, lay out. An iterator of events; the same call again goes on.

Looks that are already in the folder with the same recipe are kept as they are; those of another one too, and the new ones are numbered.
Everything is written whole.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from muslin.assets import GENERATORS
from muslin.base.errors import InputError, MuslinError, SettingError
from muslin.base.events import Event, Finished, Note, Saved, Step, Warned, last_of
from muslin.base.files import file_word, make_folder, room_for, write_bytes
from muslin.base.seeds import seeded
from muslin.data.draft_mask import draft_outline
from muslin.data.ground import find_mask, on_border
from muslin.data.outlines import known_outlines, lopsided
from muslin.export.sheets import contact_sheet, encode_sheet
from muslin.gan.generators import Loaded
from muslin.metrics.originality import Index
from muslin.provenance.recipe import find_recipe
from muslin.studio.blocks import STARTER_NAME, Blocks, open_blocks
from muslin.studio.choose import Chosen, Pool, features, known_garments
from muslin.studio.cook import anew_size, as_picture, cook_file, draft_recipe, draw_each, look_recipe
from muslin.studio.dressing import in_words, ready
from muslin.studio.lookbook import Look, write_lookbook
from muslin.studio.making import Design, keep_all
from muslin.studio.places import Place, check_page, overview_at, place_for
from muslin.studio.screening import check_against, choose_new, training_index
from muslin.studio.styles import Style, clear_styling
from muslin.style.configs import StyleConfig

_HARD_TO_DRESS = ("hat", "shoes")


@dataclass(frozen=True)
class DesignConfig:
    """The chain's settings."""

    count: int = 24  # designs
    looks: int = 1  # styles for each design; 0: all of them (the whole grid)
    pool: int = 12  # drafts to choose each design from
    seed: int = 0
    truncation: float = 0.7
    classes: tuple[str, ...] = ()  # none: all but hats and shoes, which take cloth badly
    title: str = "Muslin"
    language: str = "en"
    blocks: str = ""  # garments that drafts are made up on: starter, a folder or zip, none; default: starter for generators that ship
    against: str = ""  # what copies are looked for in; none: nowhere; default: what the generator learned from, where that is known
    rights: str = ""  # who vouches for styles of unknown or closed rights
    style: StyleConfig = field(default_factory=StyleConfig)


def design(out: Path, generator: Loaded, styles: list[Style], config: DesignConfig | None = None) -> Iterator[Event]:
    """Fill the folder `out`: designs/, looks/, sheet.png, lookbook.json and index.html (open that one).

    Raises SettingError and InputError before anything is written. To stop, stop iterating: finished looks stay.
    """
    config, started = config or DesignConfig(), time.monotonic()
    _check(generator, styles, config)
    check_page(out, "lookbook.json")
    vouched = clear_styling(styles, [], config.rights).told()
    room_for(out, config.count * max(config.looks, 1) * config.style.size**2 * 3)
    yield Note(f"{config.count} designs, dressed at {in_words(config.style)}")
    blocks = yield from _blocks(generator, config)
    for folder in (out, out / "designs", out / "looks"):
        make_folder(folder)
    designs = list[Design]()
    index = yield from _draft_and_choose(generator, config, designs, out)
    kept, looks = list[Place](), list[Look]()
    yield from keep_all(designs, blocks, anew_size(config.style.size), index, out / "designs", kept)
    for news in _dress(_plan(designs, styles, config), blocks, config, vouched, out / "looks"):
        if isinstance(news, Event):
            yield news
        else:
            looks.append(news[0])
            kept.append(news[1])
    if notes := [place.note for place in kept if place.note]:
        yield Note(notes[0] + (f"; {len(notes) - 1} more files likewise; the lookbook shows the new ones" if len(notes) > 1 else ""))
    yield from _lay_out(out, looks, styles, generator, config)
    yield Finished(out / "index.html", time.monotonic() - started)


def _dress(
    plan: list[tuple[Design, Style]], blocks: Blocks | None, config: DesignConfig, vouched: dict[str, str], out: Path
) -> Iterator[Event | tuple[Look, Place]]:
    """Each design in its style, into the folder `out`; yields each look that could be dressed, and its place. Raises InputError where none could."""
    made, done, first = 0, 0, ""
    for number, (item, style) in enumerate(plan, 1):
        recipe = look_recipe(item.recipe, [(style, 1.0)], config.style, told=vouched)
        place = place_for(out / f"{item.name}-{style.name.replace('_', '-')}.png", recipe)
        try:
            if not place.there:
                picture, mask = item.worn(blocks)
                cooked = cook_file(place.path, recipe, picture, [style], mask, config.style.backbone)
                yield from (news for news in cooked if isinstance(news, Saved))
        except MuslinError as failure:
            first = first or f"{item.name} in {style.name}: {failure}"
            yield Warned(f"{item.name} in {style.name}: left out: {failure}")
        else:
            kept_as = (find_recipe(place.path) or recipe) if place.there else recipe  # with the date when it was made
            yield Look(place.path, item.path, kept_as, style.name, item.finding), place
            done, made = done + 1, made + (not place.there)
        yield Step("dress", number, len(plan), made=made)
    if not done:
        raise InputError(f"none of {len(plan)} looks could be dressed; the first: {first}")


def _check(generator: Loaded, styles: list[Style], config: DesignConfig) -> None:
    for name, least, most in (("count", 1, 1000), ("pool", 1, 100), ("looks", 0, 1000), ("truncation", 0, 2)):
        value = getattr(config, name)
        if not least <= value <= most:
            raise SettingError(f"{name}={value}: should be {least} to {most}")
    if config.language not in ("en", "zh"):
        raise SettingError(f"language={config.language}: should be en or zh")
    for name in config.classes:
        generator.label(name)
    check_against(config.against)
    if not styles:
        raise InputError("no styles: name at least one")
    ready(config.style)


def _draft_and_choose(generator: Loaded, config: DesignConfig, designs: list[Design], out: Path) -> Generator[Event, None, Index | None]:
    """Draw `pool` drafts for each design wanted, and keep those that are like real garments and unlike each other. Returns what they were compared with."""
    wanted = config.classes or (tuple(n for n in generator.classes if n not in _HARD_TO_DRESS) if generator.conditional else ())
    labels = [generator.label(name) for name in wanted] or [0]
    total, first, drafts = config.count * config.pool, config.seed * 1_000_000, list[Tensor]()
    recipes = [draft_recipe(generator, first + n, labels[n % len(labels)], config.truncation) for n in range(total)]
    yield Step("draft", 0, total)
    for number, draft in enumerate(draw_each(generator, recipes), 1):
        drafts.append(draft)
        if number % 16 == 0 or number == total:
            yield Step("draft", number, total)
    kinds = [recipe.garment for recipe in recipes]
    pictures = [as_picture(draft) for draft in drafts]
    pool = look_at(pictures, kinds)
    if not pool.usable.any():
        raise InputError(f"{generator.name}: none of {total} drafts shows a whole garment on a plain ground; train it longer")
    index = yield from last_of(training_index(generator, config.against, out / "against.index.safetensors"))
    screened = yield from last_of(choose_new(pool, pictures, config.count, known_garments(drafts[0].shape[1]), index))
    assert screened is not None
    chosen = screened.chosen.places.tolist()
    if not chosen:
        copies = sum(found.verdict == "copy" for found in screened.findings.values())
        raise InputError(f"{generator.name}: no design is left of {_in_words(pool, screened.chosen)}; {copies} were copies; raise --pool")
    yield Note(_in_words(pool, screened.chosen))
    if len(chosen) < config.count:
        yield Warned(f"only {len(chosen)} of {config.count} designs: too few that are whole and new; raise --pool")
    chosen.sort(key=lambda place: (kinds[place], place))
    for number, place in enumerate(chosen, 1):
        how = f"by the machine, one of {len(chosen)} out of {total} drafts, like real garments and unlike each other"
        recipe = replace(recipes[place], made=recipes[place].made | {"chosen": how} | screened.told(place))
        name = f"{number:02d}-{file_word(kinds[place])}"
        designs.append(Design(name, recipe, drafts[place], screened.findings.get(place)))
    return index


def _blocks(generator: Loaded, config: DesignConfig) -> Generator[Event, None, Blocks | None]:
    which = config.blocks or (STARTER_NAME if GENERATORS.get(generator.name) == generator.path else "none")
    if not config.blocks and which == "none":
        yield Note("drafts stay as drawn; --blocks DATA makes them up on garments of an archive (docs/blocks.md)")
    return None if which == "none" else (yield from last_of(open_blocks(which, config.rights)))


def look_at(pictures: list[Tensor], kinds: list[str]) -> Pool:
    """What choosing goes by, for drafts as pictures (3, h, w): features, which show a whole garment, what their outlines are like."""
    masks, known = [_whole(picture) for picture in pictures], known_outlines()
    whole = torch.tensor([mask is not None for mask in masks])
    bent = [1.0 if mask is None else lopsided(mask) for mask in masks]
    like = [0.0 if mask is None else known.covers(mask, kind) for mask, kind in zip(masks, kinds, strict=True)]
    lump = [mask is not None and known.lump(mask, kind) for mask, kind in zip(masks, kinds, strict=True)]
    return Pool(features(pictures), kinds, whole, torch.tensor(bent), torch.tensor(like), torch.tensor(lump))


def _whole(picture: Tensor) -> Tensor | None:
    """The mask of a garment of a sensible size on a plain ground, away from the border, as it will be dressed; else None."""
    mask = draft_outline(picture)
    if mask is None:
        small = torch.nn.functional.interpolate(picture[None], size=(64, 64), mode="bicubic", align_corners=False, antialias=True)[0]
        mask = find_mask(small.clamp(-1, 1))
    if mask is None:
        return None
    return mask if 0.08 <= float(mask.mean()) <= 0.75 and on_border(mask) < 0.06 else None


def _in_words(pool: Pool, found: Chosen) -> str:
    total, whole = len(pool.usable), int(pool.usable.sum())
    aside = f"set aside: {found.lumps} lumps, {found.lopsided} lopsided" + (
        f" and {found.copies} too near a known garment" if found.compared else ""
    )
    like = "like real garments" if found.compared else "like many others"
    kept = f"{len(found.places)} chosen that are {like} and unlike each other"
    return f"{total} drafts; dropped: {total - whole} without a whole garment; {aside}; {kept}"


def _plan(designs: list[Design], styles: list[Style], config: DesignConfig) -> list[tuple[Design, Style]]:
    """Which design wears which styles: all, or `looks` each, dealt so that every style comes up equally often."""
    each = len(styles) if config.looks == 0 else min(config.looks, len(styles))
    order = torch.randperm(len(styles), generator=seeded(config.seed, "styles")).tolist()
    dealt = []
    for number, item in enumerate(designs):
        dealt += [(item, styles[order[(number * each + k) % len(styles)]]) for k in range(each)]
    return dealt


def _lay_out(out: Path, looks: list[Look], styles: list[Style], generator: Loaded, config: DesignConfig) -> Iterator[Event]:
    pictures, recipes = [look.pixels() for look in looks], [look.recipe for look in looks]
    captions = [look.path.stem.replace("-", " ") for look in looks]
    yield Saved(write_bytes(overview_at(out / "sheet.png"), encode_sheet(contact_sheet(pictures, captions=captions), recipes, 150)))
    yield Saved(write_lookbook(out, looks, styles, generator.name, generator.card, config.title, config.language))
