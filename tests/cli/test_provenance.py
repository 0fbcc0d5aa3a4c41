"""Copy, keys, sign and verify from outside: what they print, their exit codes, and what is refused in one line."""

import json
from xml.etree import ElementTree

import pytest
import torch

from command import muslin as run
from command import refused
from muslin.base.files import write_bytes
from muslin.base.image import encode_png
from muslin.gan.generators import load_generator
from muslin.provenance.xmp import SCHEME
from muslin.studio.cook import draft_recipe, draw


def muslin(*words, cwd, code=""):
    return run(*words, cwd=cwd, code=code, env={"MUSLIN_HOME": str(cwd / "home")})


@pytest.fixture
def draft(tmp_path):
    """A picture as `muslin generate` writes it."""
    generator = load_generator("fashion-mnist-28")
    recipe = draft_recipe(generator, 7, 3, 0.7)
    return write_bytes(tmp_path / "draft.png", encode_png(draw(generator, recipe), dpi=72, text=recipe.text()))


def test_keys_sign_verify_and_what_becomes_of_an_altered_file(tmp_path, draft):
    assert "no keys yet; make them with `muslin keys" in refused(muslin("sign", draft, cwd=tmp_path))
    made = muslin("keys", "--name", "Atelier Ä", cwd=tmp_path)
    assert made.returncode == 0 and "keys for 'Atelier Ä'" in made.stdout
    assert "never overwritten" in refused(muslin("keys", cwd=tmp_path))

    unsigned = muslin("verify", draft, cwd=tmp_path)
    assert unsigned.returncode == 0 and "not signed" in unsigned.stdout
    signed = muslin("sign", draft, "--json", cwd=tmp_path)
    assert [json.loads(line)["event"] for line in signed.stdout.splitlines()] == ["saved", "note", "finished"]
    told = muslin("verify", draft, "--remake", "--json", cwd=tmp_path)
    verdict = json.loads(told.stdout)
    assert told.returncode == 0, told.stderr
    assert (verdict["state"], verdict["signed_by"], verdict["remade"]) == ("this studio", "Atelier Ä", "the same, bit for bit")

    content = draft.read_bytes()
    draft.write_bytes(content[:-99] + bytes([content[-99] ^ 1]) + content[-98:])
    altered = muslin("verify", draft, cwd=tmp_path)
    assert altered.returncode == 1 and "ALTERED" in altered.stdout and "Traceback" not in altered.stderr
    assert len(altered.stdout.splitlines()) == 3


def test_copies_for_the_public_and_for_the_archive(tmp_path, draft):
    assert "no keys yet" in refused(muslin("copy", draft, "a.webp", "--watermark", cwd=tmp_path))
    whole = muslin("copy", draft, "a.webp", cwd=tmp_path)
    assert whole.returncode == 0 and "recipe and mark inside (trainedAlgorithmicMedia)" in whole.stderr
    assert json.loads(muslin("recipe", "a.webp", cwd=tmp_path).stdout)["generator"]["seed"] == 7
    assert muslin("copy", "a.webp", "public/a.jpg", "--clean", "--quality", 80, cwd=tmp_path).returncode == 0
    (tmp_path / "theirs.webp").write_bytes(b"a photograph of somebody's")
    assert "theirs.webp: is there and was not written by Muslin" in refused(muslin("copy", draft, "theirs.webp", cwd=tmp_path))
    assert (tmp_path / "theirs.webp").read_bytes() == b"a photograph of somebody's"
    assert muslin("copy", draft, "a.webp", "--clean", cwd=tmp_path).returncode == 0  # ours may go
    told = muslin("verify", "public/a.jpg", cwd=tmp_path)
    assert told.returncode == 0
    assert "mark: trainedAlgorithmicMedia (made or edited by a machine)" in told.stdout and "recipe: none" in told.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["verify", "text.png"], "text.png: not a picture that can be read"),
        (["verify", "none.png"], "none.png: cannot read"),
        (["verify", "plain.png", "--remake"], "plain.png: carries no recipe to remake it from"),
        (["copy", "plain.png", "b.png"], "plain.png: carries neither a recipe nor an AI mark"),
        (["copy", "plain.png", "b.gif"], "b.gif: copies are written as .png"),
        (["copy", "none.png", "b.png"], "none.png: cannot read"),
        (["keys", "--name", ""], "--name '': should be 1 to 64 characters"),
        (["sign"], "Missing argument 'FILES...'"),
    ],
)
def test_bad_input_gets_one_line(tmp_path, words, says):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "plain.png").write_bytes(encode_png(torch.zeros(3, 9, 9)))
    assert says in refused(muslin(*words, cwd=tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain.png", "text.png"]


@pytest.mark.parametrize("words", [["verify", "plain.png"], ["keys"]])
def test_without_the_extra_the_remedy_is_told(tmp_path, words):
    (tmp_path / "plain.png").write_bytes(encode_png(torch.zeros(3, 9, 9)))
    hidden = (
        "import importlib.util as u; there = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'c2pa' else there(name, *more)\n"
        "from muslin.cli.main import main; main()"
    )
    assert "pip install 'muslin[c2pa]'" in refused(muslin(*words, cwd=tmp_path, code=hidden))


def test_sheets_films_flats_and_pages_are_marked_too(tmp_path, garment_file):
    assert muslin("generate", "--seeds", "0-1", "--out", "drawn", cwd=tmp_path).returncode == 0
    draft = next((tmp_path / "drawn").glob("*-000000.png"))
    assert (
        muslin("style", garment_file, draft, "--style", "weave_ikat", "--fast", "--size", 96, "--out", "worn", cwd=tmp_path).returncode == 0
    )
    assert (
        muslin("range", garment_file, "--style", "weave_ikat", "--effort", 0, "--size", 96, "--out", "range", cwd=tmp_path).returncode == 0
    )
    assert muslin("flat", draft, "--out", "flats", cwd=tmp_path).returncode == 0
    assert muslin("edit", "walk", "1", "2", "--frames", 3, "--out", "walked", cwd=tmp_path).returncode == 0
    assert muslin("fabric", "weave_ikat", "--cm", 2, "--dpi", 72, "--out", "cloth", cwd=tmp_path).returncode == 0
    wanted = {
        "drawn/sheet.png": "trainedAlgorithmicMedia", "worn/sheet.png": "compositeSynthetic", "range/line-up.png": "compositeWithTrainedAlgorithmicMedia",
        f"flats/{draft.stem}.flat.png": "trainedAlgorithmicMedia", "walked/walk.gif": "trainedAlgorithmicMedia",
        "walked/walk-strip.png": "trainedAlgorithmicMedia", "cloth/weave_ikat-straight-proof.png": "algorithmicallyEnhanced",
    }  # fmt: skip
    for name, term in wanted.items():
        assert json.loads(muslin("verify", name, "--json", cwd=tmp_path).stdout)["mark"] == term, name
    drawing = ElementTree.parse(tmp_path / "flats" / f"{draft.stem}.flat.svg")
    assert f"{SCHEME}trainedAlgorithmicMedia" in "".join(drawing.getroot().itertext())
    assert muslin("evaluate", "worn", "--out", "judged", "--look-in", "drawn", cwd=tmp_path).returncode == 0
    assert "https://schema.org/CompositeSyntheticDigitalSource" in (tmp_path / "judged" / "index.html").read_text()
