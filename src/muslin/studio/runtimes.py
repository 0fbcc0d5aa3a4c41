"""Which program draws a generator's designs: torch, or onnxruntime. The same call shape for both, so that one flag suffices.

With onnxruntime a design of the same seed looks the same and differs in its last bits; each runtime repeats its own bits.
"""

from dataclasses import replace
from pathlib import Path

import torch

from muslin.assets import GENERATORS
from muslin.base.errors import SettingError
from muslin.base.files import make_folder, read_bytes, sha256_file, write_bytes
from muslin.base.machine import pick_device
from muslin.base.vision import cache_folder
from muslin.export import onnx
from muslin.gan.generators import Loaded, called, load_generator, locate
from muslin.provenance.recipe import tools


def open_generator(which: str | Path, runtime: str = "torch", device: str = "cpu") -> Loaded:
    """A generator by shipped name, file or run, ready to draw; a .onnx file is drawn by onnxruntime whatever is asked.

    `runtime` onnx: exported and verified once, and kept in Muslin's cache. Raises InputError and SettingError.
    """
    written = str(which).endswith(".onnx")
    if runtime == "torch" and not written:
        return load_generator(which).to(pick_device(device))
    if device not in ("auto", "cpu"):
        raise SettingError(f"device {device}: onnxruntime draws on the CPU here; leave --device or --runtime out")
    path = locate(which)
    if written:
        found = onnx.read_generator(read_bytes(path), path)
        source = next((file for file in GENERATORS.values() if file.exists() and sha256_file(file) == found.sha256), path)
        return replace(found, path=source)
    return replace(onnx.read_generator(_kept(path), path), name=called(path), path=path)


def _kept(path: Path) -> bytes:
    """The generator as ONNX: from the cache, where this Muslin and this torch have put it."""
    onnx.check_installed()
    versions = tools()
    kept = cache_folder() / f"{sha256_file(path)[:16]}-muslin-{versions['muslin']}-torch-{torch.__version__}.onnx"
    if not kept.exists():
        made = onnx.export_generator(load_generator(path))
        make_folder(kept.parent)
        write_bytes(kept, made.content)
    return read_bytes(kept)
