"""Options that several commands share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from slotforge.core import registry
from slotforge.core.ids import LARGEST_SEED
from slotforge.service.cli._names import FAMILIES

Command = Callable[..., Any]
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SEED = click.IntRange(0, LARGEST_SEED)
HOW_MANY = click.IntRange(1, 2**31 - 1)  # items of a list
MOST_USD = 1e9
LIMIT = click.IntRange(1, 2**62)  # of ticks, with room for what is a multiple of it


class Duration(click.ParamType[float]):
    """A time such as 90, 90s, 5m, 2h or 1d, in seconds.

    positive: refuse 0.
    """

    name = "duration"

    def __init__(self, *, positive: bool = False) -> None:
        self.positive = positive

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number with a unit."""
        if isinstance(value, int | float):
            return float(value)
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", value)
        seconds = float(match[1]) * UNITS[match[2]] if match else math.inf
        if math.isinf(seconds):
            self.fail(f"'{value}' is no time: write 90s, 5m, 2h or 1d", param, ctx)
        if self.positive and not seconds:
            self.fail(f"'{value}' is no time to do anything in: write more than 0, such as 90s or 5m", param, ctx)
        return seconds


class Share(click.FloatRange):
    """A number within a range, which `nan` is not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"'{value}' is no number", param, ctx)
        return float(number)


class CommaSeparated(click.ParamType[tuple[str, ...]]):
    """Names with commas between them."""

    name = "a,b,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Split at the commas."""
        if isinstance(value, tuple):
            return value
        parts = tuple(part.strip() for part in value.split(","))
        if not all(parts):
            self.fail(f"'{value}' has an empty name: write names with one comma between them", param, ctx)
        return parts


class Money(click.ParamType[float]):
    """An amount of dollars, as the API takes it: not negative, and at most a billion."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number."""
        try:
            amount = float(value)
        except ValueError:
            amount = math.nan
        if not 0 <= amount <= MOST_USD:
            self.fail(f"'{value}' is no amount: write a number such as 2.50, at most {MOST_USD:,.0f}", param, ctx)
        return amount


def names_of(*packages: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Let the shell complete the last of some comma-separated names of extensions of some packages."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
        before, comma, last = incomplete.rpartition(",")
        found = [item for package in packages for item in registry.names(package).items()]
        return [CompletionItem(f"{before}{comma}{name}", help=text) for name, text in found if name.startswith(last)]

    return complete


def instances_option(command: Command) -> Command:
    """Add --instances, which may be called --problems where these are problems, and is given once."""

    def given_once(ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
        if len(value) > 1:
            names = ",".join(name for names in value for name in names)
            raise click.BadParameter(f"it is given {len(value)} times: write it once, as {names}", ctx, param)
        return value[0]

    return click.option(
        "--instances",
        "--problems",
        "instances",
        type=CommaSeparated(),
        required=True,
        multiple=True,
        callback=given_once,
        shell_complete=names_of(*FAMILIES.values()),
        help="SAT: folders of CNF files, CNF files, suite:NAME (see: slotforge suites) or families such as sgen:21; "
        "else families such as matrix_sensing:k=10, weibull_1k_100 or tsp50 (see: slotforge list families).",
    )(command)


def per_family_option(command: Command) -> Command:
    """Add --per-family."""
    return click.option(
        "--per-family", type=click.IntRange(3), help="Instances to generate of each family. [default: the domain's]"
    )(command)


def store_option(command: Command) -> Command:
    """Add --store."""
    return click.option(
        "--store", metavar="URL", help="Database: a file or an SQLAlchemy URL. [default: $SLOTFORGE_HOME/slotforge.db]"
    )(command)


def json_option(command: Command) -> Command:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")(command)


def unsafe_option(command: Command) -> Command:
    """Add --allow-unsafe-sandbox, which speaks through the environment so that worker processes hear it as well."""

    def allow(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001
        if value:
            import os

            os.environ["SLOTFORGE_ALLOW_UNSAFE_SANDBOX"] = "1"

    return click.option(
        "--allow-unsafe-sandbox",
        is_flag=True,
        expose_value=False,
        callback=allow,
        help="Run candidates even where this machine cannot confine them.",
    )(command)


def sandbox_level_option(command: Command) -> Command:
    """Add --sandbox-level, which the executor for clusters reads in the environment."""

    def ask(ctx: click.Context, param: click.Parameter, value: int | None) -> None:  # noqa: ARG001
        if value is not None:
            import os

            os.environ["SLOTFORGE_SANDBOX_LEVEL"] = str(value)

    return click.option(
        "--sandbox-level",
        type=click.IntRange(0, 3),
        expose_value=False,
        callback=ask,
        help="Refuse nodes of a cluster whose sandbox has a lower level. [default: that of this machine]",
    )(command)
