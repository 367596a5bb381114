"""What a rule asks has its price, and cannot be had for less."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.core.ids import generator
from slotforge.solvers.optim import builtin
from slotforge.solvers.optim.answer import composite
from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.hygiene import check
from slotforge.solvers.optim.loop import Loop
from slotforge.solvers.optim.probe import Probe
from slotforge.solvers.optim.products import products
from slotforge.solvers.optim.rule import load
from slotforge.solvers.optim.simulate import Program

HEAD = "def init(xp, p):\n    return {}\n\n\ndef update(xp, g, state, p, hp, t, aux):\n"


def inspected(host, body, shape=(4, 4)):
    """Return what a step asks on a probe."""
    family = Probe(shape)
    made = host(family=family, rule=Composite(parts={"step": load(HEAD + body)}))
    made.inspect(family.draw({}, generator("probe")))
    return made.spent


@pytest.mark.parametrize("host", [Loop, Program])
@pytest.mark.parametrize(
    "asked",
    [
        "xp.sum(aux.grad(xp.stack([p, p])), axis=0)",
        "xp.sum(aux.grad(xp.eye(16, dtype=p.dtype))) * p",
        "xp.sum(aux.grads(xp.stack([xp.stack([p, p])]))) * p",
        "xp.sum(aux.hvp(xp.stack([p, p])), axis=0)",
        "xp.sum(aux.mix(xp.stack([p, p, p, p])), axis=0)",
    ],
)
def test_an_array_of_another_shape_asks_no_more_than_one_point_does(host, asked):
    with pytest.raises(TypeError, match="p's shape"):
        inspected(host, f"    return {asked}, {{}}\n")


@pytest.mark.parametrize("host", [Loop, Program])
@pytest.mark.parametrize(("mixes", "calls"), [(1, 0), (2, 0), (3, 1), (10, 8)])
def test_two_exchanges_go_with_a_step_and_each_further_one_is_a_call(host, mixes, calls):
    body = "".join("    p = aux.mix(p)\n" for _ in range(mixes))
    assert inspected(host, body.replace("p = ", "q = ") + "    return p - g, {}\n").extra == calls


@pytest.mark.parametrize("host", [Loop, Program])
@pytest.mark.parametrize(("factorings", "calls"), [(1, 0), (2, 0), (3, 1), (30, 28)])
def test_a_step_that_carries_out_an_algorithm_of_its_own_pays_for_it(host, factorings, calls):
    body = "".join("    q = xp.linalg.svd(p)[0]\n" for _ in range(factorings))
    assert inspected(host, body + "    return p - g + 0 * q, {}\n").extra == calls


@pytest.mark.parametrize("host", [Loop, Program])
@pytest.mark.parametrize(("factorings", "calls"), [(8, 0), (9, 1), (60, 52)])
def test_thin_factorings_are_free_up_to_eight_in_a_step_and_each_further_one_is_a_call(host, factorings, calls):
    body = "".join("    q = xp.linalg.qr(p[:, :1])[0]\n" for _ in range(factorings))
    assert inspected(host, body + "    return p - g + 0 * q, {}\n", shape=(40, 40)).extra == calls


PRODUCTS = {
    "matrices": "q = p @ q",
    "a matrix and a vector": "q = p @ q[:, 0][:, None] + xp.zeros_like(p)",
    "by matmul": "q = xp.matmul(p, q)",
    "by tensordot": "q = xp.tensordot(p, q, axes=1)",
    "by a sum": "q = xp.sum(p[:, :, None] * q[None, :, :], axis=1)",
    "by a sum, a vector": "q = xp.sum(p * q[:, 0], axis=1)[:, None] + xp.zeros_like(p)",
    "by rows": "q = xp.stack([xp.sum(p[i, ...] * q[:, 0]) for i in range(4)])[:, None] + xp.zeros_like(p)",
    "by inner products": "q = xp.stack([xp.vecdot(p[i, ...], q[:, 0]) for i in range(4)])[:, None] * xp.ones_like(p)",
}


@pytest.mark.parametrize("host", [Loop, Program])
@pytest.mark.parametrize("by", PRODUCTS)
@pytest.mark.parametrize(("products", "calls"), [(20, 0), (21, 1), (60, 40)])
def test_twenty_products_go_with_a_step_and_each_further_one_is_a_call(host, by, products, calls):
    body = "    q = p\n" + f"    {PRODUCTS[by]}\n" * products
    assert inspected(host, body + "    return p - g + 0 * q, {}\n").extra == calls


@pytest.mark.parametrize("host", [Loop, Program])
def test_a_product_of_larger_matrices_counts_as_so_many_of_the_point(host):
    body = "    wide = xp.broadcast_to(p[:, None, :], (4, 25, 4))\n    q = xp.reshape(wide, (100, 4))\n"
    body += "    q = (q.mT @ q) + p\n"  # 25 times as much as p'p
    assert inspected(host, body + "    return p - g + 0 * q, {}\n").extra == 5


@pytest.mark.parametrize("host", [Loop, Program])
def test_with_each_call_that_a_rule_pays_go_as_many_products(host):
    body = "    q = aux.grad(p)\n" + "    q = p @ q\n" * 41
    assert inspected(host, body + "    return p - g + 0 * q, {}\n").extra == 2


@pytest.mark.parametrize("host", [Loop, Program])
def test_what_an_oracle_multiplies_is_not_the_rules(host):
    assert inspected(host, "    return p - aux.grad(p) - g, {}\n").products == 0


def test_products_within_loops_count_as_often_as_they_are_done():
    x = jnp.ones((4, 4))

    def count(body):
        return products(lambda *given: body(given[3]), (x, {}, x, {}, 1.0), {})

    assert count(lambda p: jax.lax.scan(lambda q, _: (p @ q, None), p, length=30)[0]) == 30
    assert count(lambda p: jax.lax.while_loop(lambda q: q[0, 0] < 1, lambda q: p @ q, p)) == np.inf
    assert count(lambda p: jax.jit(lambda q: p @ (p @ q))(p)) == 2


BUSIEST = ("muon", "optex", "armc", "accaltproj", "competitive_gradient", "mkor", "precondition=orthogonalise,step=sgd")


@pytest.mark.parametrize("rule", BUSIEST)
def test_no_rule_that_ships_is_charged_for_its_products(rule):
    most = 0.0
    for shape in [(8, 40), (2, 10), (2, 30, 3)]:
        probe = Probe(shape, rank=2)
        program = Program(family=probe, rule=composite(tuple(sorted(builtin.named(rule).items()))))
        program.inspect(probe.draw({}, generator("probe")))
        spent, most = program.spent, max(most, program.spent.products)
        assert spent.extra == spent.calls + spent.factoring
    assert most > 4


@pytest.mark.parametrize(
    "test",
    [
        "p.shape[0] == 50",
        "p.shape == (2, 20)",
        "len(p.shape) + p.shape[0] > 17",
        "p.shape[0] - 50 == 0",
        "p.shape[0] / 50 == 1",
        "p.shape[0] // 25 == 2",
        "p.shape[0] % 50 == 0",
        "p.shape[0] * 1.0 == 50.0",
        "p.shape[0] > p.shape[-1] + 10",
        "p.shape[0] - 4 - 4 - 4 == 0",
        "-(p.shape[0] - 50) == 0",
        "(p.shape[0] if p.ndim > 1 else p.shape[0] - 50) == 0",
        "p.shape[0] - 50",
        "not (p.shape[0] - 50)",
        "p.shape[0] == (50 if p.ndim == 1 else 51)",
        "(*p.shape, 50) == (*p.shape, p.shape[0])",
        "len(range(50, p.shape[0])) == 0",
        "p.shape[0] / p.shape[-1] == 50.0",
        "p.shape[0] // p.shape[0] + p.shape[0] // p.shape[0] == p.shape[0]",
        "p.shape[0] % 2 == 0",
        "p.shape[0] * 50 == p.shape[-1]",
    ],
)
def test_a_rule_cannot_tell_a_problem_by_its_size(test):
    body = f"    if {test}:\n        return p, {{}}\n    return p - g, {{}}\n"
    refusal = check("step", HEAD + body)
    assert refusal is not None
    assert "every size" in refusal


@pytest.mark.parametrize(
    "test",
    [
        "p.shape[0] > p.shape[-1]",
        "p.shape[0] > 2 * p.shape[-1]",
        "2 * aux.rank < p.shape[0]",
        "p.ndim - 1 == 1",
        "len(p.shape) - 1 > 0",
        "p.ndim == 2 and p.shape[-1] > 4",
        "p.shape[0] * p.shape[-1] > p.shape[0] + p.shape[-1]",
    ],
)
def test_a_rule_may_compare_sizes_with_one_another_and_look_at_the_axes(test):
    assert check("step", f"{HEAD}    return p - (0.5 if {test} else 1.0) * g, {{}}\n") is None


def test_the_best_trial_of_a_verdict_is_judged_on_seeds_that_nothing_was_tuned_on(monkeypatch):
    from slotforge.core.types import Candidate
    from slotforge.solvers.optim import builtin, measure
    from slotforge.solvers.optim.instances import Problem
    from slotforge.solvers.optim.serve.workers import Reply

    asked = []

    class Lucky:
        """Answers that the second trial is quick on the seeds of the tuning, and slow on others."""

        def ask(self, _, ask, **__):
            asked.append(ask)
            trials, seeds = len(ask["hps"]), len(ask["seeds"])
            calls = 10.0 if trials > 1 else 100.0
            answer = {
                "hits": np.full((8, trials, seeds), calls).tolist(),
                "progress": [8.0] * trials,
                "least": [0.0] * trials,
                "disagrees": "",
                **dict.fromkeys(("calls_per_step", "rounds_per_step", "bits_per_step", "compile_s", "run_s"), 1.0),
            }
            return Reply(outcome="answered", answer=answer)

    monkeypatch.setattr(measure, "workers", Lucky)
    sources = builtin.named("sgd")
    contest = measure.Contest(
        candidate=Candidate(domain="optim", slots=sources),
        sources=sources,
        problem=Problem(family="heavy_tail", knobs={"d": 20, "kappa": 10, "index": 1.5, "rotated": 0}, seed=1),
        seed=0,
        fused=True,
        limit=None,
    )
    contest.run()
    *tuned, last = asked
    assert contest.cost == 100
    assert len(last["hps"]) == 1
    assert not set(last["seeds"]) & {seed for ask in tuned for seed in ask["seeds"]}


@pytest.mark.parametrize("host", [Loop, Program])
@pytest.mark.parametrize(("order", "calls"), [("2", 52), ("-2", 52), ('"nuc"', 52), ('"fro"', 0)])
def test_a_norm_that_takes_singular_values_is_a_factoring(host, order, calls):
    body = "".join(f"    q = xp.linalg.matrix_norm(p, ord={order})\n" for _ in range(60))
    assert inspected(host, body + "    return p - g + 0 * q, {}\n", (1, 60)).factoring == calls


@pytest.mark.parametrize("host", [Loop, Program])
def test_a_product_through_logarithms_is_a_product(host):
    body = "    q = p\n" + "".join(
        "    q = xp.log(xp.prod(xp.exp(p[:, :, None] * q[None, :, :]), axis=1))\n" for _ in range(60)
    )
    assert inspected(host, body + "    return p - g + 0 * q, {}\n").extra == 40


@pytest.mark.parametrize("host", [Loop, Program])
@pytest.mark.parametrize("length", [6, 10, 30])
def test_products_row_by_row_are_those_of_the_whole(host, length):
    rows = f"    q = xp.stack([xp.vecdot(g, p * {{k}}.0) for _ in (0,) * {length}])\n"
    body = "".join(rows.format(k=k) for k in range(20))
    assert inspected(host, body + "    return p - g + 0 * q, {}\n", (length,)).extra == 0
