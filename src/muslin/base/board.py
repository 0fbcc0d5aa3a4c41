"""The door to TensorBoard, an extra: figures and pictures by images seen. Where it is not installed nothing is written."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor


def installed() -> bool:
    """Whether `pip install 'muslin[board]'` was done."""
    return find_spec("tensorboard") is not None


class Board:
    """Event files in a folder, for `tensorboard --logdir FOLDER`."""

    def __init__(self, folder: Path) -> None:
        self.writer: Any = None
        if installed():
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(folder))

    def figures(self, seen: int, figures: Mapping[str, float]) -> None:
        """A point of each curve at `seen` images."""
        if self.writer is not None:
            for name, value in figures.items():
                self.writer.add_scalar(name, value, seen)

    def picture(self, seen: int, name: str, picture: Float[Tensor, "3 h w"]) -> None:
        """A picture in [-1, 1] at `seen` images."""
        if self.writer is not None:
            self.writer.add_image(name, ((picture + 1) / 2).clamp(0, 1), seen)

    def close(self) -> None:
        """Write what is left."""
        if self.writer is not None:
            self.writer.close()
