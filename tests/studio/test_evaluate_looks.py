"""Dressed pictures judged by the folder: what is told, by style and kind, against another folder, kept, refused."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from muslin.base.config import as_dict
from muslin.base.errors import InputError, SettingError
from muslin.base.events import Finished, Refused, Warned
from muslin.base.image import encode_png, open_image
from muslin.provenance.recipe import read_recipe
from muslin.studio.dressing import Wanted, dress_all, style_config
from muslin.studio.evaluate_looks import LooksConfig, evaluate_looks
from muslin.studio.evaluation_words import LOOKS
from muslin.studio.looks import Pantry, find_looks, judged
from muslin.studio.looks_report import report

CONFIG = LooksConfig(resamples=100, strip=2)
STYLES = [("weave_ikat", 1.0), ("weave_tartan_red", 1.0), ("paint_great_wave", 1.0)]


@pytest.fixture(scope="module")
def dressed(tmp_path_factory, garment):
    """Photos in folders by kind, and the same looks by the fast network and as prints of the laid cloth."""
    home = tmp_path_factory.mktemp("looks")
    for kind, pixels in (("dress", garment), ("skirt", garment.flip(2))):
        (home / "photos" / kind).mkdir(parents=True)
        (home / "photos" / kind / f"my-{kind}.png").write_bytes(encode_png(pixels))
    photos = sorted((home / "photos").rglob("*.png"))
    for name, more in (("fast", ["effort=0"]), ("print", ["mode=print"])):
        config = style_config("garment", ["size=128", *more])
        list(dress_all(photos, STYLES, home / name, config, Wanted(report=True, rights="the tests")))
    return home


def evaluated(home, out, folder="fast", **more):
    events = list(evaluate_looks(home / folder, out, CONFIG, Pantry((home / "photos",)), **more))
    return events, json.loads((out / "evaluation.json").read_text())


def test_the_figures_are_those_of_the_report_of_each_result_and_their_means(dressed, tmp_path):
    events, found = evaluated(dressed, tmp_path)
    assert events[-1] == Finished(tmp_path / "index.html", events[-1].seconds)
    reported = {row["file"]: row for row in json.loads((dressed / "fast" / "report.json").read_text())["results"]}
    assert len(found["rows"]) == found["results"] == 6 and (found["garments"], found["styles"]) == (2, 3)
    for row in found["rows"]:
        assert row["figures"] == {name: reported[row["file"]][name] for name in row["figures"]}
        assert row["before"] > row["figures"]["style"]
    for name, figure in found["figures"].items():
        values = [row["figures"][name] for row in found["rows"]]
        assert figure["value"] == pytest.approx(sum(values) / 6) and figure["low"] <= figure["value"] + 1e-12
        assert min(values) - 1e-9 <= figure["low"] <= figure["high"] <= max(values) + 1e-9
    assert found["figures"]["background"] == {"value": 0, "low": 0, "high": 0}
    json.dumps(found, allow_nan=False)
    assert str(dressed) not in (tmp_path / "evaluation.json").read_text()


def test_it_tells_styles_garments_and_kinds_the_worst_first(dressed, tmp_path):
    found = evaluated(dressed, tmp_path)[1]
    assert {group["name"]: group["results"] for group in found["by_kind"]} == {"dress": 3, "skirt": 3}
    assert {group["name"] for group in found["by_garment"]} == {"my-dress", "my-skirt"}
    scores = [group["figures"]["cloth_score"]["value"] for group in found["by_style"]]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)
    assert found["by_style"][0]["figures"]["style"]["low"] is None  # two garments: no bounds
    assert found["by_garment"][0]["figures"]["style"]["low"] is not None  # three styles
    order = {row["file"]: row["figures"]["cloth_score"] for row in found["rows"]}
    assert max(order, key=order.get) == found["worst"][0] and min(order, key=order.get) == found["best"][0]
    assert "2 garments and 3 styles" in found["told"][0]["en"] and "2 件服装和 3 种风格" in found["told"][0]["zh"]


def test_two_folders_are_compared_by_pairs(dressed, tmp_path):
    (tmp_path / "less").mkdir()
    for path in sorted((dressed / "print").glob("my-*.png"))[:5]:
        shutil.copy(path, tmp_path / "less" / path.name)
    found = evaluated(dressed, tmp_path / "out", against=tmp_path / "less")[1]
    other = found["against"]
    assert other["pairs"] == 5 and other["results"] == 5 and "seam" in other["figures"] and "seam" not in other["differences"]
    ours = {(row["garment"], row["style"]): row["figures"]["content"] for row in found["rows"]}
    away = [ours[row["garment"], row["style"]] - row["figures"]["content"] for row in other["rows"]]
    assert other["differences"]["content"]["value"] == pytest.approx(sum(away) / 5)
    assert any("1 results of fast have no partner" in line["en"] for line in found["told"])
    same = evaluated(dressed, tmp_path / "same", against=dressed / "fast")[1]["against"]
    assert all(change["value"] == 0 and not change["beyond_noise"] for change in same["differences"].values())


def test_the_page_holds_pictures_and_both_languages(dressed, tmp_path):
    evaluated(dressed, tmp_path, against=dressed / "print", language="zh")
    page = (tmp_path / "index.html").read_text()
    assert 'lang="zh-CN"' in page and "按服装品类" in page and "风格的代价" in page and "By kind of garment" in page
    assert page.count("data:image/jpeg") == 6 + 2 * 2 * 3 + 6 * 3 and 'src="http' not in page and "None" not in page
    assert all(words.zh in page for name, words in LOOKS.items() if name != "seam")


def test_what_was_measured_is_kept_and_the_bytes_are_the_same(dressed, tmp_path):
    work = evaluate_looks(dressed / "fast", tmp_path / "a", CONFIG, Pantry((dressed / "photos",)))
    next(work), next(work), work.close()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "a" / "looks").iterdir()}
    assert len(kept) == 2
    next(iter(kept)).write_text("{")  # cut short: measured again
    evaluated(dressed, tmp_path / "a")
    evaluated(dressed, tmp_path / "b")
    assert sum(path.stat().st_mtime_ns == before for path, before in kept.items()) == 1
    for name in ("evaluation.json", "index.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_what_cannot_be_measured_is_told_and_the_others_go_on(dressed, tmp_path):
    folder = tmp_path / "some"
    shutil.copytree(dressed / "fast", folder)
    cropped = folder / "my-dress-weave_ikat.png"
    cropped.write_bytes(encode_png(open_image(cropped).pixels[:, 4:], text=read_recipe(cropped).text()))
    (folder / "plain.png").write_bytes(encode_png(torch.zeros(3, 64, 64)))
    (folder / "cut-short.png").write_bytes(cropped.read_bytes()[:50])
    later = folder / "my-dress-paint_great_wave.png"  # its settings are not known here
    recipe = read_recipe(later)
    later.write_bytes(encode_png(open_image(later).pixels, text=replace(recipe, settings=recipe.settings | {"sheen": 1}).text()))
    events = list(evaluate_looks(folder, tmp_path / "out", CONFIG, Pantry((dressed / "photos",))))
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert [event.path for event in events if isinstance(event, Refused)] == [str(later), str(cropped)]
    told = " ".join(event.text for event in events if isinstance(event, Warned))
    assert "2 pictures without the recipe of a look are left out: cut-short.png, plain.png" in told
    assert "2 results could not be measured; the first: " in told and "sheen" in told
    assert found["results"] == 4 and str(tmp_path) not in json.dumps(found)
    with pytest.raises(InputError, match="none of 6 looks could be measured; the first: .*my-dress.png: the content of this recipe"):
        list(evaluate_looks(dressed / "fast", tmp_path / "none", CONFIG, Pantry(())))


def test_garments_in_styles_of_their_own_are_drawn_once():
    figures = dict.fromkeys(LOOKS, 0.5) | {"seam": None}
    rows = [
        {"file": f"{n}.png", "garment": f"g{n}", "style": f"s{n}", "kind": "", "size": 96, "before": 1.0}
        | {"figures": figures | {"content": float(n % 2), "cloth_score": n}}
        for n in range(40)
    ]
    found = report([("x", rows)], [], as_dict(LooksConfig()), [])["figures"]["content"]
    assert 0.27 < found["high"] - found["low"] < 0.35  # 2 x 1.96 x 0.5 / sqrt(40) = 0.31


def test_whole_pictures_have_no_silhouette(dressed, tmp_path):
    config = style_config("garment", ["size=96", "effort=0", "where=all"])
    list(dress_all([dressed / "photos" / "dress"], STYLES, tmp_path / "all", config, Wanted(rights="the tests")))
    list(evaluate_looks(tmp_path / "all", tmp_path / "out", CONFIG, Pantry((dressed / "photos",))))
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert "silhouette" not in found["figures"] and found["figures"]["style"]["low"] is not None
    assert "–" in (tmp_path / "out" / "index.html").read_text()


def test_a_flaw_is_named(dressed):
    rows = [judged(look, Pantry((dressed / "photos",))) | {"kind": ""} for look in find_looks(dressed / "fast")[0][:3]]
    rows[0]["figures"] |= {"silhouette": 0.9, "background": 7}
    told = [line["en"] for line in report([("x", rows)], [], as_dict(CONFIG), [])["told"]]
    assert f"the outline of 1 results has moved (under 99 %): {rows[0]['file']}" in told
    assert f"the ground of 1 results is not the photo's own any more: {rows[0]['file']}" in told


def test_folders_without_looks_are_refused_with_what_to_do(dressed, tmp_path):
    with pytest.raises(InputError, match="none of its 1 pictures carries the recipe of a look"):
        find_looks(dressed / "photos" / "dress")
    with pytest.raises(InputError, match="no such folder"):
        find_looks(tmp_path / "nowhere")
    with pytest.raises(SettingError, match="resamples=1"):
        LooksConfig(resamples=1)
    config = style_config("garment", ["size=96", "effort=0"])
    list(dress_all([dressed / "photos" / "dress"], [("fabric_leopard", 1.0)], tmp_path / "other", config, Wanted(rights="x")))
    with pytest.raises(InputError, match="holds no garment of .* in the same styles"):
        evaluated(dressed, tmp_path / "out", against=tmp_path / "other")


def test_what_was_measured_and_is_not_here_any_more_is_left_out_and_told(dressed, tmp_path):
    shutil.copytree(dressed / "photos", tmp_path / "photos")
    pantry = Pantry((tmp_path / "photos",))
    list(evaluate_looks(dressed / "fast", tmp_path / "out", CONFIG, pantry))
    before = {name: (tmp_path / "out" / name).read_bytes() for name in ("evaluation.json", "index.html")}
    shutil.rmtree(tmp_path / "photos" / "skirt")
    events = list(evaluate_looks(dressed / "fast", tmp_path / "out", CONFIG, pantry))
    assert sum(isinstance(event, Refused) for event in events) == 3
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert found["results"] == 3 and before["index.html"] != (tmp_path / "out" / "index.html").read_bytes()
    with pytest.raises(InputError, match="none of 6 looks"):
        list(evaluate_looks(dressed / "fast", tmp_path / "out", CONFIG, Pantry(())))
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text()) == found, "the page and its figures stay together"


def test_a_folder_to_look_in_that_is_not_there_is_named(dressed, tmp_path):
    with pytest.raises(InputError, match="nope: no such folder or zip; --look-in names"):
        list(evaluate_looks(dressed / "fast", tmp_path / "out", CONFIG, Pantry((dressed / "photos", tmp_path / "nope"))))
    assert not (tmp_path / "out").exists()
