"""The slots, read from their headers: what is written there is what the engine has and what a model is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from slotforge.core.types import Slot
from slotforge.solvers.sat.source import text, tree

if TYPE_CHECKING:
    from tree_sitter import Node

FOLDER = Path(__file__).resolve().parent / "slots"


@cache
def slots() -> Mapping[str, Slot]:
    """All slots by name, in alphabetical order."""
    return MappingProxyType({path.stem: read(path) for path in sorted(FOLDER.glob("*.hpp"))})


def read(path: Path) -> Slot:
    """Read one slot from its header.

    The comment that opens the header is the contract, and the structs and constants above `Signature` belong to it; the
    structs below are the policies, the default first.

    Args:
        path: of the header; its name is the slot's.
    """
    source = path.read_text(encoding="utf-8")
    items, cut = _items(source)
    contract = _opening(source)
    words = [word for word in (_with_comment(source, items, i) for i in range(cut)) if word]
    policies = {
        text(node.child_by_field_name("name")): _with_comment(source, items, i) + "\n"
        for i, node in enumerate(items)
        if i > cut and node.type == "struct_specifier"
    }
    return Slot(
        name=path.stem,
        summary=contract.splitlines()[0].partition(":")[2].strip(),
        contract="\n\n".join([contract, *words]),
        signature=re.sub(r"\s+", " ", text(items[cut].child_by_field_name("type"))),
        default=next(iter(policies.values())),
        variants=policies,
    )


def arguments(name: str) -> Sequence[Node]:
    """The syntax trees of the argument structs and constants of a slot, and of its Signature as the last."""
    items, cut = _items((FOLDER / f"{name}.hpp").read_text(encoding="utf-8"))
    return [node for node in items[: cut + 1] if node.type != "comment"]


def _items(source: str) -> tuple[Sequence[Node], int]:
    """What stands in a header's namespace, and the place of Signature in it."""
    namespace = next(node for node in tree(source).named_children if node.type == "namespace_definition")
    items = namespace.named_children[-1].named_children
    return items, next(i for i, node in enumerate(items) if node.type == "alias_declaration")


def _opening(source: str) -> str:
    lines = source.splitlines()
    end = next(i for i, line in enumerate(lines) if not line.startswith("//"))
    return "\n".join(line.removeprefix("//").removeprefix(" ") for line in lines[:end])


def _with_comment(source: str, items: Sequence[Node], i: int) -> str:
    """The text of an item with the comment right above it; empty for a comment."""
    if items[i].type == "comment":
        return ""
    start = i
    while start and _is_above(items[start - 1], items[start]):
        start -= 1
    data = source.encode()[items[start].start_byte : items[i].end_byte].decode()
    return data if data.endswith(";") else data + ";"


def _is_above(comment: Node, item: Node) -> bool:
    return comment.type == "comment" and comment.end_point[0] + 1 == item.start_point[0]
