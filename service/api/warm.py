"""What the first requests need, made ready before they come: templates and queries compiled, libraries imported."""

from __future__ import annotations

import logging

from slotforge.core.errors import SlotforgeError
from slotforge.core.types import Candidate
from slotforge.lineage.reads.heuristics import Wanted
from slotforge.lineage.store import SqlStore
from slotforge.service.views import candidates, comparison, course, diff, graph, heuristics, runs, trials
from slotforge.service.web.highlight import code
from slotforge.service.web.pages.candidate import terms
from slotforge.service.web.templating import environment

log = logging.getLogger("slotforge.service")


def warm(store: SqlStore) -> None:
    """Read a little of each kind; a store that cannot be read says so to who asks."""
    for template in environment().list_templates():
        environment().get_template(template)
    try:
        for run in runs.runs(store, limit=1).items:
            _run(store, run.id)
            for best in heuristics.heuristics(store, Wanted(domain=run.domain), limit=1).items:
                _candidate(store, best.candidate, run.domain)
    except SlotforgeError as error:
        log.warning("%s", error)


def _run(store: SqlStore, run: str) -> None:
    runs.shown(store, runs.run_id(store, run), pairs=False)
    trials.trials(store, run, limit=1)
    course.curve(store, run)


def _candidate(store: SqlStore, candidate: str, domain: str) -> None:
    shown = candidates.candidate(store, candidate)
    for source in shown.slots.values():
        code(source, terms(domain).language)
    for split in candidates.Split:
        candidates.measurements(store, candidate, split=split, limit=1)
    trials.trials_of(store, candidate, limit=1)
    graph.ancestors(store, candidate)
    diff.diff_from(store, candidate)
    comparison.compare(store, candidate, Candidate(domain=domain).id)
