"""From a recipe of the tree to its latent, and from there to the picture: drafts and every edit of them. One way, for new and old.

Each `do` is a row of `DOINGS`: what the recipe's `edit` holds, and the ws that come of it and of the parents' ws.
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError
from muslin.gan.generators import Loaded
from muslin.gan.latent import between, latent, mix, neighbour, of_class, picture, style_based
from muslin.gan.synthesis import Generator
from muslin.provenance.recipe import Recipe, bare, from_plain, now, told_cut, tools

Latent = Float[Tensor, "layers w"]
_LONG = 256_000  # characters of the parents' recipes, which readers of PNG take a megabyte of


@dataclass(frozen=True)
class Design:
    """A latent with its class and the recipe that leads to it."""

    ws: Latent
    label: int
    recipe: Recipe


def design_of(generator: Loaded, recipe: Recipe) -> Design:
    """The design of a draft's or an edit's recipe. Raises InputError for other kinds, other generators, and cut recipes."""
    network = style_based(generator)
    row = recipe.generator
    if recipe.kind not in ("draft", "edit") or row is None:
        raise InputError(f"a recipe of kind '{recipe.kind}' has no latent to edit; bring the picture in with `muslin edit project`")
    if (digest := row.get("sha256", "")) != generator.sha256:
        raise InputError(
            f"this design is from the generator '{row.get('name')}' ({digest[:8]}), not from {generator.name} ({generator.sha256[:8]}): "
            f"take that one with --generator, or bring the picture in with `muslin edit project`"
        )
    with told_cut():
        label = generator.label(row["class"]) if "class" in row else 0
        return Design(_latent_of(generator, network, recipe, row, label), label, recipe)


def _latent_of(generator: Loaded, network: Generator, recipe: Recipe, row: dict[str, Any], label: int) -> Latent:
    if recipe.kind == "draft":
        return latent(network, int(row["seed"]), label, float(row["truncation"]))
    do = str(recipe.edit.get("do", ""))
    if do not in DOINGS:
        raise InputError(f"an edit '{do}' is not known; the recipe may come from a later Muslin: update")
    if "ws" in recipe.edit:  # what was brought in, with a picture as its parent, and the ends of a long history
        return _given(network, recipe.edit, [], label)
    return DOINGS[do](network, recipe.edit, [design_of(generator, from_plain(plain)) for plain in recipe.parents], label)


def seeds_of(recipe: Recipe) -> Iterator[int]:
    """The seeds of all drafts in a recipe's tree."""
    if recipe.kind == "draft":
        yield int((recipe.generator or {}).get("seed", 0))
    for plain in recipe.parents:
        yield from seeds_of(from_plain(plain))


def draw_design(generator: Loaded, design: Design) -> Float[Tensor, "3 s s"]:
    """The picture of a design, as the generator gives it."""
    return picture(style_based(generator), design.ws)


def edited(generator: Loaded, parents: list[Design], edit: dict[str, Any], label: int | None = None) -> Design:
    """A child of `parents`. The recipe keeps the parents whole, until their history is long. Raises InputError where the edit cannot be."""
    parents = [_shortened(parent) for parent in parents] if sum(len(parent.recipe.plain()) for parent in parents) > _LONG else parents
    label = parents[0].label if label is None else label
    row: dict[str, Any] = {"name": generator.name, "sha256": generator.sha256}
    if generator.conditional:
        row["class"] = generator.classes[label]
    plain = [bare(parent.recipe) for parent in parents]  # a child is no larger for its parents' size, and on no block
    licence = {key: value for recipe in plain for key, value in recipe.licence.items()}
    kept = [recipe.plain_dict() for recipe in plain]
    recipe = Recipe("edit", generator=row, made_with=tools(), licence=licence, edit=edit, parents=kept, made=now())
    return Design(DOINGS[edit["do"]](style_based(generator), edit, parents, label), label, recipe)


def _shortened(parent: Design) -> Design:
    """The same design, its latent packed into the recipe in the place of an edit's parents: siblings mixed for ten generations are
    each ancestor a thousand times over."""
    if parent.recipe.kind != "edit" or "ws" in parent.recipe.edit:
        return parent
    recipe = replace(parent.recipe, edit=parent.recipe.edit | {"ws": pack(parent.ws)}, parents=[])
    return Design(parent.ws.half().float(), parent.label, recipe)


def pack(ws: Latent) -> str:
    """ws as text: half floats, base64. What `unpack` gives back is what counts: a projection is drawn from its packed form."""
    return base64.b64encode(ws.half().numpy().tobytes()).decode()


def unpack(text: str, network: Generator) -> Latent:
    """The ws of a text. Raises InputError when it is not one of this network's shape."""
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.float16)
        return torch.from_numpy(values.astype(np.float32)).view(network.layers, network.net.w)
    except (binascii.Error, ValueError, RuntimeError) as failure:
        raise InputError(f"the latent in this recipe is damaged or of another generator's shape ({failure})") from failure


def _slide(network: Generator, edit: dict[str, Any], parents: list[Design], _: int) -> Latent:
    # the change itself is in the recipe: sliders may be found anew, the design stays
    return parents[0].ws + unpack(str(edit["change"]), network)


def _mix(network: Generator, edit: dict[str, Any], parents: list[Design], _: int) -> Latent:
    return mix([parent.ws for parent in parents], edit["weights"], network)


def _vary(network: Generator, edit: dict[str, Any], parents: list[Design], label: int) -> Latent:
    return neighbour(network, parents[0].ws, label, float(edit["distance"]), int(edit["seed"]))


def _class(network: Generator, _: dict[str, Any], parents: list[Design], label: int) -> Latent:
    return of_class(network, parents[0].ws, parents[0].label, label)


def _walk(_: Generator, edit: dict[str, Any], parents: list[Design], __: int) -> Latent:
    return between(parents[0].ws, parents[1].ws, float(edit["share"]))


def _given(network: Generator, edit: dict[str, Any], _: list[Design], __: int) -> Latent:
    return unpack(str(edit["ws"]), network)


DOINGS: dict[str, Callable[[Generator, dict[str, Any], list[Design], int], Latent]] = {
    "slide": _slide,
    "mix": _mix,
    "vary": _vary,
    "class": _class,
    "walk": _walk,
    "project": _given,
    "sketch": _given,
}
