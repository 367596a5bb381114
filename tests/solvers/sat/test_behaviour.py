"""The axes on which SAT candidates are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotforge.core.types import Candidate, Measurement, Outcome
from slotforge.solvers.sat.behaviour import axes
from slotforge.solvers.sat.domain import Sat

COUNTED = {"conflicts": 1000.0, "restarts": 20.0, "glue": 4.0, "trail": 300.0}


def run(instance: str = "a", cost: float = 1e6, **stats: float) -> Measurement:
    return Measurement(
        candidate="c",
        instance=instance,
        family="f",
        seed=0,
        outcome=Outcome.SOLVED,
        cost=cost,
        cpu_s=1.0,
        stats={**COUNTED, **stats},
    )


def test_the_reference_stands_in_the_middle_of_every_axis() -> None:
    assert axes([run()], [run()]) == {"restarts": 0.5, "glue": 0.5, "trail": 0.5, "ticks": 0.5}


def test_more_work_at_equal_rates_is_no_other_behaviour() -> None:
    longer = run(cost=3e6, conflicts=3000, restarts=60)
    assert axes([longer], [run()]) == axes([run()], [run()])


@pytest.mark.parametrize(
    ("name", "stats", "place"),
    [
        ("restarts", {"restarts": 160.0}, 1.0),
        ("restarts", {"restarts": 1e6}, 1.0),
        ("restarts", {"restarts": 0.0}, 0.0),
        ("restarts", {"restarts": 40.0}, 0.5 + 0.5 * (1 / 3) ** 0.5),
        ("restarts", {"restarts": 20.0 * 2**0.03}, 0.55),
        ("glue", {"glue": 2.0}, 0.5 - 0.5 * (1 / 3) ** 0.5),
        ("trail", {"trail": 75.0}, 0.5 - 0.5 * (2 / 3) ** 0.5),
    ],
)
def test_a_rate_is_placed_by_its_ratio_alone(name: str, stats: dict[str, float], place: float) -> None:
    found = axes([run(**stats)], [run()])
    assert found[name] == pytest.approx(place, abs=1e-6)
    assert {other for other, share in found.items() if share != 0.5} == {name}


def test_instances_weigh_alike_and_only_shared_ones_count() -> None:
    found = axes([run("a", restarts=80), run("b"), run("c", restarts=160)], [run("a"), run("b")])
    assert found == axes([run("d", restarts=40)], [run("d")])


@pytest.mark.parametrize(("ratio", "place"), [(0.45, 0), (0.55, 1), (0.9, 1), (0.95, 2), (1.08, 2), (1.1, 3), (2.2, 4)])
def test_of_five_bins_the_middle_one_is_within_nine_percent_and_the_outer_ones_beyond_half_and_twice(
    ratio: float, place: int
) -> None:
    assert int(axes([run(glue=4 * ratio)], [run()])["glue"] * 5) == place


def test_a_solver_that_restarts_all_the_time_is_seen_to_do_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path))
    sat = Sat()
    often = "struct Often { bool operator()(const View &view) { return view.conflicts > view.at.restart; } };"
    candidate = Candidate(domain="sat", slots={"restart_due": often})
    suite = sat.suite(["miter:4"], seed=0, options={"per_family": 5})
    runs = []
    for one in (candidate, Candidate(domain="sat")):
        sat.build(one)
        runs.append([sat.measure(one, i, seed=0, limit=None, prove=False, fused=False) for i in suite.search])
    found = sat.behaviour(candidate, *runs)
    assert set(found) == {"restarts", "glue", "trail", "ticks"}
    assert found["restarts"] > 0.8
    assert all(0 <= share <= 1 for share in found.values())


def test_what_was_not_counted_is_left_out() -> None:
    old = run().model_copy(update={"stats": {"conflicts": 10.0, "restarts": 1.0, "glue": 2.0}})
    assert set(axes([old], [old])) == {"restarts", "glue", "ticks"}
    easy = run(conflicts=0.0, restarts=0.0)
    assert set(axes([easy], [easy])) == {"glue", "trail"}
    assert axes([], [run()]) == {}
