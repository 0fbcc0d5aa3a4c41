"""XMP packets put into picture files that are there already, byte by byte: no pixel is encoded again. PNG, JPEG, WebP; films: GIF, MP4.

Also finds which kind a file is, and whether a PNG's checksums hold. Does not know what a packet says.
"""

import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise

from muslin.base.errors import InputError

_PNG = b"\x89PNG\r\n\x1a\n"
_ITXT = b"XML:com.adobe.xmp\0\0\0\0\0"  # keyword, not compressed, no language, no translated keyword
_APP1 = b"http://ns.adobe.com/xap/1.0/\0"
_GIF, _GIF_TAIL = b"\x21\xff\x0bXMP DataXMP", b"\x01" + bytes(range(255, -1, -1)) + b"\0"
_MP4 = b"uuid" + bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
JPEG_MOST = 65_535 - 2 - len(_APP1)  # bytes of a packet that one JPEG segment holds


def kind_of(content: bytes) -> str:
    """The media type by the first bytes: image/png, image/jpeg, image/webp, image/tiff; empty for others."""
    if content.startswith(_PNG):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return "image/tiff" if content[:4] in (b"II*\0", b"MM\0*") else ""


def with_packet(content: bytes, packet: str, name: str) -> bytes:
    """`content` with `packet` in the place of its XMP. A TIFF, or a WebP without its extended header, comes back as it was.

    Raises InputError for a file that is cut short, and for a packet that a JPEG cannot hold.
    """
    replace = {"image/png": _into_png, "image/jpeg": _into_jpeg, "image/webp": _into_webp}.get(kind_of(content))
    try:
        return content if replace is None else replace(content, packet.encode())
    except (struct.error, IndexError, ValueError) as failure:
        raise InputError(f"{name}: cannot take in its description ({failure or 'cut short'}); copy or export it again") from failure


def gif_with(content: bytes, packet: str) -> bytes:
    """A GIF with `packet` after its header (XMP Specification, part 3): a reader that does not know it slides over it by the tail's bytes."""
    if not packet:
        return content
    head = 13 + (3 << (content[10] & 7) + 1 if content[10] & 0x80 else 0)
    return content[:head] + _GIF + packet.encode() + _GIF_TAIL + content[head:]


def gif_packet(content: bytes) -> str:
    """The packet in a GIF, empty where there is none."""
    if not content.startswith(b"GIF8"):
        return ""
    start, end = content.find(_GIF), content.find(_GIF_TAIL)
    return content[start + len(_GIF) : end].decode("utf-8", "replace") if 0 < start < end else ""


def mp4_box(packet: str) -> bytes:
    """A box to stand at the end of an MP4 (XMP Specification, part 3), which players pass over; nothing for no packet."""
    body = _MP4 + packet.encode()
    return struct.pack(">I", 4 + len(body)) + body if packet else b""


def mp4_packet(content: bytes) -> str:
    """The packet in such a box at an MP4's end, empty where there is none."""
    start = content.rfind(_MP4)
    return content[start + len(_MP4) :].decode("utf-8", "replace") if content[4:8] == b"ftyp" and start > 0 else ""


def broken_chunk(content: bytes) -> str:
    """The first chunk of a PNG whose checksum is wrong, or `end` where it is cut short or longer than it says; empty where all holds."""
    if not content.startswith(_PNG):
        return ""
    name = b""
    try:
        for name, start, end in _chunks(content):
            if struct.unpack(">I", content[end - 4 : end])[0] != zlib.crc32(content[start + 4 : end - 4]):
                return name.decode("ascii", "replace")
    except struct.error:
        return "end"
    return "" if name == b"IEND" and end == len(content) else "end"


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each chunk of a PNG, up to its IEND."""
    start, name = len(_PNG), b""
    while name != b"IEND":
        length, name = struct.unpack(">I4s", content[start : start + 8])
        yield name, start, start + 12 + length
        start += 12 + length


def _into_png(content: bytes, packet: bytes) -> bytes:
    data = b"iTXt" + _ITXT + packet
    ours = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    out, placed, last = [_PNG], False, 0
    for name, start, last in _chunks(content):
        if name == b"IDAT" and not placed:
            out.append(ours)
            placed = True
        if not (name == b"iTXt" and content[start + 8 :].startswith(_ITXT[:18])):
            out.append(content[start:last])
    return b"".join([*out, content[last:]])


def _into_jpeg(content: bytes, packet: bytes) -> bytes:
    if len(packet) > JPEG_MOST:
        raise ValueError(f"{len(packet):,} bytes; a JPEG holds {JPEG_MOST:,}")
    starts, place = [2], 2
    while content[starts[-1] + 1] != 0xDA:  # the picture itself begins
        starts.append(starts[-1] + 2 + int.from_bytes(content[starts[-1] + 2 : starts[-1] + 4]))
    if content[3] == 0xE0:  # JFIF wants its own segment first
        place = starts[1]
    kept = [content[a:b] for a, b in pairwise(starts) if a >= place and not content[a + 4 : b].startswith(_APP1)]
    ours = b"\xff\xe1" + struct.pack(">H", 2 + len(_APP1) + len(packet)) + _APP1 + packet
    return b"".join([content[:place], ours, *kept, content[starts[-1] :]])


def _into_webp(content: bytes, packet: bytes) -> bytes:
    if content[12:16] != b"VP8X":
        return content
    out, start = [], 12
    while start < len(content):
        name, length = struct.unpack("<4sI", content[start : start + 8])
        end = start + 8 + length + length % 2
        if name != b"XMP ":
            out.append(content[start:end])
        start = end
    out[0] = out[0][:8] + bytes([out[0][8] | 4]) + out[0][9:]  # the header says that there is XMP
    out.append(struct.pack("<4sI", b"XMP ", len(packet)) + packet + b"\0" * (len(packet) % 2))
    body = b"WEBP" + b"".join(out)
    return b"RIFF" + struct.pack("<I", len(body)) + body
