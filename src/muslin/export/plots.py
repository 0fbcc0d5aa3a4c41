"""Small plots as SVG for the pages: a curve, dots with whiskers, dots alone. They take the page's colours; knows numbers and names only."""

import math
from collections.abc import Sequence
from html import escape

Interval = tuple[float, float, float]  # value, low, high
_TEXT = 'font-family="system-ui, sans-serif" font-size="11" fill="var(--soft)"'
_NOTHING = 1e-300  # a range that is smaller counts as none: a third of it may be 0


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
        parts.append(_words(left - 8, level + 4, short(y), "end"))
    parts += [_words(at(x, low)[0], height - 6, short(x), "middle") for x in xs]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
    parts.append(f'<polyline points="{path}" fill="none" stroke="var(--accent)" stroke-width="1.8" stroke-linejoin="round"/>')
    x, y = at(*points[-1])
    parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="var(--accent)"/>')
    return _svg(width, height, parts)


def scatter(series: Sequence[Sequence[tuple[float, float]]], across: tuple[str, str], up: tuple[str, str], width: int = 560) -> str:
    """Dots at (x, y) for each series, `--accent` first, then `--second`; what the axes say in English and Chinese."""
    left, right, top, bottom, height = 52, 12, 30, 46, 380
    xs, ys = (_ticks(min(values), max(values)) for values in zip(*(point for points in series for point in points), strict=True))
    wide, high = width - left - right, height - top - bottom
    parts = []
    for tick in xs:
        x = left + wide * (tick - xs[0]) / (xs[-1] - xs[0])
        parts += [_line(x, top, x, height - bottom, "var(--line)"), _words(x, height - bottom + 18, short(tick), "middle")]
    for tick in ys:
        y = height - bottom - high * (tick - ys[0]) / (ys[-1] - ys[0])
        parts += [_line(left, y, width - right, y, "var(--line)"), _words(left - 8, y + 4, short(tick), "end")]
    for place, tongue in enumerate(("en", "zh")):
        parts.append(_words(width - right, height - 8, across[place], "end", tongue))
        parts.append(_words(0, 14, up[place], "start", tongue))
    for colour, points in zip(("var(--accent)", "var(--second)"), series, strict=False):
        for x, y in points:
            spot = left + wide * (x - xs[0]) / (xs[-1] - xs[0]), height - bottom - high * (y - ys[0]) / (ys[-1] - ys[0])
            parts.append(f'<circle cx="{spot[0]:.1f}" cy="{spot[1]:.1f}" r="4" fill="{colour}" opacity=".7"/>')
    return _svg(width, height, parts)


def whiskers(names: Sequence[tuple[str, str]], series: Sequence[Sequence[Interval | None]], width: int = 560, share: bool = True) -> str:
    """By name (English, Chinese) a dot with its interval for each series, `--accent` first, then `--second`.

    `share`: from 0 to 1, in percent; else from 0 to the largest bound.
    """
    right, row, top, bottom = 16, 34, 6, 26
    left = min(220, max(110, 8 * max(len(english) for english, _ in names) + 22))
    ticks = [0, 0.25, 0.5, 0.75, 1] if share else _ticks(0, max(value[2] for values in series for value in values if value))
    height = top + row * len(names) + bottom
    parts = []
    for tick in ticks:
        x = left + (width - left - right) * tick / ticks[-1]
        parts.append(_line(x, top, x, height - bottom, "var(--line)"))
        parts.append(_words(x, height - 8, f"{tick:.0%}" if share else short(tick), "middle"))
    for number, (english, chinese) in enumerate(names):
        middle = top + row * (number + 0.5)
        for tongue, name in (("en", english), ("zh", chinese)):
            ink = _TEXT.replace("--soft", "--ink").replace('"11"', '"13"')
            parts.append(f'<text class="{tongue}" x="{left - 14}" y="{middle + 4:.1f}" text-anchor="end" {ink}>{escape(name)}</text>')
        for place, (colour, values) in enumerate(zip(("var(--accent)", "var(--second)"), series, strict=False)):
            y, wide = middle + (place - (len(series) - 1) / 2) * 11, width - left - right
            parts += _whisker(values[number], y, left, wide / ticks[-1], wide, colour)
    return _svg(width, height, parts)


def short(value: float) -> str:
    """A number for an axis: 1200 as 1.2k."""
    for unit, sign in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.4g}{sign}"
    return f"{value:.3g}"


def _whisker(value: Interval | None, y: float, left: float, unit: float, wide: float, colour: str) -> list[str]:
    if value is None:
        return []
    x, low, high = (left + min(max(part * unit, 0.0), wide) for part in value)
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    return [f'<g stroke-width="2" opacity=".55">{_line(low, y, high, y, colour)}</g>', dot]


def _ticks(low: float, high: float) -> list[float]:
    # three to six round numbers that hold the range
    spread = (high - low) or abs(high)
    spread = spread if spread > _NOTHING else 1.0
    unit = 10 ** math.floor(math.log10(spread / 3))
    step = next(unit * k for k in (1, 2, 2.5, 5, 10) if spread / (unit * k) <= 4)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [step * k for k in range(first, last + 1)]


def _words(x: float, y: float, text: str, anchor: str, tongue: str = "") -> str:
    language = f'class="{tongue}" ' if tongue else ""
    return f'<text {language}x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {_TEXT}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _svg(width: float, height: float, parts: list[str]) -> str:
    return f'<svg viewBox="0 0 {width} {height}" role="img" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
