"""An evaluation end to end, on a shipped generator and real pictures: what is told, resumed, refused."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from muslin.base.config import as_dict
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Finished, Step, Warned
from muslin.data.images import Images
from muslin.data.loader import load_images
from muslin.gan.generators import load_generator
from muslin.studio.evaluate import EvaluateConfig, evaluate, plan_labels
from muslin.studio.evaluation_page import evaluation_page
from muslin.studio.evaluation_report import Drawn, report
from muslin.studio.evaluation_words import REMARKS
from muslin.studio.gathering import Gatherer

SMALL = EvaluateConfig(samples=64, resamples=100, strip=4)


@pytest.fixture(scope="module")
def garments():
    return load_generator("garments-64")


@pytest.fixture(scope="module")
def starter():
    return load_images("starter", 64, 3, ("dress", "skirt"))


@pytest.fixture(scope="module")
def finished(garments, starter, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluation")
    events = list(evaluate(garments, starter, out, SMALL, against=garments))
    return out, events, json.loads((out / "evaluation.json").read_text())


def part(images, step, start=0):
    return Images(images.pixels[start::step], images.labels[start::step], images.classes, images.name)


def last(work):
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value


def looks():
    return {"mean": lambda pixels: pixels.float().mean((2, 3))}


def test_the_report_says_what_was_held_against_what(finished, starter):
    out, events, found = finished
    assert events[-1] == Finished(out / "index.html", events[-1].seconds)
    assert found["reference"]["pictures"] == 59 and found["reference"]["digest"] and found["settings"]["truncation"] == 1
    assert found["features"]["frechet_axes"] == 14 and 0 < found["features"]["variance_in_axes"] < 1
    assert any("too few for a covariance of 1,280" in line["en"] for line in found["told"])
    assert any("no FID and KID" in line["en"] for line in found["told"]) or found["inception"]
    json.dumps(found, allow_nan=False)
    for name, figure in found["figures"].items():
        assert figure["low"] <= figure["value"] <= figure["high"], name
    assert found["baseline"]["figures"]["precision"]["value"] > found["figures"]["precision"]["value"]
    assert [row["class"] for row in found["classes"]] == ["dress", "skirt"]
    assert sum(row["drafts"] for row in found["classes"]) == 64


def test_a_generator_does_not_differ_from_itself(finished):
    for change in finished[2]["against"]["differences"].values():
        assert change["value"] == 0 and not change["beyond_noise"]


def test_the_page_holds_everything_and_never_says_fid_of_embedded_features(finished):
    page = (finished[0] / "index.html").read_text()
    assert "Fréchet distance on embedded features" in page and "Fréchet 距离（内置特征）" in page
    assert '<td><span class="en">FID' not in page
    assert page.count("data:image/jpeg") > 20 and "<svg" in page and 'src="http' not in page


def test_a_stopped_evaluation_goes_on_to_the_same_bytes(finished, garments, starter, tmp_path):
    work = evaluate(garments, starter, tmp_path, SMALL, against=garments)
    assert any(isinstance(event, Step) and event.work == "pictures" for event in work)
    work.close()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "features").iterdir()}
    assert kept
    list(evaluate(garments, starter, tmp_path, SMALL, against=garments))
    assert all(path.stat().st_mtime_ns == before for path, before in kept.items())
    for name in ("evaluation.json", "index.html"):
        assert (tmp_path / name).read_bytes() == (finished[0] / name).read_bytes()


def test_blocks_are_taken_up_where_the_work_stopped_and_a_damaged_one_is_made_again(garments, tmp_path):
    labels = torch.arange(40) % 10
    whole = last(Gatherer(tmp_path / "a", looks(), 16).drafts(garments, labels, 5, 1.0))["mean"]
    gatherer = Gatherer(tmp_path / "b", looks(), 16)
    next(gatherer.drafts(garments, labels, 5, 1.0))
    first = next((tmp_path / "b").iterdir())
    first.write_bytes(first.read_bytes()[:50])
    assert torch.equal(last(gatherer.drafts(garments, labels, 5, 1.0))["mean"], whole)
    assert len(list((tmp_path / "b").iterdir())) == 3
    assert torch.equal(last(Gatherer(tmp_path / "c", looks(), 40).drafts(garments, labels, 5, 1.0))["mean"], whole)
    assert whole.shape == (40, 3)


def test_drafts_come_in_the_proportions_of_the_training_set(garments, starter):
    few = torch.cat([torch.arange(30), torch.tensor([58])])
    uneven = Images(starter.pixels[few], starter.labels[few], starter.classes)
    labels, kinds, told = plan_labels(garments, uneven, EvaluateConfig(samples=2000))
    assert not told and 0.94 < float((kinds == 0).float().mean()) < 0.995
    assert [garments.classes[i] for i in labels.unique().tolist()] == ["dress", "skirt"]
    strange = Images(starter.pixels, starter.labels, ("dress", "kimono"))
    labels, kinds, told = plan_labels(garments, strange, SMALL)
    assert labels.unique().tolist() == [0] and "does not know kimono" in told[0].en and "不认识以下品类：kimono" in told[0].zh
    labels, kinds, told = plan_labels(garments, Images(starter.pixels, starter.labels, ("sari", "kimono")), SMALL)
    assert "no class in common" in told[0].en and len(labels.unique()) == 10 and kinds.unique().tolist() == [-1]


def test_another_size_and_held_out_pictures(starter, tmp_path):
    grey = load_generator("fashion-mnist-28")
    config = replace(SMALL, pictures=25)
    events = list(evaluate(grey, part(starter, 2), tmp_path, config, held_out=part(starter, 2, 1)))
    told = " ".join(event.text for event in events if isinstance(event, Warned))
    assert "draws 28 px; it is held against colour pictures of 64 px" in told
    found = json.loads((tmp_path / "evaluation.json").read_text())
    assert "25 of the 30 pictures of starter" in told and found["reference"]["pictures"] == 25
    assert found["classes"] == [] and found["copying"]["z"] > 3 and found["copying"]["z_by_class"] is None
    twice = list(evaluate(grey, part(starter, 2), tmp_path, SMALL, held_out=part(starter, 2)))
    assert any("30 of 30 held-out pictures are in starter too" in event.text for event in twice if isinstance(event, Warned))
    assert json.loads((tmp_path / "evaluation.json").read_text())["copying"] is None


def test_fid_and_kid_are_told_of_inceptions_features_only(garments, starter):
    rng = torch.Generator().manual_seed(0)

    def features(count, shift=0.0):
        return {name: torch.randn(count, 16, generator=rng) + shift for name in ("embedded-x", "inception-y")}

    labels = torch.tensor([3] * 40)
    sides = [Drawn(garments, features(40, shift), labels, labels - 4) for shift in (0.0, 0.5)]
    found = report(sides, features(59), starter, None, None, as_dict(SMALL), [])
    assert found["inception"]["against"]["fid"]["value"] > found["inception"]["generator"]["fid"]["value"]
    assert found["inception"]["generator"]["kid"]["low"] < 0.5 * 1000
    assert found["features"]["frechet_axes"] == 16 and "Frechet" not in json.dumps(found["told"])
    page = evaluation_page(found | {"drafts": {name: rows[:1] for name, rows in found["drafts"].items()}}, garments, starter, "zh")
    assert "KID × 1000" in page and 'lang="zh-CN"' in page


@pytest.mark.parametrize("name", REMARKS)
def test_remarks_say_the_same_in_both_languages(name):
    english, chinese = (set(re.findall(r"{(\w+)", text)) for text in REMARKS[name])
    assert chinese == english - {"why"} and not re.search("[a-z]{4,} [a-z]{3,} [a-z]{2,}", REMARKS[name][1])


def test_the_chinese_page_has_no_english_remarks(finished):
    page = (finished[0] / "index.html").read_text()
    assert "没有预留图片（--held-out）" in page and "个主轴上计算" in page and "自助重采样 100 次" in page


def test_what_cannot_be_measured_is_told(garments, starter, tmp_path):
    with pytest.raises(InputError, match="6 pictures; at least 12"):
        next(evaluate(garments, part(starter, 10), tmp_path, SMALL))
    with pytest.raises(InputError, match="not in"):
        next(evaluate(garments, starter, tmp_path, SMALL, inception=Path("nowhere.pth")))
    for wrong in ({"samples": 3}, {"truncation": 5.0}, {"resamples": 1}, {"class_least": 8}, {"pictures": 3}):
        with pytest.raises(SettingError, match=next(iter(wrong))):
            EvaluateConfig(**wrong)


def test_fewer_drafts_than_half_the_pictures_have_no_baseline_of_as_many(garments, starter, tmp_path):
    assert len(starter) // 2 > 20
    list(evaluate(garments, starter, tmp_path, replace(SMALL, samples=20)))
    found = json.loads((tmp_path / "evaluation.json").read_text())
    assert found["baseline"]["frechet_of_as_many_drafts"] is None
    assert "as many drafts" not in (tmp_path / "index.html").read_text("utf-8")
