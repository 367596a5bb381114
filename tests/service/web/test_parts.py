"""What pages are made of: vendored files, static files, words, links and charts."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from slotforge.service.views.cactus import Solved
from slotforge.service.web import charts, highlight, words
from slotforge.service.web.pages.static import FOLDER, asset, files

VENDOR = FOLDER / "vendor"
LICENCES = {
    "htmx": "htmx",
    "hx-sse": "htmx",
    "uPlot": "uPlot",
    "cytoscape": "cytoscape",
    "inter-latin-wght-normal": "inter",
}
SOLVED = Solved(costs=(1, 10, 100), low=(0, 0.1, 0.4, 0.9), high=(2, 2.5, 2.8, 3))
NONE = Solved(costs=(), low=(0,), high=(2,))
TEXT = st.text(alphabet=st.characters(), max_size=60)


def test_vendored_files_are_those_that_were_published() -> None:
    listed = dict(reversed(line.split("  ")) for line in (VENDOR / "checksums.txt").read_text().splitlines())
    found = {path.name: path for path in VENDOR.iterdir() if path.name not in ("checksums.txt", "README.md")}
    assert set(listed) == set(found)
    for name, path in found.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == listed[name], name


def test_every_vendored_file_comes_with_its_licence() -> None:
    for path in VENDOR.iterdir():
        if path.suffix in (".js", ".css", ".woff2"):
            assert (VENDOR / f"{LICENCES[path.name.partition('.')[0]]}.LICENSE").is_file(), path.name


def test_static_files_are_sent_for_long_and_nothing_else_is(empty: TestClient) -> None:
    for name in files():
        answer = empty.get(asset(name))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    for name in (
        "../templates/base.html",
        "..%2fpages%2fstatic.py",
        "%2e%2e/words.py",
        "vendor/../../words.py",
        "vendor/README.md",
        "",
        "/etc/passwd",
    ):
        assert empty.get(f"/static/{name}").status_code == 404, name


@settings(deadline=None)
@given(TEXT)
def test_a_text_is_shown_without_what_html_cannot_hold(text: str) -> None:
    shown = highlight.plain(text)
    shown.encode()
    assert not set(shown) & {"<", ">", '"', "\x00", "\x0b", "\u202e"}


@settings(deadline=None)
@given(TEXT)
def test_code_and_differences_keep_their_text_and_hold_no_markup_of_it(text: str) -> None:
    for made in (highlight.code(text, "cpp"), highlight.code(text, "python"), highlight.diff(text)):
        root = ElementTree.fromstring(f"<pre>{made}</pre>")
        assert {one.tag for one in root.iter()} <= {"pre", "code", "span"}
    kept = "".join(ElementTree.fromstring(f"<pre>{highlight.code(text, 'cpp')}</pre>").itertext())
    assert kept == words.clean(text.strip("\n"))


def test_a_short_source_is_highlighted_once() -> None:
    text = "int once = 1;  // and no more"
    assert highlight.code(text, "cpp") is highlight.code(f"\n{text}\n", "cpp")
    assert highlight.code(text, "cpp") != highlight.code(text, "python")
    long = "int many = 1;\n" * highlight.SHORT
    assert highlight.code(long, "cpp") is not highlight.code(long, "cpp")


def test_times_are_relative_with_the_exact_one_beside() -> None:
    at = datetime.now(UTC) - timedelta(hours=2, minutes=5)
    shown = words.ago(at)
    assert "2 hours ago" in shown
    assert f"{at:%Y-%m-%d %H:%M:%S} UTC" in shown
    assert words.ago(None) == ""


@pytest.mark.parametrize(
    ("value", "low", "high", "side"),
    [
        (0.5, None, None, "good"),
        (1.5, None, None, "bad"),
        (0.9, 0.8, 1.1, ""),
        (0.9, 0.8, 0.95, "good"),
        (1.2, 1.1, 1.3, "bad"),
        (None, None, None, ""),
    ],
)
def test_a_ratio_is_good_only_where_its_interval_says_so(value: float, low: float, high: float, side: str) -> None:
    assert words.side(value, low, high) == side


def test_lengths_sizes_and_amounts_are_short() -> None:
    assert [words.span(s) for s in (0, 0.5, 59, 61, 3700, 90_000)] == [
        "0 s",
        "0.5 s",
        "59 s",
        "1 min 1 s",
        "1 h 1 min",
        "1 d 1 h",
    ]
    assert [words.size(s) for s in (0, 1023, 1536, 3 << 30)] == ["0 B", "1023 B", "1.5 KiB", "3.0 GiB"]
    assert [words.usd(x) for x in (0, 0.00123, 12.5)] == ["$0.00", "$0.0012", "$12.50"]


def test_charts_are_whole_and_hold_what_they_are_given() -> None:
    name = "<evil>&\x00"
    drawn = (
        charts.spark([(0, 1.0), (3, 0.5)], 9, name),
        charts.course([(0, 1.0), (1, 0.7), (2, 40.0)], [(0, 1.0), (1, 0.7)], 2),
        charts.scatter(
            [charts.Dot(x=10, y=1e9, title=name, kind="bad"), charts.Dot(x=1, y=2, title="b")], "across", "up"
        ),
        charts.cactus(SOLVED, NONE, (name, "two"), "ticks"),
        charts.intervals([charts.Interval(name=name, ratio=0.5, low=0.1, high=8.0)]),
        charts.intervals([], narrow=True),
        charts.scatter([], "across", "up", charts.Interval(name=name, ratio=0.5, low=0.1, high=8.0)),
    )
    for svg in drawn:
        assert isinstance(svg, Markup)
        tags = {one.tag for one in ElementTree.fromstring(svg.replace("\x00", "")).iter()}
        assert tags <= {"svg", "title", "path", "circle", "text", "g"}
    assert drawn[2].count("<circle") == 2
    assert charts.spark([], 0, "") == ""


def test_a_curve_falls_only_where_something_better_was_found() -> None:
    svg = charts.course([(0, 1.0), (5, 0.8)], [(0, 1.0), (5, 0.8)], 10)
    line = ElementTree.fromstring(svg).find("path[@class='line one']")
    assert line is not None
    assert line.attrib["d"].count("V") == 2


def corners(line: str) -> list[tuple[float, float]]:
    """Follow a path of straight lines along the axes."""
    x, y, found = 0.0, 0.0, []
    for letter, words_ in re.findall(r"([MHVL])([^MHVLZ]+)", line):
        numbers = [float(word) for word in words_.split()]
        x, y = (numbers[0], y) if letter == "H" else (x, numbers[0]) if letter == "V" else (numbers[0], numbers[1])
        found.append((x, y))
    return found


def test_a_cactus_has_a_band_that_holds_its_curve_from_one_end_to_the_other() -> None:
    drawn = ElementTree.fromstring(charts.cactus(SOLVED, NONE, ("one", "two"), "ticks"))
    curve, band = (drawn.find(f"path[@class='{kind} one']") for kind in ("line", "band"))
    assert curve is not None
    assert band is not None
    inner, outer = corners(curve.attrib["d"]), corners(band.attrib["d"])
    bottom, unit = charts.HEIGHT - charts.BOTTOM, (charts.HEIGHT - charts.TOP - charts.BOTTOM) / (3 * 1.05)
    ends = {x: sorted(y for at, y in outer if at == x) for x, _ in outer}
    assert min(ends) == charts.LEFT
    assert max(ends) == charts.WIDTH - charts.RIGHT
    for k, x in enumerate(sorted({x for x, _ in inner} - {min(ends), max(ends)}), 1):
        edges = (SOLVED.high[k], SOLVED.high[k - 1], SOLVED.low[k], SOLVED.low[k - 1])
        assert ends[x] == pytest.approx([bottom - unit * edge for edge in edges], abs=0.1)
    assert ends[min(ends)] == pytest.approx([bottom - 2 * unit, bottom], abs=0.1)
    assert [one.attrib["class"] for one in drawn.iter() if "band" in one.get("class", "")] == ["band two", "band one"]


def test_an_axis_has_marks_enough_to_be_read_and_whole_ones_where_it_counts() -> None:
    dots = [charts.Dot(x=6, y=6, title="a"), charts.Dot(x=15, y=17, title="b")]
    assert marks(charts.scatter(dots, "across", "up")) == ["10", "15", "10", "15"], "10 alone would be no scale"
    few = Solved(costs=(1.0, 1e6), low=(0, 0, 0.5), high=(1, 2, 2))
    for svg in (charts.cactus(few, NONE, ("one", "two"), "ticks"), charts.course([(0, 1.0)], [(0, 1.0)], 2)):
        assert not set(marks(svg)) & {"0.5", "1.5"}
        assert {"1", "2"} <= set(marks(svg))


def marks(svg: Markup) -> list[str]:
    """List the numbers along the axes."""
    texts = (one.text or "" for one in ElementTree.fromstring(svg).iter("text"))
    return [text for text in texts if text.replace(".", "").isdigit()]


def test_a_ratio_and_its_interval_lie_along_the_diagonal_of_a_scatter() -> None:
    dots = [charts.Dot(x=100, y=50, title="a"), charts.Dot(x=1, y=0.5, title="b")]
    mean = charts.Interval(name="mean", ratio=0.5, low=0.25, high=1.0)
    drawn = ElementTree.fromstring(charts.scatter(dots, "across", "up", mean))
    frame = drawn.find("svg")
    assert frame is not None
    line, band = (frame.find(f"g/path[@class='{kind}']") for kind in ("mean", "band"))
    assert line is not None
    assert band is not None
    (x, y), (right, top) = corners(line.attrib["d"])
    left, above = float(frame.attrib["x"]), float(frame.attrib["y"])
    for dot in drawn.iter("circle"):
        across, up = float(dot.attrib["cx"]) - left, float(dot.attrib["cy"]) - above
        assert up == pytest.approx(y + (top - y) * (across - x) / (right - x), abs=0.2), "both have this ratio"
    (_, high), (_, high_right), *_, (_, low) = corners(band.attrib["d"])
    assert (high, high_right) == (charts.HEIGHT - charts.TOP - charts.BOTTOM, 0), "the ratio of 1 is the diagonal"
    assert low - y == pytest.approx(y - high, abs=0.2), "1/4 is as far below 1/2 as 1 is above"
    assert "0.250 – 1.000" in (frame.findtext("g/title") or "")
    assert ElementTree.fromstring(charts.scatter(dots, "across", "up")).find("svg") is None


def test_nothing_but_files_of_this_site_may_run_or_style_a_page(empty: TestClient) -> None:
    policy = empty.get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
