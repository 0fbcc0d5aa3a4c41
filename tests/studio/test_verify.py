"""Copies, signatures and verdicts on pictures that Muslin drew."""

from dataclasses import replace

import pytest
import tifffile
import torch

from muslin.base.errors import InputError, SettingError
from muslin.base.events import Note
from muslin.base.image import XMP, encode_jpeg, encode_png, encode_webp, open_image, read_text
from muslin.base.packets import with_packet
from muslin.base.tiff import decode_tiff, encode_tiff
from muslin.gan.generators import load_generator
from muslin.provenance.keys import keys_folder, load_studio, make_keys
from muslin.provenance.recipe import Recipe, now, read_marks, read_recipe
from muslin.provenance.xmp import Mark, build
from muslin.studio.cook import draft_recipe, draw
from muslin.studio.copying import copy
from muslin.studio.remake import remake
from muslin.studio.verify import Verdict, lines, sign_files, verify

SECRETS = (b"seed", b"Ana the designer", b"truncation", b"muslin:recipe", b"my archive.jpg")


@pytest.fixture(scope="module")
def generator():
    return load_generator("fashion-mnist-28")


@pytest.fixture
def draft(tmp_path, generator, monkeypatch):
    """A draft on disk, and keys of this studio."""
    monkeypatch.setenv("MUSLIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MUSLIN_HAND", "Ana the designer")
    make_keys("Atelier")
    recipe = draft_recipe(generator, 7, 3, 0.7)
    recipe = replace(recipe, licence=recipe.licence | {"my archive.jpg": "CC0"})
    path = tmp_path / "draft.png"
    path.write_bytes(encode_png(draw(generator, recipe), dpi=120, text=recipe.text()))
    return path


def verdict_of(path, **more):
    *_, verdict = verify(path, **more)
    assert isinstance(verdict, Verdict)
    return verdict


def test_signed_in_place_it_is_this_studios_unaltered_and_remade_bit_for_bit(draft):
    list(sign_files([draft]))
    verdict = verdict_of(draft, remake=True)
    assert (verdict.state, verdict.signed_by, verdict.mark, verdict.recipe) == (
        "this studio",
        "Atelier",
        "trainedAlgorithmicMedia",
        "there",
    )
    assert verdict.remade == "the same, bit for bit" and verdict.fine
    assert "signed by this studio (Atelier), unaltered" in lines(verdict)[0]
    assert Note("the same, bit for bit") in list(remake(draft, draft.with_name("again.png")))


def test_one_that_is_not_signed_is_fine_and_one_that_lost_its_credentials_is_not(draft):
    assert verdict_of(draft).state == "unsigned" and verdict_of(draft).fine
    list(sign_files([draft], draft.parent / "signed"))
    other = draft.parent / "signed" / "draft.png"
    picture = open_image(other)
    other.write_bytes(encode_png(picture.pixels, text=read_text(other.read_bytes(), "a")))  # as a program does that keeps text alone
    verdict = verdict_of(other)
    assert (verdict.state, verdict.signed_by, verdict.fine) == ("stripped", "Atelier", False)
    assert "GONE" in lines(verdict)[0]
    assert verdict_of(draft).state == "unsigned"  # the original was not touched


def test_a_flipped_byte_is_found(draft):
    list(sign_files([draft]))
    good = draft.read_bytes()
    for place in (40, good.index(XMP.encode()) + 99, good.index(b"IDAT") + 50, len(good) - 6):
        draft.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        verdict = verdict_of(draft)
        assert verdict.state == "altered" and not verdict.fine
        assert "ALTERED" in lines(verdict)[0]
        with pytest.raises(InputError):
            list(sign_files([draft]))


def test_what_a_stranger_signed_is_told_and_not_signed_over(draft, monkeypatch):
    list(sign_files([draft]))
    monkeypatch.setenv("MUSLIN_HOME", str(draft.parent / "elsewhere"))
    assert verdict_of(draft).state == "foreign"
    make_keys("Other")
    verdict = verdict_of(draft)
    assert (verdict.state, verdict.fine) == ("foreign", True)
    assert "nothing here vouches" in lines(verdict)[0]
    with pytest.raises(InputError, match="is signed by Atelier already; .* make a copy"):
        list(sign_files([draft]))


def test_a_stranger_with_this_studios_serial_stays_a_stranger(draft, monkeypatch, tmp_path):
    studio = load_studio()
    monkeypatch.setenv("MUSLIN_HOME", str(tmp_path / "elsewhere"))
    with monkeypatch.context() as patched:
        patched.setattr("cryptography.x509.random_serial_number", lambda: int(studio.serial))
        theirs = make_keys("Bad Bob")
    list(sign_files([draft]))
    root = (theirs / "root.pem").read_bytes()
    monkeypatch.setenv("MUSLIN_HOME", str(tmp_path / "home"))
    assert verdict_of(draft).state == "foreign"
    with pytest.raises(InputError, match="is signed by Bad Bob already"):
        list(sign_files([draft]))
    (keys_folder() / "trusted").mkdir()
    (keys_folder() / "trusted" / "bob.pem").write_bytes(root)
    verdict = verdict_of(draft)
    assert (verdict.state, verdict.signed_by) == ("a trusted studio", "Bad Bob")
    with pytest.raises(InputError, match="is signed by Bad Bob already"):
        list(sign_files([draft]))


def test_what_lost_its_credentials_is_not_signed_over(draft):
    list(sign_files([draft]))
    picture = open_image(draft)
    draft.write_bytes(encode_png(picture.pixels * 0.9, text=read_text(draft.read_bytes(), "a")))
    before = draft.read_bytes()
    with pytest.raises(InputError, match="was signed by Atelier, and another program has written it since"):
        list(sign_files([draft]))
    assert draft.read_bytes() == before
    list(copy(draft, draft.with_name("copy.png")))
    list(sign_files([draft.with_name("copy.png")]))  # as the line says


def test_signing_again_replaces_and_keeps_what_other_programs_described(draft):
    described = build(Mark("composite")).replace("</rdf:RDF>", '<rdf:Description xmlns:a="urn:a" a:caption="for spring"/></rdf:RDF>')
    draft.write_bytes(with_packet(draft.read_bytes(), described, "a"))
    list(sign_files([draft]))
    size = len(draft.read_bytes())
    list(sign_files([draft]))
    assert abs(len(draft.read_bytes()) - size) < 50
    packet = read_text(draft.read_bytes(), "a")[XMP]
    assert 'a:caption="for spring"' in packet and packet.count("<muslin:signed>") == 1
    assert verdict_of(draft).state == "this studio"


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_a_copy_carries_the_recipe_and_can_be_signed(draft, suffix):
    out = draft.with_name(f"copy.{suffix}")
    list(copy(draft, out))
    assert read_recipe(out) == read_recipe(draft)
    assert open_image(out).dpi == pytest.approx(120, abs=0.5)
    lossless = suffix in ("png", "tif")
    assert float((open_image(out).pixels - open_image(draft).pixels).abs().max()) <= (0 if lossless else 0.4)
    list(sign_files([out]))
    assert verdict_of(out).state == "this studio" and read_recipe(out) == read_recipe(draft)


def test_a_print_keeps_its_sixteen_bits_in_a_copy(draft):
    fine = torch.linspace(-1, 1, 3 * 60 * 400).view(3, 60, 400)
    cloth, out = draft.with_name("cloth.tiff"), draft.with_name("copy.tif")
    recipe = read_recipe(draft)
    cloth.write_bytes(encode_tiff(fine, 120, recipe.plain(), recipe.xmp()))
    list(copy(cloth, out, clean=True))
    before, after = (tifffile.imread(path) for path in (cloth, out))
    assert after.dtype == "uint16" and (before == after).all() and len(set(before.flatten().tolist())) > 60_000
    assert decode_tiff(draft.read_bytes()) is None  # a PNG


@pytest.mark.parametrize("suffix", ["png", "jpeg", "webp", "tiff"])
def test_a_clean_copy_keeps_the_mark_alone(draft, suffix):
    out, again = draft.with_name(f"clean.{suffix}"), draft.with_name(f"again.{suffix}")
    assert all(secret in draft.read_bytes() for secret in SECRETS[:3])
    list(copy(draft, out, clean=True))
    list(copy(out, again))  # a copy of a clean copy has no more in it
    for path in (out, again):
        recipe, mark = read_marks(path.read_bytes(), "a")
        assert recipe is None and mark.source == "trainedAlgorithmicMedia" and mark.version and "CC0" in mark.rights
        assert not [secret for secret in SECRETS if secret in path.read_bytes()]
    list(sign_files([out]))
    verdict = verdict_of(out)
    assert (verdict.state, verdict.recipe, verdict.mark) == ("this studio", "none", "trainedAlgorithmicMedia")
    assert not [secret for secret in SECRETS if secret in out.read_bytes()]
    with pytest.raises(InputError, match="no recipe to remake it from"):
        verdict_of(out, remake=True)


def test_a_copy_of_a_signed_picture_is_unsigned_and_not_thought_robbed(draft):
    list(sign_files([draft]))
    list(copy(draft, draft.with_name("copy.webp")))
    assert verdict_of(draft.with_name("copy.webp")).state == "unsigned"


def test_transparency_goes_along_where_the_format_has_it(draft, tmp_path):
    alpha = torch.ones(1, 28, 28)
    alpha[:, :9] = 0
    draft.write_bytes(encode_png(open_image(draft).pixels, alpha, text=read_text(draft.read_bytes(), "a")))
    for suffix, kept in (("png", True), ("webp", True), ("jpg", False)):
        notes = [event.text for event in copy(draft, tmp_path / f"b.{suffix}") if isinstance(event, Note)]
        assert (open_image(tmp_path / f"b.{suffix}").alpha is not None) == kept
        assert ("transparent places were laid on white" in notes) != kept


def test_what_cannot_be_copied_is_told(draft):
    with pytest.raises(SettingError, match="copies are written as .png"):
        list(copy(draft, draft.with_name("a.bmp")))
    with pytest.raises(SettingError, match="quality=0: should be 1 to 100"):
        list(copy(draft, draft.with_name("a.jpg"), quality=0))
    with pytest.raises(InputError, match="is the picture itself"):
        list(copy(draft, draft))
    draft.write_bytes(encode_png(torch.zeros(3, 9, 9), text=Recipe("edit", edit={"w": "9" * 70_000}).text()))
    with pytest.raises(InputError, match="too long for a JPEG"):
        list(copy(draft, draft.with_name("a.jpg")))
    list(copy(draft, draft.with_name("a.webp")))
    assert read_recipe(draft.with_name("a.webp")).edit["w"] == "9" * 70_000
    with pytest.raises(InputError, match="cannot read"):
        list(copy(draft.with_name("none.png"), draft))
    with pytest.raises(InputError, match=r"draft\.png: two files of that name"):
        list(sign_files([draft, draft], draft.parent / "signed"))
    draft.write_bytes(encode_webp(torch.zeros(3, 9, 9)))
    with pytest.raises(InputError, match="neither a recipe nor an AI mark"):
        list(copy(draft, draft.with_name("a.jpg")))
    with pytest.raises(InputError, match="neither a recipe nor an AI mark"):
        list(sign_files([draft]))


def test_a_watermark_outlives_the_metadata(draft, garment, tmp_path):
    with pytest.raises(InputError, match="28 x 28 px is too small to hold a watermark"):
        list(copy(draft, tmp_path / "a.jpg", watermark=True))
    draft.write_bytes(encode_png(garment, text=read_text(draft.read_bytes(), "a")))
    list(copy(draft, tmp_path / "a.jpg", clean=True, watermark=True))
    bare = tmp_path / "bare.jpg"
    bare.write_bytes(encode_jpeg(open_image(tmp_path / "a.jpg").pixels, 80))
    assert verdict_of(draft).watermark == "none"
    assert (verdict_of(bare).watermark, verdict_of(bare).mark) == ("found", "")
    assert "  watermark: this studio's was found" in lines(verdict_of(bare))


def test_without_keys_no_watermark_is_made_or_looked_for(draft, monkeypatch):
    monkeypatch.setenv("MUSLIN_HOME", str(draft.parent / "elsewhere"))
    assert verdict_of(draft).watermark == ""
    with pytest.raises(InputError, match="no keys yet"):
        list(copy(draft, draft.with_name("a.jpg"), watermark=True))


def test_chinas_label_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSLIN_PRODUCER", "某某服饰")
    path = tmp_path / "look.png"
    path.write_bytes(encode_png(torch.zeros(3, 20, 20), text=Recipe("draft", {"name": "g"}, made=now()).text()))
    *_, verdict = verify(path)
    assert "  AIGC label: produced by 某某服饰" in lines(verdict)
