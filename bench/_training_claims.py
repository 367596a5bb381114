"""What papers claim of rules that train networks: a lower held-out loss than a peer, after as many steps and trials."""

from __future__ import annotations

from slotforge.bench._claim import Figures, claim
from slotforge.bench._course import race

STEPS = 500
PROBLEMS = ("batch=64", "batch=32", "width=48")  # a difference that chance makes lies on one side in a quarter of cases


def _training(rule: str, peer: str, family: str) -> tuple[Figures, bool]:
    """Compare held-out cross-entropy on three problems, each rule with the trials of a search and three seeds."""
    found = {
        f"{one}, {knobs}": race(f"{family}:{knobs}", one, STEPS, seeds=3).end()
        for knobs in PROBLEMS
        for one in (rule, peer)
    }
    return found, all(found[f"{rule}, {knobs}"] < found[f"{peer}, {knobs}"] for knobs in PROBLEMS)


_BETTER = "lower held-out loss than {} after 500 steps on each of three problems, with the same trials"
for _rule, _peer, _family, _source in (
    ("adamw", "adam", "mlp", "Loshchilov and Hutter 2019, arXiv:1711.05101"),
    ("muon", "adamw", "mlp", "Jordan et al. 2024"),
    ("lion", "adamw", "mlp", "Chen et al. 2023, arXiv:2302.06675"),
    ("cautious_adamw", "adamw", "mlp", "Liang et al. 2024, arXiv:2411.16085"),
    ("cautious_lion", "lion", "mlp", "Liang et al. 2024, arXiv:2411.16085"),
    ("grams", "adamw", "mlp", "Cao, Li and Song 2024, arXiv:2412.17107"),
    ("exadam", "adam", "mlp", "Adly 2024, arXiv:2412.20302"),
    ("adafisher", "adam", "mlp", "Martins Gomes et al. 2025, arXiv:2405.16397"),
    ("mkor", "adam", "mlp", "Mozaffari et al. 2023, arXiv:2306.01685"),
    ("adahessian", "adam", "mlp", "Yao et al. 2021, arXiv:2006.00719"),
    ("frugal", "signsgd", "mlp", "Zmushko et al. 2025, arXiv:2411.07837"),
    ("adamp", "adamw", "scale_invariant", "Heo et al. 2021, arXiv:2006.08217"),
    ("sgdp", "heavy_ball", "scale_invariant", "Heo et al. 2021, arXiv:2006.08217"),
):  # fmt: skip

    def _measure(rule: str = _rule, peer: str = _peer, family: str = _family) -> tuple[Figures, bool]:
        return _training(rule, peer, family)

    _measure.__name__ = f"training_{_rule}"
    claim(_rule, _source, _BETTER.format(_peer))(_measure)
