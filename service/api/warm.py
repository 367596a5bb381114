"""What the first requests need, made ready before they come: queries compiled, some pages of the store read."""

from __future__ import annotations

import logging

from slotforge.core.errors import SlotforgeError
from slotforge.lineage.store import SqlStore
from slotforge.service.views import candidates, course, graph, heuristics, runs, trials

log = logging.getLogger("slotforge.service")


def warm(store: SqlStore) -> None:
    """Read a little of each kind; a store that cannot be read says so to who asks."""
    try:
        for run in runs.runs(store, limit=1).items:
            runs.shown(store, runs.run_id(store, run.id), pairs=False)
            trials.trials(store, run.id, limit=1)
            course.curve(store, run.id)
            for best in heuristics.heuristics(store, heuristics.Wanted(domain=run.domain), limit=1).items:
                candidates.candidate(store, best.candidate)
                trials.trials_of(store, best.candidate, limit=1)
                graph.ancestors(store, best.candidate)
    except SlotforgeError as error:
        log.warning("%s", error)
