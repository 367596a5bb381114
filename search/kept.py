"""Measurements of stages that end as a whole: each is kept as it comes, and not made again after an interruption."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from slotforge.core.ids import content_id
from slotforge.core.types import Candidate, Instance
from slotforge.search.worker import Block, Task

if TYPE_CHECKING:
    from slotforge.core.seams import Executor, Store


class Kept:
    """An executor for one run, of functions that answer with a block.

    Runs that broke down or failed are made anew, and so are those before a failed build and those of another
    environment: a verdict names one.
    """

    def __init__(self, executor: Executor, store: Store, run: str, environment: Mapping[str, str]) -> None:
        self._executor = executor
        self._store = store
        self._run = run
        self._where = content_id(dict(environment))
        self._known = {key: runs for key, runs in store.interim(run).items() if all(m.outcome.finished for m in runs)}

    async def submit(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Measure, unless what came of the same function and arguments is known."""
        key = content_id([self._where, function.__qualname__, _plain(arguments)])
        if known := self._known.get(key):
            return Block(measurements=tuple(known))
        block: Block = await self._executor.submit(function, *arguments)
        if block.measurements and not block.failure:
            self._store.record_interim(self._run, key, block.measurements)
        return block

    def close(self) -> None:
        """Stop the workers and what they run."""
        self._executor.close()


def _plain(value: object) -> object:
    """Write arguments as JSON has them; an instance may lie elsewhere by now, and is the same."""
    match value:
        case Candidate() | Instance():
            return value.id
        case Task():
            return [_plain(getattr(value, name)) for name in Task.model_fields]
        case tuple():
            return [_plain(one) for one in value]
    return value
