"""What papers claim of their rules, in small: each claim is a function that measures it and says whether it holds here.

A claim holds where its direction is reproduced, by a condition on the figures that stands in its function. Figures are
oracle calls or values of the metric; `inf` is a goal that was not reached. They are measured in a process of its own
that is pinned to one core: `python -m slotforge.bench._claims NAME ...` prints a line of JSON for each.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Mapping

from slotforge.bench import _game_claims, _training_claims  # noqa: F401 - enter their claims into the table
from slotforge.bench._claim import CLAIMS as CLAIMS
from slotforge.bench._claim import Figures, claim
from slotforge.bench._course import Course, race
from slotforge.solvers.optim import builtin
from slotforge.solvers.optim.rule import numbers as declared
from slotforge.solvers.optim.tune import ALL, FIRST, spread


@claim("heavy_ball", "Polyak 1964", "calls grow with the root of the condition, those of gradient descent with itself")
def heavy_ball_root() -> tuple[Figures, bool]:
    found = {}
    for kappa in (100.0, 10000.0):
        root = math.sqrt(kappa)
        momentum = ((root - 1) / (root + 1)) ** 2
        best = {"lr": 4 / (root + 1) ** 2, "decay": 1 - momentum}
        spec, goal = f"least_squares:kappa={kappa:g}", 1e-6
        found[f"heavy ball, kappa {kappa:g}"] = race(spec, "heavy_ball", 4000, hps=[best], stop=goal).to(goal)
        descent = race(spec, "sgd", 50000, hps=[{"lr": 2 / (1 + kappa)}], stop=goal)
        found[f"descent, kappa {kappa:g}"] = descent.to(goal)
    exponents = {
        f"exponent, {name}": math.log(found[f"{name}, kappa 10000"] / found[f"{name}, kappa 100"]) / math.log(100)
        for name in ("heavy ball", "descent")
    }
    holds = 0.3 <= exponents["exponent, heavy ball"] <= 0.65 and 0.8 <= exponents["exponent, descent"] <= 1.2
    return {**found, **exponents}, holds


@claim(
    "chebyshev conjugate_gradient",
    "Golub and Varga 1961; Hestenes and Stiefel 1952",
    "conjugate gradients need fewer steps than the Chebyshev method with known bounds, and it than gradient descent",
)
def conjugate_directions() -> tuple[Figures, bool]:
    spec, goal = "least_squares", 1e-6
    descent = race(spec, "sgd", 5000, hps=[{"lr": 2 / 1001}], stop=goal)
    chebyshev = race(spec, "chebyshev", 5000, hps=[{"curvature": 1000, "condition": 1000}], stop=goal)
    conjugate = race(spec, "conjugate_gradient", 1000, hps=[{}], stop=goal)
    steps = _steps({"descent": descent, "chebyshev": chebyshev, "conjugate": conjugate}, goal)
    return steps, steps["conjugate steps"] < steps["chebyshev steps"] < steps["descent steps"]


@claim(
    "barzilai_borwein", "Barzilai and Borwein 1988", "far fewer calls than the best constant step of gradient descent"
)
def two_point_steps() -> tuple[Figures, bool]:
    spec, goal = "least_squares", 1e-6
    found = {
        "barzilai_borwein": race(spec, "barzilai_borwein", 3000, stop=goal).to(goal),
        "descent": race(spec, "sgd", 5000, hps=[{"lr": 2 / 1001}], stop=goal).to(goal),
    }
    return found, found["barzilai_borwein"] < found["descent"] / 5


@claim("nesterov_convex", "Nesterov 1983", "fewer calls than gradient descent without strong convexity being known")
def nesterov_logistic() -> tuple[Figures, bool]:
    lrs, goal = [{"lr": lr} for lr in (0.1, 0.3, 0.6, 1.0)], 1e-4
    found = {rule: race("logistic", rule, 6000, hps=lrs, stop=goal).to(goal) for rule in ("sgd", "nesterov_convex")}
    return found, found["nesterov_convex"] < found["sgd"] / 2


@claim("damped_newton", "Hanzely et al. 2024, arXiv:2405.18926", "few steps where accelerated descent needs hundreds")
def newton_steps() -> tuple[Figures, bool]:
    goal = 1e-6
    newton = race("logistic", "damped_newton", 60, stop=goal)
    nesterov = race("logistic", "nesterov_convex", 3000, hps=[{"lr": lr} for lr in (0.3, 0.6, 1.0)], stop=goal)
    found = _steps({"newton": newton, "nesterov": nesterov}, goal)
    return {**found, "newton calls": newton.to(goal)}, found["newton steps"] < found["nesterov steps"] / 10


@claim(
    "coin_betting",
    "Orabona and Tommasi 2017, arXiv:1705.07795",
    "without any tuning it comes within twice the loss gap that tuned gradient descent reaches",
)
def coin_without_tuning() -> tuple[Figures, bool]:
    coin = race("stochastic_logistic", "coin_betting", 900, hps=[{}], seeds=3).end()
    tuned = race("stochastic_logistic", "sgd", 900, seeds=3).end()
    untuned = race("stochastic_logistic", "sgd", 900, hps=[{}], seeds=3).end()
    return {"coin": coin, "descent, 12 trials": tuned, "descent, defaults": untuned}, coin <= 2 * tuned


@claim("scaled_gd", "Tong, Ma and Chi 2021, arXiv:2005.08898", "calls do not grow with the condition of the matrix")
def scaled_condition() -> tuple[Figures, bool]:
    found, goal = {}, 1e-4
    lrs = [{"lr": lr} for lr in (0.1, 0.2, 0.4, 0.6)]
    for kappa in (5, 50):
        for rule in ("scaled_gd", "sgd"):
            spec = f"matrix_sensing:n=20:m=200:kappa={kappa}"
            found[f"{rule}, kappa {kappa}"] = race(spec, rule, 6000, hps=lrs, stop=goal).to(goal)
    growth = {rule: found[f"{rule}, kappa 50"] / found[f"{rule}, kappa 5"] for rule in ("scaled_gd", "sgd")}
    return found, growth["scaled_gd"] < 2 < growth["sgd"]


@claim(
    "scaled_gd_damped",
    "Zhang, Fattahi and Zhang 2021, arXiv:2504.09708",
    "too many columns make gradient descent sublinear, and damped preconditioning linear again",
)
def over_parameterised() -> tuple[Figures, bool]:
    spec, levels = "matrix_sensing:n=20:m=200:k=6", (1e-2, 1e-3, 1e-4)
    lrs = [{"lr": 0.3}]
    descent = race(spec, "sgd", 20000, hps=lrs, stop=levels[-1])
    damped = race(spec, "scaled_gd_damped", 3000, hps=lrs, stop=1e-6)
    calls = [descent.to(level) for level in levels]
    found = {f"descent to {level:g}": count for level, count in zip(levels, calls, strict=True)}
    found |= {f"preconditioned to {level:g}": damped.to(level) for level in (*levels, 1e-6)}
    slower = math.isinf(calls[2]) or calls[2] - calls[1] > 2 * (calls[1] - calls[0])
    return found, slower and found["preconditioned to 1e-06"] < calls[2]


@claim(
    "accaltproj altproj",
    "Cai, Cai and Wei 2019, arXiv:1711.05519",
    "about as many steps as AltProj, and each of them cheaper",
)
def accelerated_projections() -> tuple[Figures, bool]:
    spec, goal = "robust_pca", 1e-6
    found = {}
    for rule in ("altproj", "accaltproj"):
        course = race(spec, rule, 100, hps=[{}], stop=goal)
        found[f"{rule} calls"], found[f"{rule} CPU ms a step"] = course.to(goal), 1e3 * course.step_s
    alike = found["accaltproj calls"] <= 1.25 * found["altproj calls"] < math.inf
    return found, alike and found["accaltproj CPU ms a step"] < found["altproj CPU ms a step"]


@claim(
    "geometric_subgradient",
    "Davis et al. 2018, arXiv:1803.02461",
    "steps that shrink geometrically converge linearly on sharp losses, those by the root of time do not",
)
def geometric_steps() -> tuple[Figures, bool]:
    goal, hps = 1e-6, [{"lr": lr, "decay": 1.0} for lr in (0.3, 1.0, 3.0)]
    shrinking = [{"lr": lr, "shrink": shrink} for lr in (0.3, 1.0, 3.0) for shrink in (0.01, 0.02)]
    geometric = race("completion", "geometric_subgradient", 2000, hps=shrinking, stop=goal)
    root = race("completion", "schedule=inverse_sqrt,step=normalised_momentum", 4000, hps=hps)
    return {"geometric calls": geometric.to(goal), "root: error after 4000": root.end()}, (
        math.isfinite(geometric.to(goal)) and root.end() > goal
    )


@claim(
    "armc",
    "Fu, Wang and Wei 2026, arXiv:2601.07355",
    "linear convergence in spite of gross errors, in fewer calls than sub-gradients with geometric steps",
)
def tangent_completion() -> tuple[Figures, bool]:
    levels = (1e-3, 1e-6, 1e-9)
    armc = race("completion", "armc", 600, stop=levels[-1])
    found = {f"armc to {level:g}": armc.to(level) for level in levels}
    found["geometric_subgradient to 1e-06"] = race("completion", "geometric_subgradient", 3000, stop=1e-6).to(1e-6)
    first, second, third = (armc.to(level) for level in levels)
    return found, third - second < 1.5 * (second - first) and second < found["geometric_subgradient to 1e-06"]


@claim(
    "pmd_geometric policy_mirror_descent",
    "Xiao 2022, arXiv:2201.07443",
    "steps that grow by 1/gamma make policy mirror descent linear; a constant step does not",
)
def growing_steps() -> tuple[Figures, bool]:
    goal = 1e-6
    growing = race("policy", "pmd_geometric", 2000, hps=[{"lr": 1.0, "growth": 1 / 0.9 - 1}], stop=goal).to(goal)
    constant = race("policy", "policy_mirror_descent", 6000, hps=[{"lr": 1.0}], stop=goal)
    return {"growing": growing, "constant": constant.to(goal), "constant: gap at the end": constant.end()}, (
        growing < constant.to(goal) / 5
    )


@claim(
    "natural_policy_gradient",
    "Agarwal et al. 2021, arXiv:1908.00261",
    "fewer calls to a small gap than the softmax policy gradient, with the same trials",
)
def natural_gradient() -> tuple[Figures, bool]:
    return _policies("natural_policy_gradient")


@claim(
    "hadamard_policy",
    "Liu, Chen and Wei 2023, arXiv:2305.19575",
    "linear convergence: a small gap in fewer calls than the softmax policy gradient, with the same trials",
)
def hadamard() -> tuple[Figures, bool]:
    return _policies("hadamard_policy")


def _policies(rule: str) -> tuple[Figures, bool]:
    levels = (1e-2, 1e-4, 1e-6)
    courses = {one: race("policy", one, 6000, stop=levels[-1]) for one in (rule, "softmax_policy_gradient")}
    found = {f"{one} to {level:g}": course.to(level) for one, course in courses.items() for level in levels}
    return found, courses[rule].to(levels[-1]) < courses["softmax_policy_gradient"].to(levels[-1])


@claim(
    "npg_hm",
    "Feng, Wei and Chen 2024, arXiv:2401.01084",
    "momentum that a Hessian-vector product carries needs fewer samples than the natural gradient of each alone",
)
def hessian_aided() -> tuple[Figures, bool]:
    goal, samples = 0.05, 900
    found = {
        f"{rule} calls": race("td_policy", rule, samples // price, seeds=3, stop=goal).to(goal)
        for rule, price in (("npg_hm", 3), ("policy_mirror_descent", 1))
    }
    return found, found["npg_hm calls"] < found["policy_mirror_descent calls"]


@claim(
    "td_pmd",
    "Liu, Li and Wei 2025, arXiv:2509.18822",
    "fewer samples than mirror descent on each estimate alone, under heavy-tailed rewards",
)
def averaged_critic() -> tuple[Figures, bool]:
    found = {rule: race("td_policy", rule, 600, seeds=3).end() for rule in ("td_pmd", "policy_mirror_descent")}
    return found, found["td_pmd"] < found["policy_mirror_descent"]


@claim(
    "clipped_sgd signsgd normalised_momentum",
    "Gorbunov, Danilova and Gasnikov 2020, arXiv:2005.10785",
    "with noise of infinite variance, bounded steps keep the worst tenth of the runs close, plain ones do not",
)
def bounded_steps() -> tuple[Figures, bool]:
    rules = ("sgd", "clipped_sgd", "signsgd", "normalised_momentum")
    found: dict[str, float] = {}
    for trials in (FIRST, ALL):
        for rule in rules:
            course = race("heavy_tail", f"schedule=inverse_sqrt,step={rule}", 3000, trials=trials, seeds=20)
            found[f"{rule}, {trials} trials"] = course.end(0.9)
    plain, *bounded = (found[f"{rule}, {ALL} trials"] for rule in rules)
    return found, max(bounded) < plain / 2


@claim(
    "optimistic_gda extragradient",
    "Korpelevich 1976; Daskalakis et al. 2018, arXiv:1711.00141",
    "descent-ascent diverges on bilinear functions, looking ahead or optimism converges",
)
def bilinear_last() -> tuple[Figures, bool]:
    goal = 1e-4
    descent = race("bilinear", "sgd", 4000, hps=[{"lr": lr} for lr in (0.01, 0.1, 0.5)]).end()
    ahead = race("bilinear", "extragradient", 20000, hps=[{"lr": 0.7}], stop=goal).to(goal)
    optimistic = race("bilinear", "optimistic_gda", 20000, hps=[{"lr": 0.5}], stop=goal).to(goal)
    return {"descent-ascent, distance": descent, "extragradient": ahead, "optimistic": optimistic}, (
        descent > 1 and max(ahead, optimistic) < math.inf
    )


@claim(
    "competitive_gradient optimistic_competitive_gradient",
    "Vyas, Bullins and Azizzadenesheli 2023, arXiv:2205.14232",
    "fewer steps than extragradient where the players' moves depend on each other",
)
def competitive() -> tuple[Figures, bool]:
    goal = 1e-4
    courses = {
        "competitive": race("bilinear", "competitive_gradient", 2000, stop=goal),
        "optimistic competitive": race("bilinear", "optimistic_competitive_gradient", 2000, stop=goal),
        "extragradient": race("bilinear", "extragradient", 10000, hps=[{"lr": 0.7}], stop=goal),
    }
    found = _steps(courses, goal)
    slowest = max(found["competitive steps"], found["optimistic competitive steps"])
    return {**found, "competitive calls": courses["competitive"].to(goal)}, slowest < found["extragradient steps"]


@claim(
    "selection/comma selection/plus",
    "Jorritsma, Lengler and Sudholt 2023, arXiv:2304.09712",
    "comma selection escapes planted optima where plus selection does not, and costs nothing without them",
)
def escape() -> tuple[Figures, bool]:
    found = {}
    for name, share in (("planted", 0.01), ("none", 0.0)):
        for rule in ("comma", "plus"):
            course = race(f"planted:distortion={share}", f"selection={rule}", 3000, seeds=5, stop=0.5)
            found[f"{rule}, {name}"] = course.to(0.5)
    return found, found["comma, planted"] < found["plus, planted"] / 5 and (
        found["comma, none"] < 1.5 * found["plus, none"]
    )


@claim(
    "gradient_tracking dsgd",
    "Nedić, Olshevsky and Shi 2017, arXiv:1607.03218",
    "exact with a constant step where nodes differ; decentralised descent stays at a distance",
)
def tracking() -> tuple[Figures, bool]:
    found = {
        rule: race("decentralised", rule, 3000, hps=[{"lr": 0.05}]).end() for rule in ("gradient_tracking", "dsgd")
    }
    return found, found["gradient_tracking"] < 1e-8 and found["dsgd"] > 1e-4


@claim(
    "onebit_adam",
    "Tang et al. 2021, arXiv:2102.02888",
    "over slow links, signs after at most 20 steps cost less than all numbers to the same goal, with the same trials",
)
def signs_over_slow_links() -> tuple[Figures, bool]:
    trials, goal = spread(declared(builtin.rules("step")["onebit_adam"]), ALL), 1e-3
    lots = {
        "signs": [{**numbers, "warmup": min(numbers["warmup"], 20.0)} for numbers in trials],
        "numbers": [{**numbers, "warmup": 1e6} for numbers in trials],
    }
    courses = {name: race("slow_links:link=1", "onebit_adam", 20000, hps=lot, stop=goal) for name, lot in lots.items()}
    found = {f"{name}, calls with bits": course.to(goal) for name, course in courses.items()}
    return found, found["signs, calls with bits"] < found["numbers, calls with bits"]


@claim(
    "distributed_lion",
    "Liu et al. 2024, arXiv:2404.00438",
    "over slow links, votes by sign reach a goal at less cost than Adam that sends numbers, with the same trials",
)
def votes_over_slow_links() -> tuple[Figures, bool]:
    spec, goal = "slow_links:link=1", 1e-2
    adam = [{**one, "warmup": 1e6} for one in spread(declared(builtin.rules("step")["onebit_adam"]), FIRST)]
    found = {
        "votes, calls with bits": race(spec, "distributed_lion", 20000, stop=goal).to(goal),
        "Adam by numbers, calls with bits": race(spec, "onebit_adam", 20000, hps=adam, stop=goal).to(goal),
    }
    return found, found["votes, calls with bits"] < found["Adam by numbers, calls with bits"]


@claim(
    "dnss",
    "Chen, Wei and Luo 2026, arXiv:2602.11789",
    "samples where the noise is make the error smaller than the same number spread evenly",
)
def samples_where_needed() -> tuple[Figures, bool]:
    rules = {"dnss": "dnss", "even": "gradient_tracking", "dsgd": "dsgd"}
    found = {n: race("node_sampling", r, 3000, hps=[{"lr": 0.02}], seeds=5).end() for n, r in rules.items()}
    return found, found["dnss"] < found["even"] / 1.5


@claim(
    "optex",
    "Shu et al. 2024, arXiv:2402.11427",
    "fewer rounds of parallel calls than gradient descent, one after the other",
)
def parallel_rounds() -> tuple[Figures, bool]:
    goal = 1e-6
    both = {
        "optex": race("least_squares:kappa=100", "optex", 400, stop=goal),
        "descent": race("least_squares:kappa=100", "sgd", 2000, stop=goal),
    }
    found = {f"{name} rounds": course.rounds(goal) for name, course in both.items()}
    return found, found["optex rounds"] < found["descent rounds"]


@claim(
    "adadagrad", "Lau, Liu and Kolar 2024, arXiv:2402.11215", "a batch that grows reaches a lower gap in the same steps"
)
def growing_batch() -> tuple[Figures, bool]:
    found = {r: race("stochastic_logistic", r, 900, seeds=3).end() for r in ("adadagrad", "adagrad")}
    return found, found["adadagrad"] < found["adagrad"]


def _steps(courses: Mapping[str, Course], goal: float) -> dict[str, float]:
    """Return the steps to a goal, whatever calls a step makes."""
    return {f"{name} steps": course.to(goal) / course.step_calls for name, course in courses.items()}


def main(names: list[str]) -> None:
    """Measure some claims on one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for name in names:
        began = time.process_time()
        figures, holds = CLAIMS[name].measure()
        told = {key: value if math.isfinite(value) else None for key, value in figures.items()}
        answer = {"name": name, "figures": told, "holds": holds, "cpu_s": time.process_time() - began}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
