"""The slot of a domain with the policies of the literature: files in its folder `policies`.

The docstring of the folder's `__init__.py` is the summary and the contract; its DEFAULT names the policy that the
solver ships with.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from slotforge.core import syntax
from slotforge.core.types import Slot
from slotforge.solvers.policy.source import arguments, function, parse


@cache
def slot(folder: Path, name: str) -> Slot:
    """Read the slot.

    Args:
        folder: of the policies.
        name: of the slot, and of the function that a policy defines.
    """
    tree = syntax.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    assigned = next(node for node in tree.body if isinstance(node, ast.Assign))
    first = str(ast.literal_eval(assigned.value))
    policies = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("[!_]*.py"))}
    summary, _, contract = (ast.get_docstring(tree) or "").partition("\n")
    return Slot(
        name=name,
        summary=summary,
        contract=contract.strip(),
        signature=_signature(policies[first], name),
        default=policies[first],
        variants={first: policies[first]} | policies,
    )


def _signature(source: str, name: str) -> str:
    found = function(syntax.parse(source), name)
    if found is None:
        return ""
    found.body = [ast.Expr(ast.Constant(...))]
    return " ".join(ast.unparse(found).split())


@cache
def arguments_of(source: str, name: str) -> tuple[str, ...]:
    """Name the arguments that the function of a policy has."""
    found = function(parse(source), name)
    return tuple(arguments(found)) if found else ()
