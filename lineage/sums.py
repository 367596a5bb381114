"""Sums of whole numbers are whole on PostgreSQL as on SQLite: it makes `numeric` of them, which is a Decimal."""

from __future__ import annotations

from psycopg import Connection
from psycopg.adapt import Buffer, Loader


class Plain(Loader):
    """Reads `numeric`, which no column has, as the number that SQLite would give."""

    def load(self, data: Buffer) -> int | float:
        """Return an int where there is no fraction."""
        digits = bytes(data).decode()
        return int(digits) if digits.lstrip("-").isdigit() else float(digits)


def keep_plain(connection: Connection) -> None:
    """Read sums on a connection as plain numbers."""
    connection.adapters.register_loader("numeric", Plain)
