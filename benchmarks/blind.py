"""A blind look at two methods' results of benchmarks/styles.py: sheets of A and B in an order that only a key tells, and the count of votes.

    python benchmarks/blind.py OUT --ways lite,Muslin [--rows 8] [--seed 0]      writes OUT/blind-1.png ... and OUT/blind-key.json
    python benchmarks/blind.py OUT --votes votes.txt       counts: one line for each row, as in `001 A`, `002 B` or `003 =`

Each row shows the garment, the style, A and B. The key is made with a seed and opened only after voting.
"""

import argparse
import json
import math
import random
from pathlib import Path

from muslin.base.image import encode_png, open_image
from muslin.export.sheets import contact_sheet


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--ways", default="lite,Muslin")
    parser.add_argument("--rows", type=int, default=8, help="on a sheet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--votes", type=Path)
    asked = parser.parse_args()
    if asked.votes:
        count(asked.out, asked.votes)
    else:
        sheets(asked)


def sheets(asked):
    """The sheets, and the key: the number of a pair -> the way that is A."""
    one, two = (way.replace(" ", "-") for way in asked.ways.split(","))
    numbers = sorted(path.name[:3] for path in asked.out.glob("*-garment.png"))
    draw = random.Random(asked.seed)
    key = {number: draw.sample([one, two], 2) for number in numbers}
    (asked.out / "blind-key.json").write_text(json.dumps(key, indent=1))
    for first in range(0, len(numbers), asked.rows):
        shown, captions = [], []
        for number in numbers[first : first + asked.rows]:
            shown += [open_image(asked.out / f"{number}-{what}.png").pixels for what in ("garment", "style", *key[number])]
            captions += [number, "style", f"{number} A", f"{number} B"]
        path = asked.out / f"blind-{first // asked.rows + 1}.png"
        path.write_bytes(encode_png(contact_sheet(shown, 4, 260, captions=captions)))
        print(path)


def count(out, votes):
    """How often each way was chosen, and the chance of as many by coin tosses (two-sided sign test)."""
    key, won = json.loads((out / "blind-key.json").read_text()), {}
    for line in votes.read_text().split("\n"):
        if line.strip():
            number, vote = line.split()[:2]
            name = "neither" if vote == "=" else key[number]["AB".index(vote)]
            won[name] = won.get(name, 0) + 1
    print(", ".join(f"{name} {times}" for name, times in sorted(won.items())))
    counts = [times for name, times in won.items() if name != "neither"]
    most, all_of = max(counts), sum(counts)
    chance = min(1.0, 2 * sum(math.comb(all_of, k) for k in range(most, all_of + 1)) / 2**all_of)
    print(f"{most} of {all_of}; by chance as many: {chance:.2g}")


if __name__ == "__main__":
    main()
