"""Moving pictures: GIF and WebP through Pillow's door, MP4 through imageio-ffmpeg (extra `video`, its one door)."""

import importlib.util
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from muslin.base.errors import InputError
from muslin.base.files import whole, write_bytes
from muslin.base.image import encode_frames, resize, to_bytes
from muslin.base.packets import gif_with, mp4_box

FORMS = ("gif", "webp", "mp4")


def write_film(path: Path, frames: Iterable[Float[Tensor, "3 h w"]], rate: float = 20.0, xmp: str = "") -> Path:
    """Frames in [-1, 1], one at least, asked for once, `rate` a second, as GIF, WebP (both for ever) or MP4 by the path's ending, with an XMP packet inside.

    Raises InputError and DiskError.
    """
    form = path.suffix.lower().lstrip(".")
    if form not in FORMS:
        raise InputError(f"{path}: films are .gif, .webp or .mp4")
    if form != "mp4":
        return write_bytes(
            path, gif_with(encode_frames(frames, "GIF", rate), xmp) if form == "gif" else encode_frames(frames, "WEBP", rate, xmp)
        )
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        raise InputError(f"{path}: MP4 needs the extra `video` (pip install 'muslin[video]'); .gif and .webp need nothing")
    from imageio_ffmpeg import write_frames

    # H.264 wants even sides
    even = (resize(frame, frame.shape[1] // 2 * 2, frame.shape[2] // 2 * 2) for frame in frames)
    first = next(even)
    with whole(path) as part:
        size = (first.shape[2], first.shape[1])
        writer = write_frames(str(part), size, fps=rate, output_params=["-f", "mp4"], macro_block_size=2, quality=8)
        writer.send(None)
        for frame in chain([first], even):
            writer.send(to_bytes(frame).permute(1, 2, 0).contiguous().numpy())
        writer.close()
        with part.open("ab") as file:
            file.write(mp4_box(xmp))
    return path
