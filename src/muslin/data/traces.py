"""How a garment is built, traced by hand over its picture: collars, pockets, waistbands, seams, buttons. As text, and as the panels that cloth is cut in.

A trace is a kind and points in permille of the picture's sides. Kinds that are closed lines: collar (a flap, a lapel, a hood), cuff, pocket, neck and knit
(ribs of a neck, and of a sleeve's or a leg's end), folded (cloth in small folds that are made: gathers, pleats, quilting); the others are open ones, from left to right or from top to bottom: what lies above or below them is the panel. Knows masks and points only.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from muslin.base.contours import fill, length, simplified
from muslin.base.errors import InputError, naming
from muslin.base.files import sha256
from muslin.data.ground import box
from muslin.data.panels import Kind, Panel, up_from

KINDS = (
    "inside",
    "front",
    "waist",
    "yoke",
    "band",
    "rib",
    "collar",
    "cuff",
    "pocket",
    "neck",
    "knit",
    "folded",
    "stitch",
    "button",
)  # band: of a waist; rib: at a hem
CLOSED = ("collar", "cuff", "pocket", "neck", "knit", "folded")
_NUMBER = r"-?[0-9]{1,4}(?:\.[0-9])?"
_FORM = re.compile(rf"({'|'.join(KINDS)})((?: {_NUMBER},{_NUMBER})+)")
DIGITS = 12  # of a SHA-256, in a table
_DIGEST = re.compile(f"([0-9a-f]{{{DIGITS}}})?")
_MOST, _POINTS, _LONG, _AWAY = (
    300,
    150,
    12_000,
    (-500, 1500),
)  # traces and buttons of a garment; points of one, and its length; how far away
_CORNER = 6.0  # permille: two points so near each other are a corner
_BETWEEN = 8  # points drawn between two
_BUTTON = (0.0085, 12)  # a button's radius by the garment's height; points of its outline
_BEYOND = 0.04  # of the width: how far a panel goes beyond its line's ends, which lie about on the outline
_SAMPLES = 2  # places a pixel's side that its share of a folded area is told by
_STEEP = 75.0  # degrees off upright: a flap that lies flatter lies across


@dataclass(frozen=True)
class Trace:
    """`points`: (x, y), at least two but for a button, whose points are the middles of as many buttons."""

    kind: str
    points: Float[Tensor, "n 2"]


@dataclass(frozen=True)
class Layout:
    """How a garment lies on a canvas: its panels, and where its cloth is in small folds that are made, 0 to 1."""

    panels: list[Panel]
    folded: Float[Tensor, "1 h w"]


def layout(traces: Sequence[Trace], mask: Float[Tensor, "1 h w"]) -> Layout:
    """The panels and the folded cloth of traces on the garment of a mask of the whole picture."""
    return Layout(to_panels(traces, mask), folded(traces, *mask.shape[1:]))


def to_text(traces: Sequence[Trace]) -> str:
    """As it stands in a recipe: `collar 120,45 130.5,60; stitch 300,400 310,480`."""
    return "; ".join(f"{trace.kind} " + " ".join(f"{_short(x)},{_short(y)}" for x, y in trace.points.tolist()) for trace in traces)


def from_text(text: str) -> list[Trace]:
    """Raises InputError where it is no such text: a recipe may come from anybody."""
    parts = text.strip().removesuffix(";")
    found = [_FORM.fullmatch(part.strip()) for part in parts.split(";")] if parts else []
    if len(found) > _MOST or not all(found):
        raise InputError(f"the traced pieces {text[:40]!r} cannot be read; take the file that Muslin wrote")
    traces = []
    for match in found:
        assert match is not None
        numbers = [float(number) for number in re.findall(_NUMBER, match[2])]
        traces.append(Trace(match[1], torch.tensor(numbers).view(-1, 2)))
    _check(traces, text)
    return traces


@dataclass(frozen=True)
class Row:
    """What a pieces.txt tells of a picture: its pieces as text, in permille of the square that it lies in (`loader.square`), and of which bytes; empty: of whatever has its name."""

    text: str
    digest: str = ""

    def of(self, content: bytes) -> bool:
        """Whether it speaks of these bytes, and not of a picture that had the same name."""
        return sha256(content).startswith(self.digest)


def from_table(content: bytes, where: str, only: str | None = None) -> dict[str, Row]:
    """The rows of a pieces.txt by the pictures' names. One row a line: the name, a tab, the text, and, where Muslin wrote it, a tab and the first twelve
    digits of the picture's SHA-256; a line that begins with # is a remark. `only`: of one picture, whatever else stands there. Raises InputError that names the line.
    """
    rows = dict[str, Row]()
    for number, line in enumerate(_lines(content, where), 1):
        if not line.strip() or line.startswith("#") or (only is not None and not line.startswith(f"{only}\t")):
            continue
        name, tab, told = line.partition("\t")
        if not tab:
            raise InputError(f"{where}, line {number}: {line[:40]!r} has no tab between a picture's name and its pieces; put one there")
        text, _, digest = (part.strip() for part in told.partition("\t"))
        digest = digest.lower()
        with naming(f"{where}, line {number}"):
            from_text(text)
            if not _DIGEST.fullmatch(digest):
                raise InputError(
                    f"after the pieces of {name} stands {digest[:40]!r}; {DIGITS} digits of its picture's SHA-256 belong there, or nothing"
                )
        rows[name] = Row(text, digest)
    return rows


def remarks_in(content: bytes, where: str) -> list[str]:
    """The lines of a pieces.txt that are no rows. Raises InputError as `from_table`."""
    return [line for line in _lines(content, where) if line.startswith("#")]


def _lines(content: bytes, where: str) -> list[str]:
    try:
        return [line.removesuffix("\r") for line in content.decode("utf-8-sig").split("\n")]
    except UnicodeDecodeError as failure:
        raise InputError(f"{where}: is no text in UTF-8; save it so") from failure


def to_table(rows: Mapping[str, Row]) -> str:
    """The rows in the order of their names, as `from_table` reads them."""
    return "".join(f"{name}\t{row.text}" + (f"\t{row.digest}" if row.digest else "") + "\n" for name, row in sorted(rows.items()))


def from_square(traces: Sequence[Trace], height: int, width: int) -> list[Trace]:
    """Traces in permille of the square that a picture lies in (`loader.square`), in permille of the picture's own sides."""
    sides = torch.tensor([float(width), float(height)])
    side = sides.max()
    rim = ((side - sides) / 2).floor()
    return [replace(trace, points=(trace.points * side - 1000 * rim) / sides) for trace in traces]


def limited(traces: Sequence[Trace]) -> list[Trace]:
    """Those traces that a recipe takes: lines with enough points and not too many, so many of them, buttons so many to a trace."""
    kept, count = list[Trace](), 0
    for trace in traces:
        points, tolerance = trace.points.clamp(*_AWAY), _CORNER / 2
        if trace.kind == "button":
            points = points[: min(_POINTS, _MOST - count)]
        while trace.kind != "button" and (len(points) > _POINTS or length(points) > _LONG) and tolerance < 100:
            points, tolerance = simplified(points, tolerance), 2 * tolerance
        more = len(points) if trace.kind == "button" else 1
        short, long = len(points) < _least(trace.kind), trace.kind != "button" and length(points) > _LONG
        if short or long or count + more > _MOST:
            continue
        kept.append(replace(trace, points=points))
        count += more
    return kept


def _check(traces: Sequence[Trace], text: str) -> None:
    """A line of thousands of turns across the picture would take all memory to draw."""
    count = sum(len(trace.points) if trace.kind == "button" else 1 for trace in traces)
    for trace in traces:
        few, many = len(trace.points) < _least(trace.kind), len(trace.points) > _POINTS
        far = float(trace.points.min()) < _AWAY[0] or float(trace.points.max()) > _AWAY[1]
        long = trace.kind != "button" and length(trace.points) > _LONG
        if few or many or far or long or count > _MOST:
            raise InputError(
                f"the traced pieces {text[:40]!r} are none: too few points, too many, or too far away; take the file that Muslin wrote"
            )


def _least(kind: str) -> int:
    return 1 if kind == "button" else 3 if kind in CLOSED else 2


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def to_panels(traces: Sequence[Trace], mask: Float[Tensor, "1 h w"]) -> list[Panel]:
    """The panels on the garment of a mask of the whole picture; each button is one. What is folded is cut as the rest is: `folded`."""
    height, width = mask.shape[1:]
    by, panels = torch.tensor([width, height]) / 1000, list[Panel]()
    if not bool((mask > 0.5).any()):
        return []
    top, bottom, *_ = box(mask, 0.5)
    for trace in (trace for trace in traces if trace.kind != "folded"):
        if trace.kind == "button":
            panels += buttons(trace.points * by, bottom - top)
        elif trace.kind in CLOSED:
            panels.append(_flap(trace, by))
        else:
            panels.append(_beside(trace.kind, curved(trace.points) * by, (height, width)))
    return panels


def folded(traces: Sequence[Trace], height: int, width: int) -> Float[Tensor, "1 height width"]:
    """Where a garment's cloth is in small folds that are made, 0 to 1."""
    area, by = torch.zeros(1, height, width), torch.tensor([width, height]) / 1000
    for trace in traces:
        if trace.kind == "folded":
            area = torch.maximum(area, fill([(trace.points * by).float()], height, width, _SAMPLES))
    return area


def curved(points: Float[Tensor, "n 2"]) -> Float[Tensor, "m 2"]:
    """A smooth line through points (centripetal Catmull-Rom: Yuksel, Schaefer & Keyser 2011), with a corner where two are near each other."""
    apart = (points.diff(dim=0).norm(dim=1) < _CORNER).nonzero()[:, 0].tolist()
    ends = [0, *(place + 1 for place in apart), len(points)]
    return torch.cat([_smooth(points[begin:end]) for begin, end in pairwise(ends)])


def _smooth(points: Float[Tensor, "n 2"]) -> Float[Tensor, "m 2"]:
    if len(points) < 3:
        return points
    p = torch.cat([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = F.pad(p.diff(dim=0).norm(dim=1).clamp(min=1e-3).sqrt().cumsum(0), (1, 0))
    at = torch.linspace(0, 1, _BETWEEN + 1)[:-1]
    lines = []
    for k in range(1, len(p) - 2):
        here = torch.lerp(t[k], t[k + 1], at)[:, None]
        a = [_between(p[j], p[j + 1], t[j], t[j + 1], here) for j in (k - 1, k, k + 1)]
        b = [_between(a[j], a[j + 1], t[k - 1 + j], t[k + 1 + j], here) for j in (0, 1)]
        lines.append(_between(b[0], b[1], t[k], t[k + 1], here))
    return torch.cat([*lines, points[-1:]])


def _between(p: Tensor, q: Tensor, begin: Tensor, end: Tensor, at: Tensor) -> Tensor:
    return p + (q - p) * ((at - begin) / (end - begin))


def buttons(middles: Float[Tensor, "n 2"], high: float) -> list[Panel]:
    """Buttons at these places of a garment so many pixels high."""
    return [_round(middle, _BUTTON[0] * high) for middle in middles]


def _round(middle: Float[Tensor, " 2"], radius: float) -> Panel:
    turn = torch.linspace(0, 2 * math.pi, _BUTTON[1] + 1)
    circle = middle + radius * torch.stack([turn.cos(), turn.sin()], 1)
    return Panel("button", circle[:-1], circle, 0.0, middle)


def _flap(trace: Trace, by: Float[Tensor, " 2"]) -> Panel:
    """A pocket's cloth runs as the body's, a collar's and a cuff's along their length."""
    outline = trace.points * by
    flaps: dict[str, Kind] = {"pocket": "pocket", "collar": "collar", "cuff": "cuff"}
    kind = flaps.get(trace.kind, "rib")
    grain = lying(outline) if kind in ("collar", "cuff") else 0.0
    return Panel(kind, outline, torch.cat([outline, outline[:1]]), grain, outline.mean(0))


def lying(outline: Float[Tensor, "n 2"]) -> float:
    """Degrees off upright in which a long thing lies, downward."""
    axis = torch.linalg.eigh(torch.cov(outline.T))[1][:, 1]
    axis = axis if axis[1] > 0 else -axis
    angle = math.degrees(math.atan2(float(axis[0]), float(axis[1])))
    return angle if abs(angle) <= _STEEP else 90.0  # about level: one way for all, or noise would turn the cloth round


def _beside(kind: str, line: Float[Tensor, "n 2"], sides: tuple[int, int]) -> Panel:
    """What lies above a line, below it, or to its right."""
    height, width = (float(side) for side in sides)
    if kind == "stitch":
        return Panel("stitch", line, line, 0.0, line.mean(0))
    if kind == "front":
        ends = torch.tensor([[float(line[0, 0]), -height], [float(line[-1, 0]), 2 * height]])
        outline = up_from(torch.cat([ends[:1], line, ends[1:]]), torch.tensor([2 * width, 0.0]))
        return Panel("front", outline, line, 0.0, line.mean(0))
    way = torch.tensor([0.0, height if kind in ("waist", "rib") else -height])
    named: dict[str, Kind] = {"inside": "inside", "waist": "waist", "yoke": "yoke", "band": "band"}
    panel = named.get(kind, "rib")
    beyond = torch.tensor([0.0 if kind == "inside" else _BEYOND * width, 0.0])
    outline = up_from(torch.cat([line[:1] - beyond, line, line[-1:] + beyond]), way)
    return Panel(panel, outline, line, 90.0 if panel == "band" else 0.0, line.mean(0))
