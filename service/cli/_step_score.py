"""StepScore and pictures of a step rule, from its measurements and those of the best tuned specialists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.core.ids import generator
from slotforge.core.types import Candidate, Measurement
from slotforge.lineage.records import CandidateDetails
from slotforge.service.cli._console import interval, print_table, ratio
from slotforge.service.cli._source import Source
from slotforge.service.views.provenance import tuned_numbers

if TYPE_CHECKING:
    from slotforge.solvers.optim.score import StepScore

DOMAIN = "optim"
COLUMNS = ("trials", "StepScore", "95 % interval", "problems", "worst family", "worst problem", "")
NUMBERS = ("number", "declared", "best found", "least", "greatest", "problems")
Both = tuple[Sequence[Measurement], Sequence[Measurement]]


def compared(source: Source, details: CandidateDetails) -> Both:
    """Return measurements of a candidate and of the reference: of its last verdict, else of its largest trial."""
    against = Candidate(domain=details.candidate.domain).id
    held = [one for one in details.confirmations if one.against == against and one.pairs]
    if held:
        pairs = max(held, key=lambda one: one.at).pairs
        return [pair.candidate for pair in pairs], [pair.against for pair in pairs]
    trial = max(details.trials, key=lambda t: len(t.measurements), default=None)
    if trial is None or not details.candidate.slots:
        return [], []
    return trial.measurements, source.trial(trial.run, 0).measurements


def print_numbers(console: Console, details: CandidateDetails) -> None:
    """Print the numbers that an export has as defaults, beside those that the rules declare."""
    from slotforge.solvers.optim.builtin import default
    from slotforge.solvers.optim.rule import numbers

    found = tuned_numbers(details)
    sources = {"step": default("step"), **details.candidate.slots} if found else {}
    declared = {f"{slot}.{name}": n.default for slot, text in sources.items() for name, n in numbers(text).items()}
    rows = [
        (name, f"{declared[name]:.3g}", f"{one.value:.3g}", f"{one.low:.3g}", f"{one.high:.3g}", str(one.problems))
        for name, one in found.items()
        if name in declared
    ]
    if rows:
        title = "numbers: medians of the best on each problem that was solved"
        print_table(console, NUMBERS, rows, numbers=NUMBERS[1:], texts=NUMBERS[:1], title=title)


def scores(both: Both) -> list[StepScore]:
    """Return the score with 1, 12 and 48 trials, as far as that is known."""
    from slotforge.solvers.optim import score

    candidate, reference = both
    if not score.ratios(candidate, reference, score.TRIALS[0]):
        return []
    known = [trials for trials in score.TRIALS if score.known(candidate, trials)]
    return [score.step_score(candidate, reference, trials, generator("bootstrap", trials)) for trials in known]


def document(both: Both) -> list[dict[str, Any]]:
    """Return the scores as `show --json` has them; what was measured in a search is not judged."""
    return [{**asdict(one), "verdict": one.word if _judged(both) else None} for one in scores(both)]


def _judged(both: Both) -> bool:
    return all(measured.build == "verdict" for measured in both[0])


def print_scores(console: Console, both: Both) -> None:
    """Print the scores, if there are any."""
    rows = []
    for one in scores(both):
        family = min(one.families, key=lambda name: one.families[name])
        least = "at least " if one.at_least else ""
        rows.append((
            str(one.trials), least + ratio(one.score), interval(one.low, one.high), str(one.problems),
            f"{escape(family)} {ratio(one.families[family])}", f"{escape(one.worst[0])} {ratio(one.worst[1])}",
            one.word if _judged(both) else "not judged: measured in the search",
        ))  # fmt: skip
    if not rows:
        return
    title = "StepScore: calls of the best tuned specialist over those of the rule (above 1 is faster)"
    print_table(console, COLUMNS, rows, numbers=COLUMNS[:4], texts=COLUMNS[4:6], title=title)


def write_picture(path: Path, id_: str, both: Both) -> None:
    """Write convergence, anytime distribution and profiles as SVG.

    Raises:
        UsageError: nothing was measured that could be drawn.
        SlotforgeError: the file cannot be written.
    """
    from slotforge.solvers.optim.pictures import sheet_of

    candidate, reference = both
    common = {m.instance for m in candidate} & {m.instance for m in reference}
    if not common:
        raise UsageError(f"{id_} was not measured beside the reference: try `slotforge confirm {id_}`")
    solvers = {"this rule": candidate, "best specialist": reference}
    shared = {name: [m for m in told if m.instance in common] for name, told in solvers.items()}
    try:
        path.write_text(sheet_of(shared, "best specialist"), encoding="utf-8")
    except OSError as error:
        raise SlotforgeError(f"{path}: cannot be written: {error.strerror}") from error
