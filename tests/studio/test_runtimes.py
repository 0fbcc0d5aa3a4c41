"""`--runtime onnx`: the same seeds look the same, the recipe says so, and remake gives the same bits."""

import shutil

import pytest
import torch

from command import muslin, refused
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Note, Warned
from muslin.base.image import open_image
from muslin.gan.generators import load_generator
from muslin.provenance.recipe import read_recipe
from muslin.studio.drafts import generate
from muslin.studio.exchange import TARGETS, export_generator
from muslin.studio.remake import remake
from muslin.studio.runtimes import open_generator

QUICK = ["--size", "96", "--set", "style.steps=3", "--set", "style.coarsest=64", "--against", "none"]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "new" / "mine.onnx"
    done = muslin("export", "garments-64", "--to", "onnx", "--out", path)
    assert done.returncode == 0, done.stderr
    assert "60 pictures compared with torch's" in done.stderr and "mine.w.onnx" in done.stderr
    assert sorted(p.name for p in path.parent.iterdir()) == ["mine.onnx", "mine.w.onnx"]
    return path


def test_a_lookbook_by_onnxruntime_is_remade_bit_for_bit(exported, tmp_path):
    words = ["design", "--generator", exported, "--count", 2, "--pool", 2, "--class", "dress", "--style", "weave_ikat", *QUICK]
    done = muslin(*words, "--runtime", "onnx", "--out", tmp_path / "book")
    assert done.returncode == 0, done.stderr
    look = next((tmp_path / "book" / "looks").glob("*.png"))
    recipe = read_recipe(look)
    assert recipe.runtime == "onnx" and "onnxruntime" in recipe.made_with
    events = list(remake(look, tmp_path / "again.png", str(exported)))
    assert Note("the same, bit for bit") in events and not any(isinstance(event, Warned) for event in events)  # no other tools


def test_designs_of_onnxruntime_look_like_torchs_and_keep_their_bits(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSLIN_CACHE", str(tmp_path / "cache"))
    list(generate(open_generator("fashion-mnist-28", "onnx"), [0, 1, 2, 3], (), 0.8, tmp_path / "drafts"))
    ours = tmp_path / "drafts" / "garment-000002.png"
    assert read_recipe(ours).runtime == "onnx"
    theirs = load_generator("fashion-mnist-28").draw(2, psi=0.8)[0]
    assert float((open_image(ours).pixels - theirs).abs().max()) < 0.01  # half a step of 255, and a hair
    for _ in range(2):  # from the cache, and exported anew
        assert Note("the same, bit for bit") in list(remake(ours, tmp_path / "again.png"))
        shutil.rmtree(tmp_path / "cache")


def test_torch_computes_nothing_while_onnxruntime_draws(exported, monkeypatch):
    generator = open_generator(exported)
    monkeypatch.setattr(torch.nn.functional, "conv2d", lambda *_: pytest.fail("torch was asked for a convolution"))
    monkeypatch.setattr(torch.nn.functional, "linear", lambda *_: pytest.fail("torch was asked for a product"))
    assert len(list(generator.draw_many(range(20), [0] * 20, 0.7))) == 20
    assert not list(generator.network.parameters()) and not list(generator.network.buffers())


def test_a_shipped_generators_file_still_knows_what_it_learned_from(exported):
    assert open_generator(exported).path.name == "garments-64.safetensors"


def test_the_other_device_is_refused(exported):
    with pytest.raises(SettingError, match="onnxruntime draws on the CPU here"):
        open_generator(exported, "onnx", "cuda")


def test_unknown_forms_and_files_are_told(tmp_path):
    with pytest.raises(SettingError, match="--to onxn: no such form; did you mean 'onnx'"):
        list(export_generator("garments-64", "onxn", tmp_path / "a.onnx"))
    (tmp_path / "cut.onnx").write_bytes(b"\x08\x0a\x12")
    assert "cut.onnx: onnxruntime cannot read it" in refused(muslin("generate", "--generator", tmp_path / "cut.onnx", cwd=tmp_path))
    with pytest.raises(InputError, match="no such file or shipped generator"):
        list(export_generator("garmens-64", "onnx", tmp_path / "b.onnx"))
    assert "onnx" in TARGETS and not list(tmp_path.glob("b*"))


@pytest.mark.parametrize(
    ("lacks", "words"),
    [
        ("onnxscript", ["export", "fashion-mnist-28", "--to", "onnx", "--out", "a.onnx"]),
        ("onnxruntime", ["generate", "--generator", "garments-64", "--runtime", "onnx"]),
        ("onnxruntime", ["generate", "--generator", "EXPORTED"]),
    ],
)
def test_where_the_extra_is_missing_it_is_named(lacks, words, exported, tmp_path):
    code = (
        "import sys, importlib.util as u; real = u.find_spec\n"
        f"u.find_spec = lambda name, *a: None if name == '{lacks}' else real(name, *a)\n"
        "sys.argv = ['muslin', *sys.argv[1:]]\nfrom muslin.cli.main import main\nmain()"
    )
    done = muslin(*[exported if word == "EXPORTED" else word for word in words], code=code, cwd=tmp_path)
    assert refused(done) == f"muslin: {lacks}: not installed; pip install 'muslin[onnx]'"
    assert not list(tmp_path.iterdir())
