"""A range: one silhouette in many cloths and colourways, or one cloth on a line of silhouettes, its palette locked; and a line-up of it.

Each look is dressed as `muslin style` does, with its recipe; how far the range belongs together is measured and written to range.json.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from muslin.base.errors import SettingError
from muslin.base.events import Event, Finished, Note, Saved
from muslin.base.files import file_word, make_folder, write_bytes, write_json
from muslin.base.image import open_image
from muslin.export.sheets import encode_sheet, line_up
from muslin.gan.generators import Loaded
from muslin.metrics.range import coherence
from muslin.provenance.recipe import read_recipe
from muslin.studio.dressing import Wanted, content_of, dress_all, look_files
from muslin.studio.editing import Source, save_design
from muslin.studio.latents import Design
from muslin.studio.places import find_pictures, overview_at
from muslin.studio.styles import clear_styling, find_styles
from muslin.style.configs import StyleConfig
from muslin.style.inks import find_inks, to_hex


def compose(
    source: Source, names: list[str], styles: list[str], out: Path, config: StyleConfig, ways: int = 1, lock: int = 0, rights: str = ""
) -> Iterator[Event]:
    """Dress designs (seeds, PNGs, photos, folders) in styles, in `ways` colourways; line-up.png, range.json.

    `lock`: so many inks of the first style are the palette of all. Raises InputError and SettingError before anything is dressed.
    """
    started, found = time.monotonic(), find_styles(styles)
    if lock:
        if config.keep == "palette":
            raise SettingError("--lock and a palette file: take one of them")
        if not 2 <= lock <= 16:
            raise SettingError(f"lock={lock}: should be 2 to 16 inks")
        config = replace(config, keep="palette", inks=to_hex(find_inks(found[0].pixels, lock)))
    clear_styling(found, find_pictures([Path(name) for name in names if not name.isdecimal()]), rights)
    designs = {name: source.design(name) for name in names if name.isdecimal()}
    make_folder(out)
    files = list(_as_files(source.generator, designs, names, out))
    weighted, wanted = [(style, 1.0) for style in styles], Wanted(colourways=ways, rights=rights)
    for news in dress_all(files, weighted, out, config, wanted):
        if not isinstance(news, Finished):
            yield news
    path = yield from _lay_out(out, look_files(files, weighted, out, config, wanted), config)
    yield Finished(path, time.monotonic() - started)


def _as_files(generator: Loaded, designs: dict[str, Design], names: list[str], out: Path) -> Iterator[Path]:
    for name in names:
        if design := designs.get(name):
            kind = (design.recipe.generator or {}).get("class", "design")
            make_folder(out / "designs")
            saving = save_design(out / "designs" / f"{file_word(kind)}-{int(name):06d}.png", generator, design)
            yield from (news.path for news in saving if isinstance(news, Saved))
        else:
            yield from find_pictures([Path(name)])


def _lay_out(out: Path, looks: list[tuple[Path, Path]], config: StyleConfig) -> Generator[Event, None, Path]:
    pictures, masks, recipes = list[Tensor](), list[Tensor](), [read_recipe(path) for path, _ in looks]
    for made, content in looks:
        _, mask = content_of(content, replace(config, where="garment"))
        assert mask is not None
        pictures.append(open_image(made).pixels)
        masks.append(mask)
    shown = line_up(pictures, masks, [path.stem for path, _ in looks])
    yield Saved(path := write_bytes(overview_at(out / "line-up.png"), encode_sheet(shown, recipes, 150)))
    figures = coherence(pictures, masks)
    row = {"looks": [path.name for path, _ in looks], "coherence": figures.row(), "inks": list(config.inks)}
    yield Saved(write_json(out / "range.json", row))
    told = ", ".join(f"{name} {value:.2f}" for name, value in figures.row().items())
    yield Note(f"{len(looks)} looks; coherence (1: all alike): {told}")
    return path
