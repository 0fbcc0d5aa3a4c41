"""Does the copy detector find planted copies, how often does it cry wolf, and how fast is it?

    python benchmarks/originality.py DATA [--plants 100]
    python benchmarks/originality.py --speed 100000

DATA (folder, zip or `starter`) is cut by a fixed seed into pictures that are indexed, pictures held out for the thresholds, and pictures
held out to count false alarms. Copies of indexed pictures are planted, changed in ten ways. The peer in the same run: the nearest
neighbour by pooled features alone, at the same false-alarm rate (what most data-copying scores go by). --speed: milliseconds a query
against an index of so many rows (the shipped one's, again and again with noise).
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from muslin.assets import INDEXES, STARTER
from muslin.base.events import Event
from muslin.base.image import decode, encode_jpeg, open_image, resize, to_pil
from muslin.base.seeds import seeded
from muslin.data.ground import find_mask
from muslin.data.sources import Source, open_source
from muslin.features.backbones import load_backbone
from muslin.metrics.originality import Index, judged, look_at, make_index, nearest, thresholds
from muslin.studio.indexing import calibrate, load_index
from muslin.studio.styles import find_styles, shipped
from muslin.style.configs import StyleConfig
from muslin.style.dress import Cloth, Dressed, dress

ROLL = random.Random(0)
STYLES = find_styles(shipped())


def crop(picture: torch.Tensor, share: float = 0.8) -> torch.Tensor:
    """A random part of `share` of each side, at the old size."""
    _, height, width = picture.shape
    h, w = int(height * share), int(width * share)
    top, left = ROLL.randint(0, height - h), ROLL.randint(0, width - w)
    return resize(picture[:, top : top + h, left : left + w], height, width)


def hue(picture: torch.Tensor) -> torch.Tensor:
    """Turned in HSV by 30 to 180 degrees, either way."""
    array = np.array(to_pil(picture).convert("HSV"))
    array[..., 0] = (array[..., 0].astype(int) + ROLL.choice([-1, 1]) * ROLL.randint(21, 127)) % 256
    rgb = np.asarray(Image.fromarray(array, "HSV").convert("RGB")).copy()
    return torch.from_numpy(rgb).permute(2, 0, 1).float() / 127.5 - 1


def ground(picture: torch.Tensor) -> torch.Tensor:
    """On a plain ground of a random colour, where a mask is found."""
    mask = find_mask(picture)
    colour = torch.tensor([ROLL.uniform(-0.8, 0.9) for _ in range(3)])[:, None, None]
    return picture if mask is None else picture * mask + (1 - mask) * colour


def styled(picture: torch.Tensor) -> torch.Tensor:
    """Dressed in one of the shipped styles by the fast network."""
    style = STYLES[ROLL.randrange(len(STYLES))]
    *_, result = dress(picture, [Cloth(style.pixels)], load_backbone("embedded"), StyleConfig(size=256, effort=0))
    assert isinstance(result, Dressed)
    return result.pixels


PLANTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "exact": lambda p: p,
    "flip": lambda p: p.flip(2),
    "JPEG 50": lambda p: decode(encode_jpeg(p, 50)),
    "64 px": lambda p: resize(resize(p, 64, 64), *p.shape[1:]),
    "crop 80 %": crop,
    "hue": hue,
    "crop 80 % + hue": lambda p: hue(crop(p)),
    "crop + flip + JPEG": lambda p: decode(encode_jpeg(crop(p).flip(2), 50)),
    "another ground": ground,
    "style-transferred": styled,
}


def read(source: Source, places: list[int]) -> list[torch.Tensor]:
    """Pictures of a source."""
    return [open_image(source.items[place].read(), source.items[place].name).pixels for place in places]


def indexed(source: Source, places: list[int], held: list[int]) -> Index:
    """The index of some pictures, calibrated with others."""
    rows = [row for start in range(0, len(places), 64) for row in look_at(read(source, places[start : start + 64]))]
    index = make_index([source.items[place].name for place in places], rows)
    *_, found = calibrate(index, replace(source, items=tuple(source.items[place] for place in held)))
    assert not isinstance(found, Event)
    return found


def speed(count: int) -> None:
    """Milliseconds a query, by parts."""
    index = load_index(INDEXES["garments-64"])
    places, noise = torch.arange(count) % len(index), torch.randn(count, index.colour.shape[1], generator=seeded(0, "noise")) * 0.02
    starts = torch.cat([torch.zeros(1, dtype=torch.long), index.ends[:-1]])
    blob = [index.thumbnails[a:b] for a, b in zip(starts.tolist(), index.ends.tolist(), strict=True)]
    thumbnails = torch.cat([blob[place] for place in places.tolist()])
    large = replace(
        index,
        names=tuple(f"{index.names[place]} {n}" for n, place in enumerate(places.tolist())),
        colour=(index.colour.float()[places] + noise).half(),
        grey=(index.grey.float()[places] + noise).half(),
        thumbnails=thumbnails,
        ends=torch.tensor([len(blob[place]) for place in places.tolist()]).cumsum(0),
        rough=index.rough[places],
    )
    pictures = [open_image(item.read(), item.name).pixels for item in open_source(STARTER).items[::10][:24]]
    nearest(large, pictures[0])
    times = []
    for picture in pictures:
        began = time.perf_counter()
        nearest(large, picture)
        times.append((time.perf_counter() - began) * 1000)
    began = time.perf_counter()
    look_at(pictures)
    rows = len(pictures) / (time.perf_counter() - began)
    print(f"{count:,} rows, {torch.get_num_threads()} threads: {statistics.median(times):.0f} ms a query; indexing {rows:.0f} pictures/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="starter")
    parser.add_argument("--speed", type=int, default=0)
    parser.add_argument("--plants", type=int, default=100)
    parser.add_argument("--alarm", type=float, default=0.01)
    asked = parser.parse_args()
    if asked.speed:
        speed(asked.speed)
        return
    source = open_source(STARTER if asked.data == "starter" else Path(asked.data))
    order = torch.randperm(len(source.items), generator=seeded(0, "split")).tolist()
    held = len(order) // 8
    chance, fresh, inside = order[:held], order[held : 2 * held], order[2 * held :]
    began = time.perf_counter()
    index = indexed(source, inside, chance)
    print(
        f"{len(inside)} indexed, {len(chance)} held out for the thresholds, {len(fresh)} for false alarms; {time.perf_counter() - began:.0f} s"
    )
    copy, _, _ = thresholds(index, asked.alarm)
    features_only = float(index.chance_away.quantile(asked.alarm))
    print(f"threshold {copy:.3f}; by features alone {features_only:.3f}; alarm {asked.alarm:g}")
    began = time.perf_counter()
    found = [nearest(index, picture) for picture in read(source, fresh)]
    print(f"{(time.perf_counter() - began) / len(fresh) * 1000:.0f} ms a query (with decoding); false alarms:")
    rows = [("new pictures", found, None)]
    for name, change in PLANTS.items():
        chosen = list(range(min(asked.plants, len(inside))))
        copies = [change(picture) for picture in read(source, [inside[place] for place in chosen])]
        rows.append((name, [nearest(index, picture) for picture in copies], chosen))
    print(f"{'planted':20} {'found':>7} {'right one':>9} {'features alone':>14}")
    for name, findings, wanted in rows:
        called = sum(judged(index, near, asked.alarm).verdict == "copy" for near in findings) / len(findings)
        right = (
            sum(near[0].place == place for near, place in zip(findings, wanted, strict=True)) / len(findings) if wanted else float("nan")
        )
        alone = sum(min(n.away for n in near) < features_only for near in findings) / len(findings)
        print(f"{name:20} {called:7.1%} {right:9.1%} {alone:14.1%}", flush=True)


if __name__ == "__main__":
    main()
