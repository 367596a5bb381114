"""FunSearch's rule for Weibull sizes: with m the largest space, s = (b - m)^2 / i + b^2 / i^2 + b^2 / i^3 for a bin of
space b, and -s where b > i; the score is the change of this from the bin before.

Source: Romera-Paredes et al., "Mathematical discoveries from program search with large language models", Nature 625,
2024, figure 6; found by the model for Weibull 5k.
"""

import numpy as np


def priority(item: float, bins: np.ndarray) -> np.ndarray:
    level = (bins - np.max(bins)) ** 2 / item + bins**2 / item**2 + bins**2 / item**3
    return np.diff(np.where(bins > item, -level, level), prepend=0.0)
