"""SciPy: a rule as a method of `scipy.optimize.minimize`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult
from scipy.optimize._numdiff import approx_derivative

from slotforge.core.errors import UsageError
from slotforge.solvers.optim.adapters._numbers import chosen, options
from slotforge.solvers.optim.adapters._numpy_namespace import xp
from slotforge.solvers.optim.aux import Aux, Spent

Array = Any
STEP = float(np.finfo(float).eps) ** (1 / 3)  # of central differences
MAXITER, GTOL = 1000, 1e-5
DIFFERENCES = ("2-point", "3-point", "cs")
SAID = {
    0: "The gradient is below the tolerance.",
    1: "Maximum number of iterations has been exceeded.",
    2: "The function or its gradient is not finite any more: x is the best point before; try a smaller step.",
    99: "`callback` raised `StopIteration`.",
}


@dataclass
class Oracle:
    """The function to be minimised, with its derivatives, counted.

    Functions get copies of points, may return the same array again, and warn of what they compute as they did before.

    differences: how the gradient is approximated where `jac` is not a function, as `jac` of `minimize` says it.
    """

    fun: Callable[..., Any]
    args: tuple[Any, ...]
    jac: Any
    hess: Any
    hessp: Any
    shape: tuple[int, ...]
    differences: Any
    counts: dict[str, int] = field(default_factory=lambda: {"nfev": 0, "njev": 0, "nhev": 0})
    warned: Any = field(default_factory=np.geterr)

    def value(self, x: Array) -> float:
        """Evaluate the function."""
        return float(self._number(x))

    def _number(self, x: Array) -> Array:
        self.counts["nfev"] += 1
        return np.asarray(self._told(self.fun, x)).reshape(())

    def _told(self, function: Callable[..., Any], *points: Array) -> Any:
        with np.errstate(**self.warned):
            return function(*(x.copy() for x in points), *self.args)

    def grad(self, x: Array) -> Array:
        """Evaluate the gradient, by differences where there is none."""
        self.counts["njev"] += 1
        if callable(self.jac):
            return np.array(self._told(self.jac, x), dtype=float).reshape(self.shape)
        return np.asarray(approx_derivative(self._number, x, method=self.differences), dtype=float).reshape(self.shape)

    def hvp(self, x: Array, v: Array) -> Array:
        """Multiply with the Hessian, by central differences of the gradient where there is none."""
        self.counts["nhev"] += 1
        if callable(self.hessp):
            return np.array(self._told(self.hessp, x, v), dtype=float).reshape(self.shape)
        if callable(self.hess):
            return np.asarray(self._told(self.hess, x) @ v, dtype=float)
        length = float(np.linalg.norm(v))
        if length == 0:
            return np.zeros_like(x)
        step = STEP * (1 + float(np.linalg.norm(x))) / length
        return (self.grad(x + step * v) - self.grad(x - step * v)) / (2 * step)

    def hessian(self, x: Array) -> Array:
        """Evaluate the Hessian, which may be sparse or an operator."""
        if callable(self.hess):
            self.counts["nhev"] += 1
            return np.asarray(self._told(self.hess, x) @ np.eye(x.size), dtype=float)
        return np.stack([self.hvp(x, unit) for unit in np.eye(x.size)])

    def questions(self, x: Array) -> dict[str, Callable[[Array], Array]]:
        """Give the functions behind `aux` at a point."""
        return {
            "grad": self.grad,
            "grads": lambda xs: np.stack([self.grad(one) for one in xs]),
            "hvp": lambda v: self.hvp(x, v),
            "hessian": self.hessian,
            "mix": lambda y: y,
            "mix_sign": np.sign,
        }


@dataclass(frozen=True)
class Method:
    """A method for `scipy.optimize.minimize(fun, x0, method=..., jac=..., options={...})`.

    rule: a composite of rules.
    numbers: defaults of its numbers, by "slot.name"; options set them by their short names.
    """

    rule: Any
    numbers: Mapping[str, float]

    def __call__(
        self, fun: Callable[..., Any], x0: Array, args: tuple[Any, ...] = (), jac: Any = None, hess: Any = None,
        hessp: Any = None, bounds: Any = None, constraints: Any = (), callback: Any = None, *,
        maxiter: int | None = None, gtol: float | None = None, tol: float | None = None, rank: int = 0, seed: int = 0,
        differences: str = "2-point", disp: bool = False, **numbers: Any,
    ) -> OptimizeResult:  # fmt: skip
        """Minimise.

        Args:
            maxiter: steps at most; 1000 where it is not given.
            gtol: largest entry of a gradient that counts as zero; where it is not given, `tol` of `minimize` or 1e-5.
            rank: of the matrix that is looked for, for rules that ask.
            seed: of the noise that some rules want.
            differences: for the gradient where `jac` is no function: "2-point", "3-point" or "cs". `minimize` keeps
                such a word to itself where it is given as `jac`: give it here.
            disp: print how it ended.
            numbers: of the rule, by name.

        Raises:
            UsageError: there are bounds or constraints, the rule has no such number, or there are no such differences.
        """
        maxiter = MAXITER if maxiter is None else maxiter
        gtol = next(found for found in (gtol, tol, GTOL) if found is not None)
        differences = jac if isinstance(jac, str) else differences
        if differences not in DIFFERENCES:
            raise UsageError(f"no differences {differences!r}: choose from {', '.join(DIFFERENCES)}")
        if bounds is not None or np.any(constraints):
            raise UsageError("rules do not know bounds or constraints: leave them out, or choose another method")
        names = options(self.numbers)
        unsigned = {name for name, full in names.items() if full in self.rule.unsigned}
        given = chosen({name: self.numbers[full] for name, full in names.items()}, numbers, unsigned)
        hp = {names[name]: np.asarray(value, dtype=float) for name, value in given.items()}
        x = np.array(x0, dtype=float).ravel()
        oracle = Oracle(fun, args, jac, hess, hessp, x.shape, differences)
        facts = {
            "horizon": np.asarray(float(maxiter)), "rank": rank, "spread": np.zeros(1), "parent": np.zeros(1),
        }  # fmt: skip
        result = self._run(x, oracle, hp, facts, maxiter, gtol, _caller(callback), seed)
        if disp:
            print(f"{result.message}\n  f = {result.fun:g}, {result.nit} steps, {result.nfev} values")
        return result

    def _run(
        self, x0: Array, oracle: Oracle, hp: Mapping[str, Array], facts: dict[str, Any], maxiter: int, gtol: float,
        callback: Callable[[OptimizeResult], None], seed: int,
    ) -> OptimizeResult:  # fmt: skip
        rng = np.random.default_rng(seed)
        state, x, steps = self.rule.init(xp, x0), x0, 0
        noise = lambda: rng.standard_normal(x0.shape)  # noqa: E731
        with np.errstate(all="ignore"):
            value, g = oracle.value(x), oracle.grad(x)
            best = (value, x, g)
            while (status := _status(value, g, steps, maxiter, gtol)) is None:
                best = min(best, (value, x, g), key=lambda seen: seen[0])
                now = {"value": np.asarray(value), "norm": np.linalg.vector_norm(g), "noise": noise}
                aux = Aux(Spent(), {**now, **facts}, oracle.questions(x))
                point, state = self.rule.update(xp, g, state, x, hp, np.asarray(steps + 1.0), aux)
                x, steps = np.asarray(point, dtype=float), steps + 1
                value, g = oracle.value(x), oracle.grad(x)
                try:
                    with np.errstate(**oracle.warned):
                        callback(_result(x=x.copy(), fun=value, jac=g.copy(), nit=steps))
                except StopIteration:
                    status = 99
                    break
        if status == 2:
            value, x, g = best
        said = {"status": status, "success": status == 0, "message": SAID[status]}
        return _result(x=x, fun=value, jac=g, nit=steps, **oracle.counts, **said)


def _result(**found: Any) -> OptimizeResult:
    result = OptimizeResult()
    result.update(found)
    return result


def _status(value: float, g: Array, steps: int, maxiter: int, gtol: float) -> int | None:
    """Say why a run is over; None if it is not."""
    if not np.isfinite(value) or not np.all(np.isfinite(g)):
        return 2
    if np.max(np.abs(g), initial=0.0) <= gtol:
        return 0
    return 1 if steps >= maxiter else None


def _caller(callback: Any) -> Callable[[OptimizeResult], None]:
    """Call a callback as SciPy does: with the result so far where that is the name of its argument, else with x."""
    if callback is None:
        return lambda _: None
    try:
        named = set(inspect.signature(callback).parameters) == {"intermediate_result"}
    except (TypeError, ValueError):
        named = False
    return (lambda result: callback(intermediate_result=result)) if named else (lambda result: callback(result.x))
