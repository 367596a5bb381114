"""Runs per core-second of the evaluator beside the loops of torch and optax, on one pinned core, in CPU time.

The measurement is a process of its own, pinned before anything that starts threads is imported; it answers with JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

STEPS = 500
WIDTHS = (1, 12, 36, 64)
PINNED = {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false --xla_cpu_parallel_codegen_split_count=1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
REACH = {"logistic 256 x 32": 1000.0, "MLP 64-32-10": 80.0, "completion 60 x 60": 200.0}  # runs per core-second
COMPILE_S = 1.5  # at most


@dataclass(frozen=True, kw_only=True)
class Case:
    """A problem to run: a family with its knobs.

    plain: in single precision and looking at the metric as seldom as can be, as the loops of others do; else in the
        precision of the family, looking as often as it says.
    """

    family: str
    knobs: Mapping[str, float]
    plain: bool


_PROBLEMS: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "logistic 256 x 32": ("logistic", {"planted": 256, "d": 31}),
    "MLP 64-32-10": ("mlp", {}),
    "completion 60 x 60": ("completion", {}),
}
PLAIN = ", plain"
CASES = {
    name + (PLAIN if plain else ""): Case(family=family, knobs=knobs, plain=plain)
    for name, (family, knobs) in _PROBLEMS.items()
    for plain in (True, False)
}


def measure(rule: str, rounds: int, cases: Sequence[str] = tuple(CASES)) -> dict[str, Any]:
    """Measure in a pinned process; see `pinned` for the answer."""
    ask = json.dumps({"rule": rule, "rounds": rounds, "cases": list(cases)})
    done = subprocess.run(
        [sys.executable, "-m", __name__, ask],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def environment() -> dict[str, str]:
    """Return the environment of a process that measures: one thread, double precision."""
    return {**os.environ, **PINNED}


def pinned(rule: str, rounds: int, cases: Sequence[str]) -> dict[str, Any]:
    """Measure in this process, on one of its cores.

    Returns:
        By case: "dtype", "stride" (steps between two looks at the metric), "rates" (runs of 500 steps per core-second,
        by width and by peer), "compile_s" by width; and under "skipped" which peers are not installed.
    """
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    peers = {"optax": _optax, "torch": _torch}
    skipped = [name for name in peers if find_spec(name) is None]
    found: dict[str, Any] = {"skipped": skipped}
    for name in cases:
        problem = _problem(CASES[name])
        found[name] = {"dtype": problem[0].dtype, "stride": problem[0].stride, **_ours(*problem, rule, rounds)}
        for peer, loop in peers.items():
            if peer not in skipped:
                found[name]["rates"][peer] = loop(CASES[name].family, *problem, rounds)
    return found


def _problem(case: Case) -> tuple[Any, Any]:
    import numpy as np

    from slotforge.core.ids import generator
    from slotforge.solvers.optim.case import family
    from slotforge.solvers.optim.simulate import CHUNK

    found = family(case.family)
    data = found.draw({**found.knobs, **case.knobs}, generator("bench", case.family))
    if not case.plain:
        return found, data

    class Plain(type(found)):  # type: ignore[misc]
        dtype = "float32"
        stride = CHUNK

        def start(self, data: Any, rng: Any) -> Any:
            p = super().start(data, rng)
            return p if isinstance(p, Mapping) else np.asarray(p, "float32")

    doubles = {name for name, value in data.items() if np.asarray(value).dtype == "float64"}
    return Plain(), {name: np.asarray(v, "float32") if name in doubles else v for name, v in data.items()}


def _ours(family: Any, data: Any, rule: str, rounds: int) -> dict[str, Any]:
    """Run the evaluator at each width, with learning rates spread over a factor of ten."""
    from slotforge.solvers.optim.answer import composite
    from slotforge.solvers.optim.builtin import named
    from slotforge.solvers.optim.simulate import Program

    rates, compile_s = {}, {}
    for width in WIDTHS:
        program = Program(family=family, rule=composite(tuple(sorted(named(rule).items()))))
        program.inspect(data)
        defaults = {name: number.default for name, number in program.rule.numbers.items()}
        hps = [{**defaults, "step.lr": 1e-3 * 10 ** (place / width)} for place in range(width)]

        def once(program: Program = program, hps: Any = hps) -> None:
            program.run(data, hps, [0], budget=STEPS, enough=lambda _: False)

        once()
        compile_s[str(width)] = program.compile_s
        rates[f"W={width}"] = width / _fastest(once, rounds)
    return {"rates": rates, "compile_s": compile_s}


def _optax(_: str, family: Any, data: Any, rounds: int) -> float:
    """Run optax.adam by a jitted step in a Python loop, on the same oracle and batches."""
    import jax
    import jax.numpy as jnp
    import optax  # type: ignore[import-untyped]

    from slotforge.core.ids import generator

    adam = optax.adam(1e-3)
    problem = jax.tree.map(jnp.asarray, dict(data))
    start = jax.tree.map(jnp.asarray, family.start(data, generator(0, "start")))
    table = family.table(data, STEPS, generator(0, "samples"))

    @jax.jit
    def step(p: Any, state: Any, row: Any) -> Any:
        updates, state = adam.update(family.oracle(problem, p, row, {})[1], state, p)
        return optax.apply_updates(p, updates), state

    def once(steps: int = STEPS) -> None:
        p, state = start, adam.init(start)
        for at in range(steps):
            p, state = step(p, state, None if table is None else table[at])
        jax.tree.map(lambda leaf: leaf.block_until_ready(), p)

    once(2)
    return 1 / _fastest(once, rounds)


def _torch(name: str, family: Any, data: Any, rounds: int) -> float:
    """Run torch.optim.Adam in its usual loop: zero_grad, loss, backward, step."""
    import numpy as np
    import torch

    from slotforge.core.ids import generator

    torch.set_num_threads(1)
    held = {key: torch.from_numpy(np.array(value)) for key, value in data.items()}
    start = family.start(data, generator(0, "start"))
    table = family.table(data, STEPS, generator(0, "samples"))
    rows = None if table is None else torch.from_numpy(table.astype("int64"))
    leaves = start if isinstance(start, Mapping) else {"p": start}

    def once(steps: int = STEPS) -> None:
        p = {key: torch.nn.Parameter(torch.from_numpy(np.array(leaf))) for key, leaf in leaves.items()}
        adam = torch.optim.Adam(p.values(), lr=1e-3)
        for at in range(steps):
            adam.zero_grad()
            _LOSSES[name](held, p, None if rows is None else rows[at]).backward()
            adam.step()

    once(2)
    return 1 / _fastest(once, rounds)


def _logistic(data: Any, p: Any, _: None) -> Any:
    from torch.nn.functional import softplus

    return softplus(-(data["signed"] @ p["p"])).mean() + data["l2"] / 2 * (p["p"] @ p["p"])


def _mlp(data: Any, p: Any, row: Any) -> Any:
    import torch
    from torch.nn.functional import cross_entropy, linear

    hidden = torch.tanh(linear(data["train"][row], p["w0"], p["b0"]))
    return cross_entropy(linear(hidden, p["w1"], p["b1"]), data["train_label"][row].long())


def _completion(data: Any, p: Any, _: None) -> Any:
    return (data["mask"] * (p["p"][0] @ p["p"][1].T - data["seen"]).abs()).sum()


_LOSSES: dict[str, Callable[[Any, Any, Any], Any]] = {"logistic": _logistic, "mlp": _mlp, "completion": _completion}


def _fastest(once: Callable[[], None], rounds: int) -> float:
    """Return CPU seconds of the fastest round, which others on the machine disturbed least."""
    seconds = []
    for _ in range(rounds):
        began = time.process_time()
        once()
        seconds.append(time.process_time() - began)
    return min(seconds)


if __name__ == "__main__":
    print(json.dumps(pinned(**json.loads(sys.argv[1]))))
