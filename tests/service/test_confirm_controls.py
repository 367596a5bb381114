"""confirm: the tuned baseline of the search that found a candidate is measured on the same instances, beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slotforge.core.comparison import Pair
from slotforge.core.errors import SlotforgeError, Unfit, UsageError
from slotforge.core.types import Candidate
from slotforge.lineage import queries
from slotforge.lineage.store import SqlStore, open_store
from slotforge.search import confirm
from slotforge.search.report import Control
from slotforge.search.tuned_control import of_runs
from slotforge.testing import landscape

from .conftest import Command, Found

FRESH = ("--instances", "hills,dunes", "--per-family", "15", "--workers", "1")


def test_the_tuned_baseline_of_its_search_is_measured_on_the_same_instances_and_kept(
    cli: Command, copied: Found
) -> None:
    then = copied.report.controls["tuned_baseline"]
    document = cli("confirm", copied.winner, *FRESH, "--store", copied.store, "--json").json
    now = Control.model_validate(document["controls"]["tuned_baseline"])
    assert (now.candidate, now.name) == (then.candidate, then.name)
    assert now.ratio != then.ratio  # which was on other instances
    with open_store(copied.store) as store:
        (*_, kept) = queries.show_candidate(store, then.candidate).confirmations
        (*_, winner) = queries.show_candidate(store, copied.winner).confirmations
    assert (kept.verdict.ratio, kept.verdict.instances) == (now.ratio, 30)
    assert {p.candidate.instance for p in kept.pairs} == {p.candidate.instance for p in winner.pairs}
    assert kept.run == winner.run == copied.report.run


def test_it_is_a_row_of_the_table_and_can_be_left_out(cli: Command, copied: Found) -> None:
    row = f"control: tuned baseline ({copied.report.controls['tuned_baseline'].name})"
    assert row in cli("confirm", copied.winner, *FRESH, "--store", copied.store).out
    without = ("--no-tuned-baseline", "--json")
    assert cli("confirm", copied.winner, *FRESH, "--store", copied.store, *without).json["controls"] == {}


def test_a_confirmation_that_was_not_better_counts_against_the_next_one_of_the_same_two(
    cli: Command, copied: Found
) -> None:
    other = copied.store.with_name("other.db")
    other.write_bytes(copied.store.read_bytes())
    once = cli("confirm", copied.winner, *FRESH, "--store", other, "--json").json
    with open_store(copied.store) as store:
        winner = next(one for one in store.verdicts(copied.report.run) if one.candidate.id == copied.winner)
        failed = winner.verdict.model_copy(update={"verdict": "no difference"})
        store.record_verdict(None, winner.model_copy(update={"verdict": failed}))
    again = cli("confirm", copied.winner, *FRESH, "--store", copied.store, "--json").json
    assert again["p"] == pytest.approx(2 * once["p"])
    assert any("1 earlier verdict on this candidate" in note for note in again["notes"])
    assert not any("earlier verdict" in note for note in once["notes"])


def test_there_is_none_beside_another_candidate_nor_of_what_no_search_has_found(cli: Command, copied: Found) -> None:
    tuned = copied.report.controls["tuned_baseline"].candidate
    against = cli("confirm", copied.winner, "--against", tuned, *FRESH, "--store", copied.store, "--json")
    assert against.json["controls"] == {}
    foreign = Candidate(domain=landscape.NAME, slots={"alpha": "0.123"})
    with open_store(copied.store) as store:
        assert of_runs(store, ()) is None
        judged = confirmation(foreign).run(store)
    assert judged.controls == {}


def test_the_tuned_baseline_itself_is_measured_once(copied: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []
    first(monkeypatch, lambda candidate: measured.append(candidate.id))
    with open_store(copied.store) as store:
        tuned = queries.candidate(store, copied.report.controls["tuned_baseline"].candidate)
        judged = confirmation(tuned).judge(store)
    assert measured == [tuned.id]
    assert judged.controls["tuned_baseline"].ratio == judged.verdict.ratio


def first(monkeypatch: pytest.MonkeyPatch, do: Callable[[Candidate], None]) -> None:
    """Do something before a candidate is measured."""
    right = confirm.measure_pairs

    async def measure_pairs(executor: Any, candidate: Candidate, *rest: Any, **options: Any) -> list[Pair]:
        do(candidate)
        return await right(executor, candidate, *rest, **options)

    monkeypatch.setattr(confirm, "measure_pairs", measure_pairs)


def failing(monkeypatch: pytest.MonkeyPatch, found: Found, error: Exception) -> None:
    """Let the measuring of the control fail."""

    def fail(candidate: Candidate) -> None:
        if candidate.id == found.report.controls["tuned_baseline"].candidate:
            raise error

    first(monkeypatch, fail)


def test_a_control_that_cannot_be_built_leaves_the_verdict_as_it_is(
    copied: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, copied, Unfit("it fell"))
    with open_store(copied.store) as store:
        judged = confirmation(queries.candidate(store, copied.winner)).run(store)
    assert (judged.verdict.verdict, judged.controls, len(judged.kept)) == ("better", {}, 1)


def test_there_is_no_verdict_where_the_baseline_fails_beside_the_control(
    copied: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, copied, SlotforgeError("the baseline fails itself"))
    with open_store(copied.store) as store, pytest.raises(SlotforgeError, match="fails itself"):
        confirmation(queries.candidate(store, copied.winner)).run(store)


def test_a_control_that_is_not_to_be_run_is_left_out(copied: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    tuned, right = copied.report.controls["tuned_baseline"].candidate, confirm.Confirmation._checked

    def checked(self: confirm.Confirmation, one: Candidate) -> None:
        if one.id == tuned:
            raise UsageError("a slot has no part")
        right(self, one)

    monkeypatch.setattr(confirm.Confirmation, "_checked", checked)
    with open_store(copied.store) as store:
        judged = confirmation(queries.candidate(store, copied.winner)).run(store)
    assert (judged.verdict.verdict, judged.controls, len(judged.kept)) == ("better", {}, 1)


def test_where_tuning_found_nothing_the_control_is_the_baseline(copied: Found) -> None:
    same = copied.report.controls["baseline"].model_copy(update={"name": "no better numbers were found"})
    with open_store(copied.store) as store:
        replace_control(store, copied, same)
        judged = confirmation(queries.candidate(store, copied.winner)).run(store)
    assert judged.controls == {"tuned_baseline": same}
    assert len(judged.kept) == 1


def replace_control(store: SqlStore, found: Found, control: Control) -> None:
    report = found.report.model_copy(update={"controls": {**found.report.controls, "tuned_baseline": control}})
    store.finish(found.report.run, "finished", report.model_dump(mode="json"))


def confirmation(candidate: Candidate) -> confirm.Confirmation:
    return confirm.Confirmation(
        candidate=candidate,
        against=Candidate(domain=landscape.NAME),
        specs=("hills", "dunes"),
        seed=1000,
        per_family=15,
        executor="inline",
    )
