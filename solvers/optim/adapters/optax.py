"""Optax: a rule as a `optax.GradientTransformationExtraArgs`, for `optax.chain`, `jax.jit` and all that."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from itertools import accumulate
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax  # type: ignore[import-untyped]

from slotforge.core.errors import UsageError
from slotforge.solvers.optim.adapters._dry import asked
from slotforge.solvers.optim.adapters._numbers import chosen, options
from slotforge.solvers.optim.aux import WHOLE, Aux, Spent

Array = Any
Tree = Any


class RuleState(NamedTuple):
    """State of a transformation; values are kept in float32 or wider.

    count: steps so far.
    leaves: the state of the rule by slot and name: trees like that of the parameters, with `optax.MaskedNode` where the
        rule keeps nothing for an array; or vectors of all parameters where the rule needs them as one.
    """

    count: Array
    leaves: dict[str, dict[str, Tree]]


def transformation(rule: Any, numbers: Mapping[str, float]) -> Callable[..., optax.GradientTransformationExtraArgs]:
    """Make the function that makes transformations, as `optax.adam` is one; `optax.inject_hyperparams` takes it.

    It takes numbers of the rule by name, besides `horizon`, the steps that are planned, `rank`, of the matrix that is
    looked for (a static argument of `inject_hyperparams`), and `seed`, of the noise that some rules want. Its `update`
    needs `params`, and takes `value`, the loss, and `grad_fn`, parameters to gradients, for rules that ask. The rule
    computes in float32 or wider; updates have the dtypes of the parameters.

    Args:
        rule: a composite of rules.
        numbers: defaults of its numbers, by "slot.name".
    """
    names = options(numbers)
    defaults = {name: numbers[full] for name, full in names.items()}
    unsigned = {name for name, full in names.items() if full in rule.unsigned}

    def make(
        *, horizon: Any = None, rank: Any = 0, seed: Any = 0, **given: Any
    ) -> optax.GradientTransformationExtraArgs:
        for name, value in given.items():
            if name in names and callable(value):
                how = f"optax.inject_hyperparams(MADE)({name}=SCHEDULE), MADE being what you have called"
                raise UsageError(f"number '{name}' is a schedule: write {how}")
        values = {names[name]: value for name, value in chosen(defaults, given, unsigned).items()}
        run = Run(rule=rule, hp=values, horizon=horizon, rank=rank, seed=seed)
        return optax.GradientTransformationExtraArgs(run.init, run.update)

    shown = {"horizon": None, "rank": 0, "seed": 0, **defaults}
    make.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter(name, Parameter.KEYWORD_ONLY, default=default) for name, default in shown.items()]
    )
    return make


class Run(NamedTuple):
    """A rule with its numbers set; see `transformation`."""

    rule: Any
    hp: Mapping[str, Any]
    horizon: Any
    rank: Any
    seed: Any

    def init(self, params: Tree) -> RuleState:
        """Make the state for parameters of any structure; they share no memory, so that both may be donated."""
        states = [self.rule.init(jnp, leaf) if leaf.size else {} for leaf in self._leaves(params)]
        states = jax.tree.map(lambda x: jnp.array(x, copy=True), states)
        return RuleState(jnp.zeros((), jnp.int32), self._packed(states, params))

    def update(
        self, updates: Tree, state: RuleState, params: Tree | None = None, *,
        value: Any = None, grad_fn: Callable[[Tree], Tree] | None = None, **_: Any,
    ) -> tuple[Tree, RuleState]:  # fmt: skip
        """Turn gradients into what is to be added to the parameters.

        Raises:
            UsageError: something that the rule needs was not handed in.
        """
        if params is None:
            raise UsageError("a rule needs the parameters: call update(grads, state, params)")
        points, count = self._leaves(params), state.count + 1
        slopes = self._leaves(updates, params)
        norm = lambda: jnp.sqrt(sum(jnp.sum(g * g) for g in slopes))  # noqa: E731
        found: list[Array] = []
        told: list[Tree] = []
        for place, (p, g, own) in enumerate(zip(points, slopes, self._states(state, params), strict=True)):
            if not p.size:
                found.append(p)
                told.append({})
                continue
            key = lambda place=place: jax.random.fold_in(jax.random.fold_in(jax.random.key(self.seed), place), count)  # noqa: E731
            facts = self._facts(p, value, norm, key)
            aux = Aux(Spent(), facts, self._questions(p, params, grad_fn))
            point, new = self.rule.update(jnp, g, own, p, self._numbers(p), count.astype(p.dtype), aux)
            found.append(point - p)
            told.append(new)
        return self._tree(found, params), RuleState(count, self._packed(told, params))

    def _packed(self, states: list[Tree], params: Tree) -> dict[str, dict[str, Tree]]:
        """Make a tree like the parameters of each entry of the state; `optax.tree_map_params` asks with no arrays."""
        structure, none = jax.tree.structure(params), optax.MaskedNode()
        some: list[dict[str, dict[str, Tree]]] = states or [self.rule.init(jnp, _probe())]
        if self._whole(self._wide(params)):
            return some[0]
        names = {slot: {name: None for own in some for name in own.get(slot, {})} for slot in self.rule.parts}
        return {
            slot: {
                name: jax.tree.unflatten(structure, [own.get(slot, {}).get(name, none) for own in states])
                for name in own_names
            }
            for slot, own_names in names.items()
        }

    def _states(self, state: RuleState, params: Tree) -> list[Tree]:
        """Undo `_packed`."""
        if self._whole(self._wide(params)):
            return [state.leaves]
        structure: Any = jax.tree.structure(params)
        states: list[Tree] = [{slot: {} for slot in state.leaves} for _ in range(structure.num_leaves)]
        for slot, told in state.leaves.items():
            for name, tree in told.items():
                for own, value in zip(states, structure.flatten_up_to(tree), strict=True):
                    if not _masked(value):
                        own[slot][name] = value
        return states

    def _wide(self, tree: Tree, like: Tree | None = None) -> list[Array]:
        """List the arrays of a tree, as wide as the parameters, and no less than float32."""
        points = jax.tree.leaves(tree if like is None else like)
        return [_wide(leaf, point) for leaf, point in zip(jax.tree.leaves(tree), points, strict=True)]

    def _numbers(self, like: Array) -> dict[str, Array]:
        return {name: jnp.asarray(value, like.dtype) for name, value in self.hp.items()}

    def _leaves(self, tree: Tree, params: Tree | None = None) -> list[Array]:
        """List the arrays that the rule is applied to: those of the tree, or one vector of several."""
        leaves = self._wide(tree, params)
        if len(leaves) > 1 and self._whole(leaves):
            return [jnp.concatenate([jnp.ravel(leaf) for leaf in leaves])]
        return leaves

    def _tree(self, leaves: list[Array], like: Tree) -> Tree:
        """Put arrays together again, or cut the vector of all; with the structure, shapes and dtypes of `like`."""
        points, structure = jax.tree.flatten(like)
        if len(leaves) != len(points) or any(x.shape != jnp.shape(y) for x, y in zip(leaves, points, strict=True)):
            ends = list(accumulate(math.prod(jnp.shape(point)) for point in points))
            leaves = jnp.split(leaves[0], ends[:-1])
        found = [jnp.reshape(x, jnp.shape(y)).astype(jnp.result_type(y)) for x, y in zip(leaves, points, strict=True)]
        return jax.tree.unflatten(structure, found)

    def _whole(self, leaves: list[Array]) -> bool:
        """Learn on abstract values whether the rule wants all arrays as one."""
        for leaf in {leaf.ndim: leaf for leaf in leaves or [_probe()] if leaf.size}.values():
            used: set[str] = set()

            def dry(p: Array, used: set[str] = used) -> Array:
                used |= asked(self.rule, jnp, p, self._numbers(p), jnp.ones_like(p.sum()))
                return p

            jax.eval_shape(dry, leaf)
            if used & WHOLE:
                return True
        return False

    def _facts(self, p: Array, value: Any, norm: Callable[[], Array], key: Callable[[], Array]) -> dict[str, Any]:
        def given(what: Any, message: str) -> Array:
            if what is None:
                raise UsageError(message)
            return jnp.asarray(what, p.dtype)

        def rank() -> Any:
            if isinstance(self.rank, jax.Array):
                raise UsageError(
                    "this rule asks for the rank, which must be a plain number:"
                    " optax.inject_hyperparams(MADE, static_args=('rank',))(rank=K), MADE being what you have called"
                )
            return self.rank

        return {
            "value": lambda: given(value, "this rule asks for the loss: call update(..., value=LOSS)"),
            "norm": lambda: norm().astype(p.dtype),
            "noise": lambda: jax.random.normal(key(), p.shape, p.dtype),
            "horizon": lambda: given(self.horizon, "this rule asks how many steps are planned: give horizon=STEPS"),
            "rank": rank,
            "spread": lambda: jnp.zeros(1, p.dtype),
            "parent": lambda: jnp.zeros(1, p.dtype),
        }

    def _questions(self, p: Array, params: Tree, grad_fn: Callable[[Tree], Tree] | None) -> dict[str, Any]:
        def grad(x: Array) -> Array:
            if grad_fn is None:
                raise UsageError("this rule asks for gradients at other points: call update(..., grad_fn=GRAD)")
            try:
                found = grad_fn(self._tree([x], params))
            except Exception as error:
                if any(map(_masked, jax.tree.leaves(params, is_leaf=_masked))):
                    raise UsageError(
                        "grad_fn failed on parameters of which optax.masked or the like hides some (MaskedNode): mask"
                        " in the loss instead, or let grad_fn put in what is hidden"
                    ) from error
                raise
            return self._leaves(found, params)[0]

        return {
            "grad": grad,
            "grads": jax.vmap(grad),
            "hvp": lambda v: jax.jvp(grad, (p,), (v,))[1],
            "hessian": lambda x: jnp.reshape(jax.jacfwd(grad)(x), (x.size, x.size)),
            "mix": lambda x: x,
            "mix_sign": jnp.sign,
        }


def _wide(leaf: Array, like: Array) -> Array:
    """Give an array the precision in which a rule works on a parameter."""
    for dtype in map(jnp.result_type, (leaf, like)):
        if not jnp.issubdtype(dtype, jnp.floating):
            raise UsageError(f"an array is {dtype}: rules work on real numbers")
    return jnp.asarray(leaf, jnp.promote_types(jnp.result_type(like), jnp.float32))


def _masked(node: Any) -> bool:
    return isinstance(node, optax.MaskedNode)


def _probe() -> Array:
    """Stand for parameters where there are none yet."""
    return jnp.zeros((2, 2), jnp.float32)
