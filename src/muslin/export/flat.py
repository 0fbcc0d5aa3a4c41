"""A garment's picture as a fashion flat: silhouette, seams and details as few smooth curves, in millimetres, as SVG and as pixels.

Inner lines are ridges of oriented energy (Morrone & Owens 1987; filters of Freeman & Adelson 1991, elongated), held down where all around is
busy (surround inhibition: Grigorescu, Petkov & Westenberg 2003), helped where the garment's other half has them too. Cloth with an
all-over print keeps few of them. Where a garment's pieces are not known (`built`), a deep fold as sharp as a seam is drawn, a seam without contrast is not.
"""

import math
import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from muslin.base import contours
from muslin.base.colour import to_oklab
from muslin.base.curves import fit_curve, flatten
from muslin.base.errors import SettingError
from muslin.base.image import blur, resize
from muslin.data.ground import extend, shrink
from muslin.data.lines import ANGLES, oriented_energy
from muslin.data.panels import Panel
from muslin.data.piece_lines import dashes, piece_lines, stretches, there, to_rim
from muslin.data.traces import Layout

SIDE = 480  # px: the garment's longer side while lines are looked for
_MARGIN = 0.06  # of the garment's longer side, free around it on the page
_WIDE = 1.8  # px: half the width of a line that is looked for
_CHROMA = 1.5  # a step of OKLab's a or b counts as so much lightness
_SURROUND, _BUSY = 16.0, 1.0  # px of the surround; how much of its energy is taken off
_FLOOR = 0.007  # OKLab: fainter steps are noise whatever the garment's contrast
_RIM = 6  # px along the silhouette without inner lines
_GAP = 16  # px between the ends of a broken line that is joined
_CALM, _TOLERANCE = 3.5, 1.2  # px: over how far a line is smoothed; how far a curve may be from it
_OUTLINE, _SEAM, _DETAIL = 1.8, 1.0, 0.6  # mm of stroke at 300 mm
_FOLD = 0.45  # mm likewise of a gathered fold
_FIRM, _NO_STITCHES = 1.0, 0.2  # px likewise of lines that are known; detail up to which stitching and buttons are left out
_DASH = (3.0, 3.2)  # of the stroke's width: how long a stitch is, round ends and all, and the way to the next


@dataclass(frozen=True)
class FlatConfig:
    """How much is drawn inside the silhouette (`detail`, 0 to 1), and how tall the garment is on the page."""

    detail: float = 0.5
    height_mm: float = 300.0


@dataclass(frozen=True)
class Line:
    """Cubic Beziers end to end, in mm from the page's upper left corner, and the stroke's width in mm."""

    curves: Float[Tensor, "k 4 2"]
    width: float
    dashed: bool = False


@dataclass(frozen=True)
class Flat:
    """A drawing in layers on a page of `width` x `height` mm. The silhouette's lines are closed; the inner ones cut holes."""

    width: float
    height: float
    silhouette: tuple[Line, ...]
    seams: tuple[Line, ...]
    details: tuple[Line, ...]

    @property
    def nodes(self) -> int:
        """How many anchor points a person would have to handle."""
        open_lines = self.seams + self.details
        return sum(len(line.curves) for line in self.silhouette + open_lines) + len(open_lines)


def make_flat(
    pixels: Float[Tensor, "3 h w"],
    mask: Float[Tensor, "1 h w"],
    config: FlatConfig | None = None,
    grain: float = 1.0,
    built: Layout | None = None,
) -> Flat:
    """The flat of a garment (RGB in [-1, 1]) with its mask; `grain` is how many pixels one of the camera's or generator's covers.

    `built`: its pieces, where they are known; then they are drawn, and nothing is looked for in the picture but the folds of folded cloth. Raises SettingError for values out of range, ValueError for an empty mask.
    """
    config = config or FlatConfig()
    check(config)
    pixels, mask, zoom, corner = _framed(pixels, mask)
    calmed = max(_CALM, 0.5 * grain * zoom)
    outlines = silhouettes(mask, calmed)
    if not outlines:
        raise ValueError("the mask is empty")
    every = torch.cat(outlines)
    low, high = every.amin(0), every.amax(0)
    scale = config.height_mm / float(high[1] - low[1])
    margin = _MARGIN * float((high - low).max())
    thick = config.height_mm / 300

    def line(points: Tensor, width: float, closed: bool = False, calm: float = _CALM, dashed: bool = False) -> Line:
        return Line((fit_curve(points, _TOLERANCE, closed, calm) - low + margin) * scale, width * thick, dashed)

    outer = tuple(line(points, _OUTLINE, True, calmed) for points in outlines)
    if built is None:
        found = inner_lines(pixels, mask, config.detail, grain * zoom)
        seams = [line(points, _SEAM * (0.8 + 0.4 * strong)) for points, strong, seam in found if seam]
        details = [line(points, _DETAIL * (0.8 + 0.4 * strong)) for points, strong, seam in found if not seam]
    else:
        panels, gathered = _moved(built, mask, zoom, corner)
        drawn = piece_lines(panels, mask)
        seams = [line(one.points, _SEAM, one.closed, _FIRM) for one in drawn if not one.fine]
        details = [line(one.points, _DETAIL, one.closed, _FIRM, one.stitched) for one in drawn if one.fine and config.detail > _NO_STITCHES]
        details += [line(points, _FOLD) for points in _gathers(pixels, mask, gathered, config.detail, grain * zoom)]
    page = (high - low + 2 * margin) * scale
    return Flat(float(page[0]), float(page[1]), outer, tuple(seams), tuple(details))


def check(config: FlatConfig) -> None:
    """Raises SettingError for values out of range."""
    for name, value, least, most in (("detail", config.detail, 0, 1), ("height-mm", config.height_mm, 10, 5000)):
        if not least <= value <= most:
            raise SettingError(f"{name}={value:g}: should be {least:g} to {most:g}")


def _gathers(pixels: Tensor, mask: Tensor, folded: Float[Tensor, "1 h w"], detail: float, grain: float) -> list[Float[Tensor, "_ 2"]]:
    """The folds of cloth that is folded: the lines that its picture shows there."""
    if detail <= _NO_STITCHES or not bool((folded > 0.5).any()):
        return []
    area = folded[0] > 0.5
    lines = [(points, there(points, area)) for points, *_ in inner_lines(pixels, mask, 1.0, grain)]
    return [points[begin:end] for points, kept in lines for begin, end in stretches(kept) if end - begin > _GAP]


def _moved(built: Layout, mask: Tensor, zoom: float, corner: tuple[int, int]) -> tuple[list[Panel], Float[Tensor, "1 h w"]]:
    """Panels, and where cloth is folded, on the framed garment."""
    by, to = torch.full((2,), zoom), -zoom * torch.tensor([float(side) for side in corner])
    (height, width), (left, top) = mask.shape[1:], corner
    part = built.folded[:, top : top + math.ceil(height / zoom), left : left + math.ceil(width / zoom)]
    return [panel.moved(by, to) for panel in built.panels], resize(part, height, width)


def _framed(pixels: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, float, tuple[int, int]]:
    """The garment alone with some ground, its longer side at `SIDE` px, by how much it was enlarged, and where its corner was (x, y)."""
    rows, columns = (torch.nonzero(mask[0].amax(dim) > 0.5)[:, 0] for dim in (1, 0))
    if not len(rows):
        return pixels, mask, 1.0, (0, 0)
    tall, wide = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
    zoom, around = SIDE / max(tall, wide), math.ceil(0.05 * max(tall, wide))
    top, left = max(0, int(rows[0]) - around), max(0, int(columns[0]) - around)
    part = (slice(None), slice(top, int(rows[-1]) + 1 + around), slice(left, int(columns[-1]) + 1 + around))
    height, width = (max(1, round(side * zoom)) for side in pixels[part].shape[1:])
    return resize(pixels[part], height, width), resize(mask[part], height, width).clamp(0, 1), zoom, (left, top)


def silhouettes(mask: Float[Tensor, "1 h w"], reach: float) -> list[Float[Tensor, "_ 2"]]:
    """The garment's outlines and holes, calmed over `reach` pixels; specks are left out."""
    lines = contours.closed_contours(blur(mask, reach / 2.5)[0])
    return [line for line in lines if abs(contours.area(line)) > 0.004 * abs(contours.area(lines[0]))]


def inner_lines(
    pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], detail: float, grain: float
) -> list[tuple[Float[Tensor, "_ 2"], float, bool]]:
    """Lines within the silhouette with their strength (0 to 1) and whether each is a seam; the most telling first."""
    rim = max(_RIM, round(2.4 * grain))
    filled = extend(pixels, shrink(mask, max(2, round(grain))))
    field = shrink(mask, rim)[0]
    inside = field > 0.5
    if int(inside.sum()) < SIDE:
        return []
    strength, thin, busy = _line_strength(filled, mask, field, max(_WIDE, 0.7 * grain))
    contrast = float(strength[inside].quantile(0.985))
    high = max(_FLOOR, contrast * (1 - 0.8 * detail) * (1 + 4 * max(0.0, busy - 0.3)))
    lines = contours.join(contours.edge_lines(thin, 0.4 * high, high), _GAP)
    found = []
    for points in lines:
        at = points.long()
        mean = float(strength[at[:, 1], at[:, 0]].mean()) / high
        extent = contours.length(points) / SIDE
        if extent * min(mean, 2) < 0.14 - 0.1 * detail:
            continue
        seam = extent * mean > 0.22
        found.append(
            (to_rim(contours.smooth(points, _CALM, closed=False), mask[0] > 0.5, rim + _GAP // 2), min(1.0, mean / 2), seam, extent * mean)
        )
    found.sort(key=lambda line: -line[3])
    return [(points, strong, seam) for points, strong, seam, _ in found[: round(6 + 60 * detail)]]


def _line_strength(
    pixels: Float[Tensor, "3 h w"], mask: Float[Tensor, "1 h w"], field: Float[Tensor, "h w"], wide: float
) -> tuple[Float[Tensor, "h w"], Float[Tensor, "h w"], float]:
    """How much each place looks like a line, the same on ridges alone, and how busy the garment is all over (0 to 1)."""
    energy = oriented_energy(to_oklab(pixels) * torch.tensor([1.0, _CHROMA, _CHROMA])[:, None, None], wide)
    most, angle = energy.max(0)
    inside = field > 0.5
    busy = float(most[inside].median() / most[inside].quantile(0.98).clamp(min=1e-6))
    around = blur((most * mask[0])[None], _SURROUND) / blur(mask, _SURROUND).clamp(min=0.05)
    strength = (most - _BUSY * around[0]).clamp(min=0) * field
    strength = strength * _symmetry(energy, mask)
    thin = F.max_pool2d((strength * _ridges(most, angle))[None], 3, 1, 1)[0]  # over gaps of a pixel
    return strength, thin, busy


def _ridges(energy: Float[Tensor, "h w"], angle: Tensor) -> Bool[Tensor, "h w"]:
    """Where the energy is largest across its own line (non-maximum suppression)."""
    height, width = energy.shape
    turn = angle * math.pi / ANGLES
    y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")

    def beside(step: float) -> Tensor:
        across = torch.stack([(x + step * turn.cos()) / (width - 1), (y + step * turn.sin()) / (height - 1)], -1) * 2 - 1
        return F.grid_sample(energy[None, None], across[None], align_corners=True)[0, 0]

    return (energy >= beside(1)) & (energy >= beside(-1))


def _symmetry(energy: Float[Tensor, "a h w"], mask: Float[Tensor, "1 h w"], spread: int = 7) -> Float[Tensor, "h w"]:
    """0.6 to 1.2: whether the mirrored half has a line there too, at the mirrored angle. 1 where the garment is no mirror of itself."""
    columns = torch.arange(mask.shape[2], dtype=torch.float32)
    twice = round(2 * float((mask[0].sum(0) * columns).sum() / mask.sum()))
    index = (twice - torch.arange(mask.shape[2])).clamp(0, mask.shape[2] - 1)
    mirrored = mask[:, :, index]
    if float(torch.minimum(mask, mirrored).sum() / torch.maximum(mask, mirrored).sum()) < 0.8:
        return torch.ones_like(mask[0])
    angles = (ANGLES - torch.arange(ANGLES)) % ANGLES
    rows = F.max_pool2d(energy[angles][:, :, index], (1, 2 * spread + 1), 1, (0, spread))
    other = F.max_pool2d(rows, (2 * spread + 1, 1), 1, (spread, 0))
    most, angle = energy.max(0)
    there = other.gather(0, angle[None])[0]
    return 0.6 + 0.6 * (there / most.clamp(min=1e-6)).clamp(0, 1)


def to_svg(flat: Flat, title: str, recipe: str = "", xmp: str = "", rights: str = "") -> str:
    """The drawing as SVG 1.1 with layers that Inkscape and Illustrator show by name.

    `recipe` (JSON), `xmp` and `rights` (who vouched) go into its metadata.
    """
    layers = "".join(_layer(name, getattr(flat, name), name == "silhouette") for name in ("silhouette", "seams", "details"))
    told = (("recipe", recipe), ("rights", rights))
    data = "".join(f'<muslin:{name} xmlns:muslin="https://muslin.local/ns">{_text(text)}</muslin:{name}>' for name, text in told if text)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" version="1.1"'
        f' width="{flat.width:.2f}mm" height="{flat.height:.2f}mm" viewBox="0 0 {flat.width:.2f} {flat.height:.2f}">\n'
        f"<title>{_text(title)}</title>\n<metadata>{data}{xmp}</metadata>\n{layers}</svg>\n"
    )


def _layer(name: str, lines: tuple[Line, ...], filled: bool) -> str:
    look = 'fill="#ffffff" fill-rule="evenodd"' if filled else 'fill="none"'
    if filled and lines:
        paths = f'<path d="{" ".join(_path(line.curves) + " Z" for line in lines)}" stroke-width="{lines[0].width:.3g}"/>\n'
    else:
        paths = "".join(f'<path d="{_path(line.curves)}" stroke-width="{line.width:.3g}"{_dash(line)}/>\n' for line in lines)
    return (
        f'<g inkscape:groupmode="layer" inkscape:label="{name}" id="{name}" {look}'
        f' stroke="#000000" stroke-linecap="round" stroke-linejoin="round">\n{paths}</g>\n'
    )


def _dash(line: Line) -> str:
    return f' stroke-dasharray="{_DASH[0] * line.width:.3g} {_DASH[1] * line.width:.3g}"' if line.dashed else ""


def _path(curves: Float[Tensor, "k 4 2"]) -> str:
    def pair(point: list[float]) -> str:
        return f"{point[0]:.2f},{point[1]:.2f}"

    parts = [f"C {pair(one)} {pair(two)} {pair(end)}" for _, one, two, end in curves.tolist()]
    return " ".join([f"M {pair(curves[0, 0].tolist())}", *parts])


def _text(text: str) -> str:
    return escape(re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text))


def draw(flat: Flat, side: int = 1024) -> Float[Tensor, "1 h w"]:
    """The drawing in black on white, [-1, 1], its page's longer side at `side` px, from the same curves."""
    scale = side / max(flat.width, flat.height)
    ink = torch.zeros(max(1, round(flat.height * scale)), max(1, round(flat.width * scale)))
    for line in flat.silhouette + flat.seams + flat.details:
        points = flatten(line.curves) * scale
        for part in dashes(points, *(line.width * scale * share for share in _DASH)) if line.dashed else [points]:
            ink = contours.stroke(part, line.width * scale, ink)
    return 1 - 2 * ink[None]


def filled(flat: Flat, height: int, width: int) -> Float[Tensor, "1 h w"]:
    """The silhouette's inside on a page of `height` x `width` px, 0 to 1."""
    size = torch.tensor([width / flat.width, height / flat.height])
    return contours.fill([flatten(line.curves) * size for line in flat.silhouette], height, width)
