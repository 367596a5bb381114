"""Searches among rules: what a family has them for, and that they are counted as rules are."""

import numpy as np
import pytest

from slotforge.core import registry
from slotforge.core.errors import BuildError, UsageError
from slotforge.solvers.optim import builtin, case, freeze, measure
from slotforge.solvers.optim.answer import answer
from slotforge.solvers.optim.instances import Problem
from slotforge.solvers.optim.serve.workers import Reply
from slotforge.solvers.optim.tune import ALL

PROBLEM = Problem(family="bbob", knobs={"function": 8, "d": 3}, seed=5)
SEARCHES = [name for name in builtin.searches() if name != "random_search"]


def asked(name, budget=300, trials=1, goal=1e-6, seeds=(1, 2)):
    """Ask what a process would be asked."""
    numbers = builtin.numbers(case.family("bbob"), {builtin.SEARCH: name})
    hp = {number: one.default for number, one in numbers.items()}
    return answer(
        {
            "what": "run",
            "slots": {builtin.SEARCH: name},
            **PROBLEM.model_dump(exclude={"seed"}),
            "problem": PROBLEM.seed,
            "hps": [hp] * trials,
            "seeds": list(seeds),
            "budget": budget,
            "goal": goal,
        }
    )


@pytest.fixture
def here(monkeypatch):
    """Answer in this process, and keep the questions."""
    questions = []

    class Here:
        def ask(self, _, ask, **__):
            questions.append(ask)
            return Reply(outcome="answered", answer=answer(ask), cpu_s=0.5)

    monkeypatch.setattr(measure, "workers", Here)
    return questions


def test_searches_compete_on_black_boxes_and_nowhere_else():
    for name in registry.names(case.PROBLEMS):
        family = case.family(name)
        data = family.draw({**family.knobs, **family.splits["search"][0]}, np.random.default_rng(0))
        searches = {ref.partition("=")[2] for ref in freeze.contenders(family) if ref.startswith("blackbox=")}
        assert searches == (set(SEARCHES) if family.box(data) else set()), name


def test_a_search_is_found_by_its_name_alone():
    assert builtin.contender("blackbox=cma_es") == {"blackbox": "cma_es"}
    assert builtin.contender("schedule=cosine,step=sgd").keys() == {"schedule", "step"}
    with pytest.raises(UsageError, match="no search called 'nothing': choose one of cma_es"):
        builtin.contender("blackbox=nothing")
    with pytest.raises(UsageError, match="no slot called 'blackbox'"):
        builtin.named("blackbox=cma_es")


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_declares_numbers_that_are_tuned(name):
    assert builtin.numbers(case.family("bbob"), {builtin.SEARCH: name})


@pytest.mark.parametrize("name", SEARCHES)
def test_calls_are_counted_at_the_looks_of_the_family(name):
    told, family = np.array(asked(name, goal=1.0)["hits"]), case.family("bbob")
    found = told[told > 0]
    assert len(found)
    assert (found % family.stride == 0).all()
    first = np.where(told > 0, told, 1e9)[:, 0]
    assert (np.diff(first, axis=0) >= 0).all()


@pytest.mark.parametrize("name", SEARCHES)
def test_no_more_evaluations_are_made_than_calls_are_worth(name, monkeypatch):
    family, made = case.family("bbob"), []
    box = type(family).box

    def counting(self, data):
        found = box(self, data)
        return found._replace(values=lambda xs: made.append(len(xs)) or found.values(xs))

    monkeypatch.setattr(type(family), "box", counting)
    asked(name, budget=40, goal=1e-12, seeds=[1])
    assert sum(made) == 40 * (3 + 1)


def test_a_search_gets_the_trials_seeds_and_budget_of_a_rule(here):
    for ref in ("blackbox=differential_evolution", "adam"):
        freeze._contest(builtin.contender(ref), PROBLEM, 1e-9, 20.0)
    search, rule = here[: len(here) // 2], here[len(here) // 2 :]
    assert [len(ask["hps"]) for ask in search] == [len(ask["hps"]) for ask in rule]
    assert sum(len(ask["hps"]) for ask in search) == ALL
    for one, other in zip(search, rule, strict=True):
        assert {key: one[key] for key in ("seeds", "budget", "goal", "problem")} == {
            key: other[key] for key in ("seeds", "budget", "goal", "problem")
        }


def test_the_verdict_of_a_search_is_repeated(here):
    contest = freeze._contest(builtin.contender("blackbox=lbfgs_restarts"), PROBLEM, 0.1, 400.0)
    assert contest.reached
    contest.verify()
    assert contest.evidence == "model"
    assert here[-1]["what"] == "verify"


def test_a_search_has_no_part_in_what_is_no_black_box():
    with pytest.raises(BuildError, match="least_squares is no black box"):
        answer(
            {
                "what": "run",
                "slots": {builtin.SEARCH: "cma_es"},
                "family": "least_squares",
                "knobs": {},
                "problem": 1,
                "hps": [{}],
                "seeds": [0],
                "budget": 10,
                "goal": 1e-6,
            }
        )
