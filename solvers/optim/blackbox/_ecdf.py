"""How soon a search reaches targets of all precisions.

Hansen, Auger, Ros, Mersmann, Tušar and Brockhoff, "COCO: a platform for comparing continuous optimizers in a black-box
setting", arXiv:1603.08785: empirical distributions of runtimes over 51 targets.
"""

from __future__ import annotations

import numpy as np

TARGETS = np.logspace(2, -8, 51)


def area(trace: np.ndarray, best: float, budget: int) -> float:
    """Return the area under the share of targets reached, over evaluations on a linear axis up to the budget.

    Args:
        trace: the best value so far after each evaluation.
        best: the least value of the function.
    """
    reached = (trace[:budget] - best)[:, None] <= TARGETS
    first = np.where(reached.any(axis=0), reached.argmax(axis=0) + 1, budget)
    return float(1 - first.mean() / budget)
