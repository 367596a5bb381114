"""What a server says about itself."""

from __future__ import annotations

import time

import pytest

from slotforge.service.api.settings import Settings
from slotforge.service.cli._checks import Finding
from slotforge.service.views import system


def test_a_look_at_the_parts_of_a_server_holds_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Settings] = []
    here, there = Settings(store="here"), Settings(store="there")

    def findings(settings: Settings) -> list[Finding]:
        looks.append(settings)
        parts = ("part", "service")
        return [Finding(name=part, state="ok", text=f"look {len(looks)}") for part in parts]

    now = [1000.0]
    monkeypatch.setattr(system, "findings", findings)
    monkeypatch.setattr(system, "_looked", {})
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    assert [system.checks(here)[0].text for _ in range(3)] == ["look 1"] * 3
    assert [one.name for one in system.checks(here)] == ["part"], "a server that answers needs no free port"
    assert system.checks(there)[0].text == "look 2"
    now[0] += system.LASTS_S + 1
    assert system.checks(here)[0].text == "look 3"
