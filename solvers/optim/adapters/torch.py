"""Torch: a rule as a `torch.optim.Optimizer`, in foreach form where the rule works entry by entry."""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch

from slotforge.core.errors import UsageError
from slotforge.solvers.optim.adapters._chance import Chance
from slotforge.solvers.optim.adapters._closure import Closure
from slotforge.solvers.optim.adapters._dry import asked
from slotforge.solvers.optim.adapters._numbers import chosen, options
from slotforge.solvers.optim.adapters._rounding import precision, store
from slotforge.solvers.optim.adapters._symbolic import Unsupported
from slotforge.solvers.optim.adapters._torch_namespace import Namespace, xp
from slotforge.solvers.optim.adapters.foreach import Program, compiled, plain
from slotforge.solvers.optim.aux import WHOLE, Aux, Spent

Tensor = torch.Tensor
PIECE = 1 << 17  # entries that go through a program together on a processor, so that they stay in its cache


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an optimizer was asked for; see `RuleOptimizer`."""

    foreach: bool
    horizon: int | None
    rank: int
    seed: int
    state_dtype: torch.dtype | None
    stochastic_rounding: bool


class RuleOptimizer(torch.optim.Optimizer):
    """An optimizer that runs a rule.

    Class attributes:
        rule: a composite of rules.
        numbers: defaults of its numbers, by "slot.name".
    """

    rule: ClassVar[Any]
    numbers: ClassVar[Mapping[str, float]]

    def __init__(
        self,
        params: Any,
        *,
        foreach: bool = True,
        horizon: int | None = None,
        rank: int = 0,
        seed: int = 0,
        state_dtype: torch.dtype | None = None,
        stochastic_rounding: bool = True,
        **numbers: Any,
    ) -> None:
        """Take in parameters or groups of parameters; a group may have numbers of its own.

        A rule that asks for gradients at other points or for Hessian products sees all groups as one vector, so that
        their numbers must be the same.

        Args:
            params: tensors, or groups as dicts.
            foreach: work on lists of tensors where the rule allows it; else, and otherwise, tensor by tensor.
            horizon: steps that are planned, for rules that ask.
            rank: of the matrix that is looked for, for rules that ask.
            seed: of the noise that some rules want, and of stochastic rounding. What is drawn follows from it and from
                the number of the step, so that replicas stay alike.
            state_dtype: in which the state is kept; None is float32 or wider. The rule computes in float32 or wider.
            stochastic_rounding: how bfloat16 parameters and state are rounded.
            numbers: of the rule, by name.

        Raises:
            UsageError: the rule has no such number, or a parameter is not real.
        """
        self._names = options(self.numbers)
        self._settings = Settings(
            foreach=foreach, horizon=horizon, rank=rank, seed=seed, state_dtype=state_dtype,
            stochastic_rounding=stochastic_rounding,
        )  # fmt: skip
        self._asked: dict[int, set[str]] = {}
        self._programs: dict[tuple[Any, ...], Program | None] = {}
        self._chosen: dict[Tensor, Program | None] = {}
        defaults = {name: self.numbers[full] for name, full in self._names.items()}
        super().__init__(params, chosen(defaults, numbers, self._unsigned))

    @property
    def _unsigned(self) -> set[str]:
        return {name for name, full in self._names.items() if full in self.rule.unsigned}

    def __getstate__(self) -> dict[str, Any]:
        """Give what a copy needs."""
        own = {"_names": self._names, "_settings": self._settings, "_asked": {}, "_programs": {}, "_chosen": {}}
        return {**super().__getstate__(), **own}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, as torch has it; raises UsageError for numbers or parameters that cannot be."""
        given = {name: value for name, value in param_group.items() if name in self._names}
        chosen(dict.fromkeys(self._names, 0.0), given, self._unsigned)
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            if not p.is_floating_point():
                self.param_groups.pop()
                raise UsageError(f"a parameter is {p.dtype}: rules work on real numbers; split complex ones in two")

    def load_state_dict(self, state_dict: Any) -> None:
        """Go on from a saved state; values keep the dtype in which they were saved."""
        given = [state_dict]
        hooks = (
            self.register_load_state_dict_pre_hook(lambda _, changed: given.append(changed)),
            self.register_load_state_dict_post_hook(lambda _: self._restore(given[-1]), prepend=True),
        )
        try:
            super().load_state_dict(state_dict)
        finally:
            for hook in hooks:
                hook.remove()

    def _restore(self, state_dict: Any) -> None:
        self._chosen.clear()
        saved = [index for group in state_dict["param_groups"] for index in group["params"]]
        params = [p for group in self.param_groups for p in group["params"]]
        for index, p in zip(saved, params, strict=True):
            for name, value in state_dict["state"].get(index, {}).items():
                if isinstance(value, Tensor):
                    self.state[p][name] = value.detach().clone().to(p.device)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Carry out a step.

        Args:
            closure: evaluates the loss and returns it. Rules that ask for the loss, for gradients at other points or
                for Hessian products need one; for Hessian products it must not call `backward`, or call it with
                `create_graph=True`. What `backward` leaves adds to the gradients that are there, as with the
                optimizers of torch: clear them in the closure. Where there are none after it, they are taken of what
                it returns, and not left. Hessian products are those of the loss of this process alone: replicas of
                DDP do not average them.
        """
        params = [p for group in self.param_groups for p in group["params"]]
        asks = self._asks()
        source = Closure(params, closure, twice=bool(asks & {"hvp", "hessian"}))
        loss = source.first()
        self._chance = Chance(self._settings.seed)
        if asks & WHOLE:
            self._whole([p for p in params if p.numel()], source)
            return loss
        for group in self.param_groups:
            if owned := [p for p in group["params"] if source.knows(p) and p.numel()]:
                self._leafwise(group, owned, source)
        return loss

    def _asks(self) -> set[str]:
        """Learn what the rule asks for; that may depend on the number of axes."""
        found: set[str] = set()
        for group in self.param_groups:
            for p in {p.ndim: p for p in group["params"] if p.numel()}.values():
                if p.ndim not in self._asked:
                    x = torch.zeros_like(p, dtype=self._working(p))
                    one = torch.ones_like(x.sum())
                    self._asked[p.ndim] = asked(self.rule, Namespace(x.device), x, self._hp(group, x), one)
                found |= self._asked[p.ndim]
        return found

    def _working(self, p: Tensor) -> torch.dtype:
        return precision(p.dtype, self._settings.state_dtype or p.dtype)

    def _hp(self, group: Mapping[str, Any], like: Tensor) -> dict[str, Tensor]:
        given = {full: group[name] for name, full in self._names.items()}
        return {full: torch.as_tensor(value, dtype=like.dtype, device=like.device) for full, value in given.items()}

    def _state(self, owner: Tensor, x: Tensor) -> dict[str, Any]:
        """Return the state, flat, and count the step."""
        state: dict[str, Any] = self.state[owner]
        if not state:
            state["t"] = 0
            kept = self._settings.state_dtype or x.dtype
            for slot, own in self.rule.init(Namespace(x.device), x).items():
                state.update({f"{slot}.{name}": _real(value, kept, copy=True) for name, value in own.items()})
        state["t"] += 1
        return state

    def _nested(self, state: Mapping[str, Any], dtype: torch.dtype | None = None) -> dict[str, dict[str, Tensor]]:
        nested: dict[str, dict[str, Tensor]] = {slot: {} for slot in self.rule.parts}
        for full, value in state.items():
            slot, _, name = full.partition(".")
            if name:
                nested[slot][name] = value if dtype is None else _real(value, dtype)
        return nested

    def _facts(self, x: Tensor, source: Closure) -> dict[str, Any]:
        def horizon() -> Tensor:
            if self._settings.horizon is None:
                raise UsageError("this rule asks how many steps are planned: give the optimizer horizon=STEPS")
            return torch.full((), self._settings.horizon, dtype=x.dtype, device=x.device)

        return {
            "value": lambda: source.value().to(x.device, x.dtype),
            "norm": lambda: source.norm().to(x.device, x.dtype),
            "noise": lambda: self._chance.normal(x),
            "horizon": horizon,
            "rank": self._settings.rank,
            "spread": lambda: torch.zeros(1, dtype=x.dtype, device=x.device),
            "parent": lambda: torch.zeros(1, dtype=x.dtype, device=x.device),
        }

    def _one(
        self, group: Mapping[str, Any], state: dict[str, Any], x: Tensor, g: Tensor, source: Closure, questions: Any
    ) -> Tensor:
        """Run the rule on one array; return the next point."""
        self._chance.turn(state["t"])
        aux = Aux(Spent(), self._facts(x, source), questions)
        t = torch.full((), state["t"], dtype=x.dtype, device=x.device)
        point: Tensor
        nested, hp = self._nested(state, x.dtype), self._hp(group, x)
        point, told = self.rule.update(Namespace(x.device), g, nested, x, hp, t, aux)
        homes = {_storage(kept) for kept in (x, *state.values()) if isinstance(kept, Tensor) and plain(kept)}

        def safe(value: Tensor) -> Tensor:
            return value if plain(value) and _storage(value) not in homes else value.clone()

        new = {f"{slot}.{name}": safe(value) for slot, own in told.items() for name, value in own.items()}
        point = safe(point)
        for name, value in new.items():
            self._store(state[name], value)
        return point

    def _store(self, into: Tensor, value: Tensor) -> None:
        store(into, value, self._chance if self._settings.stochastic_rounding else None)

    def _whole(self, params: Sequence[Tensor], source: Closure) -> None:
        """Run the rule on all parameters as one vector, or on the only one as it is.

        Those that are not frozen in the first step belong to it: each has a state from then on, the first one that of
        the rule. One that is frozen later stays where it is, with a gradient of zero.
        """
        group, *others = self.param_groups
        for name in self._names:
            if any(other[name] != group[name] for other in others):
                raise UsageError(f"number '{name}' is not the same in all groups: this rule sees them as one vector")
        if not any(map(source.knows, params)):
            return
        owned = [p for p in params if self.state.get(p)] or [p for p in params if source.moves(p)]
        if not {p for p in params if source.moves(p)} <= set(owned):
            raise UsageError(
                "a parameter was frozen in the first step, or added since: this rule keeps one state for all, which it"
                " cannot join; make a new optimizer"
            )
        shape = owned[0].shape if len(owned) == 1 else (-1,)
        device, dtype = owned[0].device, precision(*map(self._working, owned))
        x = torch.cat([p.reshape(-1).to(device, dtype) for p in owned]).reshape(shape)
        g = torch.cat([source.gradient(p).reshape(-1).to(device, dtype) for p in owned]).reshape(shape)
        state = self._state(owned[0], x)
        point = self._one(group, state, x, g, source, source.questions(owned, dtype, shape))
        for p, part in zip(owned, torch.split(point.reshape(-1), [p.numel() for p in owned]), strict=True):
            self.state[p]["t"] = state["t"]
            if source.moves(p):
                self._store(p, part.reshape(p.shape))

    def _leafwise(self, group: Mapping[str, Any], owned: Sequence[Tensor], source: Closure) -> None:
        """Run the rule on each parameter on its own; those that share a program together."""
        together: dict[Any, list[Tensor]] = {}
        for p in owned:
            dtype = self._working(p)
            state = self._state(p, p if p.dtype == dtype else p.to(dtype))
            if p not in self._chosen:
                self._chosen[p] = self._program(p, dtype, state) if self._settings.foreach else None
            program = self._chosen[p]
            if program is None:
                point = self._one(group, state, p.to(dtype), source.gradient(p).to(dtype), source, {})
                self._store(p, point)
            else:
                together.setdefault((id(program), p.device, p.dtype, state["t"]), []).append(p)
        for (*_, t), params in together.items():
            program = self._chosen[params[0]]
            assert program is not None
            self._together(program, group, params, t, source)

    def _program(self, p: Tensor, dtype: torch.dtype, state: Mapping[str, Any]) -> Program | None:
        key = (p.ndim, *((x.ndim == 0, x.shape == p.shape) for x in state.values() if isinstance(x, Tensor)))
        if key not in self._programs:
            try:
                self._programs[key] = compiled(self.rule, self.numbers, self._nested(state, dtype), p)
            except Unsupported:
                self._programs[key] = None
        return self._programs[key]

    def _together(
        self, program: Program, group: Mapping[str, Any], params: Sequence[Tensor], t: int, source: Closure,
    ) -> None:  # fmt: skip
        """Run a program over lists of tensors."""
        self._chance.turn(t)
        one = torch.ones((), dtype=torch.float64)
        facts = self._facts(one, source)
        wanted = {name: facts[name] for name in program.asked - {"noise"}}
        known = {name: torch.as_tensor(fact() if callable(fact) else fact).to(one) for name, fact in wanted.items()}
        floats = program.numbers(xp, one * t, self._hp(group, one), known)
        names = [name for name in self.state[params[0]] if name != "t"]
        rows = [[p, source.gradient(p), *(self.state[p][name] for name in names)] for p in params]
        piece = PIECE if params[0].device.type == "cpu" else None
        for p, g, *values in _pieces(rows, piece, program.splits):
            noise = [self._chance.normal(x) for x in p] if "noise" in program.asked else []
            state = dict(zip(names, values, strict=True))
            self._run(program, p, g, state, noise, floats)

    def _run(
        self, program: Program, p: list[Tensor], g: list[Tensor], state: dict[str, list[Tensor]],
        noise: list[Tensor], floats: tuple[float, ...],
    ) -> None:  # fmt: skip
        work = self._working(p[0])
        exact = all(x.dtype == work for values in (p, *state.values()) for x in values[:1])
        if exact:
            program.update(p, g, state, noise, floats)
            return

        def wide(values: list[Tensor]) -> list[Tensor]:
            return [x.to(work, copy=True) for x in values]

        points, kept = wide(p), {name: wide(values) for name, values in state.items()}
        program.update(points, wide(g), kept, wide(noise), floats)
        for into, values in ((p, points), *((state[name], kept[name]) for name in state)):
            for x, value in zip(into, values, strict=True):
                self._store(x, value)


def _pieces(rows: list[list[Tensor]], size: int | None, splits: bool) -> Iterator[list[list[Tensor]]]:
    """Cut tensors that lie alike into pieces, and gather them to lists of about so many entries."""
    gathered: list[list[Tensor]] = []
    count = 0
    for row in rows:
        for part in _cut(row, size) if size and splits else [row]:
            if size and count and count + part[0].numel() > size:
                yield [list(column) for column in zip(*gathered, strict=True)]
                gathered, count = [], 0
            gathered.append(part)
            count += part[0].numel()
    if gathered:
        yield [list(column) for column in zip(*gathered, strict=True)]


def _cut(row: list[Tensor], size: int) -> Iterator[list[Tensor]] | list[list[Tensor]]:
    if row[0].numel() <= size or not all(x.is_contiguous() and x.shape == row[0].shape for x in row):
        return [row]
    columns = [torch.split(x.view(-1), size) for x in row]
    return (list(part) for part in zip(*columns, strict=True))


def _real(x: Tensor, dtype: torch.dtype, *, copy: bool = False) -> Tensor:
    """Bring real numbers to a dtype; truth values and places stay what they are."""
    return x.to(dtype if x.is_floating_point() else x.dtype, copy=copy)


def _storage(x: Tensor) -> int:
    return x.untyped_storage().data_ptr()


def optimizer(rule: Any, numbers: Mapping[str, float], name: str = "RuleOptimizer") -> type[RuleOptimizer]:
    """Make the class of optimizers that run a rule.

    Args:
        rule: a composite of rules.
        numbers: defaults of its numbers, by "slot.name".
        name: of the class.
    """
    own = {"rule": rule, "numbers": dict(numbers), "__doc__": RuleOptimizer.__doc__}
    return cast("type[RuleOptimizer]", Made(name, (RuleOptimizer,), own))


class Made(type):
    """The type of classes that no module holds by name: a pickle makes them again from their rules."""


def _again(made: Any) -> Any:
    return optimizer, (made.rule, made.numbers, made.__name__)


copyreg.pickle(Made, _again)
