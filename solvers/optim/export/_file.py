"""The parts of an exported file: where it comes from, the rules in scopes of their own, and our modules around them."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slotforge.core import syntax
from slotforge.core.types import Candidate
from slotforge.solvers.optim.adapters._load import parts
from slotforge.solvers.optim.export._record import Trajectory, record
from slotforge.solvers.optim.rule import load
from slotforge.solvers.provenance import lines, title

_SOURCES = Path(__file__).resolve().parents[1]
TUNED = "Defaults: the medians of the best that were found on the problems where it was measured, see above."
DECLARED = "Defaults: as the rules declare them."
_COMMON = ("aux", "compose", "adapters/_numbers")
_FILE = '''\
"""{title}.

{about}
`python {file}` tests it.
"""

{provenance}

from __future__ import annotations

{imports}


class UsageError(ValueError):
    """The request itself is wrong."""


# The rules, as they were found.

{rules}

# What runs them: parts of slotforge, Apache License 2.0.

{machinery}

# {origin}
NUMBERS = {numbers}


class Part:
    """The rule of one slot."""

    def __init__(self, init: Any, update: Any, unsigned: tuple[str, ...]) -> None:
        self.init, self.update, self.unsigned = init, update, unsigned


RULE = Composite(parts={{{parts}}})
{public}

# A test against the first steps on a quadratic function, as NumPy computed them.

{test}


if __name__ == "__main__":
    test()
    print("passed")
'''


@dataclass(frozen=True, kw_only=True)
class Head:
    """What stands above.

    file: name of the file.
    """

    candidate: Candidate
    provenance: Mapping[str, Any]
    file: str

    @property
    def comments(self) -> str:
        """Say where the candidate comes from."""
        return "\n".join(f"# {line}" for line in lines(self.provenance)) or "# Its history is not known."

    @property
    def found(self) -> dict[str, float]:
        """Return the numbers that measurements have tuned, by "slot.name"."""
        return {name: float(told["value"]) for name, told in self.provenance.get("tuned numbers", {}).items()}


def write(
    slots: Mapping[str, str], head: Head, modules: Iterable[str], *, about: str, public: str, test: str, vector: bool
) -> str:
    """Put a file together, with the default step in it where the candidate has none.

    Args:
        slots: slot name to source.
        head: what stands above.
        modules: of this domain, besides those that every file needs, in the order in which they need each other.
        about: how to use it, in the docstring.
        public: code that makes what users take from it.
        test: code of `test()`, with the fields of a `Trajectory` in braces.
        vector: whether the test must be on a vector.
    """
    imports, machinery = bundle((*_COMMON, *modules))
    whole = parts(slots)
    trajectory = record(slots, head.found, vector=vector)
    unsigned = {slot: load(source, slot).unsigned for slot, source in whole.items()}
    scopes = {slot: f"{'rule' if slot in slots else 'default'}_{slot}" for slot in whole}
    return _FILE.format(
        title=title(head.candidate),
        about=about,
        file=head.file,
        provenance=head.comments,
        imports="\n".join(imports),
        rules="\n\n".join(scope(scopes[slot], source) for slot, source in whole.items()),
        machinery=machinery,
        origin=TUNED if set(head.found) & set(trajectory.numbers) else DECLARED,
        numbers=repr(trajectory.numbers),
        parts=", ".join(f'"{slot}": Part(*{name}(), {unsigned[slot]!r})' for slot, name in scopes.items()),
        public=public,
        test=_filled(test, trajectory),
    )


def scope(name: str, source: str) -> str:
    """Put a rule into a function, so that its names are its own."""
    return f"\ndef {name}() -> Any:\n{textwrap.indent(source.strip(chr(10)), '    ')}\n\n    return init, update\n"


def bundle(modules: Iterable[str]) -> tuple[list[str], str]:
    """Join modules of this domain; return what they import from elsewhere, and their code."""
    imports: set[str] = {"from typing import Any"}
    code = []
    for module in modules:
        text = (_SOURCES / f"{module}.py").read_text(encoding="utf-8")
        kept = text.splitlines()
        for node in reversed(syntax.parse(text).body):
            docstring = isinstance(node, ast.Expr) and node.lineno == 1
            if isinstance(node, ast.Import | ast.ImportFrom) or docstring:
                del kept[node.lineno - 1 : node.end_lineno]
            if isinstance(node, ast.Import):
                imports.add(ast.unparse(node))
            elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(("slotforge", "__future__")):
                imports |= {ast.unparse(ast.ImportFrom(node.module, [alias], 0)) for alias in node.names}
        code.append("\n".join(kept).strip("\n"))
    return sorted(imports, key=lambda line: (line.startswith("from"), line)), "\n\n\n".join(code)


def _filled(test: str, trajectory: Trajectory) -> str:
    for name in ("start", "end", "steps", "shape"):
        test = test.replace(f"{{{name}}}", repr(getattr(trajectory, name)))
    return test
