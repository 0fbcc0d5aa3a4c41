"""The finishing net: what it is given, that it alone learns, resumes, goes out to Keras and ONNX, and says no where it cannot."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from command import muslin, refused
from muslin.base.checkpoint import load_checkpoint, save_checkpoint
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Saved
from muslin.base.seeds import seeded, seeded_weights
from muslin.data.images import Images
from muslin.data.loader import load_images
from muslin.gan.configs import PRESETS, AtelierConfig, AtelierNet
from muslin.gan.discriminator import calm
from muslin.gan.finish import Finish
from muslin.gan.finishing import FinishTrainer, away
from muslin.gan.generators import load_generator, save_generator
from muslin.gan.latent import groups
from muslin.gan.layers import upsample
from muslin.gan.pairs import Pairs
from muslin.gan.redraw import apart, see
from muslin.gan.start import Start
from muslin.gan.synthesis import Generator
from muslin.gan.train import GENERATOR, STATE, fit, train
from muslin.studio.training import Wish, train_on

CPU = torch.device("cpu")
NET = AtelierNet(size=32, z=16, w=32, cbase=256, cmax=16, cmin=8, classes=2)
PRESET = PRESETS["finish-64"]
QUICK = replace(
    PRESET, net=replace(PRESET.net, finish=8, classes=2), images=48, batch=8, save_every=24, report_every=8, judge_every=48, penalty_every=2
)
KINDS = ("dress", "skirt")


@pytest.fixture
def core(tmp_path):
    """A small generator that draws 32 px, as a file."""
    with seeded_weights(3, "weights"):
        return save_generator(tmp_path / "core.safetensors", Generator(NET), AtelierConfig(net=NET), KINDS, {"data": "x"})


def _coat(side=64):
    """A red square with a dark rim and stripes on white, in [-1, 1]."""
    picture = torch.ones(1, 3, side, side)
    picture[..., 12:-12, 12:-12] = -0.8  # the rim
    picture[..., 14:-14, 14:-14] = torch.tensor([0.6, -0.4, -0.4])[:, None, None]
    picture[..., 14:-14, 14:-14:4] -= 0.3
    return picture


def test_twice_the_size_and_in_any_company():
    net, pictures = Finish(8), torch.rand(3, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        drawn = net(pictures)
        assert drawn.shape == (3, 3, 64, 64)
        assert torch.allclose(drawn[1:2], net(pictures[1:2]), atol=1e-5)
        net.rgb.weight.zero_()  # nothing added: the picture, enlarged
        assert torch.allclose(net(pictures), upsample(pictures), atol=1e-6)


def test_the_judge_sees_outlines_and_no_grain():
    plain = _coat(128)
    plain[..., 16:-16, 16:-16] = torch.tensor([0.6, -0.4, -0.4])[:, None, None]
    grain = plain.clone()
    grain[..., 16:-16, 16:-16] += 0.3 * torch.tensor([1.0, -1.0]).repeat(48)
    moved = plain.roll(1, 3)
    assert torch.equal(calm(plain)[..., :10, :], plain[..., :10, :])
    assert float((calm(grain) - calm(plain)).abs().mean()) < 0.1 * float((grain - plain).abs().mean())
    assert float((calm(moved) - calm(plain)).abs().mean()) > 0.7 * float((moved - plain).abs().mean())


def test_a_picture_is_searched_for_once_and_what_is_found_is_near_it(core):
    """Ten pictures that the generator can draw, at twice its size; asked for in fours, of which one twice."""
    network, labels = load_generator(core).network, torch.tensor([0, 1] * 5)
    with torch.no_grad():
        asked = network(torch.randn(10, NET.z, generator=seeded(7)), labels, 0.7).clamp(-1, 1)
    pixels = ((upsample(asked) + 1) * 127.5).round().to(torch.uint8)
    data, pairs = Images(pixels, labels, KINDS), Pairs(network, 10)
    pairs.find(torch.tensor([5, 3, 9, 3]), data)
    known = pairs.get_buffer("known")
    assert known.nonzero().flatten().tolist() == [0, 3, 5, 9]  # a block is filled up
    before = pairs.of(torch.tensor([5, 0]))
    pairs.find(torch.tensor([5, 3, 9, 0]), Images(torch.zeros_like(pixels), labels, KINDS))  # known: not looked at again
    assert torch.equal(pairs.of(torch.tensor([5, 0])), before) and int(known.sum()) == 4
    again = Pairs(network, 10)
    again.load_state_dict(pairs.state_dict())
    for one in (pairs, again):  # goes on from a state as if never stopped
        one.find(torch.tensor([1, 1, 2, 5]), data)
        one.find(torch.arange(10), data)
    assert bool(known.all()) and torch.equal(pairs.of(torch.arange(10)), again.of(torch.arange(10)))
    with torch.no_grad():
        fine, codes = data.take(torch.arange(10))[0], pairs.of(torch.arange(10))
        wanted, mean = see(F.avg_pool2d(fine, 2)), network.mapping.get_buffer("w_mean")[labels][:, None].expand_as(codes)
        assert float(apart(network.synthesise(codes), wanted)) < 0.6 * float(apart(network.synthesise(mean), wanted))
    assert set(pairs.state_dict()) == {"codes", "known"} and not list(pairs.parameters())


@pytest.mark.parametrize("ground", [1, -1])
def test_two_pictures_of_one_of_two_classes_are_enough_for_a_step(core, ground):
    few, start = load_images("starter", 64, 3, KINDS), Start(core)
    pixels = few.pixels[:2] if ground == 1 else 255 - few.pixels[:2]
    data = Images(pixels, torch.zeros(2, dtype=torch.long), KINDS)
    config = replace(start.fit(replace(QUICK, mirror=False)), precision="float32")
    trainer = FinishTrainer(config, CPU, 2)
    start.into(trainer, KINDS)
    figures = trainer.step(data, 0, seeded(0), None)
    assert all(bool(torch.isfinite(value)) for value in figures.values()) and bool(trainer.pairs.get_buffer("known").all())


def test_the_net_learns_and_the_generator_stays_what_it_was(core):
    data, start = load_images("starter", 64, 3, KINDS), Start(core)
    config = fit(start.fit(replace(QUICK, precision="float32")), data)
    trainer = FinishTrainer(config, CPU, len(data))
    start.into(trainer, data.classes)
    before = {name: tensor.clone() for name, tensor in trainer.generator.state_dict().items()}
    rng, (real, _) = seeded(0, "test"), data.take(torch.arange(0, len(data), 4))
    coarse = upsample(torch.nn.functional.avg_pool2d(real, 4))

    def told():
        with torch.no_grad():
            return float(apart(trainer.finish(coarse), see(real)))

    first = told()
    for number in range(40):
        trainer.step(data, 8 * number, rng, None)
    after = trainer.generator.state_dict()
    changed = {name.split(".")[0] for name in after if not torch.equal(after[name], before[name])}
    assert changed == {"finish"}
    assert told() < 0.97 * first
    assert float(away(upsample(_coat()), _coat())) < 0.05 < float(away(-upsample(_coat()), _coat()))


def test_a_stopped_finishing_goes_on_as_if_never_stopped(tmp_path, core):
    data = load_images("starter", 64, 3, KINDS)
    list(train(tmp_path / "whole", data, QUICK, "cpu", Start(core)))
    for event in (events := train(tmp_path / "broken", data, QUICK, "cpu", Start(core))):
        if isinstance(event, Saved):
            events.close()
            break
    list(train(tmp_path / "broken", data, QUICK, "cpu", Start(core)))
    for name in (STATE, GENERATOR):
        whole, broken = (load_checkpoint(tmp_path / run / name)[0] for run in ("whole", "broken"))
        assert whole.keys() == broken.keys() and all(torch.equal(whole[key], broken[key]) for key in whole)
    made = load_generator(tmp_path / "whole")
    assert made.network.size == 64 and made.draw(3, 1).shape == (1, 3, 64, 64)
    assert torch.equal(list(made.draw_many([1, 2, 3], [0, 1, 1]))[2], made.draw(3, 1)[0])


def test_what_was_finished_can_be_started_from_in_both_ways(tmp_path, core):
    data = load_images("starter", 64, 3, KINDS)
    list(train(tmp_path / "run", data, replace(QUICK, images=8), "cpu", Start(core)))
    start = Start(tmp_path / "run")
    assert (start.net.size, start.drawn, start.judged_by) == (64, 32, "multi-scale") and start.critic
    assert start.fit(QUICK).net == start.net
    again = FinishTrainer(start.fit(QUICK), CPU, 4)
    start.into(again, KINDS)
    z, labels = torch.randn(2, NET.z), torch.tensor([0, 1])
    with torch.no_grad():
        assert torch.allclose(again.generator(z, labels), load_generator(tmp_path / "run").network(z, labels), atol=1e-5)
    plain = start.fit(AtelierConfig(net=AtelierNet(size=32)))  # other trainings go on without the finishing net
    assert plain.net == NET and not any(name.startswith("finish.") for name in start.generator)


def test_a_new_finishing_net_begins_with_what_another_knows(tmp_path, core):
    data = load_images("starter", 64, 3, KINDS)
    list(train(tmp_path / "run", data, replace(QUICK, images=8), "cpu", Start(core)))
    other = Start(tmp_path / "run")
    config = Start(core).fit(replace(QUICK, finish_from=str(tmp_path / "run")))
    new = FinishTrainer(config, CPU, len(data))
    Start(core).into(new, ("skirt", "dress"))
    assert torch.equal(new.finish.rgb.weight, other.generator["finish.rgb.weight"])
    assert torch.equal(new.average.network.finish.rgb.weight, new.finish.rgb.weight)
    assert torch.equal(new.discriminator.embeds[0].weight, other.critic["embeds.0.weight"].flip(0))
    tensors, about = load_checkpoint(tmp_path / "run" / GENERATOR)
    older = save_checkpoint(tmp_path / "older.safetensors", tensors | {"finish.noise0": torch.zeros(1)}, about)
    for unfit in (core, older):
        with pytest.raises(SettingError, match="has no finishing net of width 8 for 64 px"):
            Start(core).into(FinishTrainer(replace(config, finish_from=str(unfit)), CPU, 4), KINDS)
    with pytest.raises(InputError, match="holds other networks than this version of muslin draws with"):
        load_generator(older)


def test_what_is_searched_with_is_the_generator_unfinished():
    network = Generator(replace(NET, size=64, finish=8))
    ws = torch.randn(2, network.layers, NET.w)
    with torch.no_grad():
        assert torch.equal(network.core.synthesise(ws), network.unfinished(ws))
    core = network.core
    assert (core.size, network.size, core.core is core) == (32, 64, True)
    assert sum(map(len, groups(network).values())) == network.layers


def test_keras_and_onnx_draw_what_was_finished(tmp_path, core):
    start = Start(core)
    trainer = FinishTrainer(start.fit(QUICK), CPU, 4)
    start.into(trainer, KINDS)
    path = save_generator(tmp_path / "fine.safetensors", trainer.generator, start.fit(QUICK), KINDS, {"data": "x", "data_licence": "none"})
    for kind, name in (("keras", "fine.keras"), ("onnx", "fine.onnx")):
        done = muslin("export", path, "--to", kind, "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
        assert " at most" in done.stderr


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (Wish(preset="finish-64"), "preset 'finish-64': finishes what another generator drafts; say which, as --init garments-64"),
        (
            Wish(preset="finish-64", init="garments-64"),
            "a finishing net for .*garments-64.safetensors draws 128 px; take preset finish-128",
        ),
    ],
)
def test_a_finishing_that_has_nothing_to_finish_is_refused(tmp_path, archive, wish, says):
    with pytest.raises(SettingError, match=says):
        list(train_on(str(archive), tmp_path / "run", wish))
    assert not (tmp_path / "run").exists()


def test_by_the_command_line(tmp_path, core):
    few = [word for setting in ("images=32", "batch=8", "save_every=16", "judge_every=16", "report_every=8") for word in ("--set", setting)]
    done = muslin("train", "starter", tmp_path / "run", "--preset", "finish-64", "--init", core, "--class", "dress", *few)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "sheet.png").exists()
    drawn = muslin("generate", "--generator", tmp_path / "run", "--seeds", "0-3", "--out", tmp_path / "out")
    assert drawn.returncode == 0 and len(list((tmp_path / "out").glob("*-00000?.png"))) == 4
    assert "--init" in refused(muslin("train", "starter", tmp_path / "other", "--preset", "finish-128"))
