"""What worker processes may not inherit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from slotforge.search.proposers._endpoint import SECRET_NAME


@contextmanager
def without_secrets() -> Iterator[None]:
    """Take keys and passwords out of the environment for the length of a block: workers have no use for them."""
    hidden = {name: value for name, value in os.environ.items() if SECRET_NAME.search(name)}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
