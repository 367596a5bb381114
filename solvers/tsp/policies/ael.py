"""AEL's rule: the least of 0.4 of the distance, less 0.3 of the mean and with 0.2 of the deviation of the distances to
the others that are left, less 0.1 of the distance to the destination; the nearest city where that is above 0.7.

Source: Liu, Tong, Yuan, Zhang, "Algorithm evolution using large language model", 2023, arXiv:2311.15249; the form in
which ReEvo starts from it.
"""

import numpy as np


def select_next(current: int, destination: int, unvisited: np.ndarray, distances: np.ndarray) -> int:
    near = distances[current, unvisited]
    others = max(len(unvisited) - 1, 1)
    among = distances[np.ix_(unvisited, unvisited)]
    mean = among.sum(axis=1) / others
    deviation = np.sqrt(np.maximum((among**2).sum(axis=1) / others - mean**2, 0.0))
    score = 0.4 * near - 0.3 * mean + 0.2 * deviation - 0.1 * distances[destination, unvisited]
    return unvisited[np.argmin(near if np.min(score) > 0.7 else score)]
