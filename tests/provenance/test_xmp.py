"""The mark that other programs look for: IPTC's fields in XMP, in every format that Muslin writes."""

import io
import json
import re

import pytest
import tifffile
import torch
from PIL import Image

from muslin.base.errors import InputError
from muslin.base.image import XMP, encode_jpeg, encode_png, encode_webp, open_image, read_text
from muslin.base.packets import JPEG_MOST, broken_chunk, kind_of, with_packet
from muslin.base.tiff import encode_tiff
from muslin.export.sheets import encode_sheet
from muslin.provenance.recipe import Recipe, now, read_marks, together
from muslin.provenance.xmp import SCHEME, Mark, build, known_source, read

AWKWARD = Recipe(
    "look", {"name": "g<&>\"'", "seed": 3, "sha256": "ab"}, styles=[{"file": "连衣裙 ]]>.png", "weight": 1.0}],
    made_with={"muslin": "0.4.0"}, licence={"a & b": "CC0 <1.0>\x07"},
)  # fmt: skip
GREY = torch.zeros(3, 20, 24)
WRITERS = {
    "png": lambda xmp: encode_png(GREY, text={XMP: xmp}),
    "jpeg": lambda xmp: encode_jpeg(GREY, dpi=150, xmp=xmp),
    "webp": lambda xmp: encode_webp(GREY, dpi=150, xmp=xmp),
    "tiff": lambda xmp: encode_tiff(GREY, 150, xmp=xmp),
}


def test_a_mark_comes_back_whatever_it_says():
    mark = AWKWARD.mark(whole=True)
    back = read(build(mark))
    assert back == Mark(mark.source, mark.version, mark.rights.replace("\x07", "\ufffd"), mark.recipe)
    assert build(mark) == build(mark)


def test_the_fields_are_those_that_iptc_names():
    packet = AWKWARD.text()[XMP]
    assert f"<Iptc4xmpExt:DigitalSourceType>{SCHEME}trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>" in packet
    assert "<Iptc4xmpExt:AISystemUsed>Muslin</Iptc4xmpExt:AISystemUsed>" in packet
    assert "<Iptc4xmpExt:AISystemVersionUsed>0.4.0</Iptc4xmpExt:AISystemVersionUsed>" in packet
    assert "<xmp:CreatorTool>Muslin 0.4.0</xmp:CreatorTool>" in packet
    assert "muslin:recipe" not in packet  # a PNG has it in a chunk of its own


@pytest.mark.parametrize("kind", WRITERS)
def test_chinas_label_is_there_where_a_producer_is_named_and_in_clean_copies(kind, monkeypatch, tmp_path):
    assert "TC260:AIGC" not in Recipe("draft", {"name": "g"}, made=now()).xmp()
    monkeypatch.setenv("MUSLIN_PRODUCER", "某某服饰")
    recipe = Recipe("draft", {"name": "g", "seed": 1}, made=now())
    path = tmp_path / f"picture.{kind}"
    path.write_bytes(WRITERS[kind](build(recipe.clean_mark())))
    mark = read(read_text(path.read_bytes(), path.name)[XMP])
    assert mark.producer == "某某服饰"
    assert len(mark.number) == 32
    assert mark == recipe.clean_mark()
    label = json.loads(re.search("<TC260:AIGC>(.*)</TC260:AIGC>", build(mark))[1])
    assert (label["Label"], label["ContentProducer"], label["ProduceID"]) == ("1", "某某服饰", mark.number)
    assert mark.number != Recipe("draft", {"name": "g", "seed": 2}, made=recipe.made).mark().number
    assert "TC260" not in Recipe("fabric", source_type="algorithmicallyEnhanced", made=now()).xmp().replace("xmlns:TC260", "")


@pytest.mark.parametrize(
    ("recipe", "source"),
    [
        (Recipe("draft", {"name": "g"}), "trainedAlgorithmicMedia"),
        (Recipe("look", None, {"file": "photo.jpg"}), "compositeWithTrainedAlgorithmicMedia"),
        (Recipe("look", None, {"file": "draft.png"}, parents=[{"kind": "draft"}]), "trainedAlgorithmicMedia"),
        (Recipe("fabric", source_type="algorithmicallyEnhanced"), "algorithmicallyEnhanced"),
        (Recipe("draft", source_type="minorHumanEdits"), "trainedAlgorithmicMedia"),
    ],
)
def test_how_it_was_made_decides_the_term(recipe, source):
    assert recipe.source() == source == known_source(source)
    assert ("AISystemUsed" in recipe.xmp()) == recipe.mark().by_machine == (recipe.kind != "fabric")


@pytest.mark.parametrize("form", WRITERS)
def test_every_format_carries_mark_recipe_and_dots(form):
    content = WRITERS[form](AWKWARD.xmp(whole=True))
    recipe, mark = read_marks(content, "a")
    assert recipe == AWKWARD and mark == read(AWKWARD.xmp(whole=True))
    assert kind_of(content) == f"image/{form}"
    assert open_image(content).dpi == pytest.approx(150 if form != "png" else 300, abs=0.1)
    assert Image.open(io.BytesIO(content)).info["icc_profile"]


def test_other_programs_find_the_packet_where_they_look():
    png = encode_png(GREY, text=AWKWARD.text())
    assert AWKWARD.xmp().encode() in png  # in one piece, not compressed
    assert Image.open(io.BytesIO(png)).info["xmp"].strip(b"\0") == AWKWARD.xmp().encode()
    with tifffile.TiffFile(io.BytesIO(WRITERS["tiff"](AWKWARD.xmp()))) as file:
        assert file.pages[0].tags[700].value == AWKWARD.xmp().encode()


@pytest.mark.parametrize("form", WRITERS)
def test_a_packet_is_replaced_without_touching_a_pixel(form):
    content = WRITERS[form](build(Mark("composite")))
    other = build(Mark("trainedAlgorithmicMedia", "1", signed="a studio"))
    changed = with_packet(content, other, "a")
    assert torch.equal(open_image(changed).pixels, open_image(content).pixels)
    assert read_text(changed, "a")[XMP] == (build(Mark("composite")) if form == "tiff" else other)
    assert with_packet(changed, other, "a") == changed
    assert broken_chunk(changed) == ""


def test_a_packet_goes_into_a_file_that_had_none():
    for content in (encode_png(GREY), encode_jpeg(GREY)):
        assert read_text(with_packet(content, AWKWARD.xmp(), "a"), "a")[XMP] == AWKWARD.xmp()


def test_what_does_not_fit_or_is_cut_short_is_told():
    with pytest.raises(InputError, match="a JPEG holds"):
        with_packet(encode_jpeg(GREY), "x" * (JPEG_MOST + 1), "a.jpg")
    with pytest.raises(InputError, match=r"a\.png: cannot take in"):
        with_packet(encode_png(GREY)[:-30], AWKWARD.xmp(), "a.png")


def test_every_flipped_byte_of_a_png_breaks_a_checksum():
    png = encode_png(GREY, text=AWKWARD.text())
    assert broken_chunk(png) == ""
    for place in range(8, len(png)):
        assert broken_chunk(png[:place] + bytes([png[place] ^ 1]) + png[place + 1 :])
    assert broken_chunk(png + b"more") == broken_chunk(png[:-5]) == "end"


@pytest.mark.parametrize(
    "packet", ["", "no xml", "<a/>", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', build(Mark("composite")).replace(SCHEME, "")]
)
def test_what_is_no_mark_is_none(packet):
    assert read(packet) is None


def test_fields_written_as_attributes_are_read():
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        f'xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" i:DigitalSourceType="{SCHEME}composite"/></rdf:RDF></x:xmpmeta>'
    )
    assert read(packet) == Mark("composite")


def a_recipe(source="trainedAlgorithmicMedia", kind="draft", **more):
    return Recipe(kind, {"name": "g", "seed": 1} if kind == "draft" else None, source_type=source, made_with={"muslin": "0.4.0"}, **more)


def test_a_sheet_is_marked_as_what_is_on_it():
    draft, photo = a_recipe(licence={"dress.png": "CC0-1.0"}), a_recipe("composite", "look", licence={"me.jpg": "own work"})
    cloth = a_recipe("algorithmicallyEnhanced", "fabric")
    assert together([draft, draft]).source == "trainedAlgorithmicMedia"
    assert together([photo]).source == "compositeWithTrainedAlgorithmicMedia"
    assert together([draft, photo]).source == together([draft], beside=True).source == "compositeSynthetic"
    assert together([cloth]).source == "algorithmicallyEnhanced" and not together([cloth], beside=True).by_machine
    mark = together([draft, photo])
    assert mark.rights == "CC0-1.0; own work" and not mark.recipe and mark.by_machine
    content = encode_sheet(GREY, [draft, photo])
    assert read_marks(content, "sheet.png") == (None, mark) and read_text(content, "sheet.png")["Source"] == "compositeSynthetic"
    assert read_marks(encode_sheet(GREY, []), "sheet.png") == (
        None,
        Mark("composite"),
    )  # of photographs alone; told, so that it is known for ours
    assert not Mark("composite").by_machine


def test_each_picture_of_a_producer_counts_in_the_number_of_a_sheet():
    one, other = (a_recipe(made={"producer": "Atelier"}, backbone=name) for name in "ab")
    mark = together([one, other])
    assert mark.producer == "Atelier" and len(mark.number) == 32 != together([one]).number
    assert read(build(mark)) == mark
