"""A tiny transformer that predicts sequences of known entropy.

A sequence is half a Markov chain of order two, and half a copy of that half: the chain must be learnt by heart, the
copy by attention. The metric is the cross-entropy on held-out sequences above that of the chain itself, in nats a
token; the first two tokens, which nothing predicts, do not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems import _nets
from slotforge.solvers.optim.problems._family import Array, Control, Data, Family, Knobs, Range, whole

ORDER = 2
HELD_OUT = 64  # sequences


class Transformer(Family):
    """Knobs: layers; d, the width; heads; context, tokens that are seen; vocabulary; successors of a pair of tokens;
    batch. The canonical problem takes about a minute on one core, so the splits have smaller ones.
    """

    name = "transformer"
    dtype = "float32"
    knobs: ClassVar[Knobs] = {
        "layers": 2,
        "d": 64,
        "heads": 4,
        "context": 32,
        "vocabulary": 32,
        "successors": 4,
        "batch": 32,
    }
    ranges: ClassVar[Mapping[str, Range]] = {
        "layers": whole(1),
        "d": whole(1),
        "heads": whole(1),
        "context": whole(4),
        "vocabulary": whole(2),
        "successors": whole(1),
        "batch": whole(1),
    }
    within = (("successors", "vocabulary"),)
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [
            {"layers": 1, "d": 16, "heads": 2, "context": 16, "vocabulary": 6, "batch": 8, "successors": 2},
        ],
        "select": [{"layers": 1, "d": 16, "heads": 2, "context": 16, "vocabulary": 5, "batch": 8, "successors": 2}],
        "holdout": [
            {"layers": 2, "d": 16, "heads": 2, "context": 16, "vocabulary": 6, "batch": 8, "successors": 2},
            {"layers": 1, "d": 24, "heads": 4, "context": 16, "vocabulary": 8, "batch": 8, "successors": 3},
        ],
    }
    specialists = ("muon", "adam")
    goal = 0.15
    learned = True
    budget = 400
    stride = 25
    random = True
    runs = (3, 5)

    def misfit(self, knobs: Knobs) -> str:
        """Let the heads share the features evenly, besides."""
        if fault := super().misfit(knobs):
            return fault
        d, heads = knobs.get("d", 0), knobs.get("heads", 1)
        return f"d={d:g} must be a multiple of heads={heads:g}" if d % heads else ""

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw the chain and the held-out sequences."""
        words, some = int(knobs["vocabulary"]), int(knobs["successors"])
        chances = np.zeros((words, words, words))
        after = rng.random(chances.shape).argsort(axis=-1)[..., :some]
        np.put_along_axis(chances, after, rng.dirichlet(np.ones(some), (words, words)), axis=-1)
        test = _sequences(chances, HELD_OUT, int(knobs["context"]) + 1, rng)
        sizes = {name: _nets.size(knobs[name]) for name in ("layers", "d", "heads", "batch")}
        entropy = np.asarray(_surprise(chances, test), np.float32)
        return {**sizes, "chances": chances.astype(np.float32), "test": test, "entropy": entropy}

    def start(self, data: Data, rng: Generator) -> dict[str, Any]:
        """Draw the weights."""
        words, d, layers = len(data["chances"]), len(data["d"]), len(data["layers"])
        p = {"embed": _nets.dense(rng, words, d), "place": _nets.dense(rng, data["test"].shape[1] - 1, d)}
        for at in range(layers):
            p |= {f"{name}{at}": _nets.dense(rng, d, d) for name in ("query", "key", "value", "out")}
            p |= {f"up{at}": _nets.dense(rng, 4 * d, d), f"down{at}": _nets.dense(rng, d, 4 * d)}
            p |= {f"gain_a{at}": _nets.zeros(d) + 1, f"gain_b{at}": _nets.zeros(d) + 1}
        return {**p, "gain": _nets.zeros(d) + 1, "head": _nets.dense(rng, words, d)}

    def table(self, data: Data, steps: int, rng: Generator) -> Array:
        """Draw fresh sequences for every step."""
        batch, length = len(data["batch"]), data["test"].shape[1]
        drawn = _sequences(np.asarray(data["chances"], float), steps * batch, length, rng)
        return drawn.reshape(steps, batch, length)

    @partial(jax.jit, static_argnums=0)
    def oracle(self, data: Data, p: Any, row: Array, control: Control) -> tuple[Array, Any]:
        """Return the cross-entropy of the batch and its gradient."""
        return jax.value_and_grad(lambda p: self._loss(data, p, jnp.asarray(row)))(p)

    @partial(jax.jit, static_argnums=0)
    def metric(self, data: Data, p: Any) -> Array:
        """Return the cross-entropy of the held-out sequences, less that of the chain."""
        return self._loss(data, p, data["test"]) - data["entropy"]

    def _loss(self, data: Data, p: Mapping[str, Array], tokens: Array) -> Array:
        scores = self._logits(data, p, tokens[:, :-1])
        return _nets.cross_entropy(scores[:, ORDER - 1 :], tokens[:, ORDER:])

    def _logits(self, data: Data, p: Mapping[str, Array], tokens: Array) -> Array:
        x = p["embed"][tokens] * len(data["d"]) ** 0.5 + p["place"] * len(data["d"]) ** 0.5
        for at in range(len(data["layers"])):
            x = x + _attention(p, at, _nets.standardised(x, axis=-1) * p[f"gain_a{at}"], len(data["heads"]))
            up = (_nets.standardised(x, axis=-1) * p[f"gain_b{at}"]) @ p[f"up{at}"].T
            x = x + jax.nn.gelu(up) @ p[f"down{at}"].T
        return (_nets.standardised(x, axis=-1) * p["gain"]) @ p["head"].T


def _attention(p: Mapping[str, Array], at: int, x: Array, heads: int) -> Array:
    """Let each token look at itself and those before it."""
    count, length, d = x.shape
    query, key, value = (
        jnp.reshape(x @ p[f"{name}{at}"].T, (count, length, heads, d // heads)) for name in ("query", "key", "value")
    )
    scores = jnp.einsum("blhd,bmhd->bhlm", query, key) / (d // heads) ** 0.5
    seen = jnp.tril(jnp.ones((length, length), bool))
    weights = jax.nn.softmax(jnp.where(seen, scores, -1e9))
    return jnp.reshape(jnp.einsum("bhlm,bmhd->blhd", weights, value), x.shape) @ p[f"out{at}"].T


def _sequences(chances: np.ndarray, count: int, length: int, rng: Generator) -> np.ndarray:
    """Draw sequences of which the second half is a copy of the first, which has the odd token if there is one."""
    half = (length + 1) // 2
    ladder = chances.cumsum(axis=-1)
    tokens = np.zeros((count, length), np.int32)
    tokens[:, :ORDER] = rng.integers(0, len(chances), (count, ORDER))
    for at in range(ORDER, half):
        rungs = ladder[tokens[:, at - 2], tokens[:, at - 1]]
        place = (rng.random((count, 1)) * rungs[:, -1:] >= rungs).sum(axis=-1)
        tokens[:, at] = np.minimum(place, len(chances) - 1)
    tokens[:, half:] = tokens[:, : length - half]
    return tokens


def _surprise(chances: np.ndarray, tokens: np.ndarray) -> float:
    """Return the mean cross-entropy of the chain, where what is copied is certain."""
    half = (tokens.shape[1] + 1) // 2
    drawn = tokens[:, :half]
    known = chances[drawn[:, :-2], drawn[:, 1:-1], drawn[:, 2:]]
    return float(-np.log(known).sum() / (len(tokens) * (tokens.shape[1] - ORDER)))


family = Transformer()
