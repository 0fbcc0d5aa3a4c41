"""ONNX files of what ships and of small networks: run by onnxruntime, the same pictures as torch's."""

import json

import onnx as library
import onnxruntime
import pytest
import torch
import torch.nn.functional as F

from muslin.base.errors import InputError
from muslin.base.seeds import seeded, seeded_weights
from muslin.export import onnx
from muslin.gan.configs import AtelierConfig, AtelierNet
from muslin.gan.generators import load_generator, save_generator
from muslin.gan.latent import mix, picture
from muslin.gan.synthesis import Generator
from muslin.style.feedforward import load_styler

NET = AtelierNet(size=32, z=16, w=24, cbase=256, cmax=16, classes=3)


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """A small atelier generator of three classes, whose mean garments lie somewhere."""
    path = tmp_path_factory.mktemp("small") / "small.safetensors"
    with seeded_weights(0, "small"):
        network = Generator(NET)
    network.mapping.w_mean.copy_(torch.randn(3, 24, generator=seeded(0, "mean")))
    save_generator(path, network, AtelierConfig(net=NET), ("dress", "skirt", "hat"), {"data": "none", "data_licence": "CC0-1.0"})
    return load_generator(path)


@pytest.fixture(scope="module")
def files(generator):
    return {"z": onnx.export_generator(generator), "w": onnx.export_synthesis(generator)}


def run(content, /, **given):
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return [torch.from_numpy(x) for x in session.run(None, {name: x.numpy() for name, x in given.items()})]


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_z_in_gives_torchs_pictures_with_a_truncation_for_each(generator, files, batch):
    z, labels = torch.randn(batch, 16, generator=seeded(batch)), torch.arange(batch) % 3
    psis = torch.linspace(0, 1.2, batch)
    ours, ws = run(files["z"].content, z=z, label=labels, truncation=psis)
    for place in range(batch):
        theirs = generator.network(z[place : place + 1], labels[place : place + 1], float(psis[place])).clamp(-1, 1)
        assert float((ours[place] - theirs[0]).abs().max()) < 1e-4
    assert ws.shape == (batch, generator.network.layers, 24)


def test_truncation_and_class_reach_the_picture(files):
    z, labels = torch.randn(3, 16, generator=seeded(1)), torch.arange(3)
    mean = run(files["z"].content, z=z, label=labels * 0, truncation=torch.zeros(3))[0]
    assert torch.allclose(mean[0], mean[1], atol=1e-5)  # at 0 every z is the mean garment
    others = run(files["z"].content, z=z, label=labels, truncation=torch.zeros(3))[0]
    assert float((others[0] - others[1]).abs().max()) > 1e-2


def test_the_ws_of_one_file_are_edited_and_drawn_by_the_other(generator, files):
    z = torch.randn(2, 16, generator=seeded(2))
    pictures, ws = run(files["z"].content, z=z, label=torch.tensor([0, 2]), truncation=torch.ones(2))
    assert torch.allclose(run(files["w"].content, ws=ws)[0], pictures, atol=1e-5)
    mixed = mix(list(ws), {"shape": [1, 0], "detail": [1, 0], "look": [0, 1]}, generator.network)
    assert torch.allclose(run(files["w"].content, ws=mixed[None])[0][0], picture(generator.network, mixed), atol=1e-4)


@pytest.mark.parametrize("form", ["z", "w"])
def test_a_file_is_valid_and_keeps_the_batch_free(files, form):
    model = library.load_from_string(files[form].content)
    library.checker.check_model(model, full_check=True)
    for tensor in (*model.graph.input, *model.graph.output):
        assert tensor.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_a_file_says_what_it_is(generator, files):
    about = onnxruntime.InferenceSession(files["z"].content).get_modelmeta().custom_metadata_map
    assert json.loads(about["muslin.classes"]) == ["dress", "skirt", "hat"]
    assert about["muslin.sha256"] == generator.sha256 and about["muslin.licence"] == "none: CC0-1.0"


def test_the_articles_generator_needs_no_class():
    article = load_generator("fashion-mnist-28")
    file = onnx.export_generator(article)
    z = torch.randn(3, 100, generator=seeded(3))
    assert file.away < 1e-5
    assert onnx.export_generator(article).content == file.content  # the same generator is the same file
    assert torch.allclose(run(file.content, z=z, truncation=torch.full((3,), 0.5))[0], article.network(z, None, 0.5), atol=1e-5)
    with pytest.raises(InputError, match="no W space"):
        onnx.export_synthesis(article)
    drawn = onnx.read_generator(file.content, article.path)
    assert not drawn.conditional and torch.allclose(drawn.draw(5, psi=0.8), article.draw(5, psi=0.8), atol=1e-5)


def test_a_design_of_onnxruntime_is_torchs_and_the_same_in_any_company(generator, files):
    ours = onnx.read_generator(files["z"].content, generator.path)
    assert (ours.classes, ours.sha256, ours.card, ours.runtime) == (generator.classes, generator.sha256, generator.card, "onnx")
    alone, many = ours.draw(7, 1, 0.7), list(ours.draw_many([3, 7, 8], [0, 1, 2], 0.7))
    assert torch.equal(alone[0], many[1])
    assert torch.allclose(alone, generator.draw(7, 1, 0.7), atol=1e-4)


@pytest.mark.parametrize(("content", "style"), [((64, 64), (64, 64)), ((51, 90), (200, 33))])
def test_the_fast_styler_takes_any_size(styler, content, style):
    net, file = styler
    rng, sizes = seeded(4), {"content": (3, *content), "start": (3, *content), "mask": (1, *content), "style": (3, *style)}
    given = {name: torch.rand(1, *size, generator=rng) for name, size in sizes.items()}
    ours = run(file.content, **given)[0]
    whole = {name: F.pad(x, (0, -x.shape[3] % 8, 0, -x.shape[2] % 8), mode="replicate") for name, x in given.items()}
    theirs = net(whole["content"], whole["start"], whole["mask"], net.measure(whole["style"])).detach()
    assert ours.shape == (1, 3, *content)
    assert float((ours - theirs[:, :, : content[0], : content[1]]).abs().max()) < 1e-4
    assert float((ours - given["start"]).abs().mean()) > 1e-3  # it does something


@pytest.fixture(scope="module")
def styler():
    net, digest = load_styler()
    return net, onnx.export_styler(net, digest)


def test_a_file_that_draws_something_else_is_not_kept(monkeypatch):
    monkeypatch.setattr(onnx, "TOLERANCE", -1.0)
    with pytest.raises(InputError, match=r"fashion-mnist-28, z in: the ONNX file is .* away from torch, -1 may be; not kept"):
        onnx.export_generator(load_generator("fashion-mnist-28"))


def test_what_is_no_generator_is_told(styler, files, generator):
    with pytest.raises(InputError, match="onnxruntime cannot read it"):
        onnx.read_generator(files["z"].content[:5000], generator.path)
    for other in (styler[1].content, files["w"].content):
        with pytest.raises(InputError, match="not a generator with z in"):
            onnx.read_generator(other, generator.path)


def test_pictures_that_are_no_numbers_are_not_kept():
    broken = load_generator("fashion-mnist-28")
    next(broken.network.parameters()).fill_(float("nan"))
    with pytest.raises(InputError, match="nan away from torch"):
        onnx.export_generator(broken)


def _foreign(outputs, z=("batch", 16), about=()):
    helper = library.helper
    graph = helper.make_graph(
        [helper.make_node("Identity", ["z"], ["y"])],
        "g",
        [helper.make_tensor_value_info("z", library.TensorProto.FLOAT, list(z))],
        [helper.make_tensor_value_info("y", library.TensorProto.FLOAT, list(outputs))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    for key, text in about:
        model.metadata_props.add(key=key, value=text)
    return model.SerializeToString()


@pytest.mark.parametrize(("outputs", "z"), [(("batch", 16), ("batch", 16)), (("batch",), ("batch",))])
def test_networks_of_others_are_told(tmp_path, outputs, z):
    with pytest.raises(InputError, match="not a generator with z in that `muslin export"):
        onnx.read_generator(_foreign(outputs, z), tmp_path / "classifier.onnx")
