"""From the beginning of an id to the id."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, Executable, bindparam, select

from slotforge.core.errors import UnknownId
from slotforge.lineage.columns import Exact
from slotforge.lineage.engine import name
from slotforge.lineage.prepared import prepared
from slotforge.lineage.schema import Candidate, Run

Kind = Literal["run", "candidate"]

TABLES: dict[Kind, type[Run] | type[Candidate]] = {"run": Run, "candidate": Candidate}
LISTED_BY: dict[Kind, str] = {"run": "`slotforge runs`", "candidate": "`slotforge best DOMAIN`"}


def find(connection: Connection, ref: str, *kinds: Kind) -> tuple[Kind, str]:
    """Complete the beginning of an id.

    Args:
        kinds: what it may belong to.

    Raises:
        UnknownId: no id begins so, or several do.
    """
    text = ref.strip().lower()
    found = [(kind, id_) for kind in kinds for id_ in _fits(connection, kind, text)]
    found = [pair for pair in found if pair[1] == text] or found
    if len(found) == 1:
        return found[0]
    if not found:
        for kind in TABLES:
            if kind not in kinds and _fits(connection, kind, text):
                raise UnknownId(
                    f"'{ref}' is a {kind}, and a {' or '.join(kinds)} is wanted: `slotforge show {ref}` tells more"
                )
        lists = " and ".join(LISTED_BY[kind] for kind in kinds)
        store = name(connection.engine.url)
        raise UnknownId(f"no {' or '.join(kinds)} '{ref}' in {store}: see {lists}", store=store)
    some = ", ".join(f"{kind} {id_}" for kind, id_ in found[:3]) + (", ..." if len(found) > 3 else "")
    raise UnknownId(f"'{ref}' is not enough of the id, it fits {some}: give more of it")


def _fits(connection: Connection, kind: Kind, text: str) -> list[str]:
    """List up to four ids that begin with a text: those between it and it with a letter after all hexadecimal ones."""
    if not text or not set(text) <= set("0123456789abcdef"):
        return []
    return _between(kind).scalars(connection, low=text, high=f"{text}g")


@prepared
def _between(kind: Kind) -> Executable:
    column, (low, high) = TABLES[kind].id, (bindparam(name, type_=Exact()) for name in ("low", "high"))
    return select(column).where(column >= low, column < high).order_by(column).limit(4)
