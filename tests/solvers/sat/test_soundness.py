"""No policy, whatever its numbers, makes the engine answer wrongly; and what looks for wrong answers does find them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from slotforge.bench import _formulas, _policies
from slotforge.bench._judge import Tools, judge, judge_session
from slotforge.bench.soundness import Campaign, Tally, report
from slotforge.core.ids import generator
from slotforge.solvers.sat.build import engine
from slotforge.solvers.sat.cnf import Formula

FORMULAS = 800
SATISFIABLE = Formula(variables=2, clauses=[[1, 2], [-1, 2]])
UNSATISFIABLE = Formula(variables=2, clauses=[[1, 2], [-1, 2], [1, -2], [-1, -2]])


@pytest.fixture(scope="module")
def tally(builds: Path) -> Tally:
    varied = _policies.variations(24, seed=0, cache=builds)
    assert len(varied) == 24
    *_, last = Campaign(seed=0, engine=str(engine()), varied=varied).run(FORMULAS, jobs=2)
    return last


def test_slots_can_slow_the_search_but_never_falsify_it(tally: Tally) -> None:
    assert tally.counts["formulas"] == FORMULAS
    assert [(fault.number, fault.reasons) for fault in tally.faults] == []


def test_every_builtin_variant_and_variations_of_every_slot_are_in_force(tally: Tally) -> None:
    known = _policies.variants(str(engine()))
    assert min(tally.pairs[pair] for pair in known) >= FORMULAS // len(known)
    assert {slot for slot, policy in tally.pairs if policy == "variations"} == {slot for slot, _ in known}


def test_the_campaign_reaches_what_it_is_meant_to_try(tally: Tally) -> None:
    for name in ("sat", "unsat", "assumed sat", "assumed unsat", "text proofs", "binary proofs"):
        assert tally.counts[name] > 50, name
    for name in ("restarts", "reductions", "rephases", "mode_switches", "inprocessings"):
        assert tally.counts[name] > 200, name
    assert tally.counts["unknown"] < FORMULAS // 50
    assert len(tally.kinds) > 15


def test_the_same_seed_draws_the_same_formulas_and_policies() -> None:
    for number in range(20):
        rngs = [generator(3, number) for _ in range(2)]
        assert len({repr(_formulas.draw(rng)) for rng in rngs}) == 1
        assert len({repr(_policies.draw(number, rng, engine=str(engine()), varied=())) for rng in rngs}) == 1


def liar(folder: Path, program: str) -> Tools:
    """Make an engine of a few lines of Python."""
    path = folder / "liar"
    head = [f"#!{sys.executable}", "import json, sys", "proof = [a[8:] for a in sys.argv if a.startswith('--proof=')]"]
    path.write_text("\n".join([*head, program, ""]))
    path.chmod(0o755)
    return Tools(engine=str(path), folder=folder, drat_trim=None)


SAYS_SAT = "print(json.dumps({'answer': 'sat', 'model': [1, 2]})); sys.exit(10)"
SAYS_OTHER_MODEL = "print(json.dumps({'answer': 'sat', 'model': [1, -2]})); sys.exit(10)"
SAYS_UNSAT = "open(proof[0], 'w').write('0\\n'); print(json.dumps({'answer': 'unsat'})); sys.exit(20)"


@pytest.mark.parametrize(
    ("formula", "program", "reason"),
    [
        (UNSATISFIABLE, SAYS_SAT, "answered sat, but it is unsat"),
        (SATISFIABLE, SAYS_UNSAT, "answered unsat, but it is sat"),
        (SATISFIABLE, SAYS_OTHER_MODEL, "model: clause 2 is not satisfied"),
        (UNSATISFIABLE, SAYS_UNSAT, "proof refused"),
        (SATISFIABLE, SAYS_SAT.replace("(10)", "(20)"), "answered sat with exit status 20"),
        (SATISFIABLE, "sys.exit('out of order')", "exit 1: out of order"),
    ],
)
def test_a_wrong_answer_model_or_proof_is_found(tmp_path: Path, formula: Formula, program: str, reason: str) -> None:
    judged = judge(formula, [], liar(tmp_path, program), binary=False, trim=False)
    assert any(reason in fault for fault in judged.faults), judged.faults


def test_an_honest_engine_passes(tmp_path: Path) -> None:
    tools = Tools(engine=str(engine()), folder=tmp_path, drat_trim=None)
    for formula in (SATISFIABLE, UNSATISFIABLE):
        assert judge(formula, [], tools, binary=True, trim=False).faults == []


@pytest.mark.parametrize("answer", [10, 20])
def test_a_wrong_answer_under_assumptions_is_found(tmp_path: Path, answer: int) -> None:
    judged = judge_session(UNSATISFIABLE, [], liar(tmp_path, SESSION.format(answer=answer)), generator(0))
    assert any(", but it is " in fault for fault in judged.faults), judged.faults


SESSION = """
replies = {{"s": "r {answer}", "m": "m 1 2 0", "c": "c 0"}}
for line in sys.stdin:
    if line[0] in replies:
        print(replies[line[0]])
"""


def test_a_fault_is_written_up_with_what_makes_it_happen_again(tmp_path: Path) -> None:
    block = Campaign(seed=0, engine=liar(tmp_path, LISTING).engine).block(0, 1)
    errors = report(block, {}, str(tmp_path / "liar")).errors
    assert len(errors) == 1
    assert "--slot=decay=Decay" in errors[0]


LISTING = """
if "--list-slots" in sys.argv:
    print(json.dumps({"decay": {"Decay": {"factor": [0.95, 0.5, 0.999]}}}))
    sys.exit()
sys.exit("broken")
"""
