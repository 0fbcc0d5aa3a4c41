"""The finishing net: what it is given, that it alone learns, resumes, goes out to Keras and ONNX, and says no where it cannot."""

from dataclasses import replace

import pytest
import torch

from command import muslin, refused
from muslin.base.checkpoint import load_checkpoint
from muslin.base.errors import SettingError
from muslin.base.events import Saved
from muslin.base.seeds import seeded, seeded_weights
from muslin.data.loader import load_images
from muslin.gan.configs import PRESETS, AtelierConfig, AtelierNet
from muslin.gan.finish import DRAWS, FIELD, Finish, cleaned, coarsened
from muslin.gan.finishing import FinishTrainer, away
from muslin.gan.generators import load_generator, save_generator
from muslin.gan.latent import groups
from muslin.gan.layers import upsample
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


def test_twice_the_size_always_alike_and_other_noise_is_other_cloth():
    net, pictures = Finish(8, 32), torch.rand(3, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        drawn = net(pictures)
        assert drawn.shape == (3, 3, 64, 64)
        assert torch.allclose(drawn[1:2], net(pictures[1:2]), atol=1e-5)
        noise = net.noise(3, seeded(1))
        assert [tuple(map.shape) for map in noise] == [(3, 1, 32, 32), (3, 1, 16, 16), (3, 1, 64, 64)]
        assert float((net(pictures, noise) - drawn).abs().mean()) > 1e-3
        net.rgb.weight.zero_()  # nothing added: the cleaned picture, enlarged
        assert torch.allclose(net(pictures), upsample(cleaned(pictures)), atol=1e-6)
    assert all(torch.equal(a, b) for a, b in zip(net.buffers(), Finish(8, 32).buffers(), strict=True))


def test_cleaning_takes_rim_and_stripes_and_leaves_the_ground():
    before, after = _coat(), cleaned(_coat())
    assert torch.equal(after[..., :12, :], before[..., :12, :])
    assert float(before[0, 0, 30, 14:-14].std()) > 0.1 > 0.03 > float(after[0, 0, 30, 14:-14].std())
    assert float(before[0, 0, 12, 30]) < -0.7 and float(after[0, 0, 12, 30]) > 0.3
    thin = torch.ones(1, 3, 32, 32)
    thin[..., 15:17] = -0.5  # a strap, nowhere wider than its rim
    assert float((cleaned(thin)[..., 8:24, 15:17] + 0.5).abs().max()) < 0.1


@pytest.mark.parametrize("ground", [1.0, -1.0])
def test_a_coarse_picture_keeps_its_place_and_colour_and_loses_its_corners(ground):
    fine, solid = _coat(128) * ground, torch.zeros(1, 1, 64, 64)
    solid[..., 6:-6, 6:-6] = 1
    draws, field = torch.tensor([[0.0, 0.5, 1.0, 0.0]]), torch.zeros(1, FIELD)
    coarse = coarsened(fine, solid, draws, field, ground)
    assert coarse.shape == (1, 3, 64, 64) and DRAWS == draws.shape[1]
    assert torch.allclose(coarse[0, :, 0, 0], torch.full((3,), 0.98 * ground))
    assert torch.allclose(coarse[0, :, 32, 32], fine[0, :, 64, 66], atol=0.25)
    assert (
        float((coarse[0, 0, 6, 6] - 0.98 * ground).abs()) < 0.3 < float((coarse[0, 0, 7, 32] - 0.98 * ground).abs())
    )  # the corner is round
    bent = coarsened(fine, solid, torch.tensor([[1.0, 0.5, 1.0, 0.0]]), torch.randn(1, FIELD, generator=seeded(2)), ground)
    moved = ((bent - coarse).abs().amax(1) > 0.3).float().mean()
    assert 0.005 < float(moved) < 0.2


def test_the_net_learns_and_the_generator_stays_what_it_was(core):
    data, start = load_images("starter", 64, 3, KINDS), Start(core)
    config = fit(start.fit(replace(QUICK, precision="float32")), data)
    trainer = FinishTrainer(config, CPU)
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
    assert all(torch.equal(before[name], after[name]) for name in after if "noise" in name)
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
    again = FinishTrainer(start.fit(QUICK), CPU)
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
    new = FinishTrainer(config, CPU)
    Start(core).into(new, ("skirt", "dress"))
    assert torch.equal(new.finish.rgb.weight, other.generator["finish.rgb.weight"])
    assert torch.equal(new.average.network.finish.rgb.weight, new.finish.rgb.weight)
    assert torch.equal(new.discriminator.embeds[0].weight, other.critic["embeds.0.weight"].flip(0))
    with pytest.raises(SettingError, match="has no finishing net of width 8 for 64 px"):
        Start(core).into(FinishTrainer(replace(config, finish_from=str(core)), CPU), KINDS)


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
    trainer = FinishTrainer(start.fit(QUICK), CPU)
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
