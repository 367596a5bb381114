"""Drawings of a comparison: who differs from whom, and how good each was when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from slotforge.bench._cells import Cell
from slotforge.bench._ranks import Ranking
from slotforge.core.svg import COLOURS, Axis, Curve, chart, document, span, text

WIDTH, SIDE, ROW = 860, 190, 17  # of the diagram, of the names beside its axis, of one name; in pixels
POINTS = 40  # along a curve


def critical_difference_diagram(ranked: Ranking, title: str) -> str:
    """Draw mean ranks along an axis, the best to the left, and a bar over each group that cannot be told apart."""
    names, groups = list(ranked.ranks), ranked.groups()
    low, high = 1.0, float(max(2, len(names)))
    axis = 58.0
    bars = axis + 14
    names_at = bars + 9 * len(groups) + 16

    def x(rank: float) -> float:
        return SIDE + (rank - low) / (high - low) * (WIDTH - 2 * SIDE)

    parts = [text(16, 20, title, size=14)]
    parts.append(_line(x(low), axis, x(high), axis))
    for rank in range(int(low), int(high) + 1):
        parts += [_line(x(rank), axis - 5, x(rank), axis), text(x(rank), axis - 9, str(rank), anchor="middle", size=10)]
    width = min(ranked.distance, high - low)
    parts += [
        _line(16, 36, 16 + x(low + width) - x(low), 36, 2),
        text(16, 50, f"critical difference {ranked.distance:.2f}"),
    ]
    for place, group in enumerate(groups):
        y = bars + 9 * place
        parts.append(_line(x(ranked.ranks[group[0]]) - 3, y, x(ranked.ranks[group[-1]]) + 3, y, 4))
    half = -(-len(names) // 2)
    for place, name in enumerate(names):
        left = place < half
        y = names_at + ROW * (place if left else len(names) - 1 - place)
        spot, end = x(ranked.ranks[name]), SIDE - 8 if left else WIDTH - SIDE + 8
        parts.append(f'<path d="M{spot:.1f} {axis}V{y:.1f}H{end:.1f}" fill="none" stroke="#999"/>')
        label = f"{name}  {ranked.ranks[name]:.2f}"
        parts.append(text(end - 4 if left else end + 4, y + 4, label, anchor="end" if left else "start"))
    return document(parts, WIDTH, names_at + ROW * half + 8)


def _line(x: float, y: float, to_x: float, to_y: float, width: float = 1) -> str:
    return f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" stroke="#000" stroke-width="{width}"/>'


def anytime(
    cells: Mapping[str, Sequence[Cell]], title: str, label: str, cost: Callable[[Cell], Sequence[float]]
) -> str:
    """Draw the mean of the best value so far against what it cost.

    Args:
        cells: by strategy.
        label: of the axis.
        cost: for each step of a cell what had been spent by then, and at last what was spent in all.
    """
    spent = {name: [cost(cell) for cell in of] for name, of in cells.items()}
    most = max((s[-1] for of in spent.values() for s in of), default=1.0)
    at = [most * i / POINTS for i in range(POINTS + 1)]
    curves = []
    for place, (name, of) in enumerate(cells.items()):
        pairs = list(zip(of, spent[name], strict=True))
        reach = max((s[-1] for s in spent[name]), default=0.0)
        points = [(a, sum(_best(cell, s, a) for cell, s in pairs) / len(pairs)) for a in at if a <= reach * 1.001]
        curves.append(Curve(name=name, points=points, dashed=place >= len(COLOURS)))
    low, high = span(value for curve in curves for _, value in curve.points)
    return chart(
        title, Axis(label=label, low=0, high=most), Axis(label="cost over the baseline's", low=low, high=high), curves
    )


def _best(cell: Cell, spent: Sequence[float], limit: float) -> float:
    values = [step.value for step, cost in zip(cell.steps, spent, strict=False) if cost <= limit]
    return values[-1] if values else 1.0
