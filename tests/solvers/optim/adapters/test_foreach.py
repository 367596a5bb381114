"""The form over lists of tensors computes what the rule says, whatever it says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.solvers.optim import builtin

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

HEAD = "HP = {'lr': (0.5, 1e-3, 1.0, 'log'), 'b': (0.25, 0.1, 1.0, 'log')}\ndef init(xp, p):\n"
LEAVES = st.sampled_from(["g", "p", "a", "b", "k", "hp['lr']", "hp['b']", "t", "xp.ones_like(p)"])


def expressions(depth: int = 4) -> st.SearchStrategy[str]:
    return st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
            st.builds("({} / (2.0 + xp.abs({})))".format, inner, inner),
            st.builds("({} {} 0.5)".format, inner, st.sampled_from("+-*/")),
            st.builds("(2.0 {} {})".format, st.sampled_from("+-*"), inner),
            st.builds("(-{})".format, inner),
            st.builds("xp.{}({})".format, st.sampled_from(["tanh", "abs", "sin"]), inner),
            st.builds("xp.{}({}, {})".format, st.sampled_from(["maximum", "minimum"]), st.just("1.0 * p"), inner),
            st.builds("xp.where({} > {}, {}, 1.0 * p)".format, inner, inner, inner),
            st.builds("xp.where(t > 1.5, {}, 1.0 * p)".format, inner),
            st.builds("xp.sum({} * p)".format, inner),
            st.builds("{} ** 2".format, inner),
        ),
        max_leaves=2**depth,
    )


@st.composite
def sources(draw: Any) -> str:
    names = ["x", "y", "z"]
    lines = [f"{name} = {draw(expressions())}" for name in names]
    result = st.sampled_from([*names, "g", "p", "a", "b"])
    answer, first, second = (
        f"xp.tanh({draw(result)} + 0.0 * p)" if draw(st.booleans()) else "p",
        draw(result),
        draw(result),
    )
    state = f"{{'a': {first} + 0.0 * p, 'b': {second} + 0.0 * p if {draw(st.booleans())} else a, 'k': k + 1.0}}"
    body = ["a, b, k = state['a'], state['b'], state['k']", *lines, f"return {answer}, {state}"]
    scalar = "    return {'a': 0.5 * p, 'b': xp.tanh(p), 'k': xp.sum(0.0 * p)}\n"
    return HEAD + scalar + "def update(xp, g, state, p, hp, t, aux):\n    " + "\n    ".join(body) + "\n"


@given(source=sources())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_lists_do_what_single_tensors_do(source: str, compose: Any, numbers: Any) -> None:
    follow(source, compose, numbers)


@pytest.mark.parametrize(
    "x",
    [
        "xp.where(t > 1, g, 0.0)",
        "xp.where(t > 1, g, xp.sum(a))",
        "xp.where(xp.where(t > 1, g > 0, g < 0), g, 2 * g)",
        "xp.where(g > 0, g, 1e999) + xp.where(g > -1e999, g, 0.0)",
        "xp.where(t > 1, g, -1e999)",
        "xp.minimum(g, 1e999 - 1e999)",
    ],
)
def test_lists_may_hang_on_the_step_and_meet_infinity(x: str, compose: Any, numbers: Any) -> None:
    head = HEAD + "    return {'a': 0.5 * p}\ndef update(xp, g, state, p, hp, t, aux):\n    a = state['a']\n"
    follow(f"{head}    x = {x}\n    return p - hp['lr'] * x, {{'a': a + x}}\n", compose, numbers)


def follow(source: str, compose: Any, numbers: Any) -> None:
    """Hold the form over lists against single tensors."""
    from slotforge.solvers.optim.adapters.torch import optimizer

    composite = compose({"step": source})
    ends = []
    for foreach in (True, False):
        generator = torch.Generator().manual_seed(0)
        params = [
            torch.nn.Parameter(torch.randn(shape, generator=generator).double()) for shape in ((3,), (2,), (2, 2))
        ]
        chosen = optimizer(composite, numbers(composite))(params, foreach=foreach)
        for _ in range(3):
            for p in params:
                p.grad = torch.randn(p.shape, generator=generator).double()
            given = [p.grad.clone() for p in params]
            chosen.step()
            assert all(torch.equal(p.grad, g) for p, g in zip(params, given, strict=True))
        if foreach:
            assert all(program is not None for program in chosen._programs.values())
        ends.append([*params, *(value for p in params for name, value in chosen.state[p].items() if name != "t")])
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("name", ["adam", "adamw", "lion", "heavy_ball", "cautious_adamw", "grams", "signsgd"])
def test_rules_of_training_have_the_form_over_lists(name: str, compose: Any, numbers: Any) -> None:
    assert program(name, compose, numbers) is not None


@pytest.mark.parametrize("name", ["extragradient", "damped_newton"])
def test_rules_that_do_more_run_tensor_by_tensor(name: str, compose: Any, numbers: Any) -> None:
    from slotforge.solvers.optim.adapters._symbolic import Unsupported

    with pytest.raises(Unsupported):
        program(name, compose, numbers)


def test_adam_needs_no_more_than_nine_passes_and_two_temporaries(compose: Any, numbers: Any) -> None:
    lines = program("adam", compose, numbers).source.partition("def update")[2].splitlines()
    calls = [line for line in lines if "torch._foreach" in line]
    assert len(calls) <= 9
    assert len([line for line in calls if " = torch" in line]) <= 2


def test_large_tensors_go_through_in_pieces_and_small_ones_together(
    compose: Any, numbers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slotforge.solvers.optim.adapters import torch as adapter

    monkeypatch.setattr(adapter, "PIECE", 8)
    params = [torch.nn.Parameter(torch.arange(size, dtype=torch.float64)) for size in (20, 3, 3, 5, 1)]
    params.append(torch.nn.Parameter(torch.arange(12.0).double().reshape(3, 4).mT))
    composite = compose({"step": builtin.rules("step")["lion"]})
    chosen = adapter.optimizer(composite, numbers(composite))(params, lr=0.5, weight_decay=0.0)
    for p in params:
        p.grad = torch.ones_like(p)
    before = [p.detach().clone() for p in params]
    chosen.step()
    for p, q in zip(params, before, strict=True):
        torch.testing.assert_close(p.detach(), q - 0.5, rtol=0, atol=1e-12)


def program(name: str, compose: Any, numbers: Any) -> Any:
    from slotforge.solvers.optim.adapters._torch_namespace import xp
    from slotforge.solvers.optim.adapters.foreach import compiled

    composite, p = compose({"step": builtin.rules("step")[name]}), torch.zeros(4)
    return compiled(composite, numbers(composite), composite.init(xp, p), p)
