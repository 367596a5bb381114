"""The table of View's fields is that of view.hpp."""

from __future__ import annotations

from pathlib import Path

import slotforge.solvers.sat
from slotforge.solvers.sat.vary.fields import VIEW, twins

HEADER = Path(slotforge.solvers.sat.__file__).parent / "engine" / "include" / "slotforge" / "view.hpp"
KINDS = {"std::uint64_t": "integer", "std::uint32_t": "integer", "double": "double", "Mode": "mode"}


def fields_of_the_header() -> dict[str, str]:
    """Read path -> kind from the header, line by line."""
    found: dict[str, str] = {}
    body = HEADER.read_text().split("struct View {")[1]
    block: list[tuple[str, str]] | None = None
    for line in (raw.split("//")[0].strip() for raw in body.splitlines()):
        if line == "struct {":
            block = []
        elif line.startswith("}") and block is not None:
            found |= {f"{line[1:].strip(' ;')}.{name}": kind for name, kind in block}
            block = None
        elif line.startswith("Average "):
            found |= {f"{line[8:-1]}.{speed}": "double" for speed in ("fast", "slow")}
        elif " = " in line and line.endswith(";") and "(" not in line:
            kind, name = line.split(" = ")[0].split()
            block.append((name, KINDS[kind])) if block is not None else found.update({name: KINDS[kind]})
    return found


def test_the_table_has_exactly_the_fields_of_the_header() -> None:
    assert {path: field.kind for path, field in VIEW.items()} == fields_of_the_header()


def test_twins_are_of_one_kind_and_mutual() -> None:
    for path in VIEW:
        for twin in twins(path):
            assert VIEW[twin].kind == VIEW[path].kind
            assert path in twins(twin)
