"""Cloth cut in panels, from the command line: by default, not where it is asked for in one piece, made again bit for bit, and looks from before in one piece."""

from dataclasses import replace

import torch

from command import muslin, refused
from muslin.assets import STARTER
from muslin.base.image import encode_png, open_image
from muslin.data.sources import open_source
from muslin.provenance.recipe import read_recipe


def test_a_t_shirt_is_cut_and_made_again(tmp_path):
    item = next(item for item in open_source(STARTER).items if item.name.startswith("t-shirt/6873"))
    shirt = tmp_path / "shirt.jpg"
    shirt.write_bytes(item.content())
    words = ("style", shirt, "--style", "fabric_breton_stripe", "--fast", "--size", "192")
    made = {}
    for cut in ("panels", "whole"):
        done = muslin(*words, "--out", tmp_path / cut, *(["--set", "cut=whole"] if cut == "whole" else []))
        assert done.returncode == 0, done.stderr
        made[cut] = tmp_path / cut / "shirt-fabric_breton_stripe.png"
        assert read_recipe(made[cut]).settings["cut"] == cut
    pictures = {cut: open_image(path).pixels for cut, path in made.items()}
    assert float((pictures["panels"] - pictures["whole"]).abs().mean()) > 0.01

    done = muslin("remake", made["panels"], "--look-in", tmp_path, "--out", tmp_path / "again.png")
    assert done.returncode == 0, done.stderr
    assert torch.equal(open_image(tmp_path / "again.png").pixels, pictures["panels"])

    recipe = read_recipe(made["whole"])
    older = replace(recipe, settings={name: value for name, value in recipe.settings.items() if name != "cut"})
    (tmp_path / "older.png").write_bytes(encode_png(pictures["whole"], text=older.text()))
    done = muslin("remake", tmp_path / "older.png", "--look-in", tmp_path, "--out", tmp_path / "older-again.png")
    assert done.returncode == 0, done.stderr
    assert torch.equal(open_image(tmp_path / "older-again.png").pixels, pictures["whole"])

    assert "cut" in refused(muslin(*words, "--set", "cut=pieces", "--out", tmp_path / "wrong"))
    done = muslin(*words, "--where", "all", "--set", "cut=whole", "--out", tmp_path / "all")
    assert "cut: not read where no cloth is laid on a garment" in done.stdout + done.stderr
