"""JAX's cache of compiled programs, held in memory, so that a process that may write nowhere has one."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping

KEPT_BYTES = 8 << 20
"""Of programs that are handed out after one ask."""


class Programs:
    """Compiled programs by JAX's own key; speaks JAX's interface of caches."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}
        self._new: dict[str, bytes] = {}

    def install(self) -> bool:
        """Make JAX use it; false where this JAX has no such place."""
        try:
            import jax
            from jax._src import compilation_cache
            from jax._src.compilation_cache_interface import CacheInterface

            kind = type(
                "Held", (CacheInterface,), {"get": lambda _, key: self.get(key), "put": lambda _, *e: self.put(*e)}
            )
            compilation_cache.reset_cache()
            compilation_cache._cache = kind()
            compilation_cache._cache_initialized = True
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)  # type: ignore[no-untyped-call]
        except (ImportError, AttributeError):
            return False
        return True

    def get(self, key: str) -> bytes | None:
        """Find a program."""
        return self._known.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Keep a program."""
        self._known[key] = self._new[key] = value

    def receive(self, given: Mapping[str, str]) -> None:
        """Take in programs that `hand_out` gave earlier."""
        self._known.update({key: b64decode(value) for key, value in given.items()})

    def hand_out(self) -> dict[str, str]:
        """Give what was compiled since the last call as text, the smallest first, up to a bound."""
        given, room = {}, KEPT_BYTES
        for key, value in sorted(self._new.items(), key=lambda entry: (len(entry[1]), entry[0])):
            room -= len(value)
            if room < 0:
                break
            given[key] = b64encode(value).decode()
        self._new.clear()
        return given
