"""What the store knows of a candidate, as it is told in what is exported from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slotforge.core.errors import UnknownId
from slotforge.lineage import queries
from slotforge.lineage.reads.candidates import candidate as shown
from slotforge.search import worker

if TYPE_CHECKING:
    from slotforge.core.comparison import FamilyVerdict, Verdict
    from slotforge.core.types import Candidate, Terms
    from slotforge.lineage.records import CandidateDetails, RunRecord
    from slotforge.lineage.store import SqlStore
    from slotforge.solvers.optim.tuned import Tuned

RULES = "optim"  # the domain whose candidates have tuned numbers


def provenance(store: SqlStore, candidate: Candidate, *, tuned: bool = True) -> dict[str, Any]:
    """Gather the trial that made a candidate, its verdicts and controls; without dates.

    Args:
        store: where it is looked up.
        candidate: of any domain.
        tuned: tell the numbers that were found for a step rule, which then are the defaults of what is exported.
    """
    try:
        view = shown(store, candidate.id, verdicts=None)
    except UnknownId:
        return {"candidate": candidate.id, "history": "none: it is not in the store"}
    known: dict[str, Any] = {"candidate": candidate.id}
    if view.made is not None:
        run = store.run(view.made.run)
        known["made by"] = {
            "trial": view.made.number,
            "operator": view.made.operator,
            "parents": list(view.made.parents),
            "ratio in the search": view.made.ratio,
        }
        known["run"] = _run(run)
        known["controls"] = _controls(run)
    for number, one in enumerate(view.verdicts, 1):
        known[f"verdict {number}"] = _verdict(one.against, one.verdict, worker.domain(candidate.domain).terms)
    if tuned and candidate.domain == RULES:
        known["tuned numbers"] = _tuned(store, candidate)
    return known


def tuned_numbers(details: CandidateDetails) -> dict[str, Tuned]:
    """Gather the best numbers that verdicts have found, or else searches: see `solvers.optim.tuned`."""
    from slotforge.solvers.optim.tuned import tuned

    judged = [pair.candidate for one in details.confirmations for pair in one.pairs]
    return tuned(judged) or tuned([m for trial in details.trials for m in trial.measurements])


def _tuned(store: SqlStore, candidate: Candidate) -> dict[str, dict[str, float]]:
    """What `solvers.optim.export` takes for the defaults of numbers."""
    from dataclasses import asdict

    found = tuned_numbers(queries.show_candidate(store, candidate.id))
    return {name: asdict(one) for name, one in found.items()}


def _run(run: RunRecord) -> dict[str, Any]:
    config = run.config
    splits = {name: len(getattr(run.suite, name)) for name in ("search", "select", "holdout")}
    return {
        "id": run.id,
        "instances": list(config.instances),
        "split": [f"{count} {name}" for name, count in splits.items()],
        "strategy": config.strategy,
        "model": config.model,
        "seed": config.seed,
        "slots": list(config.slots),
        "environment": dict(run.environment),
    }


def _controls(run: RunRecord) -> dict[str, str]:
    """What was measured beside the winner; the baseline's ratio to itself says nothing."""
    found = (run.report or {}).get("controls") or {}
    return {
        kind: "{name}: ratio {ratio:.3f}, 95 % interval {low:.3f} to {high:.3f}".format(**control)
        for kind, control in found.items()
        if kind != "baseline"
    }


def _verdict(against: str, verdict: Verdict, terms: Terms) -> dict[str, Any]:
    return {
        "against": against,
        "all": _figures(verdict),
        "by family": {family: _figures(one) for family, one in verdict.families.items()},
        "answers": terms.checked.format(models=verdict.models, proofs=verdict.proofs),
        "notes": list(verdict.notes),
    }


def _figures(one: FamilyVerdict) -> str:
    return (
        f"{one.verdict}: ratio {one.ratio:.3f}, 95 % interval {one.low:.3f} to {one.high:.3f}, p {one.p:.2g}, "
        f"{one.instances} instances, CPU ratio {one.cpu_ratio:.3f}"
    )
