"""Candidates that were read lately: which are remembered, and for how long."""

from __future__ import annotations

import pytest

from slotforge.core.types import Candidate
from slotforge.lineage import known
from slotforge.lineage.known import Known
from slotforge.lineage.remembered import EACH

ALL = {one.id: one for one in (Candidate(domain="sat", slots={"a": letter * 100}) for letter in "abcd")}
A, B, C, D = ALL


def test_what_is_kept_is_found_by_id_and_nothing_else() -> None:
    memory = Known()
    memory.keep({A: ALL[A], B: ALL[B]})
    assert memory.of([A, C]) == {A: ALL[A]}


def test_what_was_not_asked_for_the_longest_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MOST", 3 * (EACH + 100))
    memory = Known()
    memory.keep({id_: ALL[id_] for id_ in (A, B, C)})
    memory.of([A])
    memory.keep({A: ALL[A], D: ALL[D]})
    assert list(memory.of(ALL)) == [A, C, D]
