"""What worker processes may not inherit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from slotforge.search.proposers._endpoint import KEY, SECRET_NAME

STORES = ("SLOTFORGE_STORE", "SLOTFORGE_SERVE_STORE")  # URLs, which may hold passwords


def secret(name: str, value: str) -> bool:
    """Whether a variable of the environment may hold a key or a password: by its name, or by how its value looks."""
    return name in STORES or SECRET_NAME.search(name) is not None or KEY.search(value) is not None


@contextmanager
def without_secrets() -> Iterator[None]:
    """Take keys and passwords out of the environment for the length of a block: workers have no use for them."""
    hidden = {name: value for name, value in os.environ.items() if secret(name, value)}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
