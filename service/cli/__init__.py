"""The command line: one file a command, imported only when it is used."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from slotforge import __version__
from slotforge.core import registry
from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.service.cli._place import SERVER, check_place

COMMANDS = "slotforge.service.cli"


class Commands(click.Group):
    """Finds a command by its file name; the list of commands shows the first line of each file."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name the commands; the builtin `list` is not it, once the command of that name has been imported."""
        return [*registry.names(COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command of this name."""
        if cmd_name not in registry.names(COMMANDS):
            return None
        command: click.Command = registry.load(COMMANDS, cmd_name).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of a line; where that names a server, it is one that may be asked there, or for its help."""
        name, command, rest = super().resolve_command(ctx, args)
        server = ctx.params.get("server")
        asked = (server or os.environ.get(SERVER)) and not ctx.resilient_parsing
        for_help = rest and rest[-1] in ctx.help_option_names
        if name and command and asked and not for_help:
            check_place(name, command, server)
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text.rstrip(".")) for name, text in registry.names(COMMANDS).items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="slotforge")
@click.option(
    "--server", metavar="URL", help="Ask a server instead of a store of this machine. [default: $SLOTFORGE_SERVER]"
)
def program(server: str | None) -> None:
    """Discover heuristics for solvers: propose, compile, verify, measure, keep what holds.

    Start with:  slotforge discover sat --instances FOLDER_OF_CNF_FILES
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 0, 1 (failed) or 2 (bad use), or with the code of the command itself.

    What is no Unicode in a text, as a model may send it, is printed as an escape, which is one in JSON as well.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        program.main(args=arguments, prog_name="slotforge", standalone_mode=False)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        sys.exit(_fail(_one_line(error), 2))
    except UsageError as error:
        sys.exit(_fail(error, 2))
    except (SlotforgeError, OSError) as error:
        sys.exit(_fail(error, 1))
    except UnicodeEncodeError as error:
        part = error.object[max(0, error.start - 20) : error.end + 20]
        sys.exit(_fail(f"{part!a} is no Unicode text, and cannot be kept or sent: write it otherwise", 2))
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)


def _one_line(error: click.ClickException) -> str:
    text = " ".join(error.format_message().split())
    where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "slotforge"
    return f"{text.rstrip('.')} (see `{where} --help`)"


def _fail(error: Any, code: int) -> int:
    click.echo(f"slotforge: {error}", err=True)
    return code
