"""Where the settings come from: flags first, then the environment, then a TOML file, then the defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from slotforge.core.errors import UsageError
from slotforge.core.types import Record
from slotforge.service.api.settings import Model, Settings
from slotforge.service.instances.limits import Limits

PREFIX = "SLOTFORGE_SERVE_"
LISTS = ("allowed_hosts", "trusted_proxies")
KINDS: Mapping[str, type[Record]] = {"models": Model, "instances": Limits}  # tables, in the file alone


def load(flags: Mapping[str, Any], file: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Put the settings together.

    Args:
        flags: by the names of the settings; None and () are not given.

    Raises:
        UsageError: one is unknown or has no sense; the message says where it stands.
    """
    found = {} if file is None else _read(file)
    variables, given = _environment(environment), _given(flags)
    sources = {name: str(file) for name in found}
    sources |= {name: f"${PREFIX}{name.upper()}" for name in variables}
    sources |= {name: f"--{name.replace('_', '-')}" for name in given}
    try:
        return Settings(**{**found, **variables, **given})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "settings"
        source = sources.get(str(first["loc"][0]) if first["loc"] else "", str(file))
        raise UsageError(f"{source}: {place}: {_why(first)}") from None


def _why(error: ErrorDetails) -> str:
    """Say what is wrong with a setting: of one that is none, which there are."""
    if error["type"] != "extra_forbidden":
        return error["msg"]
    table = KINDS.get(str(error["loc"][0]), Settings) if len(error["loc"]) > 1 else Settings
    return f"no such setting: choose of {', '.join(table.model_fields)}"


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{file} is no TOML: {error}") from None


def _environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable, value in sorted(environment.items()):
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX):
            continue
        if name not in Settings.model_fields or name in KINDS:
            there = ", ".join(PREFIX + one.upper() for one in Settings.model_fields if one not in KINDS)
            raise UsageError(f"${variable} is no setting: choose of {there}")
        found[name] = [part.strip() for part in value.split(",") if part.strip()] if name in LISTS else value
    return found


def _given(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if value not in (None, ())}
