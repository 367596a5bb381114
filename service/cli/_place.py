"""Where a command asks: a store of this machine, or a server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from slotforge.core.errors import UsageError

if TYPE_CHECKING:
    from slotforge.service.cli._source import Source

SERVER = "SLOTFORGE_SERVER"
Command = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A store (its file or URL; None is the user's own), or the URL of a server."""

    store: str | None = None
    server: str | None = None

    @contextmanager
    def open(self, *, new: bool = False) -> Iterator[Source]:
        """Open what is there.

        Args:
            new: make a store where there is none.
        """
        if self.server is not None:
            from slotforge.service.cli._remote import Remote
            from slotforge.service.client import Client

            with Client(self.server) as client:
                yield Remote(client)
            return
        from slotforge.lineage.store import open_store
        from slotforge.service.cli._local import Local

        with open_store(self.store, new=new) as store:
            yield Local(store)


def place_option(command: Command) -> Command:
    """Add --store to a command that works against a server as well; it gets a `Place`."""

    def place(ctx: click.Context, param: click.Parameter, value: str | None) -> Place:  # noqa: ARG001
        asked = ctx.find_root().params.get("server")
        if value and asked:
            raise UsageError("--store is of this machine, and --server is another place: give one of them")
        return Place(store=value, server=None if value else asked or os.environ.get(SERVER) or None)

    return click.option(
        "--store",
        "place",
        metavar="URL",
        callback=place,
        help="Database: a file or an SQLAlchemy URL. [default: $SLOTFORGE_HOME/slotforge.db]",
    )(command)


def check_place(name: str, command: click.Command, server: str | None) -> None:
    """Refuse a server for a command that works on this machine alone.

    Args:
        name: of the command.
        command: itself, or a group.
        server: what --server says.

    Raises:
        UsageError: one was named for such a command; or one is in the environment, and the command has a store.
    """
    if not _has(command, "place"):
        stay(name, server, store=_has(command, "store"))


def stay(name: str, server: str | None, *, store: bool = True) -> None:
    """Refuse a server for what works on this machine alone, see `check_place`. store: whether it has one."""
    if server:
        raise UsageError(f"`slotforge {name}` works on this machine alone: leave --server out")
    if os.environ.get(SERVER) and store:
        os.environ.pop(SERVER)
        click.echo(f"slotforge {name} works on a store of this machine, not on ${SERVER}", err=True)


def _has(command: click.Command, name: str) -> bool:
    if isinstance(command, click.Group):
        return any(_has(one, name) for one in command.commands.values())
    return any(param.name == name for param in command.params)
