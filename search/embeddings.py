"""Texts as vectors, by a sentence-transformers model on this machine; there is none unless the user names one.

$SLOTFORGE_EMBEDDINGS is the folder of a model. Nothing is downloaded, and without the variable token sets do the work.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotforge.core.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VARIABLE = "SLOTFORGE_EMBEDDINGS"


@dataclass(frozen=True)
class Embedding:
    """A model that makes vectors of length 1. name: of its folder."""

    name: str
    _encoder: Any

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return one row for each text."""
        import numpy as np

        return np.array([_vector(self._encoder, text) for text in texts])

    def cosine(self, one: str, other: str) -> float:
        """Return how alike two texts are, in [-1, 1]."""
        rows = self.vectors([one, other])
        return float(rows[0] @ rows[1])


def model() -> Embedding | None:
    """Return the model that the user names, or None.

    Raises:
        UsageError: a model is named, and it or sentence-transformers is missing.
    """
    folder = os.environ.get(VARIABLE, "")
    return _load(folder) if folder else None


@cache
def _load(folder: str) -> Embedding:
    if not Path(folder).is_dir():
        raise UsageError(f"{VARIABLE}={folder} is no folder: name one that holds a sentence-transformers model")
    try:
        package = importlib.import_module("sentence_transformers")
    except ImportError:
        raise UsageError(
            f"{VARIABLE} is set, and sentence-transformers is not installed: install it, or unset the variable"
        ) from None
    return Embedding(Path(folder).name, package.SentenceTransformer(folder, device="cpu", local_files_only=True))


@lru_cache(maxsize=4096)
def _vector(encoder: Any, text: str) -> tuple[float, ...]:
    return tuple(map(float, encoder.encode(text, normalize_embeddings=True)))
