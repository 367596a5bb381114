"""Whether NumPy and JAX agree on what a rule does, on a problem itself and on a small one."""

import pytest

from slotforge.core.ids import generator
from slotforge.solvers.optim import builtin
from slotforge.solvers.optim.agreement import disagreement, parted
from slotforge.solvers.optim.answer import composite
from slotforge.solvers.optim.case import family
from slotforge.solvers.optim.probe import Choice, Probe
from slotforge.solvers.optim.simulate import Program

IN_PLACE = 'd = p\nd *= 0.5\nreturn p - hp["lr"] * g, {}'


@pytest.fixture
def apart(never):
    """Run a rule on a problem with its defaults, and let the reference follow."""

    def told(name, rule, budget=64.0, **knobs):
        found = family(name)
        data = found.draw({**found.knobs, **knobs}, generator("problem"))
        program = Program(family=found, rule=rule)
        program.inspect(data)
        hp = {name: number.default for name, number in rule.numbers.items()}
        seen = program.run(data, [hp], [1], budget=budget, enough=never)
        return parted(program, data, hp, 1, budget, seen)

    return told


@pytest.mark.parametrize("name", ["least_squares", "stochastic_logistic", "td_policy", "slow_links", "bilinear"])
def test_a_run_is_borne_out_by_numpy(step, apart, name):
    assert apart(name, step('return p - hp["lr"] * g, {"m": g}', 'return {"m": p}')) == ""


def test_a_run_is_borne_out_where_a_rule_asks_for_more_and_sends_much(step, apart):
    assert apart("matrix_sensing", step('return p - hp["lr"] * aux.grad(p - 0.1 * g), {}'), n=8, m=40) == ""
    assert apart("slow_links", step('return aux.mix(p) - 0.1 * hp["lr"] * aux.mix(g), {}')) == ""


@pytest.mark.parametrize("change", ["0.5", "0.99"])
def test_what_numpy_does_otherwise_is_told_however_little_it_moves(step, apart, change):
    numbers = '{"lr": (1e-9, 1e-9, 1.0, "log")}'
    rule = step(f'd = p\nd *= {change}\nreturn p - hp["lr"] * g, {{}}', "return {}", numbers)
    assert apart("matrix_sensing", rule, n=8, m=40).startswith("NumPy and JAX disagree from step 1: ")
    assert apart("heavy_tail", step(IN_PLACE)).startswith("NumPy and JAX disagree from step 10: ")


def test_what_breaks_down_at_once_says_nothing(step, apart):
    assert apart("least_squares", step("return p + 1e200 * g, {}")) is None


def test_what_hangs_on_the_last_digit_of_the_start_says_nothing(step, apart):
    digit = "d = xp.sum(p) + 1e-13 * xp.sum(g)\nreturn p - 0.1 * g * (1 + (xp.floor(1e15 * d) % 7)), {}"
    assert apart("heavy_tail", step(digit)) is None
    tie = "return p - 0.1 * g * xp.where(aux.value > 0, 2.0, 1.0) * xp.ones_like(g), {}"  # x'Ax is 0 where A is skew
    assert apart("matrix_game", step(tie), skew=1.0) in (None, "")


def test_the_horizon_is_that_of_the_run(step, apart):
    assert apart("least_squares", step("return p - 1e-3 * (1 - t / aux.horizon) * g, {}")) == ""


def test_numpy_and_jax_agree_on_noise_and_part_on_changes_in_place(step):
    assert disagreement(step('return p - hp["lr"] * (g + aux.noise), {}'), Probe((3, 2))) == ""
    assert disagreement(step('return p - hp["lr"] * (g + aux.noise), {}'), Probe({"a": (3,), "b": (2,)})) == ""
    said = disagreement(step(IN_PLACE), Probe((3,)))
    assert said.startswith("NumPy and JAX disagree from step 1: ")


def test_numpy_and_jax_agree_on_selection_and_part_on_changes_in_place():
    for source in builtin.rules("selection").values():
        assert disagreement(composite((("selection", source),)), Choice()) == ""
    head = "def init(xp, p):\n    return {}\n\n\ndef update(xp, g, state, p, hp, t, aux):\n"
    changing = f"{head}    d = g\n    d *= 0.5\n    return -d, {{}}\n"
    said = disagreement(composite((("selection", changing),)), Choice())
    assert said.startswith("NumPy and JAX disagree from step ")
