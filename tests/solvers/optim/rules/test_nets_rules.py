"""What the papers promise of rules for training and plain optimization that no other program is compared with."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from slotforge.solvers.optim.aux import Aux, Spent
from slotforge.testing.rule_host import path, points, problem, read

OF_A_PART = {
    "transform": ("clip", "clip_elementwise", "sign", "normalise", "momentum", "centralise"),
    "precondition": ("diagonal", "orthogonalise"),
    "schedule": ("inverse_sqrt", "cosine", "warmup", "geometric_decay", "geometric_growth", "polynomial"),
    "restart": ("average", "gradient_restart", "lookahead"),
    "step": (
        *("adadagrad", "adafisher", "adagrad", "adahessian", "adam", "adamp", "adamw", "barzilai_borwein"),
        *("cautious_adamw", "cautious_lion", "clipped_sgd", "coin_betting", "damped_newton", "distributed_lion"),
        *("exadam", "frugal", "grams", "heavy_ball", "lion", "mkor", "muon", "nesterov", "nesterov_convex"),
        *("normalised_momentum", "onebit_adam", "optex", "rmsprop", "sgdp", "signsgd"),
    ),
}
ANY = ((), (3,), (3, 2), (2, 3, 2))


@dataclass(frozen=True, kw_only=True)
class Given:
    """A loss by its functions."""

    start: np.ndarray
    grad: Callable
    value: Callable = None
    hessian: Callable = None
    hvp: Callable = None
    xp = np
    target = np.ones(1)


def quadratic(curve, start):
    return Given(start=start, grad=lambda p: curve * p, value=lambda p: (curve * p * p).sum() / 2)


def narrow(condition=1e3, size=30):
    return quadratic(np.logspace(-np.log10(condition), 0, size), np.ones(size))


def steps_to(rule, of, accuracy, **hp):
    """Return the steps until the loss is below a part of what it was."""
    goal = accuracy * of.value(of.start)
    return next(step for step, (p, _) in enumerate(path(rule, of, 20000, **hp), start=1) if of.value(p) <= goal)


def alone(_xp, x):
    return x


def everyone(xp, x):
    return xp.mean(x, axis=0, keepdims=True) + xp.zeros_like(x)


@pytest.mark.parametrize("shape", ANY)
@pytest.mark.parametrize("name", [f"{slot}/{name}" for slot, names in OF_A_PART.items() for name in names])
def test_a_rule_for_all_families_lowers_the_loss_on_arrays_of_any_shape(name, shape):
    of = problem(np, shape)
    seen = points(read(name), of, 50, slot=name.split("/")[0], mix=alone)
    assert seen.shape == (50, *shape)
    assert of.value(seen[-1]) < of.value(of.start)


def test_frugal_is_adam_on_a_quarter_and_signsgd_on_the_rest():
    of = problem(np, (40, 10))
    rule, adam, lr = read("step/frugal", PERIOD=10), read("step/adam"), 1e-3
    before, shares = of.start, []
    moment = dict(adam.init(np, of.start))
    hp = {"lr": np.asarray(lr), "decay1": np.asarray(0.1), "decay2": np.asarray(1e-3)}
    for step, (p, state) in enumerate(path(rule, of, 30, lr=lr)):
        full, g = state["full"] == 1, of.grad(before)
        if step % 10 == 0:
            moment = dict(adam.init(np, of.start))
            shares.append(full)
        wanted, moment = adam.update(np, g, moment, before, hp, np.asarray(step % 10 + 1.0), None)
        assert np.allclose(p[full], wanted[full], rtol=0, atol=1e-14)
        assert np.allclose(p[~full], (before - lr * np.sign(g))[~full], rtol=0, atol=1e-14)
        assert (state["m"][~full] == 0).all()
        assert (full == shares[-1]).all()
        before = p
    assert abs(np.mean(shares) - 0.25) < 0.05
    assert (shares[0] != shares[1]).any()


def test_mkor_is_momentum_behind_the_inverses_of_its_factors():
    """Here the factors are inverted outright, where the rule keeps their inverses by rank-one updates."""
    of, decay = problem(np, (4, 3)), 0.1
    left, right, v = np.eye(4), np.eye(3), np.ones(3)
    wanted, m = of.start, np.zeros((4, 3))
    for p, state in path(read("step/mkor", LARGEST=1e9), of, 12, lr=0.02, decay=0.3, factor_decay=decay):
        g = of.grad(wanted)
        u = g @ v / np.linalg.norm(g @ v)
        v = g.T @ u / np.linalg.norm(g.T @ u)
        left = (1 - decay) * left + decay * 4 * np.outer(u, u)
        right = (1 - decay) * right + decay * 3 * np.outer(v, v)
        move = np.linalg.solve(left, g) @ np.linalg.inv(right)
        m = 0.7 * m + move * np.linalg.norm(g) / np.linalg.norm(move)
        wanted = wanted - 0.02 * m
        assert np.allclose(state["left"] @ left, np.eye(4), atol=1e-9)
        assert np.allclose(p, wanted, rtol=1e-8, atol=1e-10)


def test_mkor_stays_bounded_however_long_a_direction_is_unseen():
    of = quadratic(np.diag([1.0, 0, 0, 0]), np.eye(4))
    *_, (p, state) = path(read("step/mkor"), of, 2000)
    assert np.isfinite(p).all()
    assert np.abs(state["left"]).max() <= 101


def test_adafisher_divides_by_the_normalised_factors_of_rows_and_columns():
    of = problem(np, (4, 3))
    p, state = next(path(read("step/adafisher"), of, 1, lr=0.01, decay1=1.0, decay2=0.5, damping=0.1))
    g = of.grad(of.start)
    rows, columns = (g * g).mean(axis=1), (g * g).mean(axis=0)
    scaled = [(x - x.min()) / (x.max() - x.min()) for x in (rows, columns)]
    assert np.allclose(of.start - p, 0.01 * g / (np.outer(*scaled) + 0.1), rtol=1e-9)
    assert np.allclose(state["rows"][:, 0], rows / 2)


def test_adafisher_is_debiased_momentum_over_factors_that_decay():
    of = problem(np, (4, 3))
    wanted, mean, factors = of.start, np.zeros((4, 3)), [np.zeros(4), np.zeros(3)]
    found = path(read("step/adafisher"), of, 8, lr=0.01, decay1=0.2, decay2=0.3, damping=0.1)
    for t, (p, _) in enumerate(found, start=1):
        g = of.grad(wanted)
        mean = 0.8 * mean + 0.2 * g
        factors = [0.7 * old + 0.3 * (g * g).mean(axis=axis) for old, axis in zip(factors, (1, 0), strict=True)]
        fisher = np.outer(*((x - x.min()) / (x.max() - x.min()) for x in factors))
        wanted = wanted - 0.01 * mean / (1 - 0.8**t) / (fisher + 0.1)
        assert np.allclose(p, wanted, rtol=1e-9)


def test_adadagrad_is_adagrad_whose_batch_grows_with_the_noise_alone():
    rule, rng = read("step/adadagrad"), np.random.default_rng(0)

    def batches(noise):
        p, seen = np.ones(20), []
        state = dict(rule.init(np, p))
        hp = {name: np.asarray(number.default) for name, number in rule.numbers.items()}
        for t in range(1, 61):
            g = 1 + noise * rng.standard_normal(20) / np.sqrt(state["batch"])
            p, state = rule.update(np, g, state, p, hp, np.asarray(float(t)), None)
            seen.append(float(state["batch"]))
        return seen

    assert batches(0.0) == [1.0] * 60
    little, much = batches(1.0), batches(3.0)
    assert 1 < little[-1] < much[-1] <= 64
    assert all(a <= b for a, b in pairwise(much))
    assert 9 / 0.25 / 2 < much[-1] < 9 / 0.25 * 2  # variance of a sample over (eta |g|)^2
    of = problem(np, (4, 3))
    assert np.array_equal(points(rule, of, 30), points(read("step/adagrad"), of, 30))


def test_coin_betting_finds_a_far_optimum_without_a_step_length():
    of = Given(start=np.zeros(1), grad=lambda p: np.sign(p - 10))
    seen = points(read("step/coin_betting"), of, 4000)[:, 0]
    assert abs(seen[-2000:].mean() - 10) < 0.1
    assert np.abs(seen[-500:] - 10).max() < 1


def test_damped_newton_goes_down_in_each_step_and_ends_superlinearly():
    """Near the optimum 1 minus the length of a step goes as the local norm to the power 2/3: order 5/3."""
    of, spent = problem(np, (8,)), Spent()
    seen = points(read("step/damped_newton"), of, 30, spent=spent, smoothness=1.0)
    values = [of.value(p) for p in (of.start, *seen)]
    assert all(after <= before + 1e-12 for before, after in pairwise(values))
    norms = np.array([np.linalg.norm(of.grad(p)) for p in seen])
    assert norms[-1] < 1e-12
    near = [(a, b) for a, b in pairwise(norms) if a < 1e-2 and b > 1e-13]
    orders = [np.log(c / b) / np.log(b / a) for (a, b), (_, c) in pairwise(near)]
    assert orders
    assert all(1.55 < order < 1.75 for order in orders)
    assert spent.calls == 30 * 2 * 8


def test_damped_newton_converges_where_newton_does_not():
    """A loss of sqrt(1 + x^2): from |x| > 1, the undamped step leads ever further away."""
    of = Given(
        start=np.full(1, 1.5), grad=lambda p: p / np.sqrt(1 + p * p), hessian=lambda p: np.diag((1 + p * p) ** -1.5)
    )
    away = np.abs(points(read("step/damped_newton"), of, 4, smoothness=1e-4))
    assert away[-1] > 10
    assert np.abs(points(read("step/damped_newton"), of, 60, smoothness=10.0)[-1]) < 1e-6


def test_optex_needs_a_third_of_the_rounds_of_its_descent():
    """With steps so long that descent along the present gradient alone, without predictions, does not converge."""
    of = problem(np, (8,))
    best = of.value(points(read("step/damped_newton"), of, 40)[-1])
    goal = best + 1e-6 * (of.value(of.start) - best)

    def steps(name):
        seen = points(read(name), of, 400, lr=0.3)
        return 1 + [of.value(p) <= goal for p in seen].index(True)

    spent = Spent()
    next(path(read("step/optex"), of, 1, spent=spent))
    assert (spent.calls, spent.rounds) == (5, 1)
    assert steps("step/optex") * (1 + spent.rounds) < 0.4 * steps("step/sgd")


def test_optex_with_true_predictions_is_six_steps_of_descent():
    flat = Given(start=np.ones(4), grad=np.ones_like)
    assert np.allclose(points(read("step/optex"), flat, 3, lr=0.1), points(read("step/sgd"), flat, 18, lr=0.1)[5::6])


def test_onebit_adam_is_adam_as_long_as_it_warms_up():
    for shape in ((5,), (1, 5)):
        of = problem(np, shape)
        here = points(read("step/onebit_adam"), of, 50, mix=alone, lr=0.03, warmup=50.0)
        assert np.abs(here - points(read("step/adam"), of, 50, lr=0.03)).max() <= 1e-12


def test_onebit_adam_sends_later_what_its_signs_left_out():
    of, lr = problem(np, (1, 6)), 1e-3
    rule = read("step/onebit_adam")
    none = np.zeros((1, 6))
    before, last, wanted, sent = of.start, {"m": none, "v": none}, none, none
    for t, (p, state) in enumerate(path(rule, of, 40, mix=alone, lr=lr, warmup=10.0), start=1):
        if t > 10:
            wanted = wanted + last["m"] + 0.1 * (of.grad(before) - last["m"])
            sent = sent + state["m"]
            assert np.ptp(np.abs(state["m"])) < 1e-15
            assert (state["v"] == last["v"]).all()
            assert np.allclose(sent + state["error"], wanted, atol=1e-12)
            frozen = np.sqrt(state["v"] / (1 - 0.999**10)) + 1e-8
            assert np.allclose(p, before - lr * state["m"] / (1 - 0.9**t) / frozen, rtol=0, atol=1e-14)
        before, last = p, state
    assert np.abs(state["error"]).max() > 0


def test_onebit_adam_moves_all_nodes_alike():
    of, spent = problem(np, (4, 3)), Spent()
    *_, (p, state) = path(read("step/onebit_adam"), of, 30, mix=everyone, spent=spent, warmup=10.0)
    moves = p - of.start
    assert np.allclose(moves, moves[:1])
    assert np.ptp(state["error"], axis=0).max() > 0
    assert spent.bits == 30 * 33


def test_distributed_lion_alone_is_lion():
    of = problem(np, (5,))
    assert np.array_equal(points(read("step/distributed_lion"), of, 40, mix=alone), points(read("step/lion"), of, 40))


def test_distributed_lion_goes_with_the_majority_for_one_bit():
    rule, spent = read("step/distributed_lion"), Spent()
    p, g = np.zeros((3, 2)), np.array([[1.0, -5.0], [2.0, 1.0], [-9.0, 1.0]])
    hp = {name: np.asarray(number.default) for name, number in rule.numbers.items()}
    aux = Aux(spent, {}, {"mix_sign": lambda x: everyone(np, np.sign(x))})
    moved, _ = rule.update(np, g, rule.init(np, p), p, hp, np.asarray(1.0), aux)
    assert np.allclose(moved, -hp["lr"])
    assert spent.bits == 1


def test_heavy_ball_with_the_best_numbers_needs_root_of_condition_steps():
    of = narrow()
    root = np.sqrt(1e3)
    decay = 1 - ((root - 1) / (root + 1)) ** 2
    momentum = steps_to(read("step/heavy_ball"), of, 1e-6, lr=4 / (1 + 1 / root) ** 2, decay=decay)
    assert momentum < 10 * root
    assert momentum < steps_to(read("step/sgd"), of, 1e-6, lr=1.0) / 5


def test_restarts_help_accelerated_descent_on_strongly_convex_problems():
    of = narrow()
    plain = steps_to(read("step/nesterov_convex"), of, 1e-10, lr=1.0)
    gradient = read("restart/gradient_restart")

    def restarted():
        p, state, goal = of.start, dict(gradient.init(np, of.start)), 1e-10 * of.value(of.start)
        for t in range(1, plain + 1):
            p, state = gradient.update(np, p - of.grad(p), state, p, {}, np.asarray(float(t)), None)
            if of.value(state["last"]) <= goal:
                return t
        return plain

    assert restarted() < 0.6 * plain
    assert plain < steps_to(read("step/sgd"), of, 1e-10, lr=1.0) / 3


def test_barzilai_borwein_needs_no_step_length():
    one = quadratic(np.full(1, 7.0), np.ones(1))
    assert abs(points(read("step/barzilai_borwein"), one, 2)[-1, 0]) < 1e-12
    of = narrow()
    needed = [steps_to(read("step/barzilai_borwein"), of, 1e-6, lr=lr) for lr in (1e-3, 0.1, 1.0)]
    assert max(needed) < steps_to(read("step/sgd"), of, 1e-6, lr=1.0) / 5


def test_normalised_momentum_makes_steps_of_one_length_along_the_mean_gradient():
    of = problem(np, (4, 3))
    before, mean = of.start, np.zeros((4, 3))
    for p, _ in path(read("step/normalised_momentum"), of, 20, lr=0.05, decay=0.2):
        mean = 0.8 * mean + 0.2 * of.grad(before)
        assert np.allclose(before - p, 0.05 * mean / np.linalg.norm(mean), rtol=0, atol=1e-12)
        before = p


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6), (2, 4, 3)])
def test_orthogonalising_brings_singular_values_near_one(shape):
    rule, g = read("precondition/orthogonalise"), np.random.default_rng(0).standard_normal(shape)
    answer, _ = rule.update(np, g, {}, g, {}, np.asarray(1.0), None)
    values = np.linalg.svd(answer, compute_uv=False)
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_the_average_is_that_of_all_points_that_steps_led_to():
    rule, rng = read("restart/average"), np.random.default_rng(0)
    p, state, led = np.ones(3), dict(rule.init(np, np.ones(3))), []
    last = p
    for t in range(1, 51):
        move = rng.standard_normal(3)
        last = last + move
        led.append(last)
        p, state = rule.update(np, p + move, state, p, {"weight": np.asarray(1e-4)}, np.asarray(float(t)), None)
        assert np.allclose(p, np.mean(led, axis=0))


def test_geometric_growth_stays_finite():
    rule = read("schedule/geometric_growth")
    for dtype in ("float32", "float64"):
        of = lambda x: np.asarray(x, dtype=dtype)  # noqa: B023, E731
        assert np.isfinite(rule.update(np, of(1), {}, of(1), {"growth": of(0.25)}, of(1e5), None)[0])


def test_the_inverse_root_halves_a_step_after_four():
    rule = read("schedule/inverse_sqrt")
    assert rule.update(np, np.asarray(1.0), {}, None, {}, np.asarray(4.0), None)[0] == 0.5
