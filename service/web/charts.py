"""Charts as SVG for a page: colours come from the style sheet, figures from titles that every browser shows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from slotforge.core.comparison import FamilyVerdict, Verdict
from slotforge.core.svg import Axis, span
from slotforge.search.report import Control
from slotforge.service.views.cactus import Solved
from slotforge.service.web.words import clean, interval, number, ratio, side

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 72, 14, 10, 44
ROW = 30  # height of an interval
SPARK = (100.0, 24.0)
DECADES = 1000  # a logarithmic axis is short up to this ratio of its ends
FEW = 3  # marks, with fewer of which an axis cannot be read
EVEN = 1.0  # the ratio of no difference
CONTROLS = {"best_builtin": "best built-in", "start": "search's start", "tuned_baseline": "tuned baseline"}
Point = tuple[float, float]
X = Markup


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A point of a chart. title: what it is, shown when it is pointed at."""

    x: float
    y: float
    title: str
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A ratio with its 95 % interval under a name."""

    name: str
    ratio: float
    low: float
    high: float


def spark(steps: Sequence[Point], last: float, title: str) -> Markup:
    """Draw the best so far in a line of text; nothing before any."""
    if not steps:
        return Markup("")
    width, height = SPARK
    x = Axis(label="", low=min(0.0, steps[0][0]), high=max(last, steps[-1][0], 1))
    low, high = min(value for _, value in steps), max(value for _, value in steps)
    y = Axis(label="", low=low, high=high if high > low else low + 1)
    spots = [(x.place(a) * width, 1 + (1 - y.place(b)) * (height - 2)) for a, b in steps]
    line = f"M{spots[0][0]:.1f} {spots[0][1]:.1f}" + "".join(f"H{a:.1f}V{b:.1f}" for a, b in spots[1:]) + f"H{width:g}"
    area = f"{line}V{height:g}H{spots[0][0]:.1f}Z"
    return X(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<title>{}</title><path class="area" d="{}"/><path class="line" d="{}"/></svg>'
    ).format(f"{width:g}", f"{height:g}", title, title, area, line)


def course(points: Sequence[Point], steps: Sequence[Point], last: int) -> Markup:
    """Draw ratios over the trials of a run as dots, and the best so far as a line of steps."""
    x = Axis(label="trial", low=0, high=max(last, 1), whole=True)
    low, high = span([EVEN, *(min(value, 2.0) for _, value in points)])
    y = Axis(label="cost, as a share of the reference's", low=low - 0.05 * (high - low), high=high)
    dots = X("".join(_circle(_x(x, a), _y(y, b), f"trial {a:.0f}: {ratio(b)}") for a, b in points))  # figures alone
    line = [(a, b) for a, b in steps] + ([(float(last), steps[-1][1])] if steps else [])
    even = X('<path class="even" d="M{} {}H{}"/>').format(LEFT, _y(y, EVEN), WIDTH - RIGHT)
    return _frame(x, y, [even, dots, _path(x, y, line, "one", steps=True)], "best ratio so far over the trials")


def scatter(dots: Sequence[Dot], across: str, up: str, mean: Interval | None = None) -> Markup:
    """Draw costs of one candidate over those of another, both logarithmic, with the line of no difference.

    Args:
        mean: of their ratios, drawn as a line with its interval as a band.
    """
    low, high = span([value for dot in dots for value in (dot.x, dot.y)], log=True)
    x, y = (Axis(label=label, low=low / 1.15, high=high * 1.15, log=True) for label in (across, up))
    even = X('<path class="even" d="M{} {}L{} {}"/>').format(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, TOP)
    body = [*([_along(x, mean)] if mean else []), even, *(_dot(x, y, dot) for dot in dots)]
    return _frame(x, y, body, f"{up} over {across}, one dot for each run")


def _along(axis: Axis, mean: Interval) -> Markup:
    """Draw a ratio of costs on two such axes as a line beside the diagonal, within its interval; a frame cuts them."""
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    most, middle, least = (
        round(height * math.log(value) / math.log(axis.high / axis.low), 1)
        for value in (mean.high, mean.ratio, mean.low)
    )
    told = f"{clean(mean.name)}: {ratio(mean.ratio)} ({interval(mean.low, mean.high)})"
    return X(
        '<svg x="{}" y="{}" width="{}" height="{}"><g><title>{}</title>'
        '<path class="band" d="M0 {}L{} {}V{}L0 {}Z"/><path class="mean" d="M0 {}L{} {}"/></g></svg>'
    ).format(
        LEFT, TOP, width, height, told,
        height - most, width, -most, -least, height - least,
        height - middle, width, -middle,
    )  # fmt: skip


def cactus(one: Solved, two: Solved, names: tuple[str, str], unit: str) -> Markup:
    """Draw how many runs of each of two candidates are solved within a cost, with bands of how sure that is."""
    found = list(zip(("two", "one"), (two, one), strict=True))  # the first is drawn over the second
    low, high = span([cost for _, each in found for cost in each.costs], log=True)
    x = Axis(label=f"cost ({unit})", low=low / 1.1, high=high * 1.1, log=True)
    most = max(1.0, *(each.high[-1] for _, each in found))
    y = Axis(label="runs solved", low=0, high=most * 1.05, whole=True)
    body = [_band(x, y, each, kind) for kind, each in found]
    for kind, each in found:
        steps = [(cost, float(i)) for i, cost in enumerate(each.costs, 1)]
        body.append(_path(x, y, [(x.low, 0.0), *steps, (x.high, float(len(steps)))], kind, steps=True))
    for row, (kind, name) in enumerate(zip(("one", "two"), names, strict=True)):
        at = HEIGHT - BOTTOM - 32 + 18 * row
        body.append(_text(WIDTH - RIGHT - 8, at, name, "end", kind))
    return _frame(x, y, body, f"runs solved within a cost, {names[0]} and {names[1]}, with 95 % bands")


def _band(x: Axis, y: Axis, of: Solved, kind: str) -> Markup:
    """Draw what the number that is solved lies between, along the upper ends to the right and back along the lower."""
    places = [_x(x, cost) for cost in of.costs]
    up = "".join(f"H{at}V{_y(y, high)}" for at, high in zip(places, of.high[1:], strict=True))
    down = "".join(f"H{at}V{_y(y, low)}" for at, low in zip(reversed(places), of.low[-2::-1], strict=True))
    first, last = _y(y, of.high[0]), _y(y, of.low[-1])
    line = f"M{LEFT} {first}{up}H{WIDTH - RIGHT}V{last}{down}H{LEFT}Z"
    return X('<path class="band {}" d="{}"/>').format(kind, line)


def intervals(rows: Sequence[Interval], *, narrow: bool = False) -> Markup:
    """Draw ratios with their intervals below one another, with the line of no difference."""
    width, left, right = (380, 112, 52) if narrow else (WIDTH, 170, 150)
    height = ROW * len(rows) + 34
    low, high = span([EVEN, *(value for row in rows for value in (row.low, row.high))], log=True)
    axis = Axis(label="", low=low / 1.05, high=high * 1.05, log=high > 4 * low)

    def at(value: float) -> float:
        return round(left + axis.place(value) * (width - left - right), 1)

    body = [X('<path class="gridline" d="M{} 0V{}"/>').format(at(v), height - 24) for v in axis.marks()]
    body += [_text(at(v), height - 8, f"{v:g}") for v in axis.marks()]
    body.append(X('<path class="even" d="M{} 0V{}"/>').format(at(EVEN), height - 24))
    for place, row in enumerate(rows):
        y, kind = ROW * place + ROW // 2, side(row.ratio, row.low, row.high)
        told = f"{ratio(row.ratio)} ({interval(row.low, row.high)})"
        body += [
            X("<g><title>{}: {}</title>").format(clean(row.name), told),
            _text(left - 12, y + 4, _short(clean(row.name), 15 if narrow else 22), "end", "name"),
            X('<path class="span {}" d="M{} {}H{}"/>').format(kind, at(row.low), y, at(row.high)),
            X('<circle class="dot {}" cx="{}" cy="{}" r="5"/>').format(kind, at(row.ratio), y),
            _text(width, y + 4, ratio(row.ratio) if narrow else told, "end"),
            X("</g>"),
        ]
    return _svg(height, "ratios with 95 % intervals", body, width, "narrow" if narrow else "")


def verdict(held: Verdict, controls: Mapping[str, Control] | None = None) -> list[Interval]:
    """Take the intervals of a verdict: over all instances, of each family where there are several, and of controls."""
    rows: list[tuple[str, FamilyVerdict]] = [("all", held), *sorted(held.families.items())]
    shown = rows if len(held.families) > 1 else rows[:1]
    beside = [(CONTROLS[kind], control) for kind, control in (controls or {}).items()]
    every: list[tuple[str, FamilyVerdict | Control]] = [*shown, *beside]
    return [Interval(name=name, ratio=one.ratio, low=one.low, high=one.high) for name, one in every]


def _frame(x: Axis, y: Axis, body: Iterable[Markup], title: str) -> Markup:
    """Put axes around a drawing."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for value in _marks(x):
        parts.append(X('<path class="gridline" d="M{} {}V{}"/>').format(_x(x, value), TOP, bottom))
        parts.append(_text(_x(x, value), bottom + 17, _mark(value)))
    for value in _marks(y):
        parts.append(X('<path class="gridline" d="M{} {}H{}"/>').format(LEFT, _y(y, value), right))
        parts.append(_text(LEFT - 7, _y(y, value) + 4, _mark(value), "end"))
    parts.append(X('<path class="axis" d="M{} {}V{}H{}"/>').format(LEFT, TOP, bottom, right))
    parts.append(_text((LEFT + right) / 2, HEIGHT - 6, x.label))
    middle = (TOP + bottom) / 2
    parts.append(X('<g transform="rotate(-90 13 {})">{}</g>').format(middle, _text(13, middle, y.label)))
    return _svg(HEIGHT, title, [*parts, *body])


def _svg(height: int, title: str, parts: Iterable[Markup], width: int = WIDTH, kind: str = "") -> Markup:
    head = X('<svg class="chart {}" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(kind, width, height, title)
    return head + X("").join(parts) + X("</svg>")


def _text(x: float, y: float, words: str, anchor: str = "middle", kind: str = "") -> Markup:
    return X('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(kind, x, y, anchor, words)


def _dot(x: Axis, y: Axis, dot: Dot) -> Markup:
    """Draw a dot; there may be thousands, so only texts are escaped: `Markup.format` does that to numbers as well."""
    return X(_circle(_x(x, dot.x), _y(y, dot.y), escape(clean(dot.title)), escape(dot.kind)))


def _circle(across: float, up: float, title: str, kind: str = "") -> str:
    return f'<circle class="dot {kind}" cx="{across}" cy="{up}" r="4"><title>{title}</title></circle>'


def _path(x: Axis, y: Axis, points: Sequence[Point], kind: str, *, steps: bool = False) -> Markup:
    spots = [(_x(x, a), _y(y, b)) for a, b in points]
    if not spots:
        return Markup("")
    join = "H{0}V{1}" if steps else "L{0} {1}"
    line = f"M{spots[0][0]} {spots[0][1]}" + "".join(join.format(a, b) for a, b in spots[1:])
    return X('<path class="line {}" d="{}"/>').format(kind, line)


def _x(axis: Axis, value: float) -> float:
    return round(LEFT + axis.place(value) * (WIDTH - LEFT - RIGHT), 1)


def _y(axis: Axis, value: float) -> float:
    return round(HEIGHT - BOTTOM - axis.place(value) * (HEIGHT - TOP - BOTTOM), 1)


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _marks(axis: Axis) -> list[float]:
    """Choose values along an axis; on a short logarithmic one also those between powers of ten, if these are enough."""
    if not axis.log or axis.high > DECADES * axis.low:
        return axis.marks()
    first, last = math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high))
    found = [m * 10.0**e for e in range(first, last + 1) for m in (1, 2, 5)]
    inside = [value for value in found if axis.low <= value <= axis.high]
    return inside if len(inside) >= FEW else max(inside, axis.marks(), key=len)


def _mark(value: float) -> str:
    """Write a value along an axis in few letters."""
    for letter, unit in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= unit:
            return f"{number(value / unit)}{letter}"
    return f"{value:g}"
