"""A candidate: where it comes from, what it changes, what it did, and no more than is shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from slotforge.core.comparison import Held, Pair, Verdict
from slotforge.core.errors import UnknownId, UsageError
from slotforge.core.types import Candidate, TrialState
from slotforge.lineage.reads.candidates import artefact_of
from slotforge.lineage.schema import Measurement
from slotforge.service.views import candidates, diff, graph, trials
from slotforge.service.views.candidates import Against, Rival, Split

from .conftest import BASELINE, Scene, answered, made, run_of

FIGURES = {"ratio": 0.5, "low": 0.4, "high": 0.9, "p": 0.01, "instances": 9, "cpu_ratio": 0.8}


def test_it_is_shown_with_the_trial_that_got_furthest(scene: Scene) -> None:
    run = scene.run()
    one = made("one")
    scene.trial(run, 1, one, reason="too slow", state=TrialState.RACED_OUT)
    calls = (answered("first"), answered("then", model="other"))
    scene.trial(run, 2, one, ratio=0.5, parents=(BASELINE.id, "feed"), calls=calls)
    found = candidates.candidate(scene.store, one.id[:7])
    assert (found.id, found.domain, found.slots, found.trials) == (one.id, "sat", {"decay": "one"}, 2)
    assert found.made is not None
    assert (found.made.number, found.made.parents) == (2, (BASELINE.id, "feed"))
    assert (found.made.model, found.made.tokens, found.made.usd) == ("other", 40, 1.0)


def test_verdicts_are_told_without_what_they_rest_on(scene: Scene) -> None:
    one = made("one")
    scene.trial(run := scene.run(), 1, one, ratio=0.5)
    pairs = (Pair(candidate=run_of(one, "a", 1), against=run_of(BASELINE, "a", 2)),)
    for number in range(candidates_told := 22):
        verdict = Verdict(**FIGURES, verdict="better", models=number)
        held = Held(candidate=one, against=BASELINE, verdict=verdict, pairs=pairs, environment={"os": "x"})
        scene.store.record_verdict(run, held)
    found = candidates.candidate(scene.store, one.id).verdicts
    assert [one.verdict.models for one in found] == list(range(candidates_told - 20, candidates_told))
    assert found[0].environment == {"os": "x"}


def test_only_what_the_service_built_can_be_downloaded() -> None:
    assert artefact_of("/home/me/.slotforge/artefacts/0123/solver.tar.gz") == "0123"
    assert artefact_of("/home/me/artefacts") is None
    assert artefact_of("/tmp/out.hpp") is None


def test_the_diff_is_to_the_first_parent_that_is_known_or_else_to_the_default(scene: Scene) -> None:
    run = scene.run()
    old, new = made("kept\nold\n"), made("kept\nnew\n")
    scene.trial(run, 1, old, ratio=0.5, parents=("feedfeedfeedfeed",))
    scene.trial(run, 2, new, ratio=0.5, parents=("feedfeedfeedfeed", old.id))
    found = diff.diff_from(scene.store, new.id)
    assert (found.a, found.b) == (old.id, new.id)
    assert found.slots["decay"].splitlines()[-3:] == [" kept", "-old", "+new"]
    assert diff.diff_from(scene.store, old.id).a == BASELINE.id
    assert diff.diff_from(scene.store, new.id, "baseline").a == BASELINE.id
    assert diff.diff_from(scene.store, new.id, new.id).slots == {}
    with pytest.raises(UnknownId):
        diff.diff_from(scene.store, new.id, "feed")
    stranger = Candidate(domain="tsp", slots={"update": "x"})
    scene.trial(run, 3, stranger, ratio=0.5)
    with pytest.raises(UsageError, match="choose one of the same domain"):
        diff.diff_from(scene.store, new.id, stranger.id)


def test_measurements_stand_beside_the_baseline_of_the_same_run(scene: Scene) -> None:
    run, other, one = scene.run(), scene.run(seed=1), made("one")
    scene.baseline(run, 8, 4)
    scene.trial(run, 1, one, ratio=0.5, instances=3, measurements=tuple(run_of(one, i, 2) for i in "abc"))
    scene.trial(other, 1, one, ratio=0.5, instances=1, measurements=(run_of(one, "a", 3),))
    found = candidates.measurements(scene.store, one.id, limit=2)
    assert (found.run, found.number, found.total) == (run, 1, 3)
    assert [(m.instance, m.name, m.cost, m.rival_cost, m.ratio) for m in found.items] == [
        ("a", "a.cnf", 2, 8, 0.25), ("b", "b.cnf", 2, 4, 0.5),
    ]  # fmt: skip
    rest = candidates.measurements(scene.store, one.id, limit=2, after=found.next)
    assert ([(m.instance, m.rival_cost, m.ratio) for m in rest.items], rest.next) == ([("c", None, None)], None)
    assert candidates.measurements(scene.store, one.id, run=other).total == 1
    assert candidates.measurements(scene.store, one.id, split=Split.SELECT).items == ()


def test_measurements_stand_beside_the_incumbent_of_the_race_where_it_is_known_and_was_measured(scene: Scene) -> None:
    run, first, second = scene.run(), made("first"), made("second")
    baseline, incumbent = Rival(candidate=BASELINE.id, number=0), Rival(candidate=first.id, number=1)
    scene.baseline(run, 8, 8)
    scene.trial(run, 1, first, ratio=0.5, against=0, instances=2, measurements=tuple(run_of(first, i, 4) for i in "ab"))
    scene.trial(
        run, 2, second, ratio=0.25, against=1, instances=2, measurements=tuple(run_of(second, i, 2) for i in "ab"),
        selection=(run_of(second, "c", 2),),
    )  # fmt: skip

    def told(of: Candidate, **more: Any) -> tuple[Rival | None, Rival | None, list[float | None]]:
        found = candidates.measurements(scene.store, of.id, **more)
        return found.rival, found.incumbent, [line.ratio for line in found.items]

    assert told(second) == (incumbent, incumbent, [0.5, 0.5])
    assert told(second, limit=1, after=0) == (incumbent, incumbent, [0.5])
    assert told(second, against=Against.BASELINE) == (baseline, incumbent, [0.25, 0.25])
    assert told(second, split=Split.SELECT) == (None, None, [None]), "neither was measured there"
    assert told(first) == (baseline, baseline, [0.5, 0.5])
    assert told(BASELINE) == (baseline, None, [1, 1])
    scene.store.flush()
    with scene.store.writing() as connection:
        connection.execute(delete(Measurement).where(Measurement.run == run, Measurement.number == 1))
    assert told(second) == (baseline, None, [0.25, 0.25])
    assert candidates.measurements(scene.store, second.id).against == 1, "nothing of it is kept, but it is known"
    assert candidates.measurements(scene.store, BASELINE.id).against is None
    assert [candidates.candidate(scene.store, one.id).incumbent for one in (second, first, BASELINE)] == [
        incumbent, baseline, None,
    ]  # fmt: skip


def test_measurements_on_unseen_instances_are_those_of_the_newest_verdict(scene: Scene) -> None:
    run, one = scene.run(), made("one")
    scene.trial(run, 1, one, ratio=0.5)
    for cost in (5, 3):
        pairs = tuple(
            Pair(candidate=run_of(one, i, cost), against=run_of(BASELINE, i, 6), candidate_first=i == "a") for i in "ab"
        )
        verdict = Verdict(**FIGURES, verdict="better")
        scene.store.record_verdict(run, Held(candidate=one, against=BASELINE, verdict=verdict, pairs=pairs))
    found = candidates.measurements(scene.store, one.id, split=Split.UNSEEN)
    assert [(m.instance, m.cost, m.rival_cost, m.ratio) for m in found.items] == [("a", 3, 6, 0.5), ("b", 3, 6, 0.5)]
    assert (found.total, found.next) == (2, None)


@given(limit=st.integers(1, 12), failed=st.booleans())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_of_trials_are_all_trials_by_number(scene: Scene, limit: int, failed: bool) -> None:
    run = scene.run()
    numbers = [-1000, -2, -1, 0, 1, 2, 3, 5, 8]
    for number in reversed(numbers):
        scene.trial(run, number, made(f"{run}{number}"), ratio=None if number % 2 else 0.5)
    found, after = [], None
    states = [TrialState.FAILED] if failed else []
    while True:
        page = trials.trials(scene.store, run, states=states, limit=limit, after=after)
        found += [one.number for one in page.items]
        if page.next is None:
            break
        after = int(page.next[0] or 0)
    assert found == [number for number in numbers if number % 2 or not failed]


def test_trials_can_be_chosen_by_operator_and_shown_whole(scene: Scene) -> None:
    run, one = scene.run(), made("one")
    scene.trial(run, 1, one, ratio=0.5, operator="cross", calls=(answered("text"),))
    whole = scene.trial(run, 2, one, ratio=0.5, calls=(answered("more"),), measurements=(run_of(one, "a", 1),))
    assert [t.number for t in trials.trials(scene.store, run, operator="cross").items] == [1]
    assert trials.operators(scene.store, run) == ("cross", "mutate")
    assert trials.trial(scene.store, run, 2) == whole
    first = trials.trials_of(scene.store, one.id, limit=1)
    assert first.next == (run, 1)
    assert [t.number for t in trials.trials_of(scene.store, one.id, after=(run, 1)).items] == [2]
    with pytest.raises(UnknownId, match="has no trial 9"):
        trials.trial(scene.store, run, 9)


def test_the_lineage_is_cut_at_its_depth_and_size_and_says_so(scene: Scene) -> None:
    run = scene.run()
    scene.baseline(run, 1)
    parent = BASELINE
    for number in range(1, 30):
        scene.trial(run, number, made(str(number)), ratio=1 - number / 100, parents=(parent.id, BASELINE.id))
        parent = made(str(number))
    whole = graph.ancestors(scene.store, parent.id)
    assert (whole.root, len(whole.nodes), whole.cut) == (parent.id, 30, False)
    assert len(whole.edges) == 29 + 28  # but for the first trial, two parents each
    assert {edge.parent for edge in whole.edges} | {parent.id} == {node.candidate for node in whole.nodes}
    near = graph.ancestors(scene.store, parent.id, depth=3)
    assert (max(node.generation for node in near.nodes), near.cut) == (3, True)
    assert len(graph.ancestors(scene.store, parent.id, size=5).nodes) == 5
    assert not graph.ancestors(scene.store, parent.id, depth=99).cut


def test_the_graph_of_a_run_keeps_the_best_with_their_ancestors(scene: Scene) -> None:
    run = scene.run()
    scene.baseline(run, 1)
    for number, (text, parents, ratio) in enumerate(
        [("p", (BASELINE.id,), 0.9), ("q", (BASELINE.id,), 0.5), ("r", (made("p").id,), 0.4), ("s", (), None)], 1
    ):
        scene.trial(run, number, made(text), ratio=ratio, parents=parents)
    names = {made(text).id: text for text in "pqrs"} | {BASELINE.id: "0"}
    whole = graph.run_graph(scene.store, run)
    assert ([names[one.candidate] for one in whole.nodes], whole.cut) == (["r", "p", "0", "q"], False)
    assert {(names[e.parent], names[e.child]) for e in whole.edges} == {("0", "p"), ("0", "q"), ("p", "r")}
    best = graph.run_graph(scene.store, run, size=3)
    assert ([names[one.candidate] for one in best.nodes], best.cut) == (["r", "p", "0"], True)
