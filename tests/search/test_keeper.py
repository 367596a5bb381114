"""What ends after a question without an answer is recorded once an answer came, whole, and in its order."""

from __future__ import annotations

from pathlib import Path

import pytest
from numpy.random import Generator

from slotforge.core.errors import Unreachable
from slotforge.core.types import Completion, Prompt, Request, Trial, TrialState
from slotforge.lineage.store import open_store
from slotforge.search import proposers
from slotforge.search.archive import NO_ANSWER
from slotforge.search.attempts import light
from slotforge.search.discover import Discovery
from slotforge.search.keeper import MODEL_FAILURES, Keeper
from slotforge.search.proposers.offline import Offline
from slotforge.testing import hills
from slotforge.testing.landscape import Landscape
from slotforge.testing.memory import MemoryStore

LOG = {"alpha": "warning: so it is"}


def trial(number: int, reason: str = "", model: str = "m") -> Trial:
    return Trial(
        run="r", number=number, operator="mutate", slots=("alpha",), parents=(), state=TrialState.FAILED,
        reason=reason, log=LOG, model=model,
    )  # fmt: skip


def unanswered(number: int) -> Trial:
    return trial(number, f"{NO_ANSWER}no route to host")


def ended(*trials: Trial) -> tuple[MemoryStore, Keeper, list[bool]]:
    """Let trials end and be told, one after the other; the last says of each whether the model was down then."""
    store = MemoryStore()
    keeper = Keeper(store=store, run="r")
    down = []
    for one in trials:
        keeper.made(one)
        down.append(keeper.told(light(one).model_copy(update={"model": one.model})))
    return store, keeper, down


def test_a_trial_that_was_answered_is_recorded_at_once_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[Trial] = []
    monkeypatch.setattr(MemoryStore, "record", lambda _self, one: recorded.append(one))
    keeper = Keeper(store=MemoryStore(), run="r")
    for one in (trial(2), trial(1)):  # whichever ends first
        keeper.made(one)
    assert recorded == [trial(2), trial(1)]
    for one in (trial(1), trial(2)):
        assert not keeper.told(light(one).model_copy(update={"model": "m"}))
    assert len(recorded) == 2
    assert not keeper._kept


def test_what_ends_after_a_question_without_an_answer_waits_for_one_and_is_recorded_whole() -> None:
    store, keeper, down = ended(trial(1), unanswered(2), trial(3, model=""))
    assert list(store.trials("r")) == [1]
    assert [one.number for one in keeper.waiting] == [2, 3]
    keeper.made(trial(4))
    assert list(store.trials("r")) == [1]
    down.append(keeper.told(light(trial(4)).model_copy(update={"model": "m"})))
    assert list(store.trials("r").values()) == [trial(1), unanswered(2), trial(3, model=""), trial(4)]
    assert not keeper.waiting
    assert not keeper._whole
    assert not any(down)


def test_several_questions_in_a_row_without_an_answer_are_a_model_that_is_down() -> None:
    asked = [unanswered(number) for number in range(1, MODEL_FAILURES + 1)]
    store, _, down = ended(asked[0], trial(9, model=""), *asked[1:])
    assert down == [False] * MODEL_FAILURES + [True]
    assert not store.trials("r")
    _, _, down = ended(*asked[:-1], trial(9), asked[-1])
    assert not any(down)


def test_what_was_recorded_before_says_nothing_of_whether_the_model_is_down_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, recorded = MemoryStore(), list[int]()
    for number in (1, 2, 4):
        store.record(unanswered(number))
    keeper = Keeper(store=store, run="r")
    monkeypatch.setattr(MemoryStore, "record", lambda _self, one: recorded.append(one.number))
    assert [keeper.has(number) for number in range(1, 6)] == [True, True, True, True, False]
    assert [keeper.known(number) for number in (1, 2, 3, 4)] == [unanswered(1), unanswered(2), None, unanswered(4)]
    keeper.made(unanswered(3))
    assert [keeper.told(unanswered(number)) for number in range(1, 5)] == [False] * 4
    keeper.settle()
    assert recorded == [3]


class DownAtFirst:
    """A model that does not answer its first question."""

    asked = 0

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        self.asked += 1
        if self.asked == 1:
            raise Unreachable("no route to host")
        made = await Offline(Landscape()).complete(prompt, request, rng)
        return made.model_copy(update={"model": "m"})


def test_a_search_keeps_what_the_compiler_says_of_trials_that_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposers, "make", lambda *_, **__: DownAtFirst())
    monkeypatch.setattr(Landscape, "build", lambda _self, _candidate: LOG)
    config = hills.config(window=1, options={"per_family": 10, "tuned_baseline": False})
    with open_store(tmp_path / "s.db") as store:
        run = Discovery(config=config, store=store).run().run
        trials = [one for number, one in store.trials(run).items() if number > 0]
    assert trials[0].reason.startswith(NO_ANSWER)
    assert any(one.instances for one in trials)
    assert all(one.log == LOG for one in trials if one.instances)
