"""Shapes in the type hints are checked while the tests run (jaxtyping with beartype). Small real pictures for all."""

from pathlib import Path

from jaxtyping import install_import_hook

with install_import_hook("muslin", "typecheck.check"):
    import muslin.base.image
    import muslin.gan.train
    import muslin.metrics.figures
    import muslin.metrics.frechet
    import muslin.metrics.originality
    import muslin.studio.bringing
    import muslin.studio.composing
    import muslin.studio.dressing
    import muslin.studio.editing
    import muslin.studio.evaluate
    import muslin.studio.evaluate_looks
    import muslin.studio.flat
    import muslin.studio.originality
    import muslin.studio.pipeline
    import muslin.studio.remake
    import muslin.studio.training
    import muslin.studio.verify  # noqa: F401

import pytest

from muslin.assets import STARTER, STYLES
from muslin.base.image import encode_png, open_image
from muslin.base.rights import Rights
from muslin.data.ledger import Ledger, write_ledger
from muslin.data.sources import open_source


@pytest.fixture(scope="session")
def garment():
    """A real dress on white, (3, 256, 256)."""
    item = next(item for item in open_source(STARTER).items if item.label == "dress")
    return open_image(item.read(), item.name).pixels


@pytest.fixture(scope="session")
def ikat():
    """A real style, (3, h, w)."""
    return open_image(STYLES / "weave_ikat.jpg").pixels


@pytest.fixture
def archive(tmp_path: Path, garment) -> Path:
    """A folder with two classes of three real pictures each."""
    source = tmp_path / "archive"
    for number, item in enumerate(i for i in open_source(STARTER).items if i.label in ("dress", "skirt")):
        if number % 10 == 0:
            target = source / item.label / f"{number}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(item.read())
    write_ledger(source / "rights.csv", Ledger((("*", Rights("CC0-1.0")),)))
    return source


@pytest.fixture
def garment_file(tmp_path: Path, garment) -> Path:
    """The dress as a PNG."""
    path = tmp_path / "dress.png"
    path.write_bytes(encode_png(garment))
    write_ledger(tmp_path / "rights.csv", Ledger((("*", Rights("CC0-1.0")),)))
    return path
