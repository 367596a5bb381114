"""Every strategy has a page that tells its settings with their defaults and its operators, and a row in the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slotforge.core import registry
from slotforge.search import strategies

PAGES = Path(__file__).parents[3] / "docs" / "strategies"
STRATEGIES = sorted(registry.names("slotforge.search.strategies"))


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_page_tells_every_setting_with_its_default_and_every_operator(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text()
    assert page.startswith(f"# {name}\n")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", page, re.MULTILINE))
    assert rows == {setting: str(default) for setting, default in strategies.parameters(name).items()}
    assert {operator for operator in strategies.make(name).operators if f"`{operator}`" not in page} == set()


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_page_names_what_the_strategy_is_after_and_says_what_differs(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text()
    source = re.search(r"^Source: .+?(?=\n\n)", page, re.MULTILINE | re.DOTALL)
    assert source
    assert re.search(r"\b(19|20)\d\d\b", source[0])
    assert re.search(r'"[^"]+"|arXiv:\d{4}\.\d{5}', source[0])
    assert len(re.findall(r"^\*\*What differs\.\*\*(?= \S|\n- )", page, re.MULTILINE)) == 1


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_table_leads_to_the_page(name: str) -> None:
    assert f"\n| [{name}]({name}.md) | " in (PAGES / "README.md").read_text()


def test_no_page_is_of_a_strategy_that_there_is_not() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} - {"README"} <= set(STRATEGIES)
