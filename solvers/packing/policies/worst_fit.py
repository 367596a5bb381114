"""Worst Fit: the bin in use with the most space left; a new one only where the item fits into no other.

Source: Johnson, "Near-optimal bin packing algorithms", PhD thesis, MIT, 1973.
"""

import numpy as np


def priority(item: float, bins: np.ndarray) -> np.ndarray:
    return np.where(bins < np.max(bins), bins, -1.0)
