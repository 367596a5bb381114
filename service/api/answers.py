"""Answers in JSON, whatever text is in them."""

from __future__ import annotations

import json
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json


def dumped(value: Any, *, ascii: bool = False) -> bytes:
    """Write a value as JSON; what is no Unicode in a text, as a model may send it, stays as an escape.

    Args:
        ascii: everything else that is not ASCII becomes one as well.
    """
    try:
        return to_json(value, ensure_ascii=ascii)
    except PydanticSerializationError:
        plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        return json.dumps(plain, separators=(",", ":")).encode("ascii")


class Json(JSONResponse):
    """A JSON answer that any text may be in."""

    def render(self, content: Any) -> bytes:
        """Write down plain values."""
        return dumped(content)
