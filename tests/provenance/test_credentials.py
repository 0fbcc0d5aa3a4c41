"""Real keys, real signatures: who signed, whether it still holds, and what is not trusted."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import torch

from muslin.base.errors import InputError
from muslin.base.image import XMP, encode_jpeg, encode_png, encode_webp, open_image
from muslin.base.tiff import encode_tiff
from muslin.provenance.credentials import check, ingredients, manifest, sign
from muslin.provenance.keys import anchors, keys_folder, load_studio, make_keys
from muslin.provenance.recipe import Recipe, read_marks

SHA = "ab" * 32
RECIPE = Recipe(
    "look", {"name": "garments-64", "sha256": SHA, "seed": 3}, styles=[{"file": "编织.jpg", "sha256": "cd" * 32, "licence": "CC0", "weight": 1.0}],
    made_with={"muslin": "0.4.0"}, parents=[{"kind": "edit", "generator": {"name": "garments-64", "sha256": SHA}, "parents": [{"kind": "draft"}]}],
)  # fmt: skip
NOISE = torch.rand(3, 40, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1
FILES = {
    "png": encode_png(NOISE, text=RECIPE.text()),
    "jpeg": encode_jpeg(NOISE, xmp=RECIPE.xmp(whole=True)),
    "webp": encode_webp(NOISE, xmp=RECIPE.xmp(whole=True)),
    "tiff": encode_tiff(NOISE, 150, RECIPE.plain(), RECIPE.xmp()),
}
ABOUT = manifest("a.png", RECIPE.mark(), RECIPE)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    return load_studio(make_keys("工作室 Studio", tmp_path_factory.mktemp("keys") / "keys"))


@pytest.fixture(scope="module")
def signed(studio):
    return {form: sign(content, ABOUT, studio) for form, content in FILES.items()}


@pytest.mark.parametrize("form", FILES)
def test_a_signed_file_is_trusted_at_home_and_keeps_its_recipe(form, signed, studio):
    report = check(signed[form], studio.anchors)
    assert (report.state, report.by, report.serial, report.source) == ("trusted", "工作室 Studio", studio.serial, "trainedAlgorithmicMedia")
    assert read_marks(signed[form], "a")[0] == RECIPE
    assert torch.equal(open_image(signed[form]).pixels, open_image(FILES[form]).pixels)
    assert len(signed[form]) - len(FILES[form]) < 20_000
    assert check(FILES[form], studio.anchors).state == "none"


def test_the_manifest_says_how_of_what_and_that_nobody_may_train_on_it(signed, studio):
    told = check(signed["png"], studio.anchors).manifest
    rows = {row["label"]: row["data"] for row in told["assertions"]}
    (action,) = rows["c2pa.actions.v2"]["actions"]
    assert (action["action"], action["softwareAgent"]) == ("c2pa.created", {"name": "Muslin", "version": "0.4.0"})
    assert {entry["use"] for entry in rows["cawg.training-mining"]["entries"].values()} == {"notAllowed"}
    assert len(rows["cawg.training-mining"]["entries"]) == 4
    made = {row["title"]: row for row in told["ingredients"]}
    assert made["garments-64"]["instance_id"] == f"sha256:{SHA}" and "licence CC0" in made["编织.jpg"]["description"]
    assert "thumbnail" not in told


def test_each_ingredient_is_named_once_and_parents_with_theirs():
    titles = [row["title"] for row in ingredients(RECIPE)]
    assert titles == ["garments-64", "编织.jpg", "a edit made before", "a draft made before"]


def test_every_flipped_byte_of_a_png_is_found(signed, studio):
    png = signed["png"]
    places = {*range(0, len(png), 97), png.index(XMP.encode()) + 60, png.index(b"muslin\0") + 30, png.index(b"IDAT") + 99, len(png) - 1}
    for place in sorted(places - set(range(8))):
        changed = png[:place] + bytes([png[place] ^ 1]) + png[place + 1 :]
        assert check(changed, studio.anchors).state == "altered", place


@pytest.mark.parametrize("form", ["jpeg", "webp", "tiff"])
def test_a_change_of_the_picture_or_its_text_is_found(form, signed, studio):
    content = signed[form]
    for place in (len(FILES[form]) // 2, content.index(b"garments-64") + 3, content.index(b"CreatorTool") + 15):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        assert check(changed, studio.anchors).state == "altered", place


def test_another_studio_is_foreign_even_of_the_same_name_until_its_root_is_trusted(signed, studio, tmp_path):
    other = load_studio(make_keys(studio.name, tmp_path / "keys"))
    assert check(signed["png"], other.anchors).state == check(signed["png"], "").state == "foreign"
    (tmp_path / "keys" / "trusted").mkdir()
    (tmp_path / "keys" / "trusted" / "them.pem").write_text(studio.anchors)
    report = check(signed["png"], anchors(tmp_path / "keys"))
    assert report.state == "trusted" and report.serial != other.serial


def test_a_certificate_out_of_date_is_told_and_signs_no_more(tmp_path):
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    old = load_studio(make_keys("Old", tmp_path / "keys", end - timedelta(days=9), end))
    content = sign(FILES["png"], ABOUT, old)
    assert check(content, old.anchors).state == "trusted"
    time.sleep((end - datetime.now(UTC)).total_seconds() + 1.1)
    assert check(content, old.anchors).state == "expired"
    with pytest.raises(InputError, match="the keys were good until .* make new ones"):
        sign(FILES["png"], ABOUT, old)


def test_keys_are_private_and_never_overwritten(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSLIN_HOME", str(tmp_path / "home"))
    with pytest.raises(InputError, match="no keys yet; make them with `muslin keys"):
        load_studio()
    folder = make_keys("A")
    assert folder == keys_folder() == tmp_path / "home" / "keys"
    assert (folder / "signing.key").stat().st_mode & 0o777 == 0o600 and folder.stat().st_mode & 0o777 == 0o700
    before = (folder / "signing.key").read_bytes()
    with pytest.raises(InputError, match="never overwritten"):
        make_keys("B")
    assert (folder / "signing.key").read_bytes() == before
    (folder / "signing.pem").write_text("no certificate")
    with pytest.raises(InputError, match="not a certificate chain"):
        load_studio()


def test_what_cannot_be_signed_is_told(studio):
    with pytest.raises(InputError, match="not a PNG, JPEG, WebP or TIFF"):
        sign(b"text", ABOUT, studio)
    with pytest.raises(InputError, match="should be 1 to 64 characters"):
        make_keys(" ")
