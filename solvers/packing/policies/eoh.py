"""EoH's rule: with d = b - i the space after packing, b / (e^d (e^d + 0.7)) + (1 - d / b) sqrt(d), and 0.8 more where
d > 3 i, else 0.3.

Source: Liu et al., "Evolution of Heuristics: towards efficient automatic algorithm design using large language model",
ICML 2024, arXiv:2401.02051, figure 2; found by the model for Weibull 5k.
"""

import numpy as np


def priority(item: float, bins: np.ndarray) -> np.ndarray:
    after = bins - item
    growth = np.exp(after)
    bonus = np.where(after > 3 * item, 0.8, 0.3)
    return bins / (growth * (growth + 0.7)) + (1 - after / bins) * np.sqrt(after) + bonus
