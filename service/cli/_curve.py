"""The best ratio so far, trial by trial: as a line of text, and as an SVG file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from slotforge.core.errors import SlotforgeError

BARS = "▁▂▃▄▅▆▇█"
WIDTH, HEIGHT, MARGIN = 720, 360, 56  # pixels
Point = tuple[int, float]


def best_so_far(points: Sequence[Point]) -> list[Point]:
    """Keep the points that were the best when they were told."""
    kept: list[Point] = []
    for number, ratio in points:
        if not kept or ratio < kept[-1][1]:
            kept.append((number, ratio))
    return kept


def sparkline(steps: Sequence[Point], last: int, width: int) -> str:
    """Draw steps as a row of bars: the highest is the worst, and a bar stands for an equal share of the trials.

    Args:
        steps: of the best so far; at least one.
        last: number of the last trial.
        width: bars at most.
    """
    count = min(width, last + 1)
    ends = [(i + 1) * (last + 1) // count - 1 for i in range(count)]
    values = [min((ratio for number, ratio in steps if number <= end), default=steps[0][1]) for end in ends]
    low, high = min(values), max(values)
    step = (high - low) / (len(BARS) - 1) or math.inf
    return "".join(BARS[round((value - low) / step)] for value in values)


def write_svg(path: Path, points: Sequence[Point], last: int, title: str) -> None:
    """Write the curve of the best so far over the trials, with a dot for every scored trial.

    Args:
        path: of the file to write.
        points: number and ratio of the scored trials; at least one.
        last: number of the last trial.
        title: a line above.

    Raises:
        SlotforgeError: the file cannot be written.
    """
    ratios = [ratio for _, ratio in points]
    low, high = min(ratios), max(max(ratios), min(ratios) * 1.05)

    def x(number: float) -> float:
        return round(MARGIN + (WIDTH - 2 * MARGIN) * number / max(1, last), 1)

    def y(ratio: float) -> float:
        return round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (ratio - low) / (high - low), 1)

    steps = best_so_far(points)
    curve = f"M{x(steps[0][0])} {y(steps[0][1])}" + "".join(f"H{x(n)}V{y(r)}" for n, r in steps[1:]) + f"H{x(last)}"
    dots = "".join(f'<circle cx="{x(n)}" cy="{y(r)}" r="2.5"/>' for n, r in points)
    marks = [low + (high - low) * i / 4 for i in range(5)]
    lines = "".join(f'<path d="M{MARGIN} {y(m)}H{WIDTH - MARGIN}"/>' for m in marks)
    labels = "".join(f'<text x="{MARGIN - 8}" y="{y(m) + 4}" text-anchor="end">{m:.3f}</text>' for m in marks)
    numbers = sorted({round(last * i / 5) for i in range(6)})
    labels += "".join(f'<text x="{x(n)}" y="{HEIGHT - MARGIN + 20}" text-anchor="middle">{n}</text>' for n in numbers)
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
        f' font-size="12">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/><text x="{MARGIN}" y="28" font-size="15">{title}</text>'
        f'<g stroke="#ddd">{lines}</g><g fill="#444">{labels}'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">trial</text></g>'
        f'<g fill="#9bb">{dots}</g><path d="{curve}" fill="none" stroke="#06c" stroke-width="2"/></svg>\n'
    )
    try:
        path.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise SlotforgeError(f"{path}: cannot be written: {error.strerror}") from error
