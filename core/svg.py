"""Line charts as plain SVG: axes that are linear or logarithmic, curves, and several charts on one sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape

WIDTH, HEIGHT = 480, 320  # of one chart, in pixels
LEFT, RIGHT, TOP, BOTTOM = 60, 16, 34, 46  # margins
LINE = 14  # height of a row in the legend
BESIDE = 150  # width of a legend that stands beside the frame
COLOURS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#7f7f7f")
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis; on a logarithmic one, low is above 0. whole: marks are whole numbers, for it counts something."""

    label: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def place(self, value: float) -> float:
        """Return where a value lies, 0 at the low end and 1 at the high one; what is beyond lies at the end."""
        low, length = self._along
        at = math.log(max(value, self.low)) if self.log else value
        return min(1.0, max(0.0, (at - low) / length))

    @cached_property
    def _along(self) -> tuple[float, float]:
        low, high = (math.log(end) if self.log else end for end in (self.low, self.high))
        return low, (high - low) or 1.0

    def marks(self) -> list[float]:
        """Choose values to be written along the axis: powers of ten, or round steps."""
        if self.log and self.high >= 10 * self.low:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            return [10.0**e for e in range(first, last + 1, max(1, math.ceil((last - first) / 6)))]
        span = (self.high - self.low) or 1.0
        step = 10 ** math.floor(math.log10(span / 4))
        step *= next((m for m in (1, 2, 5) if span / (m * step) <= 6), 10)
        step = max(step, 1) if self.whole else step
        first = math.ceil(self.low / step - 1e-9)
        return [step * i for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line through points, or steps that keep their height until the next point.

    colour: index into COLOURS; None takes the place among the curves.
    """

    name: str
    points: Sequence[Point]
    steps: bool = False
    dashed: bool = False
    colour: int | None = None


def span(values: Iterable[float], *, log: bool = False) -> tuple[float, float]:
    """Return bounds that hold all finite values and are not equal; (1, 10) where there are none."""
    found = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    if not found:
        return 1.0, 10.0
    low, high = min(found), max(found)
    return (low, high) if low < high else (low, low * 10 if log else low + 1)


def chart(title: str, x: Axis, y: Axis, curves: Sequence[Curve], note: str = "") -> str:
    """Draw curves in a frame, with a legend at the lower right, or beside it where there are more curves than colours.

    Args:
        note: how to read it, a line in grey under the title.

    Returns:
        An SVG document of WIDTH by HEIGHT; BESIDE wider with a legend beside the frame.
    """
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [text(LEFT, 16, title, size=14), text(LEFT, 29, note, "#777", size=10)]
    parts += [f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#000"/>']
    for value in x.marks():
        parts.append(f'<path d="M{_x(x, value)} {TOP}V{bottom}" stroke="#eee"/>')
        parts.append(text(_x(x, value), bottom + 16, _short(value), anchor="middle"))
    for value in y.marks():
        parts.append(f'<path d="M{LEFT} {_y(y, value)}H{right}" stroke="#eee"/>')
        parts.append(text(LEFT - 6, _y(y, value) + 4, _short(value), anchor="end"))
    parts.append(text((LEFT + right) / 2, HEIGHT - 10, x.label, anchor="middle"))
    middle = (TOP + bottom) / 2
    parts.append(f'<g transform="rotate(-90 14 {middle})">{text(14, middle, y.label, anchor="middle")}</g>')
    beside = len(curves) > len(COLOURS)
    for place, curve in enumerate(curves):
        colour = COLOURS[(place if curve.colour is None else curve.colour) % len(COLOURS)]
        dash = ' stroke-dasharray="5 3"' if curve.dashed else ""
        stroke = f'fill="none" stroke="{colour}" stroke-width="1.8"{dash}'
        parts.append(f'<path d="{_path(curve, x, y)}" {stroke}/>')
        if beside:
            row = TOP + 8 + LINE * place
            parts.append(f'<path d="M{right + 12} {row - 4}h24" {stroke}/>')
            parts.append(text(right + 42, row, curve.name, colour, size=11))
        else:
            row = bottom - 8 - LINE * (len(curves) - 1 - place)
            parts.append(text(right - 6, row, curve.name, colour, anchor="end", size=11))
    return document(parts, WIDTH + BESIDE * beside, HEIGHT)


def sheet(charts: Sequence[str], columns: int = 2) -> str:
    """Put charts side by side, row by row, into one document."""
    columns = max(1, min(columns, len(charts)))
    places = [(WIDTH * (i % columns), HEIGHT * (i // columns)) for i in range(len(charts))]
    parts = [
        drawn.replace("<svg ", f'<svg x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" ', 1)
        for drawn, (x, y) in zip(charts, places, strict=True)
    ]
    return document(parts, WIDTH * columns, HEIGHT * -(-len(charts) // columns))


def document(parts: Sequence[str], width: float, height: float) -> str:
    """Make an SVG document on white of elements."""
    font = 'font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {font}>'
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="#fff"/>', *parts, "</svg>", ""])


def text(x: float, y: float, words: str, colour: str = "#000", *, anchor: str = "start", size: int = 12) -> str:
    """Write words at a place."""
    how = f'fill="{colour}" text-anchor="{anchor}" font-size="{size}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {how}>{escape(words)}</text>'


def _path(curve: Curve, x: Axis, y: Axis) -> str:
    spots = [(_x(x, a), _y(y, b)) for a, b in curve.points if math.isfinite(a) and math.isfinite(b)]
    if not spots:
        return ""
    start = f"M{spots[0][0]} {spots[0][1]}"
    if curve.steps:
        return start + "".join(f"H{a}V{b}" for a, b in spots[1:])
    return start + "".join(f"L{a} {b}" for a, b in spots[1:])


def _x(axis: Axis, value: float) -> float:
    return round(LEFT + axis.place(value) * (WIDTH - LEFT - RIGHT), 1)


def _y(axis: Axis, value: float) -> float:
    return round(HEIGHT - BOTTOM - axis.place(value) * (HEIGHT - TOP - BOTTOM), 1)


def _short(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:g}"
