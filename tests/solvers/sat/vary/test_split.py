"""A split policy behaves as its parts: told by the engine's ticks, which repeat exactly."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from slotforge.core.ids import generator
from slotforge.solvers.sat.build import Builder, engine
from slotforge.solvers.sat.slot import slots
from slotforge.solvers.sat.vary.conditions import MODE, draw
from slotforge.solvers.sat.vary.graft import named
from slotforge.solvers.sat.vary.layout import tidy
from slotforge.solvers.sat.vary.operators.split import split
from slotforge.solvers.sat.vary.policy import Policy, is_param, parse

SLOTS = slots()
Solve = Callable[[str, str], dict[str, float]]


def stateless(slot: str) -> Policy:
    """Find a built-in variant that keeps nothing between calls, and give its arguments names."""
    variants = [parse(source) for source in SLOTS[slot].variants.values()]
    found = [policy for policy in variants if all(is_param(member) for member in policy.members.values())]
    return named(found[0], variants)


def halves(slot: str, first: Policy, second: Policy) -> str:
    """Write the policy that is `second` in stable mode and `first` in focused mode."""
    host = named(first, [parse(source) for source in SLOTS[slot].variants.values()])
    return tidy(split(host, second, draw(MODE, host, generator(0))[0]))


@pytest.fixture(scope="module")
def solve(tmp_path_factory: pytest.TempPathFactory, builds: Path) -> Solve:
    """Solve a random formula with one slot replaced; returns the engine's counters."""
    folder = tmp_path_factory.mktemp("split")
    builder, formula = Builder(builds), folder / "random.cnf"
    rng = generator("random 3-SAT")
    clauses = [rng.choice(220, size=3, replace=False) + 1 for _ in range(940)]
    signed = [[int(v) * (1 if rng.random() < 0.5 else -1) for v in clause] for clause in clauses]
    formula.write_text("p cnf 220 940\n" + "".join(f"{a} {b} {c} 0\n" for a, b, c in signed))

    def run(slot: str, source: str) -> dict[str, float]:
        command = [str(engine()), str(formula), "--json", "--no-model", "--conflict-limit", "6000"]
        command += builder.engine_arguments({slot: source})
        result = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
        return {name: result[name] for name in ("ticks", "conflicts", "decisions", "propagations", "mode_switches")}

    return run


@pytest.mark.parametrize("slot", sorted(SLOTS))
def test_a_split_of_a_policy_with_itself_behaves_as_that_policy(slot: str, solve: Solve) -> None:
    policy = stateless(slot)
    split_in_two = halves(slot, policy, policy)
    assert "view.stable()" in split_in_two
    assert solve(slot, split_in_two) == solve(slot, policy.source)


def test_a_split_of_two_policies_behaves_as_neither(solve: Solve) -> None:
    first, second = (parse(SLOTS["restart_due"].variants[name]) for name in ("Fixed", "Luby"))
    both = solve("restart_due", halves("restart_due", first, second))
    assert both["mode_switches"] >= 1
    assert both not in (solve("restart_due", first.source), solve("restart_due", second.source))


def test_the_default_with_its_own_state_may_be_split_too(solve: Solve) -> None:
    """Its state is used in stable mode alone, so that the part for focused mode never misses it."""
    policy = parse(SLOTS["restart_due"].default)
    assert solve("restart_due", halves("restart_due", policy, policy)) == solve("restart_due", policy.source)
