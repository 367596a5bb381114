"""A small domain's slots, and requests for them."""

from __future__ import annotations

import pytest

from slotforge.core.types import Candidate, Measurement, Outcome, Request, Slot, Trial, TrialState

DUE = """\
// Fast against slow average of glue.
struct RestartDue {
    SLOT_PARAM(margin, 1.10, 1.00, 1.30);

    bool operator()(const View &view) { return view.glue.fast > margin * view.glue.slow; }
};
"""
LUBY = """\
// Luby's sequence.
struct Luby {
    bool operator()(const View &view) { return view.conflicts - view.at.restart >= 100 * luby(view.restarts + 1); }
};
"""
DECAY = """\
// Constant.
struct Decay {
    double operator()(const View &) { return 0.95; }
};
"""


def slot(name: str, signature: str, **variants: str) -> Slot:
    return Slot(
        name=name,
        summary=f"summary of {name}",
        contract=f"contract of {name}",
        signature=signature,
        default=next(iter(variants.values())),
        variants=variants,
    )


@pytest.fixture(scope="session")
def slots() -> dict[str, Slot]:
    return {
        "restart_due": slot("restart_due", "bool(const View &)", RestartDue=DUE, Luby=LUBY),
        "decay": slot("decay", "double(const View &)", Decay=DECAY),
    }


@pytest.fixture(scope="session")
def request_for():
    def make(
        *names: str, operator: str = "mutate", parents: tuple[Candidate, ...] = (Candidate(domain="sat"),)
    ) -> Request:
        return Request(operator=operator, parents=parents, slots=names or ("restart_due",))

    return make


@pytest.fixture(scope="session")
def trial():
    """Make a trial whose costs on the instances of two families are given."""

    def make(number: int, candidate: Candidate, costs: tuple[float, ...], seconds=0.1, **fields: object) -> Trial:
        measurements = tuple(
            Measurement(
                candidate=candidate.id,
                instance=f"instance{i}",
                family=("miter", "langford")[i % 2],
                seed=1,
                outcome=Outcome.SOLVED,
                cost=cost,
                cpu_s=seconds,
                stats={"conflicts": 10 * cost, "restarts": 0, "solve_cpu_s": seconds},
            )
            for i, cost in enumerate(costs)
        )
        values = {
            "run": "r",
            "number": number,
            "operator": "mutate",
            "slots": tuple(candidate.slots),
            "parents": (),
            "state": TrialState.SCORED,
            "candidate": candidate,
            "ratio": 1.0,
            "instances": len(costs),
            "cpu_s": seconds * len(costs),
            "measurements": measurements,
        }
        return Trial(**(values | fields))

    return make
