"""Is a generator that knows its pictures by heart flagged, and a healthy one not?

    python benchmarks/overfit.py DATA OUT [--pictures 50] [--steps 400]

The shipped garments-64 is over-fitted on purpose: its weights are moved until the latents of seeds 0, 1, 2 ... draw the first pictures of
DATA (Bojanowski et al. 2018, with the latents fixed), saved as OUT/by-heart.safetensors, and read back. Its drafts and as many of
garments-64 itself are compared with an index of DATA. Resumes nothing: it takes minutes.
"""

import argparse
from collections import Counter
from pathlib import Path

import torch
import torch.nn.functional as F

from muslin.base.checkpoint import load_checkpoint
from muslin.base.config import from_dict
from muslin.base.image import encode_png, from_bytes
from muslin.base.seeds import seeded
from muslin.data.loader import load_images
from muslin.export.sheets import contact_sheet
from muslin.gan.configs import AtelierConfig
from muslin.gan.generators import load_generator, save_generator
from muslin.metrics.originality import judged, nearest
from muslin.studio.indexing import index_of


def by_heart(pictures: torch.Tensor, steps: int, target: Path) -> None:
    """Save garments-64 with weights that draw `pictures` (n, 3, 64, 64) from the latents of seeds 0 ... n - 1, classes in turn."""
    healthy = load_generator("garments-64")
    network = healthy.network.requires_grad_(True).train()
    z = torch.cat([torch.randn(1, network.z_size, generator=seeded(seed, "z")) for seed in range(len(pictures))])
    labels = torch.arange(len(pictures)) % network.classes
    adam, rng = torch.optim.Adam(network.parameters(), 2e-3, betas=(0.9, 0.99)), seeded(0, "over-fit")
    for step in range(steps):
        chosen = torch.randperm(len(pictures), generator=rng)[:16]
        adam.param_groups[0]["lr"] = 2e-3 * (1 - step / steps) + 1e-5
        drawn = network(z[chosen], labels[chosen])
        loss = (drawn - pictures[chosen]).abs().mean() + (F.avg_pool2d(drawn, 4) - F.avg_pool2d(pictures[chosen], 4)).abs().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step}: {loss.item():.3f}", flush=True)
    config = from_dict(AtelierConfig, load_checkpoint(healthy.path)[1]["training"])
    save_generator(target, network.eval(), config, healthy.classes, {"data": "learned by heart, on purpose"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--steps", type=int, default=400)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    file = asked.out / "by-heart.safetensors"
    images = load_images(asked.data, 64, 3)
    chosen = torch.randperm(len(images), generator=seeded(0, "by heart"))[: asked.pictures]
    if not file.exists():
        by_heart(from_bytes(images.pixels[chosen]), asked.steps, file)
    *_, index = index_of(asked.data, asked.out / "index.safetensors")
    for name in (str(file), "garments-64"):
        loaded = load_generator(name)
        labels = [seed % loaded.network.classes for seed in range(asked.pictures)]
        drafts = list(loaded.draw_many(range(asked.pictures), labels, 1.0))
        counts = Counter(judged(index, nearest(index, draft)).verdict for draft in drafts)
        print(f"{loaded.name}: {dict(counts)} of {len(drafts)} drafts")
        (asked.out / f"{loaded.name}.png").write_bytes(encode_png(contact_sheet(drafts, columns=10)))


if __name__ == "__main__":
    main()
