"""What ships: every generator loads, says where it comes from, draws what its card says, and the package stays small."""

import csv

import pytest
import torch

from command import muslin, refused
from muslin.assets import GENERATORS, HERE, LICENSES
from muslin.base.checkpoint import load_checkpoint, save_checkpoint
from muslin.base.errors import InputError
from muslin.data.loader import load_images
from muslin.gan.generators import load_generator, locate
from muslin.gan.start import Start
from muslin.studio.judge import Judge


def test_the_package_stays_small_and_every_weight_has_its_licence():
    assert sum(path.stat().st_size for path in GENERATORS.values()) < 40e6
    with LICENSES.open(newline="", encoding="utf-8") as file:
        licensed = {row["file"] for row in csv.DictReader(file) if row["licence"]}
    assert {path.name for path in HERE.glob("*.safetensors")} <= licensed


@pytest.mark.parametrize("name", GENERATORS)
def test_a_shipped_generator_has_its_card_and_draws(name):
    generator = load_generator(name)
    assert {"data", "data_licence", "pictures", "images_seen"} <= set(generator.card)
    assert generator.card["data_licence"] in ("CC0-1.0", "MIT")
    drafts = torch.stack(list(generator.draw_many(range(8), [0] * 8, 0.8)))
    assert drafts.shape == (8, generator.network.channels, generator.network.size, generator.network.size)
    assert float(drafts.std(0).mean()) > 0.05  # not eight times the same


def test_a_file_with_other_networks_is_told_in_a_line(tmp_path):
    tensors, about = load_checkpoint(GENERATORS["fashion-mnist-32"])
    older = save_checkpoint(tmp_path / "older.safetensors", tensors | {"noise.weight": torch.zeros(1)}, about)
    done = muslin("generate", "--generator", older, "--seeds", "0", "--out", tmp_path / "drafts")
    assert "older.safetensors: holds other networks than this version of muslin draws with" in refused(done)
    assert not (tmp_path / "drafts").exists()


def test_garments_64_draws_its_classes_and_can_be_started_from():
    generator = load_generator("garments-64")
    assert len(generator.classes) == 10 and Start("garments-64").critic
    assert generator.card["copies"] <= 0.02
    means = [torch.stack(list(generator.draw_many(range(8), [generator.label(k)] * 8, 0.7))).mean(0) for k in ("pants", "t-shirt")]
    assert float((means[0] - means[1]).abs().mean()) > 0.1  # trousers are no t-shirts
    scores = Judge(load_images("starter", 64, 3), 200)(generator.network)
    assert scores["copies"] < 0.05 and scores["distance"] < 1200  # an untrained one is beyond 1,700


@pytest.mark.parametrize(
    "wrong", [{"classes": None}, {"classes": ["a", "b"]}, {"classes": list(range(10))}, {"classes": ["x"] * 10}, {"card": []}]
)
def test_a_file_with_other_classes_or_no_card_is_told(tmp_path, wrong):
    tensors, about = load_checkpoint(locate("fashion-mnist-32"))
    with pytest.raises(InputError, match="classes or its card"):
        load_generator(save_checkpoint(tmp_path / "g.safetensors", tensors, about | wrong))
