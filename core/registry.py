"""Extensions: a file in a folder is one, and its file name is its name; others come through entry points."""

from __future__ import annotations

import importlib
import importlib.util
import re
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from types import ModuleType

from slotforge.core.errors import UsageError

_DOCSTRING = re.compile(
    r"""(?:[ \t]*(?:\#[^\n]*)?\n)*  # comments and empty lines
    [rRuU]?(?P<quote>\"{3}|'{3}|\"|')\s*(?P<line>.*?)(?:(?P=quote)|\n)""",
    re.VERBOSE,
)


def names(package: str) -> dict[str, str]:
    """List the extensions of a package without importing them.

    Args:
        package: dotted name of the folder, e.g. "slotforge.search.strategies"; entry points of the group of the same
            name without its inner folders ("slotforge.strategies") count as well.

    Returns:
        Name to the first line of its docstring, sorted by name. Modules that begin with an underscore, or whose
        docstring is missing, are no extensions.
    """
    found = {path.stem: summary for path in _folder(package).glob("*.py") if (summary := _summary(path))}
    for point in _installed(package):
        found.setdefault(point.name, f"from {point.value}")
    return dict(sorted(found.items()))


@cache
def load(package: str, name: str) -> ModuleType:
    """Import one extension; raises UsageError with the known names when there is none of this name."""
    if name.isidentifier() and not name.startswith("_") and (_folder(package) / f"{name}.py").is_file():
        return importlib.import_module(f"{package}.{name}")
    for point in _installed(package):
        if point.name == name:
            return importlib.import_module(point.value)
    folder = package.rsplit(".", 1)[-1]
    kind = f"{folder[:-3]}y" if folder.endswith("ies") else folder.removesuffix("s")
    raise UsageError(f"no {kind} called '{name}': choose one of {', '.join(names(package))}")


@cache
def _installed(package: str) -> EntryPoints:
    """Find what other packages add, once: it stays while a process lives, and looking takes milliseconds."""
    return entry_points(group=f"slotforge.{package.rsplit('.', 1)[-1]}")


def _folder(package: str) -> Path:
    try:
        spec = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise UsageError(f"no package {package}")
    return Path(spec.origin).parent


def _summary(path: Path) -> str:
    """Read the first line of a docstring as text: Python's own parser, in this version, fails in several threads."""
    found = None if path.stem.startswith("_") else _DOCSTRING.match(path.read_text(encoding="utf-8"))
    return found["line"].strip() if found else ""
