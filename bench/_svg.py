"""Two plots of running times as plain SVG: how many are solved within a time, and one solver against another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

SIZE, MARGIN = 480, 56
LEAST = 0.001  # seconds; what is faster counts as this
COLOURS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#7f7f7f")


def cactus(times: Mapping[str, Sequence[float]], limit: float) -> str:
    """Draw, for each solver, how many instances it solves within a time.

    Args:
        times: CPU seconds of the solved instances, by solver.
        limit: of the seconds.
    """
    most = max([1, *map(len, times.values())])
    parts = _frame("instances solved", "CPU seconds", [(i / most, str(i)) for i in _steps(most)], limit)
    for index, (name, found) in enumerate(times.items()):
        colour = COLOURS[index % len(COLOURS)]
        spots = [(count / most, _place(t, limit)) for count, t in enumerate(sorted(found), 1)]
        line = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in spots)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts.append(_text(MARGIN + 10, 30 + 15 * index, f"{name} ({len(found)})", colour))
    return _document(parts)


def scatter(points: Mapping[str, Sequence[tuple[float, float]]], labels: tuple[str, str], limit: float) -> str:
    """Draw one point an instance, coloured by group; below the diagonal the second solver is faster.

    Args:
        points: CPU seconds of both solvers, unsolved ones at the limit, by group.
        labels: names of the solvers.
        limit: of the seconds.
    """
    ticks = [(_place(t, limit), f"{t:g}") for t in _decades(limit)]
    parts = _frame(f"{labels[0]}, CPU seconds", f"{labels[1]}, CPU seconds", ticks, limit)
    parts.append(f'<path d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}" stroke="#999"/>')
    for index, (group, found) in enumerate(points.items()):
        colour = COLOURS[index % len(COLOURS)]
        for a, b in found:
            spot = f'cx="{_x(_place(a, limit)):.1f}" cy="{_y(_place(b, limit)):.1f}"'
            parts.append(f'<circle {spot} r="3.5" fill="{colour}"><title>{escape(group)}</title></circle>')
    return _document(parts)


def _frame(across: str, up: str, ticks: Sequence[tuple[float, str]], limit: float) -> list[str]:
    middle = (SIZE + MARGIN) / 2
    parts = [
        f'<path d="M{_x(0)} {_y(1)}V{_y(0)}H{_x(1)}" fill="none" stroke="#000"/>',
        _text(middle, SIZE + 44, across),
    ]
    parts.append(f'<g transform="rotate(-90 14 {middle})">{_text(14 - 60, middle, up)}</g>')
    parts += [_text(_x(place) - 8, SIZE + 18, text) for place, text in ticks]
    return parts + [_text(18, _y(_place(t, limit)) + 4, f"{t:g}") for t in _decades(limit)]


def _document(parts: Sequence[str]) -> str:
    box = SIZE + MARGIN
    font = 'font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {box} {box}" {font}>'
    return "\n".join([head, f'<rect width="{box}" height="{box}" fill="#fff"/>', *parts, "</svg>", ""])


def _text(x: float, y: float, text: str, colour: str = "#000") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}">{escape(text)}</text>'


def _x(share: float) -> float:
    return MARGIN + share * (SIZE - MARGIN)


def _y(share: float) -> float:
    return SIZE - share * (SIZE - 16)


def _place(seconds: float, limit: float) -> float:
    return math.log(max(seconds, LEAST) / LEAST) / math.log(limit / LEAST)


def _decades(limit: float) -> list[float]:
    return [*(10.0**e for e in range(-3, 6) if 10.0**e < limit), limit]


def _steps(most: int) -> list[int]:
    step = max(1, most // 5)
    return list(range(0, most + 1, step))
