"""Show all about a run or a candidate: course, verdict and cost, or sources, parents and measurements."""

from __future__ import annotations

from pathlib import Path

import click

from slotforge.service.cli._options import json_option
from slotforge.service.cli._place import Place, place_option


@click.command(name="show")
@click.argument("ref")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write as SVG: the curve of a run; what became of a step rule.",
)
@click.option("--prompt", is_flag=True, help="Of a candidate: show the exchanges with the model as well.")
@place_option
@json_option
def command(ref: str, plot: Path | None, prompt: bool, place: Place, as_json: bool) -> None:
    """Show REF, the id of a run or of a candidate, or the beginning of one."""
    from slotforge.core.errors import UsageError

    if plot and plot.suffix.lower() not in ("", ".svg"):
        raise UsageError(f"{plot}: pictures are drawn as SVG alone: write {plot.with_suffix('.svg')}")
    with place.open() as source:
        found = source.find(ref)
        id_ = found.id
        if found.kind == "run":
            from slotforge.service.cli._show_run import show_run

            if prompt:
                raise UsageError(
                    f"{id_} is a run, --prompt is of a candidate: try `slotforge export {id_} --as replay`"
                )
            show_run(source, id_, plot=plot, as_json=as_json)
        else:
            from slotforge.service.cli._show_candidate import show_candidate

            show_candidate(source, id_, plot=plot, prompt=prompt, as_json=as_json)
