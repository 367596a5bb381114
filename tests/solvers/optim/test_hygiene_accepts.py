"""What the static check must allow: the built-in rules, and the forms in which a model may write others."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from slotforge.solvers.optim import rule as rules
from slotforge.solvers.optim import words
from slotforge.solvers.optim.hygiene import check

RULES = Path(rules.__file__).parent / "rules"
FILES = sorted(path for path in RULES.glob("*/*.py") if path.stem != "__init__")
HEAD = '"""A rule."""\n\nHP = {"lr": (0.1, 1e-4, 10.0, "log")}\nEPS = 1e-8\nROUNDS, HALF = 5, 1 / 2\n'
FORMS = {
    "no state": 'return {}|return p - hp["lr"] * g, {}',
    "unchanged state": 'return {"m": p}|return p - g, state',
    "unpacked state": 'return {"m": p, "v": p}|return p - g, {**state, "v": g}',
    "zero-dimensional state": 'return {"k": xp.zeros_like(xp.sum(p))}|return p - g, {"k": state["k"] + 1}',
    "branch on axes": "return {}|if p.ndim == 2 and p.shape[0] > 1:\n        return p, {}\n    return p - g, {}",
    "choice by axes": "return {}|x = p.mT if p.ndim > 1 else p\n    return p + 0 * xp.sum(x), {}",
    "loop": "return {}|x = g\n    for _ in range(ROUNDS):\n        x = x / 2\n    return p - x, {}",
    "nested loop": "return {}|x = g\n    for i in range(3):\n        for j in range(i):\n            x = x * j\n"
    "    return p - x, {}",
    "typed arrays": "return {}|return p - g + xp.zeros(p.shape, dtype=p.dtype) + xp.full((1,), EPS, dtype=g.dtype), {}",
    "unit matrix": "return {}|a = p.mT @ p + xp.eye(p.shape[-1], dtype=p.dtype)\n"
    "    return xp.linalg.solve(a, p.mT).mT, {}",
    "asides": "return {}|return p - g * aux.value / aux.norm + aux.noise / aux.horizon, {}",
    "questions": "return {}|return aux.mix(p) - aux.grad(p) - aux.hvp(g) - aux.mix_sign(g), {}",
    "gradients at several points": "return {}|return p - xp.mean(aux.grads(xp.stack([p, p - g])), axis=0), {}",
    "masks": "return {}|return xp.where((g > 0) & ~(p < 1) | (t == 1), g, 0.0), {}",
    "bounded": "return {}|return xp.clip(g, -1.0, 1.0) + xp.maximum(g, 0.0) + xp.minimum(hp['lr'], g), {}",
    "root of a number in HP": 'return {}|return p - g / xp.sqrt(hp["lr"] * t), {}',
    "root of a plain number": "return {}|return p - g / 2.0 ** 0.5, {}",
    "power in time": 'return {}|return p - g * (1 - hp["lr"]) ** (t - 1) * t ** -0.5, {}',
    "decomposition": "return {}|u, s, v = xp.linalg.svd(p, full_matrices=False)\n    return (u * s) @ v, {}",
    "parts": "return {}|return p[::-1, ...] + p[:1, ...] + g[..., None][..., 0] + p[0, None], {}",
    "places": "return {}|i = xp.argsort(g)\n    return xp.take(g, i, axis=0), {}",
    "masks as factors": "return {}|return p - g * (g * p > 0) - (g > 0) * (2.0 * g), {}",
    "a count as a share": "return {}|k = xp.sum(g > 0) * xp.ones_like(t)\n    return p - g * (0.1 * k / (1 + k)), {}",
    "ranks": "return {}|k = (xp.argsort(xp.argsort(g, axis=-1), axis=-1) + 1) * xp.ones_like(g)\n"
    "    return p - 0.01 * g * k ** 0.5, {}",
    "counts among whole numbers": "return {}|k = xp.cumulative_sum(g > 0, axis=-1)\n"
    "    return p - g * (xp.maximum(k, 1) % 3 == 1), {}",
    "a state of truth values": 'return {"up": p > 0}|return p - xp.where(state["up"], g, 0.5 * g), {"up": g > 0}',
    "a number as mask": "return {}|up = xp.where(g > 0, xp.ones_like(g), 0.0)\n"
    "    return p - 0.3 * up * xp.mean(up), {}",
    "norms": "return {}|return g / xp.linalg.vector_norm(g) + g / xp.linalg.matrix_norm(g, keepdims=True), {}",
    "batch": 'return {"batch": xp.ones_like(xp.sum(p))}|return p - g, {"batch": state["batch"] * 1.01}',
    "list of known length": "return {}|xs = [p]\n    for _ in range(3):\n        xs.append(xs[-1] - g)\n"
    "    return xs[-1], {}",
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_rule_that_ships_passes(path: Path) -> None:
    assert check(path.parent.name, path.read_text()) is None


@pytest.mark.parametrize("name", FORMS)
def test_a_legitimate_form_passes_and_runs(name: str) -> None:
    init, _, update = FORMS[name].partition("|")
    source = f"{HEAD}\n\ndef init(xp, p):\n    {init}\n\n\ndef update(xp, g, state, p, hp, t, aux):\n    {update}\n"
    assert check("step", source) is None
    assert rules.load(source).numbers["lr"].default == 0.1


def test_a_helper_may_take_a_question_and_stand_anywhere() -> None:
    source = f"""{HEAD}

def twice(ask, x):
    return ask(ask(x))


def init(xp, p):
    return zero(xp, p)


def update(xp, g, state, p, hp, t, aux):
    return p - twice(aux.hvp, g), zero(xp, g)


def zero(xp, x):
    return {{"m": xp.zeros_like(x)}}
"""
    assert check("step", source) is None


def test_the_docstring_may_be_in_any_language() -> None:
    init = "def init(xp, p):\n    return {}\n"
    source = (
        f'"""Größe: Ordnung, 秩序."""\n\n\n{init}\n\ndef update(xp, g, state, p, hp, t, aux):\n    return p - g, {{}}\n'
    )
    assert check("step", source) is None


def test_every_function_that_is_offered_exists_in_all_libraries() -> None:
    import array_api_compat.numpy as compat
    import jax.numpy as jnp

    for space in (compat, jnp):
        assert [name for name in words.FUNCTIONS if not hasattr(space, name)] == []
        assert [name for name in words.LINALG if not hasattr(space.linalg, name)] == []


def test_no_refusal_is_of_something_that_is_allowed() -> None:
    allowed = {node.__name__ for node in words.NODES}
    assert not allowed & set(words.REFUSED)
    assert all(hasattr(ast, name) for name in words.REFUSED)
    assert not set(words.ABSENT) & {*words.FUNCTIONS, *words.ATTRIBUTES}
