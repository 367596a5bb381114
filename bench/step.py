"""Measure what a step costs: rules as torch optimizers beside those of torch, on the same parameters."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from slotforge.bench._command import benchmark, say
from slotforge.bench._result import Result, Table
from slotforge.bench.boundary import interval

if TYPE_CHECKING:
    from torch.optim import Optimizer

MODELS: Mapping[str, tuple[int, tuple[int, ...]]] = {
    "10 million in 40 of 500 x 500": (40, (500, 500)),
    "0.2 million in 200 of 32 x 32": (200, (32, 32)),
}
PEERS = {"adam": "Adam", "adamw": "AdamW", "adagrad": "Adagrad", "rmsprop": "RMSprop", "heavy_ball": "SGD"}
EAGER = " tensor by tensor"
TORCH = "torch "


@benchmark
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(3))
@click.option(
    "--rule",
    "rules",
    multiple=True,
    default=("adam", "adamw", "heavy_ball", "lion", "cautious_adamw", "grams"),
    show_default=True,
    help="Built-in rule of a step; may be repeated.",
)
def command(rounds: int, rules: tuple[str, ...]) -> Result:
    """Measure CPU time of a step on one thread, in float32.

    Each rule runs over lists of tensors and tensor by tensor; where torch has the same rule, torch runs it with
    foreach=True. All take turns in each round, on parameters and gradients of their own.
    """
    import torch

    torch.set_num_threads(1)
    seconds: dict[str, dict[str, list[float]]] = {}
    for model, (count, shape) in MODELS.items():
        seconds[model] = measure(optimizers(rules, count, shape), rounds)
        say(f"measured {model}")
    return report(seconds, {"rounds": rounds, "torch": torch.__version__, "threads": 1})


def optimizers(rules: Sequence[str], count: int, shape: tuple[int, ...]) -> dict[str, Optimizer]:
    """Make the optimizers, each with so many parameters of this shape."""
    import torch

    from slotforge import optim

    def made(kind: Callable[..., Optimizer], **options: Any) -> Optimizer:
        generator = torch.Generator().manual_seed(0)
        params = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for _ in range(count)]
        for p in params:
            p.grad = torch.randn(shape, generator=generator)
        return kind(params, **options)

    found: dict[str, Optimizer] = {}
    for rule in rules:
        found[rule] = made(optim.torch(rule), lr=1e-3)
        found[rule + EAGER] = made(optim.torch(rule), lr=1e-3, foreach=False)
        if rule in PEERS:
            more = {"momentum": 0.9} if rule == "heavy_ball" else {}
            found[TORCH + rule] = made(getattr(torch.optim, PEERS[rule]), lr=1e-3, foreach=True, **more)
    return found


def measure(found: Mapping[str, Optimizer], rounds: int) -> dict[str, list[float]]:
    """Time one step of each in turn; the first rounds, in which state is made, do not count."""
    seconds: dict[str, list[float]] = {name: [] for name in found}
    for number in range(rounds + 2):
        for name, one in found.items():
            began = time.process_time()
            one.step()
            if number >= 2:
                seconds[name].append(time.process_time() - began)
    return seconds


def report(seconds: Mapping[str, Mapping[str, Sequence[float]]], settings: Mapping[str, Any]) -> Result:
    """Compare with torch where it has the rule, and with the rule tensor by tensor."""
    tables = []
    for model, steps in seconds.items():
        rows = []
        for rule in (name for name in steps if not name.startswith(TORCH) and not name.endswith(EAGER)):
            ours, eager, peer = steps[rule], steps[rule + EAGER], steps.get(TORCH + rule)
            ratio, low, high = interval([(ours, peer)]) if peer else (None, None, None)
            rows.append((
                rule, 1e3 * median(ours), 1e3 * median(eager), 1e3 * median(peer) if peer else None, ratio,
                f"{low:.2f} to {high:.2f}" if peer else None,
            ))  # fmt: skip
        tables.append(
            Table(
                title=f"A step on {model} parameters",
                columns=("rule", "lists, ms", "tensor by tensor, ms", "torch, ms", "lists over torch", "95 % interval"),
                rows=tuple(rows),
                note="CPU milliseconds, median over the rounds; geometric mean of the ratio, Student's interval.",
            )
        )
    return Result(benchmark="step", settings=settings, tables=tuple(tables), figures={"seconds": seconds})
