"""Small plots as SVG for the pages: a curve, and dots with whiskers. They take the page's colours; knows numbers and names only."""

import math
from collections.abc import Sequence
from html import escape

Interval = tuple[float, float, float]  # value, low, high
_TEXT = 'font-family="system-ui, sans-serif" font-size="11" fill="var(--soft)"'


def curve(points: Sequence[tuple[float, float]], width: int = 400, height: int = 190) -> str:
    """A line through (x, y); x from zero, y over its own range, both with round ticks."""
    left, right, top, bottom = 52, 12, 12, 26
    xs, ys = _ticks(0, max(x for x, _ in points)), _ticks(min(y for _, y in points), max(y for _, y in points))
    low, high, far = ys[0], ys[-1], max(xs[-1], max(x for x, _ in points))

    def at(x: float, y: float) -> tuple[float, float]:
        across = left + (width - left - right) * x / (far or 1)
        return across, height - bottom - (height - top - bottom) * (y - low) / ((high - low) or 1)

    parts = []
    for y in ys:
        level = at(0, y)[1]
        parts.append(_line(left, level, width - right, level, "var(--line)"))
        parts.append(f'<text x="{left - 8}" y="{level + 4:.1f}" text-anchor="end" {_TEXT}>{short(y)}</text>')
    parts += [f'<text x="{at(x, low)[0]:.1f}" y="{height - 6}" text-anchor="middle" {_TEXT}>{short(x)}</text>' for x in xs]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
    parts.append(f'<polyline points="{path}" fill="none" stroke="var(--accent)" stroke-width="1.8" stroke-linejoin="round"/>')
    x, y = at(*points[-1])
    parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="var(--accent)"/>')
    return _svg(width, height, parts)


def whiskers(names: Sequence[tuple[str, str]], series: Sequence[Sequence[Interval | None]], width: int = 560) -> str:
    """Shares from 0 to 1 by name (English, Chinese): a dot with its interval for each series, `--accent` first, then `--second`."""
    left, right, row, top, bottom = 110, 16, 34, 6, 26
    height = top + row * len(names) + bottom
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x = left + (width - left - right) * tick
        parts.append(_line(x, top, x, height - bottom, "var(--line)"))
        parts.append(f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle" {_TEXT}>{tick:.0%}</text>')
    for number, (english, chinese) in enumerate(names):
        middle = top + row * (number + 0.5)
        for tongue, name in (("en", english), ("zh", chinese)):
            ink = _TEXT.replace("--soft", "--ink").replace('"11"', '"13"')
            parts.append(f'<text class="{tongue}" x="{left - 14}" y="{middle + 4:.1f}" text-anchor="end" {ink}>{escape(name)}</text>')
        for place, (colour, values) in enumerate(zip(("var(--accent)", "var(--second)"), series, strict=False)):
            parts += _whisker(values[number], middle + (place - (len(series) - 1) / 2) * 11, left, width - left - right, colour)
    return _svg(width, height, parts)


def short(value: float) -> str:
    """A number for an axis: 1200 as 1.2k."""
    for unit, sign in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.4g}{sign}"
    return f"{value:.3g}"


def _whisker(value: Interval | None, y: float, left: float, wide: float, colour: str) -> list[str]:
    if value is None:
        return []
    x, low, high = (left + wide * min(max(part, 0.0), 1.0) for part in value)
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    return [f'<g stroke-width="2" opacity=".55">{_line(low, y, high, y, colour)}</g>', dot]


def _ticks(low: float, high: float) -> list[float]:
    # three to six round numbers that hold the range
    spread = (high - low) or abs(high) or 1.0
    unit = 10 ** math.floor(math.log10(spread / 3))
    step = next(unit * k for k in (1, 2, 2.5, 5, 10) if spread / (unit * k) <= 4)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [step * k for k in range(first, last + 1)]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _svg(width: float, height: float, parts: list[str]) -> str:
    return f'<svg viewBox="0 0 {width} {height}" role="img" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
