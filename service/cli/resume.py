"""Go on with a run after any interruption, with the same result as if it had not been interrupted."""

from __future__ import annotations

import click

from slotforge.service.cli._options import json_option, store_option, unsafe_option


@click.command(name="resume")
@click.argument("run")
@store_option
@unsafe_option
@json_option
@click.option("--take-over", is_flag=True, help="Even if another machine, which may be lost, seems to drive the run.")
def command(run: str, store: str | None, as_json: bool, take_over: bool) -> None:
    """Go on with RUN (an id, or the beginning of one); of one that has finished, print the report again."""
    from slotforge.lineage.store import open_store
    from slotforge.search.report import Report
    from slotforge.service.cli._driver import drive, publish

    opened = open_store(store, new=False)
    record = opened.run(run)
    if record.state == "finished":
        opened.close()
        publish(Report.model_validate(record.report), record.config, as_json=as_json)
        return
    drive(opened, record.config, run_id=record.id, take_over=take_over, as_json=as_json)
