"""What the service needs of a machine: a port, its secrets, and keys where others are to be let in."""

from __future__ import annotations

import http.client
import json
import os
import time
from typing import TYPE_CHECKING

from slotforge.core.errors import SlotforgeError, StoreError, UsageError
from slotforge.service.cli._checks import Finding

if TYPE_CHECKING:
    from slotforge.lineage.keys import KeyRecord
    from slotforge.service.api.settings import Settings

PATIENCE_S = 5.0


def port(settings: Settings) -> Finding:
    """Look whether the port of the service is free, or has a service of ours."""
    from slotforge.service.api.gate.hosts import ANY
    from slotforge.service.api.server import listen

    where = f"{settings.host}:{settings.port}"
    try:
        listen(settings).close()
    except UsageError as error:
        return Finding(name="service", state="fail", text=str(error), advice="set `host` to one of its addresses")
    except SlotforgeError as error:
        if _ours("127.0.0.1" if settings.host in ANY else settings.host, settings.port):
            return Finding(name="service", state="ok", text=f"slotforge serves on {where}")
        text, _, advice = str(error).partition(": choose")
        return Finding(name="service", state="warn", text=text, advice=f"choose{advice}")
    return Finding(name="service", state="ok", text=f"{where} is free" if settings.port else "any port that is free")


def _ours(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/health")
        found = json.loads(connection.getresponse().read(1000))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return bool(found == {"status": "ok"})


def secrets(settings: Settings) -> Finding:
    """Read the token file and the secret of the service; the latter is made when it first starts."""
    from slotforge.service.api.keyring import read_token
    from slotforge.service.api.sessions import read_secret, secret_place

    told = []
    if settings.token_file is not None:
        read_token(settings.token_file)
        told.append(f"a key with all scopes in {settings.token_file}")
    path = secret_place(settings.secret_file)
    if path.exists():
        read_secret(path)
    elif not os.access(path.parent, os.W_OK):
        raise StoreError(f"cannot make {path}: name another place with secret_file")
    told.append(f"sessions are signed with {path}")
    return Finding(name="secrets", state="ok", text="; ".join(told))


def keys(settings: Settings) -> Finding:
    """Tell who is let into the service."""
    from slotforge.lineage.engine import Absent
    from slotforge.lineage.keys import keys
    from slotforge.lineage.look import look
    from slotforge.lineage.schema import VERSION
    from slotforge.lineage.store import open_store
    from slotforge.service.api.server import check_access

    try:
        made = look(settings.store).tables
    except Absent:
        made = None
    if made not in (None, VERSION):
        advice = "`slotforge db upgrade` brings them up to date"
        return Finding(name="keys", state="warn", text=f"not known: the store has older tables ({made})", advice=advice)
    found: tuple[KeyRecord, ...] = ()
    if made:
        with open_store(settings.store, new=False) as store:
            found = keys(store)
    try:
        check_access(settings, keys=bool(found or settings.token_file))
    except UsageError as error:
        text, _, advice = str(error).partition(": ")
        return Finding(name="keys", state="fail", text=text, advice=advice)
    if not found:
        none = "none" if settings.token_file else "none: the service is for this machine alone"
        return Finding(name="keys", state="ok", text=none, advice="`slotforge keys add NAME` lets others in")
    valid = [key.name for key in found if key.valid(time.time())]
    text = f"{len(valid)} valid of {len(found)}" + (f" ({', '.join(valid[:5])})" if valid else "")
    advice = "" if valid or settings.token_file else "nobody is let in: `slotforge keys add NAME` makes a key"
    return Finding(name="keys", state="warn" if advice else "ok", text=text, advice=advice)
