"""The pages in a real browser, on a real server: a run from the form to a solver that solves."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slotforge.solvers.sat import cnf
from slotforge.solvers.sat.families import generate

from .browser import CHROMIUM, MAIN, browsing, serving

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None,
    reason="no browser: apt-get install chromium, and pip install playwright",
)
PATIENCE_MS = 300_000.0  # the machine may be busy with other tests
TREE = "document.getElementById('tree')._cyreg.cy"  # as cytoscape keeps it
SLOT = "score_clauses"  # which gains on the formulas of these tests, so that something is to be taken home
PROPOSED = re.compile("mutate|crossover|combine")
PHONE = {"width": 390, "height": 844}
EVERY = ("/", "/library", "/compare", "/instances", "/usage", "/system", "/new", "/new?domain=packing", "/login")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, builds: Path) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    (folder / "builds").symlink_to(builds)
    return folder


@pytest.fixture(scope="module")
def discovered(home: Path) -> str:
    """Search on the command line, as `make run` does, and return the run."""
    short = "--instances sgen:15 --per-family 12 --evals 2 --slots restart_due --start default --no-tuned-baseline"
    command = [*MAIN, "discover", "sat", *short.split(), "--json"]
    environment = {**os.environ, "SLOTFORGE_HOME": str(home)}
    said = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE_MS / 1000, check=False
    )
    assert said.returncode == 0, said.stderr
    return str(json.loads(said.stdout)["run"])


@pytest.fixture(scope="module")
def url(home: Path, discovered: str) -> Iterator[str]:  # noqa: ARG001 # it is there before anything is served
    with serving(home) as where:
        yield where


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as opened:
        yield opened


@pytest.fixture(scope="module")
def formulas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of formulas that take the solver some work, and none much."""
    folder = tmp_path_factory.mktemp("my formulas")
    for index in range(16):
        cnf.write(generate("coloring:80", 1, index), folder / f"{index}.cnf")
    return folder


@pytest.fixture
def page(browser: Any, url: str) -> Iterator[Any]:
    """Open a page; whatever the browser complains of fails the test."""
    context = browser.new_context(base_url=url, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(f"{opened.url}: {message.type} {message.text}"))
    opened.on("pageerror", lambda error: complaints.append(f"{opened.url}: {error}"))
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def run(browser: Any, url: str, formulas: Path) -> str:
    """Start a run from the form with a folder of formulas, watch it until it has finished, and return its page."""
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE_MS)
    context = browser.new_context(base_url=url)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("link", name="New run").click()
    page.get_by_label("or a folder of them").set_input_files(formulas)
    page.get_by_label("Name of the suite that they become").fill("mine")
    page.get_by_label(SLOT).check()
    page.get_by_label("Candidates", exact=True).fill("3")
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Run")
    live = page.locator("#live")
    expect(live).to_have_attribute("data-state", "running")
    expect(page.locator("#curve .uplot")).to_be_visible()
    expect(live).to_have_attribute("data-state", "finished")
    expect(page.locator("[data-follow]")).to_have_count(0)
    expect(page.get_by_role("heading", name="Latest trials")).to_be_visible()
    expect(page.locator("ul.note")).to_have_count(0)  # no file was left out
    context.close()
    return urlsplit(page.url).path


def test_a_run_of_the_command_line_stands_among_the_runs_and_has_its_page(page: Any, discovered: str) -> None:
    from playwright.sync_api import expect

    page.goto("/")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=discovered))
    expect(row).to_contain_text("finished")
    row.get_by_role("link", name=discovered).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(discovered)
    expect(page.locator("#curve svg, #curve .uplot").first).to_be_visible()
    expect(page.locator(".u-legend")).to_be_hidden()
    page.locator("#curve .u-over").hover()
    expect(page.locator(".u-legend")).to_contain_text("best so far")
    expect(page.locator(".u-legend")).to_be_visible()
    trials = page.get_by_role("region", name="Trials")
    for number in (1, 2):
        expect(trials.locator(f"a[href='/runs/{discovered}/trials/{number}']")).to_be_visible()


def test_a_run_from_the_form_ends_with_a_solver_that_solves(
    page: Any, run: str, formulas: Path, tmp_path: Path
) -> None:
    page.goto(run)
    page.get_by_role("link", name="Open", exact=True).click()  # the winner
    winner = page.url.rpartition("/")[2]
    assert winner == report(page, run)["best"]["candidate"]
    page.get_by_role("button", name="solver").click()
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="Download solver").click()
    downloaded.value.save_as(tmp_path / "solver.tar.gz")
    with tarfile.open(tmp_path / "solver.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    solver = next(path for path in tmp_path.rglob("solver") if path.is_file())
    assert winner in (solver.parent / "PROVENANCE.md").read_text()
    solved = subprocess.run([solver, formulas / "0.cnf"], capture_output=True, text=True, timeout=120, check=False)
    assert solved.returncode in (10, 20), solved.stderr
    assert re.search(r"^s (UN)?SATISFIABLE$", solved.stdout, re.MULTILINE)


def report(page: Any, run: str) -> dict[str, Any]:
    """Return what a run has ended with."""
    told: dict[str, Any] = page.request.get(f"/v1{run}").json()["run"]["report"]
    return told


def test_the_browser_complains_of_no_page(page: Any, run: str) -> None:
    page.goto(run)
    candidate = page.locator("a[href^='/candidates/']").first.get_attribute("href")
    more = (
        run,
        f"{run}/trials",
        f"{run}/trials/1",
        f"{run}/lineage",
        candidate,
        f"{candidate}/lineage",
        "/suites/mine",
    )
    for path in (*EVERY, *more, f"/compare?a={candidate.rpartition('/')[2]}&b=baseline"):
        assert page.goto(path).ok, path
        page.wait_for_load_state("networkidle")


def test_a_tree_is_drawn_and_a_click_shows_a_candidate_with_its_source_diff_and_prompt(page: Any, run: str) -> None:
    from playwright.sync_api import expect

    open_tree(page, run)
    rows = page.locator("#nodes tbody tr").count()
    assert page.locator("#tree").get_attribute("data-nodes") == str(rows)
    assert float(page.locator("#least").inner_text()) < 1 < float(page.locator("#most").inner_text().split()[0])
    letters = page.evaluate(f"{TREE}.nodes().map((node) => parseFloat(node.renderedStyle('font-size')))")
    assert all(11 <= size <= 16 for size in letters), "they are read on the screen, however large the tree is"
    card = page.locator("#card")
    expect(card.get_by_text("Source of").first).to_be_visible()  # of the best, which nobody has clicked on
    shown = page.evaluate(f"{TREE}.$(':selected').id()")
    nodes = page.locator("#nodes tbody tr")
    others = {row.get_attribute("data-id"): row for row in nodes.filter(has_text=PROPOSED).all()}
    chosen = next(id_ for id_ in others if id_ != shown)
    page.mouse.click(*place(page, chosen))
    expect(card.get_by_role("heading", level=2)).to_contain_text(chosen[:10])
    assert page.evaluate(f"{TREE}.$(':selected').map((node) => node.id())") == [chosen]
    expect(card.locator("details[open] .diff .add").first).to_be_visible()
    for title, word in (("Source of", "operator()"), ("Prompt (propose): user", SLOT)):
        part = card.locator("details", has_text=title)
        part.locator("summary").click()
        expect(part.locator("pre")).to_be_visible()
        expect(part.locator("pre")).to_contain_text(word)


def test_the_wheel_zooms_the_tree_around_the_pointer_and_a_button_shows_all_of_it(page: Any, run: str) -> None:
    open_tree(page, run)
    page.get_by_role("button", name="Fit").click()
    fitted = page.evaluate(f"{TREE}.zoom()")
    root = page.locator("#nodes tbody tr").last.get_attribute("data-id")
    x, y = place(page, root)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    for _ in range(100):
        if (zoomed := page.evaluate(f"{TREE}.zoom()")) > fitted:
            break
        page.wait_for_timeout(100)
    assert zoomed > 1.01 * fitted
    assert place(page, root) == pytest.approx((x, y), abs=3), "what is under the pointer stays there"
    page.get_by_role("button", name="Fit").click()
    assert page.evaluate(f"{TREE}.zoom()") == pytest.approx(fitted)


def open_tree(page: Any, run: str) -> None:
    """Open the tree of a run in a window in which nothing moves any more."""
    from playwright.sync_api import expect

    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto(f"{run}/lineage")
    expect(page.locator("#tree canvas").first).to_be_visible()
    page.wait_for_load_state("networkidle")


def place(page: Any, node: str) -> tuple[float, float]:
    """Return where in the window a candidate of the tree is drawn."""
    at = page.evaluate(f"(id) => {TREE}.getElementById(id).renderedPosition()", node)
    box = page.locator("#tree").bounding_box()
    return box["x"] + at["x"], box["y"] + at["y"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(browser: Any, url: str, run: str, scheme: str) -> None:
    context = browser.new_context(base_url=url, viewport=PHONE, color_scheme=scheme, has_touch=True)
    page = context.new_page()
    page.goto(run)
    candidate = page.locator("a[href^='/candidates/']").first.get_attribute("href")
    for path in (
        *EVERY,
        run,
        f"{run}/lineage",
        f"{run}/trials",
        candidate,
        f"/compare?a={candidate.rpartition('/')[2]}",
    ):
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], f"{path}: {width}"
    context.close()


SMALL = """() => [...document.querySelectorAll("a, button, input, select, summary")].filter((one) => {
  const box = (one.type === "checkbox" ? one.closest("label, td") : one).getBoundingClientRect();
  return one.checkVisibility() && !one.matches("p a, .skip") && box.width && Math.min(box.width, box.height) < 24;
}).map((one) => one.outerHTML.slice(0, 120))"""  # WCAG 2.2, 2.5.8; links within sentences are left out there as well


def test_what_can_be_pressed_on_a_phone_is_large_enough_and_its_header_is_one_row(
    browser: Any, url: str, run: str
) -> None:
    context = browser.new_context(base_url=url, viewport=PHONE, has_touch=True)
    page = context.new_page()
    for path in (*EVERY, run, f"{run}/trials", f"{run}/lineage"):
        page.goto(path)
        if path.endswith("/lineage"):
            page.locator(".card-of").wait_for()
        assert page.evaluate(SMALL) == [], path
        assert page.locator("header.top").bounding_box()["height"] < 64, path
    page.locator(".menu > summary").click()
    page.locator(".menu").get_by_role("link", name="Usage").click()
    page.wait_for_url("**/usage")
    context.close()


def test_colours_follow_the_system_and_then_the_reader(browser: Any, url: str) -> None:
    from playwright.sync_api import expect

    context = browser.new_context(base_url=url, color_scheme="dark")
    page = context.new_page()
    page.goto("/")
    toggle = page.get_by_role("button", name="Dark colours")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    expect(page.locator("html")).to_have_css("background-color", "rgb(14, 18, 23)")
    toggle.click()
    expect(page.locator("html")).to_have_css("background-color", "rgb(246, 247, 249)")
    page.goto("/library")
    expect(page.locator("html")).to_have_css("background-color", "rgb(246, 247, 249)")
    context.close()


def test_the_keyboard_alone_is_enough(page: Any, run: str) -> None:
    from playwright.sync_api import expect

    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    name = run.rpartition("/")[2]
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == name:
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "what has the focus shows it"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


def test_reading_needs_no_javascript(browser: Any, url: str, run: str) -> None:
    from playwright.sync_api import expect

    context = browser.new_context(base_url=url, java_script_enabled=False)
    page = context.new_page()
    page.goto(run)
    expect(page.locator("#curve svg")).to_be_visible()
    page.get_by_role("link", name="Lineage").click()
    expect(page.get_by_role("region", name="Candidates").get_by_role("row").nth(1)).to_be_visible()
    context.close()


def test_compiling_again_keeps_its_button_and_a_refusal_is_told(browser: Any, url: str, discovered: str) -> None:
    from playwright.sync_api import expect

    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto(f"/runs/{discovered}")
    links = page.get_by_role("region", name="Trials").get_by_role("link", name=re.compile("^[0-9a-f]{10}$"))
    links.first.click()
    button = page.get_by_role("button", name="Compile it here")
    with page.expect_response("**/compilation"):
        button.click()
    expect(page.locator("#compilation")).to_contain_text("As this server builds it.", timeout=PATIENCE_MS)
    busy = '<main id="main">Others are at work</main>'
    page.route("**/compilation", lambda route: route.fulfill(status=503, content_type="text/html", body=busy))
    button.click()
    expect(page.locator("main")).to_have_text("Others are at work")
    context.close()
