"""The page of the client is true: its code runs, in its order, against a real server."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from slotforge.service.transport import ATTEMPTS

from .test_follow import served

__all__ = ["served"]

PAGE = Path(__file__).parents[3] / "docs" / "client.md"
BLOCK = re.compile(r"<!-- (\w+) -->\n```python\n(.*?)```", re.DOTALL)


def test_the_code_of_the_page_runs(
    served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PAGE.read_text()
    blocks = BLOCK.findall(text)
    assert len(blocks) == text.count("```python")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "formulas").mkdir()
    (tmp_path / "formulas" / "a.cnf").write_text("p cnf 2 1\n1 -2 0\n")
    (tmp_path / "formulas" / "b.cnf").write_text("no formula")
    names: dict[str, Any] = {}
    said = {}
    with ExitStack() as last:
        for name, code in blocks:
            here = code.replace("http://127.0.0.1:8420", served).replace(', token="sf_..."', "")
            exec(compile(here, str(PAGE), "exec"), names)
            said[name] = capsys.readouterr().out
            if name == "connect":
                last.callback(names["client"].close)
    assert said["connect"] == "local\n"
    assert "scored" in said["search"]
    assert names["report"]
    assert said["upload"].startswith("1 [")
    assert (tmp_path / "rule.py").is_file()
    assert "no run 'ffff': see `slotforge runs`" in said["errors"]
    assert ATTEMPTS == 5, "the page says so"
