"""Takes the pictures of docs/dashboard.md from a store with runs of sat and packing: screenshots.py STORE [RUN]."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.service.web.browser import PATIENCE_S, browsing, serving

from slotforge.lineage.store import open_store
from slotforge.service.views import graph, runs

IMAGES = Path(__file__).parents[3] / "docs" / "images"
PAUSE_MS = 1500  # for what scripts draw
PHONE = 390


@dataclass(frozen=True)
class Picture:
    """A picture of a page: of what, and how large."""

    name: str
    address: str
    height: int = 1000
    width: int = 1280
    scheme: str = "light"


def main(store: Path, run: str = "") -> None:
    """Serve a copy of the store, and keep what the pages of a run look like."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(store, Path(folder) / "store.db"))
        (id_, best), (_, packed) = _chosen(copy, "sat", run), _chosen(copy, "packing")
        pictures = (
            Picture("runs", "/", 750),
            Picture("new", f"/new?like={id_}", 1100),
            Picture("run", f"/runs/{id_}"),
            Picture("lineage", f"/runs/{id_}/lineage", 800),
            Picture("candidate", f"/candidates/{best}"),
            Picture("packing", f"/candidates/{packed}"),
            Picture("compare", f"/compare?a={best}", 1195),
            Picture("library", "/library", 720),
            Picture("instances", "/instances", 760),
            Picture("usage", "/usage", 480),
            Picture("system", "/system", 800),
            Picture("dark", f"/runs/{id_}", 760, scheme="dark"),
            Picture("dark-lineage", f"/runs/{id_}/lineage", 760, scheme="dark"),
            Picture("phone", f"/runs/{id_}", 844, PHONE),
            Picture("phone-library", "/library", 844, PHONE),
        )
        with serving(Path(folder), copy) as url, browsing() as browser:
            for one in pictures:
                size = {"width": one.width, "height": one.height}
                context = browser.new_context(base_url=url, viewport=size, color_scheme=one.scheme)
                context.set_default_timeout(PATIENCE_S * 1000)
                page = context.new_page()
                page.goto(one.address)
                page.wait_for_load_state("networkidle")
                page.wait_for_timeout(PAUSE_MS)
                page.screenshot(path=IMAGES / f"{one.name}.png")
                context.close()


def _chosen(path: Path, domain: str, run: str = "") -> tuple[str, str]:
    """Return a run of a domain, the newest with a winner where none is named, and its best candidate."""
    with open_store(path) as store:
        lines = runs.runs(store, domain=domain).items
        found = [line for line in lines if line.id.startswith(run) and line.ratio is not None]
        line = next((line for line in found if line.verdict == "better"), found[0])
        report = runs.shown(store, line.id, pairs=False).run.report
        best = report["best"]["candidate"] if report else graph.run_graph(store, line.id).nodes[0].candidate
    return line.id, best


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
