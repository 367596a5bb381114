"""What the process of a candidate answers, asked without a sandbox."""

import numpy as np
import pytest

from slotforge.core.errors import BuildError
from slotforge.solvers.optim import answer as module
from slotforge.solvers.optim import builtin, simulate
from slotforge.solvers.optim.answer import answer, blamed

ASK = {"what": "run", "family": "heavy_tail", "knobs": {}, "problem": 1, "seeds": [1, 2, 3], "budget": 200, "goal": 3.0}


def test_a_step_that_is_not_given_is_gradient_descent():
    alone = answer({"what": "inspect", "slots": {"transform": builtin.rules("transform")["identity"]}})
    assert alone != answer({"what": "inspect", "slots": {"transform": builtin.rules("transform")["clip"]}})
    named = {"step": builtin.default("step"), "transform": builtin.rules("transform")["identity"]}
    assert alone == answer({"what": "inspect", "slots": named})


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ("return p - xp.nothing(g), {}", "transform: line 6: AttributeError"),
        ("return p - aux.loss, {}", "transform: line 6: AttributeError: aux has no 'loss'"),
        ("return xp.mean(g, axis=3), {}", "transform: line 6: AxisError: axis 3 is out of bounds"),
        ("return p + + ", "transform: line 6: "),
    ],
)
def test_a_fault_is_told_with_slot_and_line(update, said):
    source = f"def init(xp, p):\n    return {{}}\n\n\ndef update(xp, g, state, p, hp, t, aux):\n    {update}\n"
    with pytest.raises(BuildError, match=said):
        answer({"what": "inspect", "slots": {"transform": source}})


def test_another_shape_is_told_with_slot_and_line(sgd):
    for told, said in (("xp.sum(p), {}", "the point: "), ('p, {"m": xp.sum(p)}', "state of p step m: ")):
        source = sgd.replace("return {}", 'return {"m": p}' if "m" in told else "return {}")
        source = source.replace(source.rpartition("return ")[2], f"{told}\n")
        line = len(source.splitlines())
        with pytest.raises(BuildError, match=rf"step: line {line}: {said}float32\[4, 4\] becomes float32\[\]"):
            answer({"what": "inspect", "slots": {"step": source}})


def test_a_rule_that_fails_on_one_family_is_refused_there_with_its_name(sgd):
    source = sgd.replace("return p - hp", "g = g @ g.mT if p.ndim == 2 else g\n    return p - hp")
    answer({"what": "inspect", "slots": {"step": source}})
    with pytest.raises(BuildError, match=r"\(on bilinear\)"):
        answer({**ASK, "family": "bilinear", "slots": {"step": source}, "hps": [{"step.lr": 0.1}], "seeds": [1]})


def test_what_trials_spend_decides_and_not_how_many_steps_they_take(monkeypatch, sgd):
    """A trial of large batches takes fewer steps and more calls: it must not cut the others off."""
    dear = (
        sgd.replace('10.0, "log")}', '10.0, "log"), "size": (1.0, 1.0, 16.0, "log")}')
        .replace("return {}", 'return {"batch": xp.ones_like(xp.sum(p))}')
        .replace(", {}", ', {"batch": hp["size"] * xp.ones_like(xp.sum(p))}')
    )
    ask = {**ASK, "family": "stochastic_logistic", "budget": 1500, "goal": 0.35, "slots": {"step": dear}}
    hps, seen = [{"step.lr": rate, "step.size": size} for rate, size in ((3.0, 16.0), (0.3, 1.0), (0.1, 4.0))], []
    for lanes in (3, 36):
        monkeypatch.setattr(simulate, "LANES", lanes)
        module._PREPARED.clear()
        seen.append(np.array(answer({**ask, "hps": hps})["hits"])[-1].min(axis=-1))
    quick, slow = seen[1][0], seen[1][1]
    assert 0 < slow < quick or quick < 0 < slow
    np.testing.assert_allclose(seen[0].max(), seen[1].max())


def test_selection_asks_nothing_but_what_its_offspring_are_worth():
    head = "def init(xp, p):\n    return {}\n\n\ndef update(xp, g, state, p, hp, t, aux):\n"
    with pytest.raises(BuildError, match=r"selection: line 6: TypeError: aux.grad is for rules that make a step"):
        answer({"what": "inspect", "slots": {"selection": f"{head}    return g - xp.sum(aux.grad(0.5 * p)), {{}}\n"}})


def test_memory_is_not_blamed_on_the_rule():
    with pytest.raises(MemoryError), blamed():
        raise MemoryError
    with pytest.raises(BuildError, match="ZeroDivisionError"), blamed():
        _ = 1 / 0


def test_it_does_not_matter_how_many_trials_are_run_at_once(monkeypatch, sgd):
    signs = sgd.replace("g, {}", "xp.sign(g), {}")
    hps, seen = [{"step.lr": rate} for rate in (0.003, 0.3, 0.1, 0.03, 10.0)], []
    for lanes in (3, 6, 36):
        monkeypatch.setattr(simulate, "LANES", lanes)
        module._PREPARED.clear()
        seen.append(answer({**ASK, "slots": {"step": signs}, "hps": hps})["hits"])
    assert np.shape(seen[0]) == (8, 5, 3)
    assert (np.array(seen[0])[-1] > 0).any()
    np.testing.assert_allclose(seen[0], seen[1])
    np.testing.assert_allclose(seen[0], seen[2])
