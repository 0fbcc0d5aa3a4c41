"""Training as a person asks for it: a size, a time, a start, small archives, curves."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing import event_accumulator

import muslin.gan.budget
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Note, Saved, Step, Warned
from muslin.base.image import encode_png, open_image, to_bytes
from muslin.base.rights import Rights
from muslin.base.seeds import seeded
from muslin.data.images import Images
from muslin.data.ledger import Ledger, write_ledger
from muslin.data.loader import load_images
from muslin.gan.configs import PRESETS
from muslin.gan.generators import load_generator
from muslin.gan.state import STATE, read_config
from muslin.studio.cook import as_picture
from muslin.studio.drafts import generate
from muslin.studio.judge import Judge, sample
from muslin.studio.training import Wish, _config, train_on

TINY = tuple(f"{n}={v}" for n, v in {"net.cbase": 256, "net.cmax": 16, "batch": 8, "images": 32, "report_every": 16}.items())


def _notes(events):
    return [event.text for event in events if isinstance(event, (Note, Warned))]


def _pictures(folder: Path, count: int) -> Path:
    for number in range(count):
        target = folder / "coat" / f"{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(encode_png(torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(number)) * 2 - 1))
    write_ledger(folder / "rights.csv", Ledger((("*", Rights("own work")),)))
    return folder


def test_a_budget_sets_the_run_and_is_kept_by_a_resume(tmp_path, archive, monkeypatch):
    monkeypatch.setattr(muslin.gan.budget, "images_per_second", lambda config, data, device: 20.0)
    monkeypatch.setattr(muslin.gan.budget, "costs", lambda *_: muslin.gan.budget.Costs())
    wish = Wish(size=32, budget=20.0)
    events = list(train_on(str(archive), tmp_path / "run", wish))
    assert any("20 images/s: 352 images, cbase 1024" in text for text in _notes(events))
    assert any("too few to learn from nothing" in text for text in _notes(events))
    assert read_config(tmp_path / "run" / STATE).images == 352
    monkeypatch.setattr(muslin.gan.budget, "images_per_second", lambda config, data, device: 9000.0)
    again = _notes(train_on(str(archive), tmp_path / "run", wish))
    assert "the budget was set when this run began" in again and "goes on at 352 of 352 images" in again
    for setting, told in (
        ("gamma=5", r"gamma=1\.0, now it is 5"),
        ("net.mapping=4", "net.mapping=2, now it is 4"),
    ):
        with pytest.raises(SettingError, match=f"that run has {told}"):
            list(train_on(str(archive), tmp_path / "run", replace(wish, settings=(setting,))))
    with pytest.raises(SettingError, match="average_half_life=8: --budget settles that"):
        list(train_on(str(archive), tmp_path / "run", replace(wish, settings=("average_half_life=8",))))


def test_a_start_carries_on_at_twice_the_size(tmp_path, archive):
    list(train_on(str(archive), tmp_path / "small", Wish(size=32, settings=TINY)))
    events = list(train_on(str(archive), tmp_path / "large", Wish(init=str(tmp_path / "small"), size=64, settings=TINY[2:])))
    assert any("64 px, started from small" in text for text in _notes(events))
    assert load_generator(tmp_path / "large").network.size == 64
    assert load_generator(tmp_path / "large").card["started_from"] == "small"
    other = Wish(init=str(tmp_path / "large"), size=64, settings=TINY[2:])
    with pytest.raises(
        SettingError, match="that run was started from small, now it would be large; leave --init out, or use another folder"
    ):
        list(train_on(str(archive), tmp_path / "large", other))
    assert read_config(tmp_path / "large" / STATE).rate == pytest.approx(read_config(tmp_path / "small" / STATE).rate / 5)


def test_what_redrew_first_goes_on_so(tmp_path, archive):
    first = Wish(preset="vae-gan-32", settings=(*TINY, "warm=16"))
    list(train_on(str(archive), tmp_path / "first", first))
    list(train_on(str(archive), tmp_path / "next", Wish(init=str(tmp_path / "first"), settings=(*TINY[2:], "warm=16"))))
    old, new = (read_config(tmp_path / run / STATE) for run in ("first", "next"))
    assert (new.discriminator, new.redraw, new.rate) == ("patch", 6.0, old.rate)
    list(train_on(str(archive), tmp_path / "other", Wish(preset="atelier-32", init=str(tmp_path / "first"), settings=TINY[2:])))
    assert read_config(tmp_path / "other" / STATE).discriminator == "residual"  # which begins anew


def test_a_shorter_run_redraws_for_its_share_and_always_comes_to_the_contest(tmp_path, archive):
    short = tuple(setting for setting in TINY if not setting.startswith("images="))
    list(train_on(str(archive), tmp_path / "short", Wish(preset="vae-gan-32", settings=(*short, "images=32"))))
    config, preset = read_config(tmp_path / "short" / STATE), PRESETS["vae-gan-32"]
    assert config.images == 32 and 0 < config.warm / config.images == pytest.approx(preset.warm / preset.images, abs=config.batch / 32)
    again = _notes(train_on(str(archive), tmp_path / "short", Wish(preset="vae-gan-32", settings=(*short, "images=64"))))
    assert "goes on at 32 of 64 images" in again
    wanted = Wish(preset="vae-gan-32", settings=short)  # without a length: the preset's, and redrawing is behind it as before
    assert _config(str(archive), wanted, None, tmp_path / "short").warm == config.warm
    with pytest.raises(SettingError, match="warm=64: should be below images=32"):
        list(train_on(str(archive), tmp_path / "never", Wish(preset="vae-gan-32", settings=(*short, "images=32", "warm=64"))))
    assert not (tmp_path / "never").exists()


def test_what_is_measured_and_drawn(tmp_path, archive):
    events = list(train_on(str(archive), tmp_path / "run", Wish(size=32, settings=TINY)))
    scores = [event.figures for event in events if isinstance(event, Step) and "distance" in event.figures]
    assert scores and scores[-1]["distance"] > 0 and 0 <= scores[-1]["copies"] <= 1
    assert {e.path.name for e in events if isinstance(e, Saved)} == {"generator.safetensors", "latest.safetensors", "sheet.png"}
    card = load_generator(tmp_path / "run").card
    assert card["distance"] == pytest.approx(scores[-1]["distance"], rel=0.01)
    assert 0 <= card["authenticity"] <= 1 and "copying_z" in card
    assert {"authenticity", "copying_z"} <= set((tmp_path / "run" / "log.csv").read_text().splitlines()[0].split(","))
    curves = event_accumulator.EventAccumulator(str(tmp_path / "run" / "board")).Reload().Tags()
    assert {"discriminator", "distance", "images_per_second"} <= set(curves["scalars"]) and curves["images"]
    assert "distance" in (tmp_path / "run" / "log.csv").read_text()


@pytest.mark.parametrize("count", [2, 5, 50])
def test_a_small_archive_is_told_what_to_expect_and_trains(tmp_path, count):
    events = list(train_on(str(_pictures(tmp_path / "data", count)), tmp_path / "run", Wish(size=32, settings=(*TINY, "images=16"))))
    told = " ".join(_notes(events))
    assert ("near copies" if count < 50 else "variations of what is there") in told
    assert load_generator(tmp_path / "run").classes == ("coat",)


def test_one_picture_is_refused_and_an_empty_class_left_out(tmp_path):
    data = _pictures(tmp_path / "data", 1)
    with pytest.raises(InputError, match="1 picture; training needs at least 2"):
        list(train_on(str(data), tmp_path / "run", Wish(size=32)))
    _pictures(data, 4)
    (data / "hat").mkdir()
    list(train_on(str(data), tmp_path / "run", Wish(size=32, settings=(*TINY, "images=8"))))
    assert load_generator(tmp_path / "run").classes == ("coat",)


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (Wish(size=48), "size=48: should be 32, 64, 128, 256 or 512"),
        (Wish(preset="atelier-65"), "did you mean 'atelier-64'"),
        (Wish(preset="classic", budget=60), "--size, --budget and --init are for the atelier family"),
        (Wish(preset="atelier-32", settings=("net.size=48",)), "net.size=48: should be"),
        (Wish(preset="atelier-32", size=64), "--size 64: preset 'atelier-32' draws 32 px"),
        (Wish(size=32, budget=60, settings=("batch=8",)), "--set batch=8: --budget settles that"),
        (Wish(size=32, budget=60, settings=("batch = 8",)), "--set batch = 8: --budget settles that"),
        (Wish(size=32, settings=("net.classes=7",)), "the data's folders are the classes; choose among them with --class"),
        (Wish(init="garments-64", settings=("net.w=8",)), "--set net.w=8: --init settles that"),
        (Wish(size=32, settings=("batch=6",)), "batch=6: should be a multiple of 4"),
        (Wish(preset="atelier-64", settings=("images=1000", "batch=0")), "batch=0: should be 1 to 65536"),
        (Wish(preset="atelier-32", settings=("net.size=0",)), "net.size=0: should be 8 to 1024"),
        (Wish(preset="finish-128", init="garments-64", settings=("warm=5000",)), "warm=5000: a finishing net has nothing to redraw first"),
    ],
)
def test_wishes_that_cannot_be_met_are_named(tmp_path, archive, wish, says):
    with pytest.raises(SettingError, match=says):
        list(train_on(str(archive), tmp_path / "run", wish))
    assert not (tmp_path / "run").exists()


def test_drafts_stream_into_sheets_of_a_hundred(tmp_path, archive):
    list(train_on(str(archive), tmp_path / "run", Wish(size=32, settings=TINY)))
    generator = load_generator(tmp_path / "run")
    events = list(generate(generator, list(range(120)), (), 0.7, tmp_path / "out"))
    assert [e.path.name for e in events if isinstance(e, Saved)] == ["sheet.png", "sheet-2.png"]
    assert len(list((tmp_path / "out").glob("*-0*.png"))) == 120
    (tmp_path / "out" / "sheet.png").write_bytes(b"mine")
    events = list(generate(generator, list(range(120)), (), 0.7, tmp_path / "out"))
    assert [e.path.name for e in events if isinstance(e, Saved)] == ["sheet-2.png", "sheet-3.png"], "none takes another's place"
    assert events[-1].path.name == "sheet-2.png" and (tmp_path / "out" / "sheet.png").read_bytes() == b"mine"
    picture = open_image(tmp_path / "out" / "dress-000100.png").pixels
    assert torch.allclose(picture, generator.draw(100, 0, 0.7)[0], atol=0.01)
    assert torch.equal(sample(generator.network, torch.tensor([0, 1]), 10), sample(generator.network, torch.tensor([0, 1]), 10))


def test_the_judge_calls_the_training_pictures_copies():

    images = load_images("starter", 32, 3)

    class Thief(torch.nn.Module):
        z_size = 1

        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, z, labels):
            return images.take((z[:, 0].abs() * 1e6).long() % len(images))[0]

    scores = Judge(images, 60)(Thief())
    assert scores["copies"] > 0.95
    assert scores["authenticity"] < 0.05 and scores["copying_z"] < -8
    blank = type("Blank", (Thief,), {"forward": lambda self, z, labels: torch.ones(len(z), 3, 32, 32)})
    noise = type("Noise", (Thief,), {"forward": lambda self, z, labels: torch.rand(len(z), 3, 32, 32, generator=seeded(0)) * 2 - 1})
    assert Judge(images, 60)(noise())["copying_z"] > 2
    assert Judge(images, 60)(blank())["copies"] == 0 and Judge(images, 60)(blank())["distance"] > 2 * scores["distance"]


def test_drafts_on_black_are_laid_on_white():
    grey = torch.full((1, 32, 32), -1.0)
    grey[:, 8:24, 8:24] = 0.5
    for draft in (grey, grey.expand(3, -1, -1)):
        picture = as_picture(draft)
        assert picture.shape[0] == 3 and float(picture[:, 0].mean()) > 0.99 and float(picture.mean()) < 0.98
    garment = torch.full((3, 32, 32), 0.97)  # a ground that is not quite white
    garment[:, 8:24, 8:24] = -1.0
    picture = as_picture(garment)
    assert (picture[:, 0] == 1).all() and torch.allclose(picture[:, 10, 10], torch.tensor(-1.0))


def test_a_run_is_not_within_its_pictures_and_another_size_is_named(tmp_path, archive):
    with pytest.raises(SettingError, match="lies within .*; name a folder beside it"):
        list(train_on(str(archive), archive / "run", Wish(size=32, settings=TINY)))
    list(train_on(str(archive), tmp_path / "run", Wish(size=32, settings=TINY)))
    with pytest.raises(SettingError, match="net.size=32, now it is 64"):
        list(train_on(str(archive), tmp_path / "run", Wish(size=64, settings=TINY)))


def test_a_run_that_redraws_first_may_be_made_longer(tmp_path, archive):
    wish = Wish(preset="vae-gan-32", settings=TINY)
    list(train_on(str(archive), tmp_path / "run", wish))
    warm = read_config(tmp_path / "run" / STATE).warm
    notes = _notes(train_on(str(archive), tmp_path / "run", replace(wish, settings=(*TINY, "images=48"))))
    assert "goes on at 32 of 48 images" in notes and read_config(tmp_path / "run" / STATE).warm == warm


def test_what_a_judgement_takes_is_told_from_a_few_drafts(tmp_path):
    images = load_images("starter", 32, 3, ("dress",))
    judge, network = Judge(images, 200), load_generator("garments-64").network
    told, began = judge.seconds(network), time.monotonic()
    judge(network)
    assert 0.3 < told / (time.monotonic() - began) < 3


def test_of_two_pictures_every_recital_is_a_copy(tmp_path):
    """The generator that gives back what it learned from copies to 100 %, from two pictures as from the same one twice."""
    pixels = torch.stack([read_png(path) for path in sorted(_pictures(tmp_path / "data", 2).rglob("*.png"))])
    for pictures in (pixels, pixels[:1].expand(2, -1, -1, -1)):
        images = Images(pictures, torch.zeros(2, dtype=torch.long), ("coat",))

        class Reciter(torch.nn.Module):
            z_size = 4

            def __init__(self, known):
                super().__init__()
                self.known = torch.nn.Parameter(known.float() / 127.5 - 1)

            def forward(self, z, labels):
                return self.known[(z[:, 0] > 0).long()]

        assert Judge(images, 20)(Reciter(pictures))["copies"] == 1.0


def read_png(path):
    return to_bytes(open_image(path).pixels)
