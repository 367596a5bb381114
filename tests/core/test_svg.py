"""Charts are valid SVG in which everything lies where its axis puts it."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from slotforge.core.svg import BESIDE, COLOURS, HEIGHT, RIGHT, WIDTH, Axis, Curve, chart, sheet, span

SVG = "{http://www.w3.org/2000/svg}"


def test_axes_place_values_evenly_in_their_scale() -> None:
    assert [Axis(label="", low=0, high=4).place(x) for x in (-1, 0, 1, 4, 9)] == [0, 0, 0.25, 1, 1]
    log = Axis(label="", low=1, high=100, log=True)
    assert [log.place(x) for x in (0, 1, 10, 100)] == pytest.approx([0, 0, 0.5, 1])


@pytest.mark.parametrize(
    ("axis", "marks"),
    [
        (Axis(label="", low=0, high=1), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (Axis(label="", low=1, high=1000, log=True), [1, 10, 100, 1000]),
        (Axis(label="", low=2, high=7, log=True), [2, 3, 4, 5, 6, 7]),
    ],
)
def test_marks_are_round_and_within_the_axis(axis: Axis, marks: list[float]) -> None:
    assert axis.marks() == pytest.approx(marks)


def test_bounds_hold_all_finite_values_and_differ() -> None:
    assert span([3, math.inf, 1]) == (1, 3)
    assert span([0, 5], log=True) == (5, 50)
    assert span([]) == (1, 10)


def test_a_chart_holds_every_curve_by_name_and_escapes_it() -> None:
    curves = [Curve(name="a < b", points=[(0, 0), (1, 1)]), Curve(name="none", points=[], steps=True)]
    drawn = ElementTree.fromstring(
        chart("t & u", Axis(label="x", low=0, high=1), Axis(label="y", low=0, high=1), curves)
    )
    assert {"t & u", "a < b", "none", "x", "y"} <= set(drawn.itertext())


def test_names_of_more_curves_than_colours_stand_beside_the_frame_and_apart() -> None:
    axis = Axis(label="", low=0, high=1)
    names = [f"curve {i}" for i in range(2 * len(COLOURS))]
    drawn = ElementTree.fromstring(chart("", axis, axis, [Curve(name=name, points=[(0, 0), (1, 1)]) for name in names]))
    places = {e.text: (float(e.get("x") or 0), float(e.get("y") or 0)) for e in drawn.iter(f"{SVG}text")}
    assert all(places[name][0] > WIDTH - RIGHT for name in names)
    assert len({places[name] for name in names}) == len(names)
    assert drawn.get("viewBox") == f"0 0 {WIDTH + BESIDE} {HEIGHT}"


def test_steps_keep_their_height_until_the_next_point() -> None:
    axis = Axis(label="", low=0, high=1)
    drawn = chart("", axis, axis, [Curve(name="", points=[(0, 0), (0.5, 1)], steps=True)])
    (path,) = [e.get("d") or "" for e in ElementTree.fromstring(drawn).iter(f"{SVG}path") if e.get("stroke-width")]
    assert [c for c in path if c.isalpha()] == ["M", "H", "V"]


def test_a_sheet_places_charts_row_by_row() -> None:
    axis = Axis(label="", low=0, high=1)
    drawn = ElementTree.fromstring(sheet([chart(str(i), axis, axis, []) for i in range(3)]))
    places = [(float(e.get("x") or 0), float(e.get("y") or 0)) for e in drawn.findall(f"{SVG}svg")]
    assert places == [(0, 0), (WIDTH, 0), (0, HEIGHT)]
    assert drawn.get("viewBox") == f"0 0 {2 * WIDTH} {2 * HEIGHT}"
