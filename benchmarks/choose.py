"""Which 24 of 1,000 drafts to dress: rules of choosing against chance, judged by real garments that the rules never see.

    OMP_NUM_THREADS=1 python benchmarks/choose.py DATA --out OUT      DATA holds garments256.zip and garments256.csv

One thread: the networks see small blocks, and on a busy machine a second thread waits more than it works.

Rules may look at the starter set (294 garments); judged is against the 2,572 others of the kinds that are drawn (`unseen`), and against
those among them that the generator did not learn from either (`untrained`, 450). Pooled EfficientNet-Lite0 features of unit length, at the drafts' size.

cover: mean distance of an unseen garment to its nearest chosen one, kinds counting alike (less is better); coverage: share of unseen garments
with a chosen one among their five nearest; realism, untrained: mean distance of the chosen to their nearest one; precision: share of the
chosen within an unseen garment's reach; outline: best intersection over union of the chosen one's silhouette with any unseen
garment's (no features in it); apart: mean distance to the nearest other chosen one; copies: nearest starter garment, in copy thresholds.
"""

import argparse
import csv
import time
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F

from muslin.base.checkpoint import load_checkpoint
from muslin.base.config import from_dict
from muslin.base.files import make_folder, write_bytes, write_text
from muslin.base.image import encode_png, open_image, resize
from muslin.base.seeds import seeded
from muslin.data.outlines import framed
from muslin.export.sheets import contact_sheet
from muslin.gan.configs import AtelierNet
from muslin.gan.discriminator import Discriminator
from muslin.gan.generators import CRITIC, load_generator
from muslin.metrics.garment import see
from muslin.metrics.manifold import overlap, radii
from muslin.metrics.novelty import copy_threshold, nearest
from muslin.studio import choose as c
from muslin.studio.cook import as_picture, draft_recipe, draw_each
from muslin.studio.pipeline import look_at

COUNT, KINDS = 24, ("dress", "longsleeve", "outwear", "pants", "shirt", "shorts", "skirt", "t-shirt")


@dataclass
class Real:
    """Garments no rule sees."""

    points: torch.Tensor
    kinds: torch.Tensor
    trained: torch.Tensor
    shapes: torch.Tensor


def read_real(data, side):
    with zipfile.ZipFile(c.STARTER) as archive:
        starter = set(archive.namelist())
    with (data / "garments256.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["class"] in KINDS and r["file"] not in starter]
    with zipfile.ZipFile(data / "garments256.zip") as archive:
        pictures = [resize(open_image(archive.read(r["file"]), r["file"]).pixels, side, side) for r in rows]
    trained = torch.tensor([float(r["border"]) < 0.05 and float(r["uncertain"]) < 0.2 for r in rows])
    return Real(c.features(pictures), torch.tensor([KINDS.index(r["class"]) for r in rows]), trained, silhouettes(pictures))


def silhouettes(pictures):
    """Masks cut to their boxes, centred on a square of 32 px, one row each."""
    masks = [see(torch.stack(pictures[i : i + 64])).mask for i in range(0, len(pictures), 64)]
    return torch.stack([framed(mask[None]) for mask in torch.cat(masks)])


def best_match(ours, wanted):
    """For each silhouette the largest intersection over union with any wanted one."""
    rows = [(torch.minimum(o, wanted).sum(1) / torch.maximum(o, wanted).sum(1).clamp(min=1e-6)).max() for o in ours]
    return torch.stack(rows)


def judge(points, shapes, real, known):
    """All figures of one choice."""
    away = torch.cdist(points, real.points)
    cover = torch.stack([away.min(0).values[real.kinds == kind].mean() for kind in range(len(KINDS))]).mean()
    o = overlap(points, real.points)
    row = {"cover": cover, "coverage": o.coverage, "realism": away.min(1).values.mean()}
    row |= {"untrained": away[:, ~real.trained].min(1).values.mean(), "precision": o.precision, "density": o.density}
    row |= {"outline": best_match(shapes, real.shapes).mean(), "apart": radii(points, 1).mean()}
    row["copies"] = nearest(points, known)[0].min() / copy_threshold(known)
    return {name: float(value) for name, value in row.items()}


class Best(c.Determinant):
    """The most real ones, whatever they are like."""

    def __init__(self, points, quality):
        self.gains = quality

    def take(self, place):
        pass


class Centre:
    """k-centre (Gonzalez 1985): the farthest from all chosen so far."""

    def __init__(self, points, first):
        self.points, self.away, self.gains = points, torch.full((len(points),), torch.inf), first

    def take(self, place):
        self.away = torch.minimum(self.away, (self.points - self.points[place]).norm(dim=1))
        self.gains = self.away


class Facility:
    """Facility location: greedy maximum of sum over clients of the likeness to the nearest chosen one."""

    def __init__(self, points, clients, width=0.35):
        self.alike = (-torch.cdist(clients, points).square() / (2 * width**2)).exp()
        self.served = torch.zeros(len(clients))
        self.gains = self.alike.sum(0)

    def take(self, place):
        self.served = torch.maximum(self.served, self.alike[:, place])
        self.gains = (self.alike - self.served[:, None]).clamp(min=0).sum(0)


def former(pool):
    """The rule until now: in each kind, of the 40 % nearest to their third neighbour, k-centre."""
    per_kind, out = COUNT // len(KINDS), []
    for kind in KINDS:
        places = torch.tensor([k == kind for k in pool.kinds]).logical_and(pool.usable).nonzero()[:, 0]
        away = torch.cdist(pool.points[places], pool.points[places])
        kept = away.sort(1).values[:, 3].argsort(stable=True)[: max(per_kind, round(len(places) * 0.4))]
        away = away[kept][:, kept]
        chosen = [int(away.mean(1).argmin())]
        while len(chosen) < per_kind:
            chosen.append(int(away[:, chosen].min(1).values.argmax()))
        out += places[kept[torch.tensor(chosen)]].tolist()
    return torch.tensor(out)


def scores(generator, drafts, labels):
    """What the discriminator that ships beside the generator says of each draft, one at a time; a finishing net's judges cloth, so none is asked."""
    if generator.network.finish:
        return None
    tensors, about = load_checkpoint(generator.path)
    critic = Discriminator(from_dict(AtelierNet, about["net"]))
    critic.load_state_dict({name.removeprefix(CRITIC): t.float() for name, t in tensors.items() if name.startswith(CRITIC)})
    with torch.no_grad():
        return torch.cat([critic.eval()(draft[None], torch.tensor([label])) for draft, label in zip(drafts, labels, strict=True)])


def rules(pool, known, said):
    """Every rule's choice by name."""
    points, n = pool.points, len(pool.kinds)
    straight = pool.usable & ~c.bent_half(pool)
    real = {"starter": c.realism(pool, known), "density": c.realism(pool)}
    real |= {} if said is None else {"critic": c.ranked(said.double(), pool)}
    chosen = {"until now": former(pool)}

    def turns(rule, usable=pool.usable):
        return c.in_turns(rule, usable, pool.kinds, COUNT)

    for name, r in real.items():
        chosen[f"most real ({name})"] = turns(Best(points, r))
        chosen[f"k-centre of the top 15 % ({name})"] = turns(Centre(points, r), pool.usable & (r >= 0.85))
        chosen[f"determinant ({name})"] = turns(c.Determinant(points, (pool.usable.sum() / COUNT) ** r))
    chosen["facility location, starter served"] = turns(Facility(points, known))
    chosen["facility location, starter served, straight half"] = turns(Facility(points, known), straight)
    chosen["facility location, drafts served"] = turns(Facility(points, points[pool.usable], 0.5))
    chosen["**Muslin**: determinant, starter, straight half, novelty, outlines"] = c.choose(pool, COUNT, known).places
    chosen["Muslin, lumps and all"] = c.choose(replace(pool, lump=None), COUNT, known).places
    chosen["Muslin without outlines"] = c.choose(replace(pool, outline=None, lump=None), COUNT, known).places
    chosen["Muslin without known garments"] = c.choose(pool, COUNT).places
    chosen["Muslin, kinds as they come"] = c.choose(replace(pool, kinds=[""] * n), COUNT, known).places
    return chosen


def by_chance(pool, draws=25):
    """Random choices, by name: from all, from the usable, and with even shares."""
    all_of, usable = torch.arange(len(pool.kinds)), pool.usable.nonzero()[:, 0]
    rows = {"random": [], "random, usable": [], "random, usable, even shares": []}
    for draw in range(draws):
        rng = seeded(draw, "chance")
        for name, places in (("random", all_of), ("random, usable", usable)):
            rows[name].append(places[torch.randperm(len(places), generator=rng)[:COUNT]])
        rule = Best(pool.points, torch.rand(len(all_of), generator=rng))
        rows["random, usable, even shares"].append(c.in_turns(rule, pool.usable, pool.kinds, COUNT))
    return rows


def ranks_alike(pool, known, said, real, shapes):
    """Rank correlation of each judge of realism with the distance to unseen garments, and with silhouettes."""

    def rho(a, b):
        return float(torch.corrcoef(torch.stack([x.argsort().argsort().double() for x in (a, b)]))[0, 1])

    far, fit = torch.cdist(pool.points, real.points).min(1).values, best_match(shapes, real.shapes)
    judges = {"three nearest of the starter set": c.away_from(pool.points, known), "third nearest draft": radii(pool.points, 3)}
    judges |= {"lopsided": pool.lopsided, "outlines unlike the starter set's": -pool.outline}
    judges |= {} if said is None else {"discriminator": -said}
    lines = ["| judge | with the distance to unseen garments | with silhouettes |", "|---|---|---|"]
    return lines + [f"| {name} | {rho(v, far):.2f} | {rho(-v, fit):.2f} |" for name, v in judges.items()]


def draw_pool(generator, seed, count):
    """Drafts, pictures and pool, with seconds for each part printed."""
    labels = [generator.label(KINDS[n % len(KINDS)]) for n in range(count)]
    began = time.monotonic()
    recipes = [draft_recipe(generator, seed * 1_000_000 + n, label, 0.7) for n, label in enumerate(labels)]
    drafts = list(draw_each(generator, recipes))
    drawn = time.monotonic()
    pictures = [as_picture(draft) for draft in drafts]
    pool = look_at(pictures, [KINDS[n % len(KINDS)] for n in range(count)])
    seen = time.monotonic()
    known = c.known_garments(drafts[0].shape[1])
    learned = time.monotonic()
    c.choose(pool, COUNT, known)
    times = {"draw": drawn - began, "look at": seen - drawn, "starter set": learned - seen, "choose": time.monotonic() - learned}
    print("seconds: " + ", ".join(f"{name} {s:.1f}" for name, s in times.items()) + f", {sum(times.values()):.1f} in all", flush=True)
    return drafts, labels, pictures, pool, known


def save_sheet(path, pictures, places, kinds):
    order = sorted(places.tolist(), key=lambda place: (kinds[place], place))
    large = [F.interpolate(pictures[place][None], (128, 128), mode="bilinear", antialias=True)[0] for place in order]
    write_bytes(path, encode_png(contact_sheet(large, columns=8, side=128, gap=2), dpi=96))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--generator", default="garments-128")
    parser.add_argument("--drafts", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=2, help="pools, each with its own drafts; figures are means over them")
    parser.add_argument("--out", type=Path, default=Path("choose"))
    asked = parser.parse_args()
    make_folder(asked.out)
    generator, table, real = load_generator(asked.generator), {}, None
    for seed in range(asked.seeds):
        drafts, labels, pictures, pool, known = draw_pool(generator, seed, asked.drafts)
        real = real or read_real(asked.data, drafts[0].shape[1])
        said, shapes = scores(generator, drafts, labels), silhouettes(pictures)
        print("\n".join(ranks_alike(pool, known, said, real, shapes)), flush=True)
        found = by_chance(pool) | {name: [places] for name, places in rules(pool, known, said).items()}
        for name, choices in found.items():
            table.setdefault(name, []).extend(judge(pool.points[p], shapes[p], real, known) for p in choices)
            file = "".join(ch if ch.isalnum() else "-" for ch in name).strip("-")
            save_sheet(asked.out / f"{seed}-{file}.png", pictures, choices[0], pool.kinds)
    names = list(table["random"][0])
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for name, rows in table.items():
        means = [sum(row[key] for row in rows) / len(rows) for key in names]
        lines.append(f"| {name} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")
    write_text(asked.out / "table.md", "\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
