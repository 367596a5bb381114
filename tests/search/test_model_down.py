"""A search whose model is down for some questions, while another one of the same moment was answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from numpy.random import Generator

from slotforge.core.errors import Unreachable
from slotforge.core.types import Completion, Prompt, Request
from slotforge.search import proposers
from slotforge.search.proposers.offline import Offline
from slotforge.testing import hills
from slotforge.testing.landscape import Landscape

CONFIG = hills.config(window=4, options={"per_family": 10, "tuned_baseline": False})


@dataclass
class Flaky:
    """Varies code; while it is down, the first questions are not answered, and later than the others are."""

    down: bool
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        if self.down and not prompt.messages[-1][1].endswith("Proposal 4."):
            await self.answered.wait()
            for _ in range(50):  # so that what was answered is measured before
                await asyncio.sleep(0)
            raise Unreachable("the server is down")
        self.answered.set()
        made = await Offline(Landscape()).complete(prompt, request, rng)
        return made.model_copy(update={"model": "flaky"})


def test_a_run_goes_on_after_its_model_was_down_though_a_later_question_was_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_model(*, down: bool) -> None:
        monkeypatch.setattr(proposers, "make", lambda *_, **__: Flaky(down=down))

    with_model(down=False)
    whole, expected = hills.discover(tmp_path / "whole.db", CONFIG)
    with_model(down=True)
    broken, kept = hills.discover(tmp_path / "s.db", CONFIG)
    assert (broken.state, broken.failure) == ("interrupted", "the server is down")
    assert not {1, 2, 3} & kept.keys()
    with_model(down=False)
    resumed, archive = hills.discover(tmp_path / "s.db", CONFIG, run_id=broken.run)
    assert resumed.state == "finished"
    assert archive == expected
    assert resumed.best == whole.best
