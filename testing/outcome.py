"""What of a search must not depend on who ran it, how often it was killed, and when."""

from __future__ import annotations

from collections.abc import Mapping

from slotforge.core.types import Trial
from slotforge.search.numbering import ABLATION, TUNED_BASELINE

Outcome = Mapping[int, tuple[object, ...]]


def outcome(trials: Mapping[int, Trial]) -> Outcome:
    """Return the trials as the search left them.

    Whether a verdict confirms one depends on CPU seconds too, and with it goes whether the winner is taken apart.
    """
    return {
        n: (
            t.candidate and t.candidate.id,
            "scored" if t.scored else t.state,
            t.ratio,
            t.reason,
            t.parents,
            t.instances,
        )
        for n, t in sorted(trials.items())
        if not TUNED_BASELINE < n <= ABLATION
    }
