"""What forms send, as the orders that the API takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.datastructures import FormData, UploadFile

from slotforge.core.errors import UsageError
from slotforge.search.named_suites import PREFIX

UNFIT = ("string_pattern_mismatch", "shape")
HINTS = {"instances": "name a family, a suite, or upload the files"}
Order = TypeVar("Order", bound=BaseModel)


def text(form: FormData, name: str) -> str:
    """Return a field, without the spaces around it."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def texts(form: FormData, name: str) -> tuple[str, ...]:
    """Return the values of a field that may stand several times."""
    return tuple(value.strip() for value in form.getlist(name) if isinstance(value, str) and value.strip())


def files(form: FormData) -> list[UploadFile]:
    """Return the files; a browser sends an empty one where none was chosen."""
    return [value for _, value in form.multi_items() if isinstance(value, UploadFile) and value.filename]


def specs(form: FormData) -> tuple[str, ...]:
    """Return the instances that a form names: families with commas between them, and suites."""
    families = tuple(part.strip() for part in text(form, "families").split(",") if part.strip())
    return families + tuple(PREFIX + name for name in texts(form, "suites"))


def filled(values: Mapping[str, object]) -> dict[str, Any]:
    """Leave out what was not filled in."""
    return {name: value for name, value in values.items() if value not in ("", None, ())}


def order(kind: Callable[..., Order], values: Mapping[str, object]) -> Order:
    """Make an order of what was filled in; raises UsageError with the first thing that is wrong."""
    try:
        return kind(**filled(values))
    except ValidationError as error:
        first = error.errors()[0]
        where = " ".join(str(part).replace("_", " ") for part in first["loc"] if isinstance(part, str))
        raise UsageError(f"{where}: {_fault(str(first['loc'][0]), first)}") from None


def _fault(name: str, error: ErrorDetails) -> str:
    """Say what is wrong with a field; where its text has the wrong form, what to write in the form instead."""
    if error["type"] in UNFIT:
        return f"'{str(error['input'])[:80]}' is none: {HINTS.get(name, 'choose one that is offered')}"
    told = error["msg"]
    return told[:1].lower() + told[1:]
