"""Measurements from end to end, in the sandbox."""

import os

import pytest

from slotforge.core.errors import BuildError
from slotforge.core.types import Candidate, Outcome
from slotforge.solvers.optim import builtin, case, hygiene, instances, measure
from slotforge.solvers.optim.domain import Optim
from slotforge.solvers.optim.serve import workers as module


@pytest.fixture(scope="module")
def optim(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLOTFORGE_HOME", str(tmp_path_factory.mktemp("home")))
        module._by_process.cache_clear()
        yield Optim()
        module.workers().close()
        module._by_process.cache_clear()


def measured(optim, source, spec="least_squares", *, slot="step", fused=False, limit=None, prove=False):
    (instance, *_), *_ = (instances.collect([spec], seed=0, per_family=2).search,)
    candidate = Candidate(domain="optim", slots={slot: source} if source else {})
    return optim.measure(candidate, instance, seed=0, limit=limit, prove=prove, fused=fused)


@pytest.mark.parametrize(
    ("spec", "ref", "slot"),
    [
        ("least_squares", "heavy_ball", "step"),
        ("bilinear:smallest=0.4", "extragradient", "step"),
        ("planted:n=20", "comma", "selection"),
        ("node_sampling:nodes=8", "dnss", "step"),
        ("mlp:width=16", "adam", "step"),
    ],
)
def test_a_rule_is_measured_on_a_problem_and_the_same_again(optim, spec, ref, slot):
    one = measured(optim, builtin.rules(slot)[ref], spec, slot=slot)
    assert one.outcome is Outcome.SOLVED
    assert one.cost > 1
    assert one.stats["trials"] == measure.FIRST * bool(ref != "comma") + (ref == "comma")
    if spec == "planted:n=20":
        module.workers().close()  # another process
        again = measured(optim, builtin.rules(slot)[ref], spec, slot=slot)
        assert {**again.model_dump(), "cpu_s": 0, "stats": 0} == {**one.model_dump(), "cpu_s": 0, "stats": 0}


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one core alone")
@pytest.mark.usefixtures("optim")
def test_on_one_core_comes_out_to_the_last_bit_what_comes_out_on_many(request):
    """The pool of threads of XLA is as large as there are cores, and sums are parted by it."""

    family, sources = case.family("matrix_sensing"), builtin.contender("adam")
    numbers = {name: number.default for name, number in builtin.numbers(family, sources).items()}
    ask = {"what": "run", "slots": sources, "family": family.name, "knobs": family.knobs, "problem": 1, "budget": 300}
    ask |= {"hps": 3 * [numbers], "seeds": [1, 2, 3, 4, 5], "goal": 1e-9}

    def told():
        module.workers().close()
        reply = module.workers().ask("adam", ask, wall_s=600, cpu_s=120, memory_mb=8192)
        assert reply.outcome == "answered", reply.reason
        return [reply.answer[name] for name in ("hits", "progress", "least")]

    cores = os.sched_getaffinity(0)
    request.addfinalizer(lambda: os.sched_setaffinity(0, cores))
    on_many = told()
    os.sched_setaffinity(0, {min(cores)})
    assert told() == on_many


def test_a_verdict_spends_all_trials_is_confirmed_and_a_limit_cuts_it(optim):
    source = builtin.rules("step")["heavy_ball"]
    one = measured(optim, source, fused=True, prove=True)
    assert (one.outcome, one.answer, one.evidence) == (Outcome.SOLVED, "reached", "model")
    assert one.stats["trials"] == measure.ALL
    cut = measured(optim, source, fused=True, limit=one.cost - 1)
    assert (cut.outcome, cut.cost, cut.answer) == (Outcome.LIMIT, one.cost - 1, "missed")


def test_a_rule_that_explodes_misses_every_target(optim, sgd):
    found = measured(optim, sgd.replace("return p -", "return p + 1e200 *"))
    assert (found.outcome, found.answer, found.stats["reached"]) == (Outcome.SOLVED, "missed", 0)
    assert measured(optim, sgd.replace("return p -", "return p + 1e200 *"), fused=True).outcome is Outcome.LIMIT


def test_a_rule_that_numpy_and_jax_do_not_agree_on_is_wrong(optim, sgd):
    found = measured(optim, sgd.replace("return p -", "d = p\n    d *= 0.5\n    return p -"))
    assert found.outcome is Outcome.WRONG
    assert "NumPy and JAX disagree from step 1" in found.reason


def test_an_endless_rule_is_stopped(optim, sgd, monkeypatch):
    monkeypatch.setattr(measure, "CPU_S", 3.0)
    endless = sgd.replace("return p -", "for _ in range(10**12):\n        g = g\n    return p -")
    assert measured(optim, endless).outcome is Outcome.TIMEOUT


def test_a_rule_that_does_not_run_is_refused_with_its_line(optim, sgd):
    with pytest.raises(BuildError, match=r"step: line 10: .*\(on least_squares\)"):
        measured(optim, sgd.replace("return p -", "return p @ g.mT @ g -"))


def test_what_hygiene_refuses_is_never_run(optim, sgd, tmp_path, monkeypatch):
    monkeypatch.setattr(module.Workers, "ask", lambda *_, **__: pytest.fail("asked"))
    told = tmp_path / "ran"
    for bad in (f"import os\nos.mknod('{told}')\n", f"open('{told}', 'w')\n"):
        assert hygiene.check("step", bad + sgd)
        assert optim.check(Candidate(domain="optim", slots={"step": bad + sgd})).startswith("step: ")
    assert not told.exists()


def test_what_rules_do_is_looked_at_in_the_sandbox_and_told_on_axes(optim, sgd):
    candidate = Candidate(domain="optim", slots={"step": sgd})
    assert optim.behaviour(candidate, (), ()) == {"state": 0.0, "response": 0.75, "memory": 0.0}
    both = candidate.with_slots({"selection": builtin.rules("selection")["plus"]})
    assert optim.behaviour(both, (), ()).keys() >= {"state", "selection_greed"}
    assert optim.behaviour(candidate.with_slots({"step": "no rule"}), (), ()) == {}


@pytest.mark.parametrize("answer", [{}, {"traits": {"memory": 0.5}}])
def test_a_look_that_tells_no_behaviour_is_a_fault(optim, sgd, monkeypatch, answer):
    monkeypatch.setattr(module.Workers, "ask", lambda *_, **__: module.Reply(outcome="answered", answer=answer))
    assert optim.check(Candidate(domain="optim", slots={"step": f"{sgd}# {answer}\n"})) == "what it said is no answer"


def test_a_behaviour_that_is_no_text_can_be_kept(optim, sgd, monkeypatch):
    told = {"behaviour": "\ud800"}
    monkeypatch.setattr(module.Workers, "ask", lambda *_, **__: module.Reply(outcome="answered", answer=told))
    assert optim.key(Candidate(domain="optim", slots={"step": f"{sgd}# {told}\n"})).encode()


def test_behaviour_names_a_candidate_and_the_reference_has_a_name_of_its_own(optim, sgd):
    one, same, other = (
        Candidate(domain="optim", slots={"step": source})
        for source in (
            sgd,
            sgd.replace("p - hp", "-hp").replace("* g, {}", "* g + p, {}"),
            sgd.replace("* g", "* g * 2"),
        )
    )
    assert optim.check(one) is None
    assert optim.key(one) == optim.key(same) != optim.key(other)
    assert optim.key(Candidate(domain="optim")) == "reference"
    late = Candidate(domain="optim", slots={"step": sgd.replace("* g", "* xp.where(t > 500, 3.0 * g, g)")})
    renamed = late.with_slots({"step": late.slots["step"].replace("3.0 * g", "g * 3.0")})
    assert optim.key(one) != optim.key(late) == optim.key(renamed)
    assert optim.searched(["planted"]) == ("selection",)
    assert optim.searched(["node_sampling"])[-1] == "sampling"
    assert optim.start(("step",)).slots == {"step": builtin.default("step")}
