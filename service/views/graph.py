"""Where candidates come from, as a graph: the ancestors of one, or what a run made of what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slotforge.core.types import Record
from slotforge.lineage import queries
from slotforge.lineage.reads.pedigree import of_run
from slotforge.lineage.records import Ancestor
from slotforge.lineage.store import SqlStore

DEPTH, SIZE = 50, 400
MOST = 2000  # nodes


class Node(Ancestor):
    """A candidate in the graph. generation: steps back from the one asked for; in the graph of a run, 0."""


class Edge(Record):
    """That a candidate was made from another."""

    parent: str
    child: str


class Graph(Record):
    """A lineage. cut: whether there is more that was left out, deeper down or beyond the number of nodes.

    root: the candidate that was asked for; None in the graph of a run.
    """

    root: str | None
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    cut: bool


def ancestors(store: SqlStore, ref: str, *, depth: int = DEPTH, size: int = SIZE) -> Graph:
    """Draw a candidate and its ancestors, the nearest first.

    Args:
        ref: id of the candidate, or the beginning of it.
        depth: generations back at most.
        size: nodes at most.
    """
    kept, known = queries.part_of_lineage(store, ref, depth=depth, size=size)
    return _graph(kept[0].candidate, kept, cut=len(kept) < known)


def run_graph(store: SqlStore, run: str, *, size: int = SIZE) -> Graph:
    """Draw what a run made of what: its best candidates, and their ancestors, up to a number of nodes."""
    found, more = of_run(store, run, most=MOST)
    by_id = {one.candidate: one for one in found}
    kept: dict[str, Ancestor] = {}
    for one in found:
        line = _line(one, by_id, kept)
        if len(kept) + len(line) > size:
            break
        kept |= {each.candidate: each for each in line}
    return _graph(None, list(kept.values()), cut=more or len(kept) < len(by_id))


def _line(one: Ancestor, by_id: dict[str, Ancestor], kept: dict[str, Ancestor]) -> list[Ancestor]:
    """List a candidate and those of its ancestors that are not drawn yet."""
    line: dict[str, Ancestor] = {}
    left = [one.candidate]
    while left:
        id_ = left.pop()
        if id_ in by_id and id_ not in kept and id_ not in line:
            line[id_] = by_id[id_]
            left += by_id[id_].parents
    return list(line.values())


def _graph(root: str | None, found: Sequence[Ancestor], *, cut: bool) -> Graph:
    nodes = tuple(Node(**vars(one)) for one in found)
    return Graph(root=root, nodes=nodes, edges=tuple(_edges(nodes)), cut=cut)


def _edges(nodes: Sequence[Node]) -> Iterable[Edge]:
    ids = {one.candidate for one in nodes}
    for one in nodes:
        yield from (Edge(parent=parent, child=one.candidate) for parent in dict.fromkeys(one.parents) if parent in ids)
