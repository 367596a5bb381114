"""Named suites of uploaded instances: `suite:NAME` wherever instances are named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slotforge.core.errors import FormulaError, UsageError
from slotforge.lineage.allowance import NoRoom
from slotforge.lineage.suites import SuiteRecord, SuiteSummary, check_name, put, remove, suite, suites
from slotforge.search.named_suites import materialise
from slotforge.service.instances.unpack import PIECE
from slotforge.service.instances.vault import Vault
from slotforge.solvers.sat.folder import formulas

__all__ = ["SuiteRecord", "SuiteSummary", "add_files", "materialise", "put", "remove", "suite", "suites"]


def add_files(
    vault: Vault, name: str, paths: Sequence[Path], *, owner: str, admin: bool = False
) -> tuple[SuiteRecord, tuple[str, ...]]:
    """Make a suite of local CNF files, and of those that lie in local folders themselves; see `put`.

    Returns:
        The suite, and one line for each file that was left out, and for each departure that was tolerated.

    Raises:
        UsageError: a path is not there, or no file is left.
        NoRoom: a file is more than their owner may keep.
    """
    check_name(name)
    found: list[str] = []
    left_out: list[str] = []
    told: list[str] = []
    with vault.reader() as reader:
        for path in formulas(paths, left_out):
            try:
                with path.open("rb") as file:
                    pieces = iter(lambda: file.read(PIECE), b"")
                    found.append(vault.add(pieces, name=path.name, owner=owner, reader=reader, told=told).id)
            except NoRoom as error:
                raise NoRoom(f"{error}; what came before it is kept") from None
            except FormulaError as error:
                left_out.append(f"{error}, left out")
    if not found:
        raise UsageError("\n".join([f"no usable CNF file for suite '{name}'", *left_out]))
    return put(vault.store, name, found, owner=owner, admin=admin), (*left_out, *told)
