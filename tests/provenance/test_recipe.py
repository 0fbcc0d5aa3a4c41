"""Recipes travel inside PNG files."""

import pytest
import torch

from muslin.base.errors import InputError
from muslin.base.image import encode_png
from muslin.provenance.recipe import Recipe, find_recipe, read_recipe, tools


def test_a_recipe_comes_back_from_the_file(tmp_path):
    recipe = Recipe("look", {"name": "g", "seed": 3}, None, [{"file": "连衣裙.png", "weight": 1.0}], None, {"alpha": 1.0}, "b", tools(), {})
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(torch.zeros(3, 20, 20), text=recipe.text()))
    assert read_recipe(path) == recipe
    assert "/" not in recipe.text()["muslin"].replace("</", "")


def test_a_file_without_one_or_from_the_future_is_told(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(torch.zeros(3, 20, 20)))
    with pytest.raises(InputError, match="carries no recipe"):
        read_recipe(path)
    path.write_bytes(encode_png(torch.zeros(3, 20, 20), text={"muslin": '{"kind": "look", "warp": 9}'}))
    with pytest.raises(InputError, match="later Muslin"):
        read_recipe(path)
    path.write_bytes(b"text")
    with pytest.raises(InputError, match="not a picture that can be read"):
        read_recipe(path)


def test_a_recipe_nested_without_end_is_told(tmp_path):
    """Two brackets a level, as deep as a reader of JSON gives up."""
    file = tmp_path / "deep.png"
    deep = '{"kind": "draft", "parents": ' + "[" * 100_000 + "]" * 100_000 + "}"
    file.write_bytes(encode_png(torch.zeros(3, 8, 8), text={"muslin": deep}))
    with pytest.raises(InputError, match=r"deep\.png: its recipe is nested too deeply"):
        read_recipe(file)
    assert find_recipe(file) is None
