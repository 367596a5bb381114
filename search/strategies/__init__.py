"""Which candidate to ask for next: one strategy a file.

A spec names one, with settings where the defaults are not wanted: `one_plus_lambda` or `one_plus_lambda:children=8`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any, get_type_hints

from slotforge.core import registry
from slotforge.core.errors import UsageError

if TYPE_CHECKING:
    from slotforge.core.seams import Strategy


def make(spec: str) -> Strategy:
    """Make the strategy that a spec names.

    Args:
        spec: `NAME` or `NAME:SETTING=VALUE`, several settings with colons between them.

    Raises:
        UsageError: there is no such strategy or setting, or the value is none for it.
    """
    from pydantic import TypeAdapter, ValidationError

    name, *settings = spec.split(":")
    kind = registry.load(__name__, name).strategy
    hints, known = get_type_hints(kind), parameters(name)
    values: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or key not in known:
            raise UsageError(
                f"strategy '{name}' has no setting '{setting}': "
                + (f"choose from {', '.join(known)}" if known else "it has none")
            )
        try:
            values[key] = TypeAdapter(hints[key]).validate_python(text)
        except ValidationError as error:
            raise UsageError(f"strategy '{name}': {key}={text}: {error.errors()[0]['msg']}") from None
    try:
        made: Strategy = kind(**values)
    except ValueError as error:
        raise UsageError(f"strategy '{name}': {error}") from None
    return made


def parameters(name: str) -> Mapping[str, Any]:
    """Return the settings of a strategy with their defaults."""
    kind = registry.load(__name__, name).strategy
    return {field.name: _default(field) for field in fields(kind) if field.init}


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default
