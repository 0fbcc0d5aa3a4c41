"""From a recipe to its picture: drafts and dressed looks. The pipeline cooks new recipes here, `remake` old ones: one way.

That is why a remade picture has the same bits: nothing but the recipe (and the files it names by hash) goes in.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from muslin.assets import GENERATORS
from muslin.base.config import as_dict, from_dict
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Saved
from muslin.base.files import read_bytes, sha256, sha256_file, write_bytes
from muslin.base.image import encode_png, from_bytes, open_image, to_bytes
from muslin.data.ground import cut_out, lift_from_black
from muslin.data.traces import Trace, from_square, from_text
from muslin.features.backbones import load_backbone, parted, without_folder
from muslin.gan.generators import Loaded
from muslin.provenance.recipe import ANEW, BLOCK, PIECES, Recipe, find_recipe, from_plain, now, on_block, pieces_in, told_cut, tools
from muslin.studio.blocks import find_block, made_on, pieces_told
from muslin.studio.fabric import from_recipe
from muslin.studio.latents import design_of, draw_design
from muslin.studio.runtimes import open_generator
from muslin.studio.styles import Style, by_hash, find_file, rights_of
from muslin.style.blocks import Pattern
from muslin.style.configs import StyleConfig
from muslin.style.dress import Cloth, Dressed, dress
from muslin.style.enlarge import enlarge
from muslin.style.optimise import Progress

COMPOSITE = "compositeWithTrainedAlgorithmicMedia"  # IPTC: a photograph is in it
_FAINT = 0.03
_IN_ONE_PIECE = {"cut": "whole"}  # of looks that were made before cloth was cut
_SIZES = 256, 4096


def draft_recipe(generator: Loaded, seed: int, label: int, psi: float, size: int = 0) -> Recipe:
    """The recipe of one draft of a generator; `size`: to be drawn anew at that many px (0: as the generator gives it)."""
    row: dict[str, Any] = {"name": generator.name, "sha256": generator.sha256, "seed": seed, "truncation": psi}
    if generator.conditional:
        row["class"] = generator.classes[label]
    if generator.runtime != "torch":
        row["runtime"] = generator.runtime
    licence = {"generator's data": f"{generator.card.get('data', '?')}: {generator.card.get('data_licence', 'unknown')}"}
    recipe = Recipe("draft", generator=row, made_with=tools(generator.runtime), licence=licence, made=now())
    return anew(recipe, size) if size else recipe


def anew(recipe: Recipe, size: int) -> Recipe:
    """A draft's or an edit's recipe for the same design drawn anew at `size` px (`drawn_anew`). Raises SettingError and InputError."""
    if not _SIZES[0] <= size <= _SIZES[1]:
        raise SettingError(f"size={size}: should be {_SIZES[0]} to {_SIZES[1]}")
    if recipe.kind not in ("draft", "edit"):
        remedy = {"look": "; `muslin style` dresses it at another --size", "fabric": "; `muslin fabric` has --cm and --dpi"}.get(
            recipe.kind, ""
        )
        raise InputError(f"a {recipe.kind} is made again at its own size{remedy}")
    return replace(recipe, settings=recipe.settings | {ANEW: size}, made_with=tools(recipe.runtime), made=recipe.made | now())


def made_up(recipe: Recipe, size: int, block: dict[str, Any]) -> Recipe:
    """A draft's recipe for the same design made up at `size` px on a block (`Blocks.fits` gives its row): a photograph is in it then."""
    licence = recipe.licence | {f"{BLOCK} {block['file']}": str(block["licence"])}
    return replace(anew(recipe, size), settings={ANEW: size, BLOCK: block}, licence=licence, source_type=COMPOSITE)


def anew_size(size: int) -> int:
    """The size at which a design is drawn anew for a look of `size` px."""
    return min(max(size, _SIZES[0]), _SIZES[1])


def size_anew(recipe: Recipe) -> int:
    """The px at which a recipe's design is drawn anew; 0: as the generator gives it. Raises InputError where the file says nonsense."""
    size = recipe.settings.get(ANEW, 0)
    if type(size) is not int or (size and not _SIZES[0] <= size <= _SIZES[1]):
        raise InputError(f"this recipe's drawn_anew is {size!r}; {_SIZES[0]} to {_SIZES[1]} are sizes")
    return size


def look_recipe(
    base: Recipe,
    styles: list[tuple[Style, float]],
    config: StyleConfig,
    mask: dict[str, Any] | None = None,
    told: dict[str, str] | None = None,
) -> Recipe:
    """The recipe of a look: a draft's, an edit's or a photo's recipe, dressed in styles. `told`: who vouched for rights."""
    licence = dict(base.licence) | {style.row["file"]: style.row["licence"] for style, _ in styles}
    rows = [style.weighted(weight) for style, weight in styles]
    backbone = load_backbone(config.backbone).name
    settings = as_dict(config) | {"backbone": without_folder(config.backbone)}
    parents = [base.plain_dict()] if base.kind == "edit" or base.settings else base.parents
    source = COMPOSITE if any(on_block(parent) for parent in parents) else Recipe.source_type
    made = now() | {key: text for key, text in base.made.items() if key == "chosen"} | (told or {})
    made_with = tools(base.runtime)
    return Recipe(
        "look", base.generator, base.content, rows, mask, settings, backbone, made_with, licence, source, parents=parents, made=made
    )


def photo_recipe(path: Path, built: str | None = None) -> Recipe:
    """The recipe of a picture as content; one that Muslin made keeps its own recipe among the parents, another is `built` as a pieces.txt tells. Raises InputError."""
    content = read_bytes(path)
    row = {"file": path.name, "sha256": sha256(content)}
    own = [recipe] if (recipe := find_recipe(path)) else []
    if not own and built is not None:
        row[PIECES] = built
    licence = {key: value for recipe in own for key, value in recipe.licence.items()} or {path.name: rights_of(path, content).licence}
    parents = [recipe.plain_dict() for recipe in own]
    return Recipe("photo", None, row, made_with=tools(), licence=licence, source_type="composite", parents=parents, made=now())


def draw(generator: Loaded, recipe: Recipe) -> Float[Tensor, "c s s"]:
    """The draft of a recipe, as the generator gives it."""
    return next(draw_each(generator, [recipe]))


def drawn_anew(draft: Float[Tensor, "c h w"], size: int) -> Float[Tensor, "c2 h2 w2"]:
    """The draft with its longer side at `size` px, its outline and folds drawn anew as for dressing; with 0 as it is."""
    return enlarge(as_picture(draft), size)[0] if size else draft


def draw_each(generator: Loaded, recipes: list[Recipe]) -> Iterator[Float[Tensor, "c s s"]]:
    """The drafts of many recipes of one truncation, as they are asked for."""
    rows = [recipe.generator for recipe in recipes if recipe.generator is not None]
    with told_cut():
        labels = [generator.label(row["class"]) if "class" in row else 0 for row in rows]
        seeds, psi = [int(row["seed"]) for row in rows], float(rows[0]["truncation"])
    yield from generator.draw_many(seeds, labels, psi)


def as_picture(draft: Float[Tensor, "c h w"]) -> Float[Tensor, "3 h2 w2"]:
    """A draft as a picture that can be dressed: those on black (Fashion-MNIST's) become cloth on white paper.

    A generator's white ground is not quite white: ink below `_FAINT` of full strength is paper.
    """
    border = torch.cat([draft[:, 0], draft[:, -1], draft[:, :, 0], draft[:, :, -1]], 1)
    if float(border.mean()) < -0.5:
        return lift_from_black(draft.mean(0, keepdim=True))
    ink = (1 - draft) / 2
    return 1 - 2 * (ink - _FAINT).clamp(min=0).expand(3, -1, -1) / (1 - _FAINT)


def as_content(pixels: Float[Tensor, "3 h w"], recipe: Recipe) -> Float[Tensor, "3 h2 w2"]:
    """A file's picture as what is dressed: a draft's or an edit's file is cleaned as the draft itself would be; one drawn anew is clean."""
    parent = recipe.parents[0] if recipe.parents else {}
    drawn = parent.get("kind") in ("draft", "edit") and ANEW not in parent.get("settings", {})
    return as_picture(pixels) if drawn else pixels


def cook_look(
    recipe: Recipe, picture: Tensor, styles: list[Style], mask: Tensor | None = None, named: str = ""
) -> Iterator[Progress | Dressed]:
    """Dress `picture` as the recipe says; the styles in the recipe's order. `named`: its backbone with the folder of its file, if it has one."""
    config = from_dict(StyleConfig, _IN_ONE_PIECE | recipe.settings)
    with told_cut():
        weights = [float(row["weight"]) for row in recipe.styles]
    cloths = [Cloth(style.pixels, weight, style.row["sha256"]) for style, weight in zip(styles, weights, strict=True)]
    backbone = load_backbone(named or config.backbone)
    if recipe.backbone and backbone.name != recipe.backbone:
        raise InputError(
            f"backbone {config.backbone}: is {backbone.name} here, and the recipe was made with {recipe.backbone}; bring that one back"
        )
    yield from dress(picture, cloths, backbone, config, mask, _built(recipe, *picture.shape[1:]))


def _built(recipe: Recipe, height: int, width: int) -> list[Trace] | None:
    """How the garment is built that a look is made on: as its design knows, or as the photograph's row told (`photo_recipe`); None where neither does."""
    told = (recipe.content or {}).get(PIECES)
    if told is None:
        told = next((told for parent in recipe.parents if (told := pieces_in(parent, height, width)) is not None), None)
    return None if told is None else from_square(from_text(str(told)), height, width)


def cook_file(
    path: Path, recipe: Recipe, picture: Tensor, styles: list[Style], mask: Tensor | None = None, named: str = ""
) -> Iterator[Progress | Saved]:
    """The look of a recipe as a PNG that carries it (see `cook_look`)."""
    for news in cook_look(recipe, picture, styles, mask, named):
        if isinstance(news, Dressed):
            write_bytes(path, encode_png(news.pixels, dpi=300, text=recipe.text()))
            yield Saved(path)
        else:
            yield news


def find_generator(recipe: Recipe, named: str | Path | None) -> Loaded:
    """The generator of a recipe, by its hash: the one named, or a shipped one. Raises InputError."""
    row = recipe.generator or {}
    digest = row.get("sha256", "")
    if named is None:
        shipped = next((name for name, path in GENERATORS.items() if path.exists() and sha256_file(path) == digest), None)
        if shipped is None:
            raise InputError(
                f"the generator '{row.get('name')}' of this recipe is none of the shipped ones; name its file with --generator"
            )
        named = shipped
    generator = open_generator(named, recipe.runtime)
    if generator.sha256 != digest:
        raise InputError(f"{named}: not the generator of this recipe (sha256 {generator.sha256[:8]}, wanted {digest[:8]})")
    return generator


def cook(recipe: Recipe, generator: str | Path | None, places: list[Path]) -> Iterator[Progress | Dressed | Tensor]:
    """The picture of any recipe; yields Progress, and last a Dressed (look) or a tensor (draft, edit, fabric). Raises InputError."""
    if recipe.kind == "fabric":
        with told_cut():
            row = recipe.styles[0]
        yield from_recipe(recipe, by_hash([row], places)[0])
    elif recipe.kind in ("draft", "edit"):
        made = _made(recipe, generator, places)
        yield made.pixels if isinstance(made, Pattern) else drawn_anew(made, size_anew(recipe))
    else:
        yield from cook_look(recipe, *dressed_on(recipe, generator, places), _backbone(recipe, places))


def _made(recipe: Recipe, generator: str | Path | None, places: list[Path]) -> Tensor | Pattern:
    """A draft's or an edit's design; one that was made up on a block, made up again."""
    draft, size = _design(recipe, generator), size_anew(recipe)
    if (row := recipe.settings.get(BLOCK)) is None or not size:
        return draft
    made = made_on(as_picture(draft), find_block(row, places), row, size)
    if made is None:
        raise InputError(f"{row['file']}: no garment is found on a plain ground in the block of this recipe")
    return made


def rebuilt(recipe: Recipe, generator: str | Path | None, places: list[Path]) -> Recipe:
    """The recipe of a design with its pieces as they lie at its size: another than before bends its block by a hair otherwise."""
    made = _made(recipe, generator, places) if PIECES in recipe.made else None
    return replace(recipe, made=recipe.made | pieces_told(made if isinstance(made, Pattern) else None))


def _design(recipe: Recipe, generator: str | Path | None) -> Tensor:
    found = find_generator(recipe, generator)
    return draw(found, recipe) if recipe.kind == "draft" else draw_design(found, design_of(found, recipe))


def _backbone(recipe: Recipe, places: list[Path]) -> str:
    """The recipe's backbone; of one from a file, with the folder that it lies in. Raises InputError when it is in none."""
    which = str(recipe.settings.get("backbone", ""))
    kind, file = parted(which)
    if not file:
        return which
    name = Path(file).name
    there = next(
        (path for path in (Path(file), *(folder / name for folder in places)) if path.is_file()), None
    )  # earlier recipes: the whole path
    if there is None:
        raise InputError(f"{name}: the weights of this recipe's backbone are not here; name their folder with --look-in")
    return f"{kind}:{there}"


def dressed_on(
    recipe: Recipe, generator: str | Path | None, places: list[Path]
) -> tuple[Float[Tensor, "3 h w"], list[Style], Float[Tensor, "1 mask_h mask_w"] | None]:
    """What a look's recipe was cooked of, found by name and hash: the picture, its styles, and the mask that was given or cut out of it.

    Raises InputError naming what is not here.
    """
    if not recipe.styles:
        raise InputError("this recipe was cut or changed: it is a look's and names no style; take the file that Muslin wrote")
    picture, opaque = _content(recipe, generator, places)
    mask = opaque if recipe.mask is None else read_mask(find_file(recipe.mask, places, "mask"))
    return picture, by_hash(recipe.styles, places), mask


def _content(recipe: Recipe, generator: str | Path | None, places: list[Path]) -> tuple[Tensor, Tensor | None]:
    """The file with its transparency, or, where that is not here, the design of its own recipe."""
    if recipe.content is not None:
        try:
            picture = open_image(find_file(recipe.content, places, "content"))
            return as_content(picture.pixels, recipe), cut_out(picture.alpha)
        except InputError:
            if not recipe.parents:
                raise
        *_, made = cook(from_plain(recipe.parents[0]), generator, places)
        pixels = made.pixels if isinstance(made, Dressed) else made
        assert isinstance(pixels, Tensor)
        return as_content(from_bytes(to_bytes(pixels)).expand(3, -1, -1), recipe), None
    if recipe.generator is None:
        raise InputError("this recipe names neither a generator nor a picture; it may come from a later Muslin: update")
    base = from_plain(recipe.parents[0]) if recipe.parents else replace(recipe, kind="draft")
    design = _made(base, generator, places)
    return (design.pixels, design.mask) if isinstance(design, Pattern) else (as_picture(design), None)


def read_mask(path: Path) -> Float[Tensor, "1 h w"]:
    """A mask from a picture: its alpha where that cuts something out, else its lightness; white is garment. Raises InputError."""
    picture = open_image(path)
    if picture.alpha is not None and float(picture.alpha.min()) < 0.5:
        return picture.alpha
    return (picture.pixels.mean(0, keepdim=True) + 1) / 2
