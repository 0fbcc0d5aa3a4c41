"""How good is what a generator draws: Muslin's atelier and a DCGAN (Radford et al. 2016), trained side by side, measured alike.

    python benchmarks/quality.py DATA --size 64 --minutes 8 --out OUT      both from nothing, the same wall-clock each, one after the other
    python benchmarks/quality.py DATA --size 64 --minutes 0 --generator garments-64     finished generators only
                                                                           (one that draws smaller than --size is enlarged)

The DCGAN is the one of PyTorch's examples (ngf = ndf = 64, Adam 2e-4, beta1 0.5, batch 128, BCE), written here from the paper; it
gets the same precision and memory layout. Measures on pooled EfficientNet-Lite0 features (96 px; not FID) against the whole training set,
classes in the training set's proportions: Frechet and kernel distance, precision, recall, density, coverage, copy rate. Where Inception's weights are
(--inception FILE, or torch's cache), FID and KID besides; a line says when they are not. The rows `half`
and `copy` say what the figures mean: one half of the real pictures against the other, and the training set with itself.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from muslin.base.errors import InputError
from muslin.base.files import make_folder, write_bytes, write_text
from muslin.base.image import encode_png, from_bytes, resize, to_bytes
from muslin.base.machine import pick_device, resolve_precision
from muslin.base.seeds import seeded
from muslin.data.loader import load_images
from muslin.export.sheets import contact_sheet
from muslin.features.inception import Inception, find_inception
from muslin.gan.atelier import AtelierTrainer
from muslin.gan.budget import plan
from muslin.gan.configs import PRESETS
from muslin.gan.generators import load_generator
from muslin.gan.train import fit
from muslin.metrics.frechet import frechet, pooled
from muslin.metrics.kernel import kernel_distance
from muslin.metrics.manifold import overlap
from muslin.metrics.novelty import copy_rate, copy_threshold
from muslin.studio.blocks import open_blocks
from muslin.studio.cook import as_picture
from muslin.studio.judge import sample, sampled
from muslin.studio.screening import first_new, known_index

MADE_UP = ", made up"


class DcganGenerator(nn.Module):
    """z (100) -> picture, transposed convolutions, batch norm, relu, tanh; no classes."""

    def __init__(self, size, wide=64):
        super().__init__()
        self.z_size, layers, channels = 100, [], wide * size // 8
        layers += [nn.ConvTranspose2d(100, channels, 4, 1, 0, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
        for _ in range((size // 8).bit_length() - 1):
            layers += [nn.ConvTranspose2d(channels, channels // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(channels // 2), nn.ReLU()]
            channels //= 2
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(channels, 3, 4, 2, 1, bias=False), nn.Tanh())

    def forward(self, z, labels=None, psi=1.0):
        return self.layers(z[:, :, None, None]).float()


def dcgan_discriminator(size, wide=64):
    layers, channels = [nn.Conv2d(3, wide, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)], wide
    for _ in range((size // 8).bit_length() - 1):
        layers += [nn.Conv2d(channels, channels * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(channels * 2), nn.LeakyReLU(0.2)]
        channels *= 2
    return nn.Sequential(*layers, nn.Conv2d(channels, 1, 4, 1, 0, bias=False), nn.Flatten(0))


def train_dcgan(images, size, seconds, device, autocast):
    torch.manual_seed(0)
    generator, critic = DcganGenerator(size), dcgan_discriminator(size)
    for network in (generator, critic):
        for part in network.modules():
            if isinstance(part, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.normal_(part.weight, 0, 0.02)
            elif isinstance(part, nn.BatchNorm2d):
                nn.init.normal_(part.weight, 1, 0.02)
        network.to(device).to(memory_format=torch.channels_last)
    steps = [torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999)) for network in (critic, generator)]
    began, seen, batch, order = time.monotonic(), 0, min(128, len(images)), torch.randperm(len(images))
    while time.monotonic() - began < seconds:
        if len(order) < batch:
            order = torch.randperm(len(images))
        real, order = images.take(order[:batch], device)[0], order[batch:]
        with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
            fake = generator(torch.randn(batch, 100, device=device))
            _descend(steps[0], _bce(critic(real), 1.0) + _bce(critic(fake.detach()), 0.0))
            _descend(steps[1], _bce(critic(fake), 1.0))
        seen += batch
    return generator.eval(), seen


def _bce(logits, label):
    return F.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, label, dtype=torch.float32))


def _descend(optimiser, loss):
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def train_muslin(images, size, seconds, device, autocast):
    began = time.monotonic()  # measuring the speed counts
    config = fit(PRESETS[f"atelier-{size}"], images)
    config, _ = plan(config, images, seconds, device, fixed=False)
    trainer, rng, seen = AtelierTrainer(config, device), seeded(0, "train"), 0
    while time.monotonic() - began < seconds:
        trainer.step(images, seen, rng, torch.bfloat16 if autocast else None)
        seen += config.batch
    return trainer.average.network, seen


def measure(pixels, wanted, threshold):
    """All figures of one set of pictures (uint8) against the training set's features."""
    ours = pooled(pixels)
    o = overlap(ours, wanted)
    row = {"frechet": frechet(ours, wanted), "kernel x1000": 1000 * kernel_distance(ours, wanted), "precision": o.precision}
    row |= {"recall": o.recall, "density": o.density, "coverage": o.coverage, "copies": copy_rate(ours, wanted, threshold)}
    return {name: round(value, 4) for name, value in row.items()}


def fid(network, pixels, wanted):
    """FID and KID of pictures (uint8) against Inception's features of the set."""
    ours = network.pooled(pixels)
    return {"FID": round(frechet(ours, wanted), 2), "KID x1000": round(1000 * kernel_distance(ours, wanted), 3)}


def inception(named):
    """Inception where its weights are, else None, with a line that says why."""
    try:
        return Inception(find_inception(named))
    except InputError as failure:
        print(failure, file=sys.stderr)


def fitted(drawn, size):
    """Drafts (uint8) of a generator that draws smaller, enlarged to `size`."""
    if drawn.shape[-1] == size:
        return drawn
    return to_bytes(F.interpolate(from_bytes(drawn), size=(size, size), mode="bicubic", align_corners=False).clamp(-1, 1))


def made_up(drawn, places, classes, size, which):
    """Drafts (uint8) made up on blocks; those that no block fits stay as they are, and are counted."""
    *_, blocks = open_blocks(which)
    index = known_index(load_generator("garments-128"))
    out, left = [], 0
    for seed, (draft, place) in enumerate(zip(drawn, places.tolist(), strict=True)):
        found = first_new(blocks.patterns(as_picture(from_bytes(draft)), classes[place], max(256, size), seed), index)  # as `generate` does
        left += found is None
        out.append(to_bytes(resize(found[1].pixels, size, size)) if found else fitted(draft[None], size)[0])
        if len(out) % 100 == 0:
            print(f"made up {len(out):,}", file=sys.stderr, flush=True)
    return torch.stack(out), left


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--most", type=int, default=10_000, help="pictures of the set to measure against, a fixed random part")
    parser.add_argument("--generator", action="append", default=[], help="a finished generator to measure too")
    parser.add_argument("--blocks", default="", help="measure the generators' drafts made up on these blocks too: starter, a folder or zip")
    parser.add_argument("--inception", type=Path, help="Inception's weights, for FID and KID; default: torch's cache, if there")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=Path("quality"))
    asked = parser.parse_args()
    device = pick_device(asked.device)
    make_folder(asked.out)
    images = load_images(asked.data, asked.size, 3)
    known = images.pixels[torch.randperm(len(images), generator=seeded(0, "part"))[: asked.most].sort().values]
    wanted = pooled(known)
    threshold, rows = copy_threshold(wanted), {}
    places = torch.randperm(len(known), generator=seeded(0, "halves"))
    half = places[: len(known) // 2], places[len(known) // 2 :]
    rows["half"] = measure(known[half[0]], wanted[half[1]], copy_threshold(wanted[half[1]]))
    rows["copy"] = measure(known, wanted, threshold)
    if seer := inception(asked.inception):
        seen_by = seer.pooled(known)
        rows["half"] |= fid(seer, known[half[0]], seen_by[half[1]])
    networks = {str(name): (load_generator(name).network.to(device), None) for name in asked.generator}
    networks |= {f"{name}{MADE_UP}": networks[name] for name in list(networks) if asked.blocks}
    autocast = resolve_precision("auto", device) == "bfloat16"
    if asked.minutes:
        for name, work in (("DCGAN", train_dcgan), ("Muslin", train_muslin)):
            networks[name] = work(images.to(device), asked.size, asked.minutes * 60, device, autocast)
    for name, (network, seen) in networks.items():
        pictures, left = sample(network, images.labels, asked.samples), None
        if name.endswith(MADE_UP):
            classes = load_generator(name.removesuffix(MADE_UP)).classes
            pictures, left = made_up(pictures, sampled(network, images.labels, asked.samples)[1], classes, asked.size, asked.blocks)
        drawn = fitted(pictures, asked.size)
        rows[name] = measure(drawn, wanted, threshold) | (fid(seer, drawn, seen_by) if seer else {})
        rows[name] |= ({"images seen": seen} if seen else {}) | ({} if left is None else {"no block": left})
        small = asked.size <= 64
        sheet = contact_sheet(list(from_bytes(drawn[:100])), columns=20 if small else 10, side=64 if small else 112, gap=2 if small else 4)
        write_bytes(asked.out / f"{Path(name).stem}.png", encode_png(sheet, dpi=96))
        print(json.dumps({name: rows[name]}), flush=True)
    names = list(dict.fromkeys(key for row in rows.values() for key in row))
    table = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    table += [f"| {name} | " + " | ".join(str(row.get(key, "")) for key in names) + " |" for name, row in rows.items()]
    write_text(asked.out / "table.md", "\n".join(table) + "\n")
    print("\n".join(table))


if __name__ == "__main__":
    main()
