"""Proposers as extensions: a file is one, and what is no proposer is none."""

from __future__ import annotations

import pytest

from slotforge.core import registry

PACKAGE = "slotforge.search.proposers"


def test_files_are_proposers_and_their_first_lines_describe_them():
    names = registry.names(PACKAGE)
    assert set(names) >= {"chat", "offline", "replay"}
    assert all(len(summary) <= 120 for summary in names.values())


@pytest.mark.parametrize("name", registry.names(PACKAGE))
def test_every_proposer_can_be_made_from_a_spec(name):
    assert callable(registry.load(PACKAGE, name).proposer)
