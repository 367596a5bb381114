"""Drive a search from the command line: progress on stderr, the report on stdout."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from slotforge.core.errors import ModelError

if TYPE_CHECKING:
    from slotforge.core.types import RunConfig
    from slotforge.lineage.store import SqlStore
    from slotforge.search.report import Report


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def drive(store: SqlStore, config: RunConfig, *, run_id: str = "", take_over: bool = False, as_json: bool) -> None:
    """Run a search to its report and print it; exits with 130 when the user ended it, with 1 when the model is down."""
    from slotforge.search.discover import Discovery
    from slotforge.service.cli._progress import watching

    with _ends_cleanly(), store, watching() as observer:
        job = Discovery(config=config, store=store, observer=observer, run_id=run_id, take_over=take_over)
        try:
            report = job.run()
        except KeyboardInterrupt:
            _stopped(job.run_id)
    publish(report, config, as_json=as_json)
    if report.failure:
        advice = f"mend that, then go on with `slotforge resume {report.run}`, or anew where the budget is spent"
        raise ModelError(f"the model does not answer ({report.failure}): {advice}")
    if report.state == "interrupted":
        _stopped(report.run)


@contextmanager
def _ends_cleanly() -> Iterator[None]:
    """Let SIGTERM, by which batch systems and containers end a process, do what Ctrl-C does.

    SIGINT itself is ignored by what a shell has sent to the background.
    """

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stopped(run: str) -> NoReturn:
    print(f"interrupted; go on with:  slotforge resume {run}" if run else "stopped", file=sys.stderr)
    sys.exit(130)


def publish(report: Report, config: RunConfig, *, as_json: bool) -> None:
    """Print a report as one JSON document, or for people."""
    from slotforge.service.cli._json import print_json
    from slotforge.service.cli._report import print_report

    if as_json:
        print_json(report)
    else:
        print_report(report, config)
