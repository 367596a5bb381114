"""Nearest neighbour: the nearest of the cities that are left.

Source: Rosenkrantz, Stearns, Lewis, "An analysis of several heuristics for the traveling salesman problem", SIAM J.
Computing 6, 1977.
"""

import numpy as np


def select_next(current: int, destination: int, unvisited: np.ndarray, distances: np.ndarray) -> int:
    score = distances[current, unvisited]
    return unvisited[np.argmin(score)]
