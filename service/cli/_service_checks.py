"""What the service needs of a machine: a port, and keys where others are to be let in."""

from __future__ import annotations

import http.client
import json
import socket
import time

from slotforge.service.cli._checks import Finding

HOST, PORT = "127.0.0.1", 8420  # where `slotforge serve` listens unless it is told otherwise
PATIENCE_S = 5.0


def port() -> Finding:
    """Look whether the usual port is free, or has a service of ours."""
    where = f"{HOST}:{PORT}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, PORT))
        except OSError:
            pass
        else:
            return Finding(name="service", state="ok", text=f"{where} is free")
    if _ours():
        return Finding(name="service", state="ok", text=f"slotforge serves on {where}")
    advice = "choose another for the service, as in `slotforge serve --port 8421`"
    return Finding(name="service", state="warn", text=f"{where} is taken by another program", advice=advice)


def _ours() -> bool:
    connection = http.client.HTTPConnection(HOST, PORT, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/health")
        found = json.loads(connection.getresponse().read(1000))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return bool(found == {"status": "ok"})


def keys(where: str | None) -> Finding:
    """Tell who is let into the service."""
    from slotforge.lineage.keys import keys
    from slotforge.lineage.store import open_store

    with open_store(where) as store:
        found = keys(store)
    if not found:
        advice = "`slotforge keys add NAME` lets others in"
        return Finding(name="keys", state="ok", text="none: the service is for this machine alone", advice=advice)
    valid = [key.name for key in found if key.valid(time.time())]
    text = f"{len(valid)} valid of {len(found)}" + (f" ({', '.join(valid[:5])})" if valid else "")
    advice = "" if valid else "nobody is let in: `slotforge keys add NAME` makes a key"
    return Finding(name="keys", state="ok" if valid else "warn", text=text, advice=advice)
