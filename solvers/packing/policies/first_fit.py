"""First Fit: the first bin that the item fits into.

Source: Johnson, Demers, Ullman, Garey, Graham, "Worst-case performance bounds for simple one-dimensional packing
algorithms", SIAM J. Computing 3, 1974.
"""

import numpy as np


def priority(item: float, bins: np.ndarray) -> np.ndarray:
    return np.zeros(len(bins))
