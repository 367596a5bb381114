"""Farthest neighbour: the farthest of the cities that are left; a yardstick of how bad it can get."""

import numpy as np


def select_next(current: int, destination: int, unvisited: np.ndarray, distances: np.ndarray) -> int:
    score = -distances[current, unvisited]
    return unvisited[np.argmin(score)]
