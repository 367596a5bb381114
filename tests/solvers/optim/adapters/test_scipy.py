"""A rule as a method of `scipy.optimize.minimize` keeps the promises of SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import OptimizeResult, minimize, rosen, rosen_der, rosen_hess, rosen_hess_prod
from scipy.sparse import csr_array

from slotforge.core.errors import UsageError
from slotforge.solvers.optim import builtin
from slotforge.solvers.optim.adapters.scipy import Method

START = np.array([-1.2, 1.0, 0.5])


@pytest.fixture
def method(compose: Any, numbers: Any) -> Any:
    def make(name: str) -> Method:
        composite = compose({"step": builtin.rules("step").get(name, name)})
        return Method(composite, numbers(composite))

    return make


def test_it_finds_the_minimum_and_says_so(method: Any) -> None:
    found = minimize(
        rosen, START, jac=rosen_der, method=method("adam"), tol=1e-6, options={"lr": 0.03, "maxiter": 9000}
    )
    assert isinstance(found, OptimizeResult)
    assert found.success
    assert (found.status, found.message) == (0, "The gradient is below the tolerance.")
    np.testing.assert_allclose(found.x, 1, atol=1e-5)
    assert np.max(np.abs(rosen_der(found.x))) <= 1e-6
    assert found.nfev == found.njev == found.nit + 1
    assert found.fun == rosen(found.x)


def test_it_stops_after_so_many_steps(method: Any) -> None:
    found = minimize(rosen, START, jac=rosen_der, method=method("adam"), options={"maxiter": 7})
    assert (found.success, found.status, found.nit) == (False, 1, 7)
    assert "Maximum number" in found.message


def test_it_stops_where_nothing_is_finite_any_more(method: Any) -> None:
    with np.errstate(all="ignore"):
        found = minimize(rosen, START, jac=rosen_der, method=method("sgd"), options={"lr": 10.0})
    assert (found.success, found.status) == (False, 2)
    assert found.nit < 20
    assert found.fun == rosen(found.x) <= rosen(START)


def test_without_a_gradient_it_takes_differences_and_counts_them(method: Any) -> None:
    exact = minimize(rosen, START, jac=rosen_der, method=method("adam"), options={"maxiter": 5})
    found = minimize(rosen, START, method=method("adam"), options={"maxiter": 5})
    np.testing.assert_allclose(found.x, exact.x, atol=1e-6)
    assert found.nfev == 6 * (1 + START.size + 1)


@pytest.mark.parametrize(("differences", "error"), [("2-point", 1e-4), ("3-point", 1e-8), ("cs", 1e-13)])
def test_differences_are_those_asked_for(method: Any, differences: str, error: float) -> None:
    start, sgd = np.array([-1.2, 1.0]), method("sgd")

    def smooth(x: Any) -> Any:
        return np.sum(np.exp(3 * x))

    exact = minimize(smooth, start, jac=lambda x: 3 * np.exp(3 * x), method=sgd, options={"maxiter": 1})
    options: Any = {"maxiter": 1, "differences": differences}
    found = minimize(smooth, start, method=sgd, options=options)
    assert np.max(np.abs(found.x - exact.x)) <= error
    assert np.max(np.abs(sgd(smooth, start, jac=differences, maxiter=1).x - exact.x)) <= error
    with pytest.raises(UsageError, match="choose from 2-point, 3-point, cs"):
        sgd(smooth, start, jac="4-point")


def test_a_function_may_return_its_gradient_as_well(method: Any) -> None:
    both = minimize(lambda x: (rosen(x), rosen_der(x)), START, jac=True, method=method("adam"), options={"maxiter": 5})
    exact = minimize(rosen, START, jac=rosen_der, method=method("adam"), options={"maxiter": 5})
    np.testing.assert_array_equal(both.x, exact.x)


def test_hessian_products_come_from_hessp_or_hess_or_differences(method: Any) -> None:
    source = """
def init(xp, p):
    return {}
def update(xp, g, state, p, hp, t, aux):
    return p - 1e-3 * aux.hvp(g), {}
"""
    given: list[dict[str, Any]] = [{"hessp": rosen_hess_prod}, {"hess": rosen_hess}, {}]
    ends = [minimize(rosen, START, jac=rosen_der, method=method(source), options={"maxiter": 2}, **g) for g in given]
    np.testing.assert_allclose(ends[1].x, ends[0].x, rtol=1e-13)
    np.testing.assert_allclose(ends[2].x, ends[0].x, rtol=1e-6)
    assert [end.nhev for end in ends] == [2, 2, 2]


def test_a_hessian_may_be_sparse(method: Any) -> None:
    dense, sparse = (
        minimize(rosen, START, jac=rosen_der, hess=hess, method=method("damped_newton"), options={"maxiter": 3})
        for hess in (rosen_hess, lambda x: csr_array(rosen_hess(x)))
    )
    np.testing.assert_allclose(sparse.x, dense.x)


def test_arguments_reach_the_function(method: Any) -> None:
    found = minimize(
        lambda x, a: float((x - a) @ (x - a)), np.zeros(2), args=(3.0,), jac=lambda x, a: 2 * (x - a),
        method=method("sgd"), options={"lr": 0.5},
    )  # fmt: skip
    np.testing.assert_allclose(found.x, 3.0)


def test_a_callback_sees_each_point_and_may_stop(method: Any) -> None:
    seen: list[float] = []

    def by_point(x: np.ndarray) -> None:
        seen.append(rosen(x))

    def by_result(intermediate_result: OptimizeResult) -> None:
        assert intermediate_result.fun == rosen(intermediate_result.x)
        if intermediate_result.nit == 3:
            raise StopIteration

    minimize(rosen, START, jac=rosen_der, method=method("adam"), callback=by_point, options={"maxiter": 4})
    assert len(seen) == 4
    assert seen == sorted(seen, reverse=True)
    found = minimize(rosen, START, jac=rosen_der, method=method("adam"), callback=by_result)
    assert (found.nit, found.status, found.success) == (3, 99, False)


def test_what_rules_do_not_know_is_refused(method: Any) -> None:
    with pytest.raises(UsageError, match="bounds or constraints"):
        minimize(rosen, START, jac=rosen_der, method=method("adam"), bounds=[(0, 1)] * 3)
    with pytest.raises(UsageError, match="bounds or constraints"):
        minimize(rosen, START, jac=rosen_der, method=method("adam"), constraints={"type": "eq", "fun": np.sum})
    with pytest.raises(UsageError, match="no number 'rho': this rule has lr"):
        minimize(rosen, START, jac=rosen_der, method=method("sgd"), options={"rho": 1.0})


@pytest.mark.parametrize("rule", ["barzilai_borwein", "optimistic_gda", "adam", "damped_newton"])
def test_functions_may_change_what_they_get_and_return_the_same_array_again(method: Any, rule: str) -> None:
    same: dict[str, Any] = {"g": np.zeros(2), "h": np.zeros(2)}
    scale = np.array([1.0, 10.0])

    def value(x: Any) -> float:
        x *= scale**0.5
        return float(x @ x / 2)

    def slope(x: Any) -> Any:
        x *= scale
        same["g"][:] = x
        return same["g"]

    def product(x: Any, v: Any) -> Any:
        x[:], same["h"][:] = 0, scale * v
        return same["h"]

    start, options = np.array([3.0, 2.0]), {"maxiter": 20}
    pure = minimize(
        lambda x: float(scale @ x**2 / 2), start, jac=lambda x: scale * x, hessp=lambda x, v: scale * v,  # noqa: ARG005
        method=method(rule), options=options,
    )  # fmt: skip
    found = minimize(value, start, jac=slope, hessp=product, method=method(rule), options=options)
    np.testing.assert_allclose(found.x, pure.x, rtol=1e-12, atol=1e-12)
    assert start.tolist() == [3.0, 2.0]


def test_tolerance_and_number_of_steps_have_the_defaults_of_scipy(method: Any) -> None:
    def steps(**given: Any) -> int:
        return int(minimize(lambda x: x @ x, [1.0], jac=lambda x: 2 * x, method=method("sgd"), **given).nit)

    assert steps(tol=1e-2, options={"lr": 0.1, "gtol": 1e-9}) == steps(options={"lr": 0.1, "gtol": 1e-9})
    assert steps(tol=1e-5, options={"lr": 0.1}) == steps(options={"lr": 0.1}) < steps(options={"lr": 0.1, "gtol": 1e-9})
    assert steps(options={"lr": 0.0, "maxiter": None}) == 1000


def test_functions_warn_as_they_would_elsewhere(method: Any) -> None:
    def value(x: Any) -> float:
        return float(np.log(x - 5).sum())

    with pytest.warns(RuntimeWarning, match="invalid value"):
        minimize(value, [1.0], jac=lambda x: 2 * x, method=method("sgd"))
    asks = method(
        "def init(xp, p):\n    return {}\ndef update(xp, g, state, p, hp, t, aux):\n    return aux.grad(p - 9.0), {}\n"
    )
    with pytest.warns(RuntimeWarning, match="invalid value"):
        minimize(lambda x: x @ x, [7.0], jac=lambda x: np.log(x - 5), method=asks, options={"maxiter": 1})
