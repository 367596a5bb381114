"""The import rules: downwards only, heavy packages in one place each, and nothing of ours under a bare name."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("core", "solvers", "prompts", "lineage", "search", "service", "testing", "bench")

# whom each may import, besides itself
BELOW: dict[str, set[str]] = {
    "core": set(),
    "solvers": {"core"},
    "prompts": {"core"},
    "lineage": {"core"},
    "search": {"core", "solvers", "prompts", "lineage"},
    "service": {"core", "solvers", "prompts", "lineage", "search", "bench"},
    "testing": {"core", "solvers", "prompts", "lineage", "search"},
    "bench": {"core", "solvers", "prompts", "lineage", "search", "service", "testing"},
}

# the one place of each package that is heavy or binds to a system outside
HOMES = {
    "ray": ("search/executors/ray.py",),
    "sqlalchemy": ("lineage/",),
    "alembic": ("lineage/migrations/",),
    "langchain": ("search/proposers/",),
    "langchain_core": ("search/proposers/",),
    "langchain_openai": ("search/proposers/",),
    "openai": ("search/proposers/",),
    "fastapi": ("service/api/", "service/web/"),
    "rich": ("service/cli/",),
    "tree_sitter": ("solvers/sat/",),
    "jax": ("solvers/optim/", "testing/", "bench/"),
    "torch": ("solvers/optim/adapters/", "testing/", "bench/"),
    "optax": ("solvers/optim/adapters/", "bench/"),
    "optuna": ("solvers/optim/tune.py", "search/estimator.py"),
    "ioh": ("solvers/optim/problems/bbob.py",),
    "tree_sitter_cpp": ("solvers/sat/",),
}

# what is about the sandbox itself: doctor names the level of this machine, a benchmark measures what a start costs,
# a worker of a cluster says whether its node is as safe as the driver's, and uploads are read in it
ABOUT_THE_SANDBOX = {
    "service/cli/_checks.py": "slotforge.solvers.sandbox.level",
    "bench/sandbox.py": "slotforge.solvers.sandbox",
    "service/instances/reader.py": "slotforge.solvers.sandbox",
    "search/executors/_node.py": "slotforge.solvers.sandbox.level.level",
    "service/jobs/supervisor.py": "slotforge.solvers.sandbox.level.level",
}


@dataclass(frozen=True)
class Import:
    """An import. name: the dotted name of what is imported, with the name after `import` where there is one."""

    file: str
    line: int
    name: str

    @property
    def top(self) -> str:
        return self.name.partition(".")[0]

    @property
    def folder(self) -> str:
        return self.file.partition("/")[0]


def imports() -> Iterator[Import]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from imports_of(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def imports_of(file: str, text: str) -> Iterator[Import]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (Import(file, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = ("." * node.level) + (node.module or "")
            yield from (Import(file, node.lineno, f"{module}.{alias.name}") for alias in node.names)


def faults_of(found: Iterator[Import]) -> list[str]:
    return [f"{one.file}:{one.line}: {one.name}: {fault}" for one in found for fault in faults(one)]


def faults(one: Import) -> Iterator[str]:
    if one.name.startswith("."):
        yield "a relative import: write slotforge.<folder>"
    if one.top in FOLDERS:
        yield "a bare import of a root folder: write slotforge.<folder>"
    folder = one.name.split(".")[1] if one.top == "slotforge" and "." in one.name else one.folder
    if folder in FOLDERS and folder not in {*BELOW[one.folder], one.folder}:
        yield f"{one.folder} may import only {', '.join(sorted(BELOW[one.folder])) or 'nothing of ours'}"
    if not any(one.file.startswith(home) for home in HOMES.get(one.top, (one.file,))):
        yield f"{one.top} is imported in {', '.join(HOMES[one.top])} alone"
    about = ABOUT_THE_SANDBOX.get(one.file) == one.name
    if f"{one.name}.".startswith("slotforge.solvers.sandbox.") and one.folder != "solvers" and not about:
        yield "only solvers use their sandbox"


def test_imports_run_downwards_and_heavy_packages_have_one_place_each() -> None:
    assert faults_of(imports()) == []


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("core/a.py", "from slotforge.search.loop import Search", "core may import only nothing of ours"),
        ("prompts/a.py", "from slotforge.solvers.sat import slot", "prompts may import only core"),
        ("lineage/a.py", "def f():\n    from slotforge import search", "lineage may import only core"),
        ("lineage/a.py", "import slotforge.search.loop", "lineage may import only core"),
        ("search/a.py", "from slotforge.solvers import sandbox", "only solvers use their sandbox"),
        ("service/cli/_checks.py", "from slotforge.solvers.sandbox import run", "only solvers use their sandbox"),
        ("search/a.py", "def f():\n    import ray", "ray is imported in search/executors/ray.py alone"),
        ("search/a.py", "from core.types import Trial", "a bare import of a root folder"),
        ("search/a.py", "from . import loop", "a relative import"),
        ("search/a.py", "from slotforge.core.types import Trial", None),
    ],
)
def test_the_rules_find_each_kind_of_fault(file: str, text: str, fault: str | None) -> None:
    found = faults_of(imports_of(file, text))
    assert (fault is None and not found) or (fault is not None and any(fault in one for one in found))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_root_folder_cannot_be_imported_by_its_bare_name_outside_the_repository(folder: str, tmp_path: Path) -> None:
    code = f"import slotforge, {folder}; print({folder}.__file__, {folder}.__path__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0, done.stdout
    assert "ModuleNotFoundError" in done.stderr
