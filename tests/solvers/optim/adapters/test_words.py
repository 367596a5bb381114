"""Each function that a rule may call, with each of its keywords, does the same in NumPy, torch, optax and SciPy."""

from __future__ import annotations

import ast
import importlib
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from scipy.optimize import minimize

from slotforge.solvers.optim import words
from slotforge.solvers.optim.adapters.scipy import Method
from slotforge.solvers.optim.export import export
from slotforge.solvers.optim.hygiene import check

TOLERANCE = 1e-12
NUMBERS = """
    abs(g) sign(g) sqrt(g*g) square(g) exp(g) expm1(g) log(1+g*g) log1p(g*g) log2(1+g*g) log10(1+g*g) sin(g) cos(g)
    tan(g) asin(u) acos(u) atan(g) sinh(g) cosh(g) tanh(g) asinh(g) acosh(1+g*g) atanh(u) floor(3.7*g) ceil(3.7*g)
    round(3.7*g) trunc(3.7*g) negative(g) reciprocal(1+g*g) add(g,p) add(1.0,g) subtract(g,p) subtract(1.0,g)
    multiply(g,p) divide(g,1+p*p) divide(1.0,1+p*p) pow(1+g*g,p) pow(2.0,g) remainder(g,0.37) remainder(g,-1-p*p)
    maximum(g,0.0) maximum(g,p) minimum(0.1,g) minimum(g,p) atan2(g,1.0) atan2(g,p) hypot(g,1.0) hypot(g,p)
    logaddexp(g,0.0) logaddexp(g,p) copysign(1.0,g) copysign(p,g) clip(g,-0.2,0.3) clip(g,-p*p,1.0) where(g>0,g,p)
    where(g>0,2.0,p) zeros_like(g) ones_like(g) full_like(g,0.3) full_like(p,0.3)+g sort(g) sort(g,axis=0)
    sort(g,axis=-1,descending=True) cumulative_sum(g,axis=0) flip(g) flip(g,axis=0) roll(g,2) roll(g,(3,),axis=(0,))
    sum(g)*g mean(g)*g max(g)*g min(g)*g prod(1+u)*g std(g)*g var(g)*g linalg.vector_norm(g)*g
"""
"""Answers of p's shape, for lists of tensors as well."""
MASKS = """
    isfinite(g) isnan(g) isinf(1/g) logical_not(g>0) equal(sign(g),1.0) equal(sign(g),sign(p)) not_equal(sign(g),1.0)
    greater(g,0.0) greater(0.0,g) greater_equal(g,p) less(g,p) less_equal(g,0.1) logical_and(g>0,p>0)
    logical_or(g>0,p>0) logical_xor(g>0,p>0) (g>0)^(p>0) (g>0)&(p>0) (g>0)|(p>0) ~(g>0)
"""
OTHERS = {
    "sums": """
        sum(x,axis=0) sum(x,axis=(0,1),keepdims=True) mean(x,axis=-1,keepdims=True) max(x,axis=0,keepdims=True)
        min(x,axis=(0,1),keepdims=True) prod(x,axis=1,keepdims=True) prod(x,axis=(0,1))
        std(x,axis=0,keepdims=True,correction=1) var(x,axis=1) var(x,correction=1,keepdims=True) any(m)
        any(m,axis=0,keepdims=True) all(m,axis=-1,keepdims=True) all(m) sum(m) sum(m,axis=0) cumulative_sum(m,axis=-1)
        cumulative_sum(i,axis=0) sum(i,axis=1,keepdims=True) max(i,axis=0) min(i) cumulative_sum(x,axis=-1)
        linalg.vector_norm(x,axis=0,keepdims=True,ord=1) linalg.vector_norm(x,ord=4)
    """,
    "places": """
        argmax(x) argmax(x,axis=0,keepdims=True) argmin(x,axis=-1,keepdims=True) argmin(x,keepdims=True)
        argmax(i,axis=0) argsort(x) argsort(x,axis=0,descending=True) argsort(sign(g),axis=0)
        argsort(sign(g),axis=0,descending=True) argsort(i,descending=True) sort(x,axis=0,descending=True)
        sort(i,descending=True) take(g,k[:3]) take(x,j,axis=1) take(m,j,axis=0) take(i,j,axis=-1) take(g,argmax(g))
        take(x,argmax(g[:3]),axis=0) take_along_axis(x,i) take_along_axis(m,i,axis=1) take_along_axis(i,i,axis=-1)
        take_along_axis(x,argsort(x,axis=0),axis=0)
    """,
    "made": """
        zeros((2,3),dtype=p.dtype) ones(4,dtype=p.dtype) full(p.shape,0.3,dtype=p.dtype) full(4,0.3,dtype=p.dtype)
        eye(3,dtype=p.dtype) eye(3,4,dtype=p.dtype) eye(3,k=1,dtype=p.dtype) eye(4,3,k=-2,dtype=p.dtype)
        arange(5,dtype=p.dtype) arange(1,9,dtype=p.dtype) arange(1,9,2,dtype=p.dtype)
        linspace(0.0,1.0,5,dtype=p.dtype) asarray((1.0,0.5),dtype=p.dtype) asarray(0.3,dtype=p.dtype)
        asarray([sum(g),1.0],dtype=p.dtype) full((2,3),mean(g),dtype=p.dtype) full_like(p,mean(g)) zeros_like(m)
        ones_like(i) full_like(x,0.5)
    """,
    "shapes": """
        reshape(g,(4,3)) reshape(m,(2,-1)) reshape(i,(-1,)) reshape(g,12) reshape(m,-1) broadcast_to(g,12)
        expand_dims(x,axis=(0,-1)) squeeze(g[None],axis=(0,)) moveaxis(x,(0,1),(1,0)) broadcast_to(g,(2,12))
        broadcast_to(m,(2,3,4)) concat([g,p]) concat([x,x],axis=1) concat([m,m],axis=-1) concat([i,i],axis=0)
        stack([g,p]) stack([x,x],axis=1) stack([m,m],axis=-1) expand_dims(g,axis=0) expand_dims(m,axis=-1)
        squeeze(g[None,:],axis=0) squeeze(i[:,:,None],axis=2) permute_dims(x,(1,0)) permute_dims(m,(1,0))
        moveaxis(x,0,-1) moveaxis(i,1,0) flip(x) flip(m,axis=0) flip(i,axis=(0,1)) roll(x,1) roll(x,1,axis=0)
        roll(m,(1,2),axis=(0,1)) roll(i,-1,axis=1) tril(x) tril(x,k=-1) triu(x) triu(x,k=1) triu(i,k=2) tril(m,k=1)
        matrix_transpose(x) matrix_transpose(m)
    """,
    "whole numbers": """
        abs(i-2) negative(i) square(i) clip(i,1,2) add(i,i) subtract(i,1) multiply(i,2) remainder(i,3) maximum(i,2)
        minimum(i,i+1) where(m,i,2) where(m,i,k[:4])
    """,
    "products": """
        matmul(x,x.mT) matmul(x,g[:4]) vecdot(x,x) vecdot(x,x,axis=0) tensordot(x,x,axes=2) tensordot(x,x.mT,axes=1)
        tensordot(x,x,axes=((0,),(0,))) linalg.outer(g,p) linalg.trace(s) linalg.diagonal(s) linalg.diagonal(x)
        linalg.matrix_norm(x) linalg.matrix_norm(x,keepdims=True,ord=1)
    """,
    "factorings": """
        linalg.inv(s) linalg.cholesky(s) linalg.det(s) linalg.pinv(x) linalg.eigvalsh(s) linalg.svdvals(x)
        linalg.solve(s,g[:3]) linalg.solve(s,x) linalg.matrix_norm(x,ord=2) linalg.eigh(s)[0] abs(linalg.eigh(s)[1])
        abs(linalg.qr(x)[0]) abs(linalg.qr(x)[1]) linalg.svd(x)[1] abs(linalg.svd(x,full_matrices=False)[2])
    """,
}
"""Answers of any shape and sort. x: a matrix, s: a positive definite one, m: truth values, i, j and k: places."""
HEAD = '''"""A rule."""


def init(xp, p):
    return INIT


def seen(xp, found, t):
    flat = xp.reshape(found, (-1,)) * xp.ones_like(t)
    return xp.mean(xp.sin(flat * xp.cumulative_sum(xp.ones_like(flat), axis=0)))


def update(xp, g, state, p, hp, t, aux):
'''
KEPT = '''"""A rule that keeps truth values and places."""


def init(xp, p):
    return {"b": p > 0, "k": xp.argsort(p, axis=-1)}


def update(xp, g, state, p, hp, t, aux):
    k = xp.argsort(xp.abs(g), axis=-1, descending=True)
    sorted = xp.take_along_axis(xp.take_along_axis(g, k, axis=-1), state["k"], axis=-1)
    b = state["b"] ^ (g > 0)
    return p - 0.1 * xp.where(b, sorted, 0.5 * g), {"b": b, "k": k}
'''
STATE = '{"m": p > 0, "k": xp.argsort(p, axis=0)}'
GIVEN = """\
    x = xp.reshape(g, (3, 4))
    s = x @ x.mT + xp.eye(3, dtype=p.dtype)
    m, k = xp.reshape(state["m"], (3, 4)), state["k"]
    i, j = xp.argsort(x, axis=-1), xp.argsort(x[0, :3], axis=0)
"""


def called(expression: str) -> str:
    """Write a call as a rule has it."""

    class Named(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            space = node.id in words.FUNCTIONS or node.id == "linalg"
            return ast.Attribute(ast.Name("xp"), node.id) if space else node

    return ast.unparse(Named().visit(ast.parse(expression)))


def plain(answers: list[str]) -> str:
    """Write a rule that works entry by entry."""
    terms = "\n".join(f"    d = d + xp.sin({answer})" for answer in answers)
    return f"{HEAD.replace('INIT', '{}')}    u = 0.9 * xp.tanh(g)\n    d = u\n{terms}\n    return p - 0.01 * d, {{}}\n"


def choosing(answers: list[str]) -> str:
    """Write a rule that works entry by entry, and chooses."""
    return plain([f"xp.where({answer}, g, 0.5 * g)" for answer in answers])


def folding(answers: list[str]) -> str:
    """Write a rule with truth values and places in its state, that sees all entries of arrays of any shape."""
    terms = "\n".join(f"    d = d + seen(xp, {answer}, t)" for answer in answers)
    state = STATE.replace("p", "g").replace("xg", "xp")
    return f"{HEAD.replace('INIT', STATE)}{GIVEN}    d = 1.0\n{terms}\n    return p - 0.01 * d * g, {state}\n"


def lots(write: Callable[[list[str]], str], text: str, size: int = 12) -> dict[str, str]:
    """Write rules of a few expressions each."""
    expressions = text.split()
    parts = [expressions[at : at + size] for at in range(0, len(expressions), size)]
    return {" ".join(part): write([called(one) for one in part]) for part in parts}


RULES = {
    **lots(plain, NUMBERS),
    **lots(choosing, MASKS),
    **{name: rule for text in OTHERS.values() for name, rule in lots(folding, text).items()},
}
EXPRESSIONS = " ".join((NUMBERS, MASKS, *OTHERS.values())).split()


def test_no_function_and_no_keyword_is_left_out() -> None:
    used: dict[str, set[str]] = {}
    for expression in EXPRESSIONS:
        for node in ast.walk(ast.parse(expression)):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
                used.setdefault(name, set()).update(str(word.arg) for word in node.keywords)
    assert used == {name: set(call.keywords) for name, call in {**words.FUNCTIONS, **words.LINALG}.items()}


@pytest.fixture(params=RULES, ids=lambda name: name.partition(" ")[0])
def composite(request: pytest.FixtureRequest, compose: Callable[..., Any]) -> Any:
    assert check("step", RULES[request.param]) is None
    return compose({"step": RULES[request.param]})


def test_all_hosts_agree(composite: Any, quadratic: Any) -> None:
    wanted = quadratic.run(composite, quadratic.start.shape)
    assert np.isfinite(wanted).all()
    found = {"scipy": in_scipy(composite, quadratic)}
    if torch := _installed("torch"):
        found |= {f"torch, {how}": in_torch(torch, composite, quadratic, how) for how in ("lists", "tensor by tensor")}
    if _installed("optax"):
        found["optax"] = in_optax(composite, quadratic)
    apart = {host: float(np.max(np.abs(end - wanted))) for host, end in found.items()}
    assert max(apart.values()) <= TOLERANCE, apart


@pytest.mark.parametrize("kind", ["optax", "scipy", "torch"])
def test_exported_files_pass_their_own_tests(kind: str, tmp_path: Path) -> None:
    if kind != "scipy":
        pytest.importorskip(kind, reason=f"{kind} is not installed: pip install {kind}")
    small = {**lots(plain, NUMBERS), **lots(choosing, MASKS), "state": KEPT}
    for rule in small.values():
        assert check("step", rule) is None
        path = export({"step": rule}, kind, tmp_path / "found.py", {})
        assert "\n    end = None" not in path.read_text()
        runpy.run_path(str(path))["test"]()


def in_scipy(composite: Any, quadratic: Any) -> Any:
    options: Any = {"maxiter": quadratic.steps, "gtol": 0.0}
    return minimize(
        quadratic.value, quadratic.start, jac=quadratic.grad, method=Method(composite, {}), options=options
    ).x


def in_torch(torch: Any, composite: Any, quadratic: Any, how: str) -> Any:
    from slotforge.solvers.optim.adapters.torch import optimizer

    p = torch.nn.Parameter(torch.tensor(quadratic.start))
    chosen = optimizer(composite, {})([p], foreach=how == "lists")
    for _ in range(quadratic.steps):
        p.grad = torch.tensor(quadratic.grad(p.detach().numpy()))
        chosen.step()
    return p.detach().numpy()


def in_optax(composite: Any, quadratic: Any) -> Any:
    from slotforge.solvers.optim.adapters.optax import transformation

    chosen = transformation(composite, {})()
    p = jax.numpy.asarray(quadratic.start)
    state = chosen.init(p)
    step = jax.jit(lambda g, state, p: chosen.update(g, state, p))
    for _ in range(quadratic.steps):
        updates, state = step(quadratic.hessian @ p, state, p)
        p = p + updates
    return np.asarray(p)


def _installed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None
