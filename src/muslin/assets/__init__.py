"""What ships in the package: encoder and generator weights, the starter set, styles, LICENSES.csv. Knows paths only."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
ENCODER = HERE / "efficientnet-lite0.safetensors"
FAST_STYLER = HERE / "fast-styler.safetensors"
RELIEF = HERE / "relief.safetensors"
CONSTRUCTION = HERE / "construction.safetensors"
STARTER = HERE / "starter.zip"
MORE_BLOCKS = HERE / "blocks.zip"
BLOCKS = (
    HERE / "blocks.txt"
)  # which of both are cut out and laid so cleanly that drafts are made up on them: some of the first, all of the second
TRACES = HERE / "pieces.txt"  # how these are built, traced by hand over their pictures
STYLES = HERE / "styles"
LICENSES = HERE / "LICENSES.csv"
GENERATORS = {
    name: HERE / f"{name}.safetensors" for name in ("garments-128", "garments-64", "sketches-64", "fashion-mnist-32", "fashion-mnist-28")
}
FINEST = "garments-128"  # what draws where no generator is named
INDEXES = dict.fromkeys(("garments-128", "garments-64"), HERE / "garments-64.index.safetensors")  # of what a generator learned from
