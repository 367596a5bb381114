"""Rules against the programs that their users have: the same numbers must give the same points."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.testing.rule_host import points, problem, read

STEPS = 60
TOLERANCE = 1e-12
SHAPES = ((4, 3), (5,))
LR = 0.03

everywhere = pytest.mark.parametrize("shape", SHAPES)


@pytest.fixture(name="torch")
def _torch():
    torch = pytest.importorskip("torch", reason="torch is not installed: its optimizers are the reference")
    torch.set_num_threads(1)
    return torch


@pytest.fixture(name="library")
def _library():
    return pytest.importorskip("pytorch_optimizer", reason="pytorch_optimizer is not installed: it is the reference")


def ours(name, shape, constants=None, **hp):
    return points(read(name, **(constants or {})), problem(np, shape), STEPS, slot=name.split("/")[0], **hp)


def in_torch(torch, make, shape, prepare=lambda _p, _step: {}):
    """Run an optimizer of torch on the same problem."""
    of = problem(np, shape)
    p = torch.nn.Parameter(torch.tensor(of.start))
    optimizer, seen = make([p]), []
    for step in range(STEPS):
        here = p.detach().numpy().copy()
        p.grad = torch.tensor(of.grad(here))
        optimizer.step(**prepare(here, step))
        seen.append(p.detach().numpy().copy())
    return np.stack(seen)


def in_optax(transformation, shape):
    """Run an optimizer of optax on the same problem."""
    of = problem(jnp, shape)

    def step(lane, _):
        p, state = lane
        moves, state = transformation.update(of.grad(p), state, p)
        return (p + moves, state), p + moves

    begin = (of.start, transformation.init(of.start))
    return np.asarray(jax.lax.scan(step, begin, length=STEPS)[1])


def exactly(schedule):
    """Count in double precision, where optax would count in single."""
    return lambda count: schedule(count.astype("float64"))


def same(a, b):
    assert np.isfinite(a).all()
    assert np.abs(a[-1] - a[0]).max() > 1e-3
    assert np.abs(a - b).max() <= TOLERANCE


@everywhere
@pytest.mark.parametrize(
    ("name", "make", "hp"),
    [
        ("sgd", lambda o: o.sgd(LR), {}),
        ("adam", lambda o: o.adam(LR, 0.8, 0.99), {"decay1": 0.2, "decay2": 0.01}),
        ("adamw", lambda o: o.adamw(LR, weight_decay=0.1), {"weight_decay": 0.1}),
        ("lion", lambda o: o.lion(LR, weight_decay=0.1), {"weight_decay": 0.1}),
        ("rmsprop", lambda o: o.rmsprop(LR, eps_in_sqrt=False), {}),
        ("heavy_ball", lambda o: o.sgd(LR, momentum=0.9), {}),
        ("nesterov", lambda o: o.sgd(LR, momentum=0.9, nesterov=True), {}),
        ("signsgd", lambda o: o.sign_sgd(LR), {}),
    ],
)
def test_a_step_is_that_of_optax(name, make, hp, shape):
    optax = pytest.importorskip("optax")
    same(ours(f"step/{name}", shape, lr=LR, **hp), in_optax(make(optax), shape))


@everywhere
def test_coin_betting_is_that_of_optax(shape):
    optax = pytest.importorskip("optax")
    same(ours("step/coin_betting", shape), in_optax(optax.contrib.cocob(), shape))


@everywhere
def test_clipping_is_that_of_optax(shape):
    optax = pytest.importorskip("optax")
    cut = in_optax(optax.chain(optax.clip_by_global_norm(0.3), optax.sgd(0.1)), shape)
    same(ours("transform/clip", shape, clip=0.3), cut)
    same(ours("step/clipped_sgd", shape, lr=0.1, clip=0.3), cut)
    cut = in_optax(optax.chain(optax.clip(0.2), optax.sgd(0.1)), shape)
    same(ours("transform/clip_elementwise", shape, clip=0.2), cut)


@everywhere
@pytest.mark.parametrize(
    ("name", "make", "hp"),
    [
        ("transform/momentum", lambda o: o.chain(o.ema(0.8), o.sgd(0.1)), {"decay": 0.2}),
        ("schedule/cosine", lambda o: o.sgd(exactly(o.cosine_decay_schedule(0.1, 100, alpha=0.2))), {"floor": 0.2}),
        ("schedule/polynomial", lambda o: o.sgd(exactly(o.polynomial_schedule(0.1, 0.0, 2.0, 100))), {"power": 2.0}),
        ("schedule/geometric_decay", lambda o: o.sgd(exactly(o.exponential_decay(0.1, 1, 0.95))), {"decay": 0.05}),
        ("schedule/geometric_growth", lambda o: o.sgd(exactly(o.exponential_decay(0.1, 1, 1.02))), {"growth": 0.02}),
        ("schedule/warmup", lambda o: o.sgd(exactly(lambda n: 0.1 * jnp.minimum((n + 1) / 20, 1))), {"steps": 20.0}),
    ],
)
def test_a_part_of_a_step_is_that_of_optax(name, make, hp, shape):
    optax = pytest.importorskip("optax")
    same(ours(name, shape, **hp), in_optax(make(optax), shape))


@everywhere
def test_the_diagonal_is_that_of_optax(shape):
    """With an epsilon of 1, so that moves of one length do not go to and fro and magnify rounding."""
    optax = pytest.importorskip("optax")
    there = in_optax(optax.adam(0.1, b1=0.0, b2=0.9, eps=1.0), shape)
    same(ours("precondition/diagonal", shape, {"EPS": 1.0}, decay=0.1), there)


@everywhere
def test_normalising_is_that_of_optax_on_the_way_to_the_optimum(shape):
    """Later, moves of one length go to and fro across it, and magnify rounding."""
    optax = pytest.importorskip("optax")
    there = in_optax(optax.chain(optax.normalize_by_update_norm(eps=1e-12), optax.sgd(0.1)), shape)
    same(ours("transform/normalise", shape)[:15], there[:15])


@everywhere
@pytest.mark.parametrize(
    ("name", "make", "hp"),
    [
        ("adam", lambda o, p: o.Adam(p, LR), {}),
        ("adamw", lambda o, p: o.AdamW(p, LR, weight_decay=0.1), {"weight_decay": 0.1}),
        ("adagrad", lambda o, p: o.Adagrad(p, LR), {}),
        ("rmsprop", lambda o, p: o.RMSprop(p, LR, alpha=0.9), {}),
        ("heavy_ball", lambda o, p: o.SGD(p, LR, momentum=0.9), {}),
        ("nesterov", lambda o, p: o.SGD(p, LR, momentum=0.9, nesterov=True), {}),
    ],
)
def test_a_step_is_that_of_torch(torch, name, make, hp, shape):
    same(ours(f"step/{name}", shape, lr=LR, **hp), in_torch(torch, lambda p: make(torch.optim, p), shape))


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (4, 4)])
def test_muon_is_that_of_torch_in_double_precision(torch, monkeypatch, shape):
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())
    there = in_torch(torch, lambda p: torch.optim.Muon(p, LR, weight_decay=0.0), shape)
    same(ours("step/muon", shape, lr=LR), there)


@pytest.mark.parametrize("shape", [(5,), (2, 2, 3)])
def test_muon_moves_what_is_no_matrix_by_adam(torch, shape):
    there = in_torch(torch, lambda p: torch.optim.Adam(p, LR, eps=1e-7), shape)
    same(ours("step/muon", shape, lr_adam=LR), there)


@everywhere
@pytest.mark.parametrize(
    ("name", "make", "hp"),
    [
        ("exadam", lambda o, p: o.EXAdam(p, LR), {}),
        ("grams", lambda o, p: o.Grams(p, LR, weight_decay=0.1), {"weight_decay": 0.1}),
        ("lion", lambda o, p: o.Lion(p, LR, weight_decay=0.1), {"weight_decay": 0.1}),
        ("cautious_lion", lambda o, p: o.Lion(p, LR, weight_decay=0.1, cautious=True), {"weight_decay": 0.1}),
        ("signsgd", lambda o, p: o.SignSGD(p, LR, momentum=0.0), {}),
    ],
)
def test_a_step_is_that_of_pytorch_optimizer(torch, library, name, make, hp, shape):
    same(ours(f"step/{name}", shape, lr=LR, **hp), in_torch(torch, lambda p: make(library, p), shape))


@pytest.mark.parametrize("shape", [(4, 3), (3, 2, 2), (5,)])
@pytest.mark.parametrize("delta", [0.0, 0.1, 0.6, 10.0])
@pytest.mark.parametrize("name", ["adamp", "sgdp"])
def test_projections_are_those_of_pytorch_optimizer(torch, library, name, delta, shape):
    """Without the epsilon, whose place differs from that in the authors' program: by none, one or all channels."""
    make = {
        "adamp": lambda p: library.AdamP(p, LR, weight_decay=0.1, delta=delta, eps=0.0),
        "sgdp": lambda p: library.SGDP(p, LR, momentum=0.9, weight_decay=0.1, delta=delta, eps=0.0),
    }[name]
    here = ours(f"step/{name}", shape, {"EPS": 0.0, "DELTA": delta}, lr=LR, weight_decay=0.1)
    same(here, in_torch(torch, make, shape))


@everywhere
def test_cautious_adamw_is_that_of_pytorch_optimizer(torch, library, shape):
    """AdamP with its projection switched off and its caution on; without the epsilon, whose place differs."""

    def make(p):
        return library.AdamP(p, LR, weight_decay=0.1, delta=0.0, eps=0.0, cautious=True)

    same(ours("step/cautious_adamw", shape, {"EPS": 0.0}, lr=LR, weight_decay=0.1), in_torch(torch, make, shape))


@everywhere
def test_adahessian_is_that_of_pytorch_optimizer(torch, library, shape):
    of, rng = problem(np, shape), np.random.default_rng(1)

    def prepare(p, _step):
        sign = np.sign(rng.standard_normal(shape))
        return {"hessian": [torch.tensor(sign * of.hvp(p, sign))]}

    there = in_torch(torch, lambda p: library.AdaHessian(p, LR, eps=1e-4), shape, prepare)
    same(ours("step/adahessian", shape, lr=LR), there)


@everywhere
def test_centralising_is_that_of_pytorch_optimizer(torch, library, shape):
    of, p, seen = problem(np, shape), problem(np, shape).start, []
    for _ in range(STEPS):
        g = torch.tensor(of.grad(p))
        library.centralize_gradient(g)
        p = p - 0.1 * g.numpy()
        seen.append(p)
    same(ours("transform/centralise", shape), np.stack(seen))


@everywhere
def test_lookahead_is_that_of_pytorch_optimizer(torch, library, shape):
    there = in_torch(torch, lambda p: library.Lookahead(torch.optim.SGD(p, 0.1), k=5, alpha=0.3), shape)
    same(ours("restart/lookahead", shape, alpha=0.3), there)
