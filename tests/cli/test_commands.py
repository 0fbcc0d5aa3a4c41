"""The command line from outside: the whole chain, bad input, help, ctrl-C."""

import functools
import json
import pickle
import re
import resource
import signal
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from command import muslin, refused
from muslin.base.image import encode_png, open_image
from muslin.cli.main import COMMANDS
from muslin.cli.options import duration, named_or_weighted, seeds
from muslin.provenance.recipe import read_recipe

QUICK = ["--size", "96", "--set", "style.steps=3", "--set", "style.coarsest=64"]


def test_the_whole_chain(tmp_path):
    done = muslin("design", "--count", 2, "--pool", 2, "--class", "dress", "--style", "weave_ikat", "--out", tmp_path / "book", *QUICK)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "book" / "index.html").exists()
    look = next((tmp_path / "book" / "looks").glob("*.png"))
    again = muslin("remake", look, "--out", tmp_path / "again.png", "--json")
    events = [json.loads(line) for line in again.stdout.splitlines()]
    assert {"event": "note", "text": "the same, bit for bit"} in events
    assert json.loads(muslin("recipe", look).stdout)["styles"][0]["file"] == "weave_ikat.jpg"


def test_drafts_drawn_anew_at_print_size(tmp_path):
    done = muslin("generate", "--seeds", "4,9", "--size", 400, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    file = tmp_path / "pants-000004.png"
    picture = open_image(file).pixels
    assert picture.shape == (3, 400, 400)
    assert float(picture[:, :20].min()) == float(picture[:, :, :20].min()) > 0.9
    assert "the same, bit for bit" in muslin("remake", file).stderr
    other = muslin("generate", "--seeds", "4", "--out", tmp_path)
    assert "pants-000004.png is kept" in other.stderr
    assert "drawn anew at 400 px" in muslin("remake", tmp_path / "pants-000004-2.png", "--size", 400).stderr
    larger = tmp_path / "pants-000004-2.400px.png"
    assert torch.equal(open_image(larger).pixels, picture)
    assert muslin("edit", "mix", "4", larger, "9", "--out", tmp_path / "edited").returncode == 0
    mixed = next((tmp_path / "edited").glob("*-mix.png"))
    assert muslin("remake", mixed, "--size", 300, "--out", tmp_path / "mixed.png").returncode == 0
    assert open_image(tmp_path / "mixed.png").pixels.shape == (3, 300, 300)
    assert "the same, bit for bit" in muslin("remake", tmp_path / "mixed.png").stderr
    styled = muslin("style", file, "--style", "weave_ikat", "--fast", "--size", 256, "--out", tmp_path / "looks")
    assert styled.returncode == 0, styled.stderr
    assert "the same, bit for bit" in muslin("remake", next((tmp_path / "looks").glob("pants*.png")), "--look-in", tmp_path).stderr
    look = next((tmp_path / "looks").glob("pants*.png"))
    assert "a look is made again at its own size" in refused(muslin("remake", look, "--size", 512))
    assert "drawn anew at 400 px" in muslin("history", larger).stdout
    for nonsense in ("abc", 1, 60000, None):
        recipe = replace(read_recipe(file), settings={"drawn_anew": nonsense})
        forged = tmp_path / "forged.png"
        forged.write_bytes(encode_png(picture, text=recipe.text()))
        assert f"drawn_anew is {nonsense!r}" in refused(muslin("remake", forged))


def test_train_generate_and_go_on(tmp_path, archive):
    small = ["--preset", "atelier-32", "--set", "net.cbase=256", "--set", "net.cmax=16", "--set", "batch=8", "--set", "images=32"]
    prepared = muslin("prepare", archive, tmp_path / "set.zip", "--size", 64)
    assert prepared.returncode == 0, prepared.stderr
    assert "6 kept" in prepared.stderr
    done = muslin("train", tmp_path / "set.zip", tmp_path / "run", *small)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in (tmp_path / "run").iterdir()} >= {"generator.safetensors", "state.safetensors", "log.csv", "sheet.png"}
    grown = muslin("train", tmp_path / "set.zip", tmp_path / "large", "--init", tmp_path / "run", "--size", 64, *small[-4:])
    assert grown.returncode == 0, grown.stderr
    assert "64 px, started from run" in grown.stderr
    drawn = muslin("generate", "--generator", tmp_path / "run", "--seeds", "0-2,7", "--class", "skirt", "--out", tmp_path / "drafts")
    assert drawn.returncode == 0, drawn.stderr
    assert sorted(p.name for p in (tmp_path / "drafts").glob("skirt-*")) == [f"skirt-00000{n}.png" for n in (0, 1, 2, 7)]
    kept = (tmp_path / "drafts" / "skirt-000007.png").read_bytes()
    another = muslin("generate", "--seeds", 7, "--class", "skirt", "--out", tmp_path / "drafts")
    assert "skirt-000007.png is kept: made with another generator; the new one is skirt-000007-2.png" in another.stderr
    assert (tmp_path / "drafts" / "skirt-000007.png").read_bytes() == kept
    assert "rate=0.0025, now it is 0.5" in refused(muslin("train", tmp_path / "set.zip", tmp_path / "run", *small, "--set", "rate=0.5"))


def test_style_dresses_a_picture_and_skips_the_bad_one(tmp_path, garment_file):
    (tmp_path / "in").mkdir()
    garment_file.rename(tmp_path / "in" / "dress.png")
    (tmp_path / "in" / "text.jpg").write_text("no picture")
    done = muslin(
        "style",
        tmp_path / "in",
        "--style",
        "weave_ikat=2",
        "--style",
        "fabric_leopard",
        "--mix",
        "--size",
        96,
        "--steps",
        3,
        "--out",
        tmp_path / "out",
    )
    assert done.returncode == 0, done.stderr
    assert "left out" in done.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["dress-weave_ikat+fabric_leopard.png", "sheet.png"]


def test_cloth_by_the_metre_and_on_the_garment(tmp_path, garment_file):
    done = muslin("fabric", "weave_ikat", "--repeat", "half-drop", "--cm", 5, "--dpi", 100, "--tiff", "--colourways", 2, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "seam" in done.stderr
    assert len(list(tmp_path.glob("weave_ikat-half-drop*.tiff"))) == 2
    (tmp_path / "inks.gpl").write_text("GIMP Palette\n16 32 64\tnight\n208 216 240\tice\n")
    printed = muslin(
        "style", garment_file, "--style", "weave_ikat", "--as", "print", "--repeat-cm", 10, "--colour", f"palette:{tmp_path / 'inks.gpl'}",
        "--size", 128, "--report", "--out", tmp_path / "printed",
    )  # fmt: skip
    assert printed.returncode == 0, printed.stderr
    assert float(re.search(r"silhouette (\d+\.?\d*)", printed.stderr)[1]) >= 0.99
    fast = muslin("style", garment_file, "--style", "weave_ikat", "--fast", "--size", 128, "--out", tmp_path / "fast")
    assert fast.returncode == 0, fast.stderr
    assert (tmp_path / "fast" / "dress-weave_ikat.png").exists()


def test_edit_compose_and_tell(tmp_path):
    moved = muslin("edit", "slide", 12, "--class", "dress", "--set", "width=+1", "--set", "warmth=-1", "--out", tmp_path)
    assert moved.returncode == 0, moved.stderr
    made = tmp_path / "12-width+1-warmth-1.png"
    assert "edited by hand: warmth -1, width +1" in muslin("history", made).stdout
    composed = muslin("range", made, 3, "--style", "weave_ikat", "--effort", 0, "--size", 96, "--out", tmp_path / "range")
    assert composed.returncode == 0, composed.stderr
    assert "coherence" in composed.stderr and (tmp_path / "range" / "line-up.png").exists()
    drawn = muslin("flat", tmp_path / "range" / "12-width+1-warmth-1-weave_ikat.png", "--out", tmp_path / "flats")
    assert drawn.returncode == 0, drawn.stderr
    assert len(list((tmp_path / "flats").glob("*.svg"))) == 1


def test_help_answers_at_once():
    muslin("--help")
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        assert muslin("--help").returncode == 0
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.3


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_without_torch(command):
    code = f"import sys; sys.argv = ['muslin', '{command}', '--help']\nfrom muslin.cli.main import main\ntry: main()\nexcept SystemExit: pass\nassert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_all_settings_that_commands_take_are_listed():
    lines = muslin("list", "settings").stdout.splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    for command, setting in (
        ("design", "style.alpha=0.8"),
        ("evaluate GENERATOR --data DATA", "class_least=24"),
        ("evaluate FOLDER", "strip=6"),
    ):
        start = lines.index(f"{command}:")
        end = next((lines.index(head) for head in heads if lines.index(head) > start), len(lines))
        assert f"    --set {setting}" in lines[start:end]


@pytest.mark.parametrize("what", ["generators", "sliders", "styles", "backbones", "presets", "settings", "licences"])
def test_the_shelf(what):
    done = muslin("list", what)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 2


@pytest.fixture
def bad(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "weights.safetensors").write_bytes(pickle.dumps({"a": 1}))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b""))
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as out:
        out.writestr("../evil.png", b"x")
    for name, sides in (("one", (1, 1)), ("thread", (200, 2000)), ("plain", (64, 64)), ("wide", (20, 200))):
        (tmp_path / f"{name}.png").write_bytes(encode_png(torch.zeros(3, *sides)))
    (tmp_path / "clear.png").write_bytes(encode_png(torch.zeros(3, 64, 64), torch.zeros(1, 64, 64)))
    tifffile.imwrite(tmp_path / "nan.tif", np.full((64, 64), np.nan, np.float32))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["prepare", "none", "out.zip"], "none: no such file or folder"),
        (["prepare", "empty", "out.zip"], "empty: no pictures in there"),
        (["prepare", "evil.zip", "out.zip"], "'../evil.png' leads out of the archive"),
        (["style", "text.jpg", "--style", "weave_ikat"], "text.jpg: not a picture"),
        (["style", "bomb.png", "--style", "weave_ikat"], "bomb.png: 400,000,000 pixels; the limit is"),
        (["style", "none.png", "--style", "weave_ikat"], "none.png: no such file or folder"),
        (["style", "text.jpg", "--style", "empty"], "empty: no pictures in this style folder"),
        (["style", "plain.png", "--style", ""], "--style '': an empty name; name a shipped style, a picture or a folder"),
        (["style", "", "--style", "weave_ikat"], "an empty name; name a file or folder"),
        (["style", "plain.png", "--style", "weave_ikat", "--fast", "--effort", "1"], "--effort 1.0: --fast is --effort 0; leave one of the two out"),
        (["style", "plain.png", "--style", "weave_ikat", "--fast", "--set", "effort=0.5"], "--effort 0.5: --fast is --effort 0; leave one"),
        (["style", "plain.png", "--style", "weave_ikat", "--out", ""], "an empty name; name a file or folder"),
        (["range", "3", "--style", "weave_ikat", "--lock", "4", "--colour", "garment"], "leave --colour garment out"),
        (["edit", "slide", "3", "--class", "dres"], "did you mean 'dress'?"),
        (["style", "plain.png", "--style", "weave_ikat=inf"], "the weight should be more than 0 and less than a million"),
        (["fabric", "weave_ikat", "--colour", "garment"], "there is no garment here; write palette:FILE, or style"),
        (["style", "text.jpg", "--style", "weave_ikatt"], "did you mean 'weave_ikat'?"),
        (["style", "text.jpg", "--style", "weave_ikat", "--backbone", "vgg19:none.safetensors"], "none.safetensors: cannot read"),
        (["generate", "--generator", "weights.safetensors"], "pickled weights are refused"),
        (["generate", "--generator", "none"], "none: no such file or shipped generator"),
        (["generate", "--class", "dres"], "did you mean 'dress'?"),
        (["generate", "--seeds", "9-1"], "--seeds 9-1"),
        (["generate", "--size", "100"], "size=100: should be 256 to 4096"),
        (["design", "--set", "style.alfa=3"], "did you mean 'style.alpha'?"),
        (["design", "--count", "many"], "'many' is not a valid integer"),
        (["train", "starter", "run", "--set", "net.sise=64"], "did you mean 'net.size'?"),
        (["train", "starter", "run", "--class", "dres"], "did you mean 'dress'?"),
        (["train", "starter", "run", "--preset", "clasic"], "did you mean 'classic'?"),
        (["train", "starter", "run", "--size", "48"], "size=48: should be 32, 64, 128, 256 or 512"),
        (["train", "starter", "run", "--budget", "soon"], "--budget soon: write a time, as in 30m"),
        (["train", "starter", "run", "--init", "garments-46"], "did you mean 'garments-64'?"),
        (["train", "starter", "run", "--init", "fashion-mnist-28"], "only an atelier generator can be started from"),
        (["train", "starter", "run", "--device", "tpu"], "device tpu: not on this machine"),
        (["fabric", "weave_ikat", "--cm", "508"], "60,000 px a side and needs about"),
        (["fabric", "weave_ikat", "--colour", "palette:none.ase"], "none.ase: cannot read"),
        (["style", "text.jpg", "--style", "weave_ikat", "--colour", "red"], "--colour red: write garment, style, or palette:FILE"),
        (["style", "text.jpg", "--style", "weave_ikat", "--size", "99999"], "size=99999: should be 64 to 8192"),
        (["style", "plain.png", "--style", "one.png"], "one.png: a style of 1 x 1 px has no texture; use one of at least 16 px a side"),
        (["fabric", "one.png"], "one.png: a style of 1 x 1 px has no texture"),
        (["design", "--style", "one.png", "--count", "1", "--pool", "1"], "one.png: a style of 1 x 1 px has no texture"),
        (["range", "3", "--style", "one.png"], "one.png: a style of 1 x 1 px has no texture"),
        (["style", "clear.png", "--style", "weave_ikat", "--size", "96"], "clear.png: the picture is wholly transparent"),
        (["style", "thread.png", "--style", "weave_ikat", "--size", "128"],
         "thread.png: 2000 x 200 px would be 128 x 13 px at size 128, and 16 px a side are needed; the least --size for it is 155"),
        (["style", "nan.tif", "--style", "weave_ikat"], "nan.tif: has values that are no numbers"),
        (["style", "plain.png", "--style", "nan.tif"], "nan.tif: has values that are no numbers"),
        (["style", "plain.png", "--style", "weave_ikat", "--layer-weights=-1,1,1,1,1"], "layer_weights=-1,1,1,1,1: should be numbers from 0"),
        (["style", "plain.png", "--style", "weave_ikat", "--layer-weights", "0,0,0,0,0"], "layer_weights=0,0,0,0,0: should be numbers from 0"),
        (["style", "plain.png", "--style", "weave_ikat", "--layer-weights", "1,1,nan,1,1"], "layer_weights=1,1,nan,1,1: should be"),
        (["style", "plain.png", "--style", "weave_ikat", "--layer-weights", "1,1"], "layer_weights has 2 numbers for the 5 layers"),
        (["style", "plain.png", "--style", "weave_ikat", "--style-layers", "3e,9z"], "9z"),
        (["style", "plain.png", "--style", "weave_ikat", "--alpha", "nan"], "alpha=nan: should be 0 to"),
        (["style", "plain.png", "--style", "weave_ikat", "--beta=-1"], "beta=-1.0: should be 0 to"),
        (["style", "plain.png", "--style", "weave_ikat=nan"], "--style weave_ikat=nan: the weight should be more than 0"),
        (["style", "plain.png", "--style", "weave_ikat", "--alpha", "0", "--beta", "0", "--tv", "0", "--set", "colour=0"], "are all 0"),
        (["design", "--set", "style.alpha=-1"], "alpha=-1.0: should be 0 to"),
        (["style", "plain.png", "--style", "weave_ikat", "--as", "print", "--where", "all", "--repeat-cm", "0.2", "--width-cm", "500"],
         "plain.png: repeat_cm=0.2: the garment is 500 cm wide on 512 px, so a repeat would be 0.2 px and show no motif; --repeat-cm 4.1 would do"),
        (["fabric", "wide.png", "--cm", "0.5", "--dpi", "30"], "wide.png: one tile of 0.5 cm at 30 dpi would be 6 x 1 px"),
        (["edit", "slide", "3", "--set", "lenght=1"], "did you mean 'length'?"),
        (["edit", "slide", "3", "--set", "length"], "--set length: write SLIDER=AMOUNT"),
        (["edit", "slide", "text.jpg", "--set", "length=1"], "text.jpg: carries no recipe to edit; bring it in with"),
        (["edit", "project", "text.jpg"], "text.jpg: not a picture"),
        (["edit", "sketch", "none.png"], "none.png: cannot read"),
        (["edit", "mix", "3", "4", "--shape", "1,x"], "weights 1,x: write numbers with commas"),
        (["edit", "walk", "3"], "a walk needs two designs or more"),
        (["range", "3", "--style", "weave_ikat", "--lock", "99"], "lock=99: should be 2 to 16 inks"),
        (["flat", "text.jpg"], "text.jpg: not a picture"),
        (["history", "text.jpg"], "text.jpg: not a picture that can be read"),
        (["remake", "none.png"], "none.png: cannot read"),
        (["desing"], "did you mean 'design'?"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_line(bad, words, says):
    before = sorted(bad.rglob("*"))
    assert says in refused(muslin(*words, cwd=bad))
    assert [p for p in sorted(bad.rglob("*")) if p not in before and p.is_file()] == []


def test_bad_usage_is_told_to_programs_too(tmp_path):
    done = muslin("design", "--cuont", "3", "--json", cwd=tmp_path)
    assert done.returncode == 2 and not done.stderr
    told = json.loads(done.stdout)
    assert told["event"] == "error" and "No such option '--cuont'" in told["text"]


def _small_disk():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))


def test_a_disk_that_takes_no_more(tmp_path):
    done = muslin("generate", "--seeds", "0-3", "--out", tmp_path / "drafts", preexec_fn=_small_disk)
    assert "cannot write" in refused(done)
    assert not list((tmp_path / "drafts").glob(".muslin*"))


def test_ctrl_c_keeps_what_is_finished(tmp_path):
    command = [sys.executable, "-m", "muslin", "generate", "--seeds", "0-9999", "--out", str(tmp_path / "drafts")]
    heard = functools.partial(
        signal.signal, signal.SIGINT, signal.default_int_handler
    )  # a job in the background ignores it, and so would this
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heard)
    for _ in range(600):
        if len(list((tmp_path / "drafts").glob("[!.]*.png"))) > 8:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "what is finished stays" in errors
    assert "Traceback" not in errors
    assert len(list((tmp_path / "drafts").glob("*.png"))) > 5
    assert not list((tmp_path / "drafts").glob(".muslin*"))


def test_words_of_options():
    assert seeds("1,5,9-11") == [1, 5, 9, 10, 11]
    assert [duration(t) for t in ("", "30m", "1h30m", "90s", "0.5h")] == [0, 1800, 5400, 90, 1800]
    assert named_or_weighted("a=0.5") == ("a", 0.5)
    assert named_or_weighted("a") == ("a", 1.0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_behind_the_output_is_told():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "muslin", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2 and "disk is full" in done.stderr and "Traceback" not in done.stderr
