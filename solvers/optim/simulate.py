"""Runs of a rule in JAX: all lanes (trials by seeds) of a problem advance together in one compiled program.

The program is jit over scan over vmap: steps cost no dispatch, seeds and numbers share one compilation, and because the
problem itself is an argument, so do all problems of the same shape. A lane that is not finite any more stays where it
was, so that it can neither slow nor spoil the others.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from slotforge.core.ids import generator
from slotforge.solvers.optim.aux import Spent
from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.draws import KEPT_BYTES, Draws, noise, samples
from slotforge.solvers.optim.lanes import Host, NeedsWhole, Stepper, Together
from slotforge.solvers.optim.problems._family import Data, Family
from slotforge.solvers.optim.runs import Runs

Array = Any
Tree = Any
CHUNK = 64  # steps between two looks at whether it is enough
LANES = 36
MANY = 4096
WELL: dict[str, Any] = {"xla_backend_optimization_level": 1}
SOON: dict[str, Any] = {**WELL, "xla_cpu_use_fusion_emitters": False}
AT_ONCE: dict[str, Any] = {**SOON, "xla_backend_optimization_level": 0}
"""How a program is compiled, for a CPU: in half to nine tenths of the time of all optimisations, and as quick; in two
thirds of that, slower by up to a half; or in a quarter, slower by one to four times."""
NODES = object()  # the axis of vmap; no name, as by one a rule could sum along it


def _differentiate(function: Callable[[Array], Array], x: Array, v: Array) -> Array:
    return jax.jvp(function, (x,), (v,))[1]


def _jacobian(function: Callable[[Array], Array], x: Array) -> Array:
    return jnp.reshape(jax.jacfwd(function)(x), (x.size, x.size))


def _at_nodes(function: Callable[[Tree, Together], Tree], given: Tree) -> Tree:
    def together(question: Callable[[Array], Array], x: Array) -> Array:
        return question(jax.lax.all_gather(x, NODES))[jax.lax.axis_index(NODES)]

    return jax.vmap(lambda own: function(own, together), axis_name=NODES)(given)


JAX = Host(
    xp=jnp,
    differentiate=_differentiate,
    jacobian=_jacobian,
    each=lambda function, xs: jax.vmap(function)(xs),
    at_nodes=_at_nodes,
)


@dataclass(kw_only=True)
class Program:
    """A rule compiled for the problems of a family.

    chunk: steps of one call of the program, rounded up to whole strides.
    compiler: options; on an accelerator there are none.
    compile_s: CPU seconds that compiling has taken so far.
    whole: whether the rule sees all parameters as one array.
    """

    family: Family
    rule: Composite
    chunk: int = CHUNK
    compiler: Mapping[str, Any] = field(default_factory=WELL.copy)
    compile_s: float = 0.0
    spent: Spent = field(default_factory=Spent)
    whole: bool = False
    _noisy: bool = False
    _compiled: dict[str, Any] = field(default_factory=dict)
    _draws: tuple[Data, tuple[int, ...], list[Draws], list[Draws]] | None = None

    @cached_property
    def stepper(self) -> Stepper:
        """Learn from a dry run, without compiling, whether the rule wants all parameters as one array."""
        return Stepper(family=self.family, rule=self.rule, host=JAX, whole=self.whole)

    def inspect(self, data: Data, seed: int = 0) -> None:
        """Trace one step on abstract values; raises what the rule raises, and learns what it asks and costs.

        Raises:
            TypeError: state or answer change their shape or type from step to step.
        """
        row = samples(self.family, data, seed).row(0)
        data = {**data, "horizon": self._scalar(1)}
        p = self.family.start(data, generator(seed, "start"))
        hp = {name: self._scalar(number.default) for name, number in self.rule.numbers.items()}
        for self.whole in (False, True):
            self.__dict__.pop("stepper", None)
            self.spent = Spent(counts=True)
            state = jax.eval_shape(self.stepper.init, p)
            with suppress(NeedsWhole):
                moved = jax.eval_shape(partial(self._dry, data, row), hp, self._scalar(1), p, state)
                break
        self._noisy = "noise" in self.spent.asked
        _same("the point", jax.eval_shape(lambda p: p, p), moved[0], self._mover)
        _same("state of", state, moved[1], lambda path, *_: self.rule.where(path[1].key))

    def _mover(self, _: Any, old: tuple[int, ...], new: tuple[int, ...]) -> str:
        """Say which part gave the point another shape, where that is sure: sums have no fewer entries than a term."""
        moving = [slot for slot in ("restart", "step", "precondition", "transform") if slot in self.rule.parts]
        return self.rule.where(moving[0]) if math.prod(new) < math.prod(old) or len(moving) == 1 else ""

    def _dry(self, data: Data, row: Tree, hp: Tree, t: Array, p: Tree, state: Tree) -> Tree:
        return self.stepper.step(data, row, self.stepper.leaves(p), p, state, hp, t, self.spent)

    def run(
        self,
        data: Data,
        hps: Sequence[Mapping[str, float]],
        seeds: Sequence[int],
        *,
        budget: float,
        enough: Callable[[Runs], bool],
        horizon: float | None = None,
    ) -> Runs:
        """Run every trial with every seed.

        Args:
            hps: values of the rule's numbers, one set for each trial.
            seeds: of starts and samples; the same ones mean the same numbers for any rule.
            budget: oracle calls after which a run is cut.
            enough: whether what is known by now says all that is asked.
            horizon: how many steps are planned at most, as rules are told; None is the budget.
        """
        starts = [self.family.start(data, generator(seed, "start")) for seed in seeds]
        lanes = self._lanes(hps, starts)
        first = np.array([float(self.family.metric(data, p)) for p in starts])
        shape = (-1, len(hps), len(seeds))
        metrics, calls = [], []
        tables, normal = self._drawn(data, starts[0], seeds)
        problem = _put({**data, "horizon": self._scalar(max(1, int(horizon or budget)))})
        for at in range(0, max(1, int(budget)), self._chunk):
            rows = self._side_by_side(tables, at)
            lanes, (metric, spent) = self._advance(
                problem, rows, self._side_by_side(normal, at), lanes, self._scalar(at)
            )
            metrics.append(np.asarray(metric, dtype=float).reshape(shape))
            calls.append(np.asarray(spent, dtype=float).reshape(shape))
            runs = Runs(metric=np.concatenate(metrics), calls=np.concatenate(calls), first=first)
            over = ~np.isfinite(metrics[-1][-1]) | (calls[-1][-1] >= budget)
            if over.all() or enough(runs):
                break
        return runs

    @property
    def lanes(self) -> int:
        """How many runs to advance at once: on a core what its cache holds, on an accelerator as many as there are."""
        return LANES if jax.default_backend() == "cpu" else MANY

    @property
    def _chunk(self) -> int:
        return self.family.stride * -(-self.chunk // self.family.stride)

    def _advance(self, *arguments: Any) -> tuple[Tree, tuple[Array, Array]]:
        shapes = jax.tree.map(jnp.shape, arguments)
        key = str(shapes)
        if key not in self._compiled:
            began = time.process_time()
            lowered = jax.jit(self._go).lower(*arguments)
            self._compiled[key] = lowered.compile(
                compiler_options=dict(self.compiler) if jax.default_backend() == "cpu" else None
            )
            self.compile_s += time.process_time() - began
        answer: tuple[Tree, tuple[Array, Array]] = self._compiled[key](*arguments)
        return answer

    def _go(self, data: Data, rows: Tree, noise: Tree, lanes: Tree, at: Array) -> tuple[Tree, tuple[Array, Array]]:
        """Advance all lanes by a chunk, and look at the metric after each stride."""
        stride = self.family.stride
        looks = self._chunk // stride
        fresh = jax.vmap(self.stepper.init)(lanes["p"])
        lanes = {**lanes, "state": jax.tree.map(lambda new, old: jnp.where(at == 0, new, old), fresh, lanes["state"])}
        blocks = jax.tree.map(lambda r: jnp.reshape(r, (looks, stride, *r.shape[1:])), (rows, noise))
        times = jnp.reshape(at + 1 + jnp.arange(self._chunk, dtype=at.dtype), (looks, stride))

        def step(lanes: Tree, now: Tree) -> tuple[Tree, None]:
            return jax.vmap(lambda lane: self._one(data, now, lane))(lanes), None

        def look(lanes: Tree, block: Tree) -> tuple[Tree, tuple[Array, Array]]:
            lanes, _ = jax.lax.scan(step, lanes, block)
            metric = jax.vmap(lambda lane: self.family.metric(data, lane["p"]))(lanes)
            return lanes, (jnp.where(lanes["alive"], metric, jnp.inf), lanes["calls"])

        found: tuple[Tree, tuple[Array, Array]] = jax.lax.scan(look, lanes, (blocks[0], blocks[1], times))
        return found

    def _one(self, data: Data, now: Tree, lane: Tree) -> Tree:
        """Advance one lane by a step, unless it has broken down."""
        rows, noise, t = now
        row, own = jax.tree.map(lambda r: r[lane["seed"]], (rows, noise))
        p, state, charge, links = self.stepper.step(data, row, own, lane["p"], lane["state"], lane["hp"], t, Spent())
        alive = lane["alive"] & _finite(p)
        kept = lambda new, old: jnp.where(alive, new, old)  # noqa: E731
        return {
            **lane,
            "p": jax.tree.map(kept, p, lane["p"]),
            "state": jax.tree.map(kept, state, lane["state"]),
            "alive": alive,
            "calls": lane["calls"] + charge * (1.0 + self.spent.extra) + links,
        }

    def _lanes(self, hps: Sequence[Mapping[str, float]], starts: Sequence[Tree]) -> Tree:
        """Lay out trials by seeds, the seeds of a trial side by side; the program fills in their states."""
        count = len(hps) * len(starts)
        p = _put(jax.tree.map(lambda *leaves: np.stack(leaves * len(hps)), *starts))
        hp = {name: np.repeat([values[name] for values in hps], len(starts)) for name in self.rule.numbers}
        return {
            "p": p,
            "state": _put(jax.tree.map(_nothing, jax.eval_shape(jax.vmap(self.stepper.init), p))),
            "hp": {name: _put(np.asarray(values, dtype=self.family.dtype)) for name, values in hp.items()},
            "seed": _put(np.tile(np.arange(len(starts)), len(hps))),
            "alive": _put(np.ones(count, dtype=bool)),
            "calls": _put(np.zeros(count)),
        }

    def _drawn(self, data: Data, p: Tree, seeds: Sequence[int]) -> tuple[list[Draws], list[Draws]]:
        """Prepare samples and, where the rule asks for them, standard normal numbers; the last ones are still there."""
        if self._draws is None or self._draws[0] is not data or self._draws[1] != tuple(seeds):
            shapes = {name: np.shape(leaf) for name, leaf in self.stepper.leaves(p).items()}
            tables = [samples(self.family, data, seed, KEPT_BYTES) for seed in seeds]
            normal = [noise(shapes, seed, self.family.dtype, KEPT_BYTES) for seed in seeds] if self._noisy else []
            self._draws = (data, tuple(seeds), tables, normal)
        return self._draws[2:]

    def _side_by_side(self, draws: Sequence[Draws], at: int) -> Tree:
        """Stack the rows of a chunk for all seeds: arrays of shape (steps, seeds, ...)."""
        drawn = [one.rows(at, self._chunk) for one in draws]
        return jax.tree.map(lambda *rows: np.stack(rows, axis=1), *drawn) if drawn else None

    def _scalar(self, value: float) -> Array:
        return _put(np.asarray(value, dtype=self.family.dtype))


def _put(tree: Tree) -> Tree:
    """Turn arrays of NumPy into arrays of JAX; `jnp.asarray` compiles a program for each shape."""
    return jax.device_put(jax.tree.map(np.asarray, tree))


def _nothing(like: jax.ShapeDtypeStruct) -> np.ndarray:
    return np.zeros(like.shape, dtype=like.dtype)


def _finite(p: Tree) -> Array:
    return jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(p)]).all()


def _same(what: str, before: Tree, after: Tree, where: Callable[..., str]) -> None:
    """Refuse a rule whose arrays change from step to step; `where` tells of a path, and of both shapes, who did it."""
    old, new = _named(what, before), _named(what, after)
    paths = dict(zip(old, (path for path, _ in jax.tree_util.tree_leaves_with_path(before)), strict=True))
    if old.keys() != new.keys():
        raise TypeError(f"init gives {', '.join(old) or 'nothing'}, and update gives {', '.join(new) or 'nothing'}")
    for name, array in old.items():
        if (array.shape, array.dtype) != (new[name].shape, new[name].dtype):
            was, now = (f"{one.dtype}{list(one.shape)}" for one in (array, new[name]))
            raise TypeError(f"{where(paths[name], array.shape, new[name].shape)}{name}: {was} becomes {now}")


def _named(what: str, tree: Tree) -> dict[str, Any]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {" ".join([what, *(str(getattr(key, "key", key)) for key in path)]): leaf for path, leaf in leaves}
