"""A Python file with the rules in it and a `method` for `scipy.optimize.minimize`; it needs NumPy and SciPy alone."""

from __future__ import annotations

from collections.abc import Mapping

from slotforge.solvers.optim.export._file import Head, write

_ABOUT = """\
`scipy.optimize.minimize(fun, x0, jac=jac, method=method, options={...})`; it needs nothing but NumPy and SciPy. See
`Method` for the options, and `NUMBERS` for the numbers, which are options as well."""
_PUBLIC = """

class Found(Method):
    def __reduce__(self) -> str:
        return "method"


method = Found(RULE, NUMBERS)"""
_TEST = '''
def test() -> None:
    """Repeat the steps."""
    from scipy.optimize import minimize

    weights = np.arange(1.0, 7.0)
    hessian = np.diag(weights) + 1
    found = minimize(
        lambda x: x @ hessian @ x / 2, np.array({start}), jac=lambda x: hessian @ x, hess=lambda x: hessian,
        hessp=lambda x, v: hessian @ v, method=method, options={"maxiter": {steps}, "gtol": 0.0, "rank": 1},
    )
    end = {end}
    assert found.nit == {steps} or end is None
    assert end is None or np.allclose(found.x, end, rtol=1e-9, atol=1e-9), found.x'''


def text(slots: Mapping[str, str], head: Head) -> str:
    """Write the file."""
    modules = ("adapters/_numpy_namespace", "adapters/scipy")
    return write(slots, head, modules, about=_ABOUT, public=_PUBLIC, test=_TEST, vector=True)
