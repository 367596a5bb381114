"""The searches for step rules that ship as recordings end with the winners that their page names."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "08_rediscover_step_rules"
PAGE = (EXAMPLE / "README.md").read_text()
SETTINGS = {  # as the page has them: slot, problems of a family
    "least_squares": ("step", 12),
    "bilinear": ("step", 12),
    "matrix_sensing": ("step", 20),
    "completion": ("step", 12),
    "decentralised": ("step", 12),
    "planted": ("selection", 12),
}
WINNERS = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| `(\w{16})` \|", PAGE, flags=re.MULTILINE))


def test_the_page_names_a_winner_for_each_recording() -> None:
    assert {path.stem for path in EXAMPLE.glob("*.jsonl")} == WINNERS.keys() == SETTINGS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("family", SETTINGS)
def test_a_recorded_search_ends_with_the_winner_that_the_page_names(family: str, tmp_path: Path) -> None:
    slot, per_family = SETTINGS[family]
    command = [
        *("discover", "optim", "--problems", family, "--slots", slot, "--start", "default", "--no-library"),
        *("--evals", "8", "--per-family", str(per_family), "--seed", "1", "--window", "1", "--tune-share", "0"),
        *("--no-tuned-baseline", "--model", f"replay:{EXAMPLE / family}.jsonl"),
        *("--store", str(tmp_path / "s.db"), "--json"),
    ]
    made = subprocess.run([Path(sys.executable).with_name("slotforge"), *command], stdout=subprocess.PIPE, check=True)
    assert json.loads(made.stdout)["best"]["candidate"] == WINNERS[family]
