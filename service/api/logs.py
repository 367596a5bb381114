"""The log of the service: one JSON object a line, without secrets."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from functools import lru_cache
from typing import Any

from slotforge.lineage.keys import PREFIX
from slotforge.search.proposers._endpoint import HIDDEN, KEY, redact, secrets
from slotforge.service.api.sessions import COOKIE

FIELDS = "facts"  # what a record says besides its text: logger.info(text, extra={FIELDS: {...}})
SIGNS = ("sk-", "Bearer ", "://", PREFIX, COOKIE)  # one stands in every text that the patterns for secrets fit
_OURS = re.compile(rf"\b{PREFIX}[A-Za-z0-9_-]{{20,}}|(?<={COOKIE}=)[^\s;\"']+")


class Lines(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Write down when, what and how grave, and hide what looks like a secret."""
        said: dict[str, Any] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return hide(json.dumps(said, default=str))


def hide(text: str) -> str:
    """Take keys, passwords and cookies out of a text."""
    if any(value in text for value in _secrets(len(os.environ), int(time.monotonic()))):
        text = redact(text)
    return _OURS.sub(HIDDEN, KEY.sub(HIDDEN, text)) if any(sign in text for sign in SIGNS) else text


@lru_cache(1)
def _secrets(variables: int, second: int) -> tuple[str, ...]:  # noqa: ARG001
    """Return what the environment keeps secret; it is gone through once a second, and when it grows."""
    return secrets()


def set_up(level: int = logging.INFO) -> None:
    """Let everything that this process logs be lines of JSON on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn.access", "httpx", "httpx2", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
