"""Keras in and out from the command line, through to a lookbook."""

import json

import pytest

from command import muslin, refused
from keras_models import L, article, keras, settled
from muslin.base.image import open_image
from muslin.gan.generators import load_generator


@pytest.fixture
def dressmaker(tmp_path):
    """The shipped article's generator as a person would have it in Keras: Sequential, 784 values at its end, tanh."""
    network = load_generator("fashion-mnist-28").network
    model = keras.Sequential([keras.Input((100,)), *[L.Dense(n, "relu") for n in (256, 512, 1024)], L.Dense(784, "tanh")])
    for ours, theirs in zip(network.layers, model.layers, strict=True):
        theirs.set_weights([ours.weight.T.numpy(), ours.bias.numpy()])
    model.save(tmp_path / "generator.keras")
    return tmp_path / "generator.keras"


def test_a_keras_generator_goes_all_the_way_to_a_lookbook(tmp_path, dressmaker):
    made = tmp_path / "mine.safetensors"
    done = muslin("import", "keras", dressmaker, made, "--data", "Fashion-MNIST", "--licence", "MIT")
    assert done.returncode == 0, done.stderr
    assert "latent 100, 28 x 28 px, grey" in done.stderr
    assert "range of its output: -1..1, since it ends in tanh" in done.stderr
    assert float((load_generator(made).draw(3, psi=0.8) - load_generator("fashion-mnist-28").draw(3, psi=0.8)).abs().max()) < 1e-4
    drawn = muslin("generate", "--generator", made, "--seeds", "0-3", "--out", tmp_path / "drafts")
    assert drawn.returncode == 0, drawn.stderr
    draft = tmp_path / "drafts" / "garment-000002.png"
    assert json.loads(muslin("recipe", draft).stdout)["licence"] == {"generator's data": "Fashion-MNIST: MIT"}
    again = muslin("remake", draft, "--generator", made)
    assert "the same, bit for bit" in again.stderr
    over = muslin("export", made, "--to", "onnx", "--out", made)
    assert "an ONNX model's file ends in .onnx" in refused(over)
    assert "ends in .onnx" in refused(muslin("export", "fast", "--to", "onnx", "--out", tmp_path / "drafts"))
    out = muslin("export", made, "--to", "onnx", "--out", tmp_path / "made.onnx")
    assert out.returncode == 0, out.stderr
    drawn = muslin("generate", "--generator", made, "--runtime", "onnx", "--seeds", "0-3", "--out", tmp_path / "by-onnx")
    assert drawn.returncode == 0, drawn.stderr
    ours, theirs = (open_image(tmp_path / folder / "garment-000002.png").pixels for folder in ("drafts", "by-onnx"))
    assert float((ours - theirs).abs().max()) < 0.02
    quick = ["--size", 96, "--set", "style.steps=2", "--set", "style.coarsest=64", "--style", "weave_ikat"]
    book = muslin("design", "--generator", made, "--count", 1, "--pool", 4, "--out", tmp_path / "book", *quick)
    assert book.returncode == 0, book.stderr
    assert (tmp_path / "book" / "index.html").exists()


def test_what_is_refused_leaves_no_file(tmp_path):
    settled(keras.Sequential([keras.Input((784,)), L.Dense(8, "relu"), L.Dense(1, "sigmoid")])).save(tmp_path / "d.keras")
    article().save(tmp_path / "g.h5")
    whole = (tmp_path / "g.h5").read_bytes()
    (tmp_path / "g.h5").write_bytes(whole[: len(whole) // 2])
    for file, says in (
        ("d.keras", "a discriminator; name the generator's file"),
        ("g.h5", "it may be cut short"),
        ("no.h5", "cannot read"),
    ):
        assert says in refused(muslin("import", "keras", file, "out.safetensors", cwd=tmp_path))
    assert not (tmp_path / "out.safetensors").exists()
    article().save(tmp_path / "g.keras")
    assert "ends in .safetensors" in refused(muslin("import", "keras", "g.keras", "out.keras", cwd=tmp_path))


def test_without_the_extra_its_name_is_told(tmp_path):
    article().save(tmp_path / "g.keras")
    code = "import sys; sys.modules['h5py'] = None\nfrom muslin.cli.main import main\nmain()"
    assert "pip install 'muslin[keras]'" in refused(muslin("import", "keras", "g.keras", "out.safetensors", cwd=tmp_path, code=code))


def test_a_range_that_cannot_be_right_is_told(tmp_path):
    article().save(tmp_path / "g.keras")
    done = muslin("import", "keras", "g.keras", "out.safetensors", "--range", "0..255", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the range may be another one" in done.stderr
    assert "the rights" in done.stderr


def test_a_licence_that_nobody_knows_is_refused(tmp_path):
    article().save(tmp_path / "g.keras")
    done = muslin("import", "keras", "g.keras", "out.safetensors", "--licence", "CC-BY-4", cwd=tmp_path)
    assert "did you mean 'CC-BY-4.0'" in refused(done)
    assert not (tmp_path / "out.safetensors").exists()


def test_a_generator_goes_out_compared(tmp_path):
    done = muslin("export", "fashion-mnist-28", "--to", "keras", "--out", tmp_path / "article.keras")
    assert done.returncode == 0, done.stderr
    assert "64 latents of each of 1 classes differ by at most" in done.stderr
    model = keras.models.load_model(tmp_path / "article.keras")
    assert [layer.units for layer in model.layers[:-1]] == [256, 512, 1024, 784]
    code = "import sys; sys.modules['keras'] = None\nfrom muslin.cli.main import main\nmain()"
    without = muslin("export", "fashion-mnist-28", "--to", "keras", "--out", tmp_path / "no.keras", code=code)
    assert "pip install 'muslin[keras]'" in refused(without)
    assert not (tmp_path / "no.keras").exists()


@pytest.mark.parametrize("backend", ["jax", "teapot"])
def test_a_backend_that_is_not_there_is_named_and_not_the_extra(tmp_path, backend):
    code = "import sys; sys.modules['jax'] = None\nfrom muslin.cli.main import main\nmain()"
    words = ["export", "fashion-mnist-28", "--to", "keras", "--out", tmp_path / "no.keras"]
    told = refused(muslin(*words, code=code, env={"KERAS_BACKEND": backend}))
    assert f"KERAS_BACKEND={backend}" in told
    assert "torch serves" in told
    assert "muslin[" not in told
    assert not (tmp_path / "no.keras").exists()
