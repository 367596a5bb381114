"""Measure slotforge itself, beside the peers found on this machine; keeps the tables in bench/measured."""

from __future__ import annotations

import click

from slotforge.core import registry

BENCHMARKS = "slotforge.bench"


class Benchmarks(click.Group):
    """Finds a benchmark by its file name, and imports it only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name the benchmarks."""
        return list(registry.names(BENCHMARKS))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the benchmark of this name."""
        if cmd_name not in registry.names(BENCHMARKS):
            return None
        command: click.Command = registry.load(BENCHMARKS, cmd_name).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the benchmarks without importing them."""
        with formatter.section("Benchmarks"):
            formatter.write_dl([(name, text.rstrip(".")) for name, text in registry.names(BENCHMARKS).items()])


@click.group(name="bench", cls=Benchmarks)
def command() -> None:
    """Measure slotforge itself, beside the peers found on this machine; keeps the tables in bench/measured."""
