"""The time by the database's clock, the one clock that all servers share."""

from __future__ import annotations

from sqlalchemy import Connection

NOW = {
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
}


def now(connection: Connection) -> float:
    """Return the seconds since 1970."""
    return float(connection.exec_driver_sql(NOW[connection.dialect.name]).scalar_one())
