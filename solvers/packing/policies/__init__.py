"""Which bin takes the next item.

Called once for each item.
  In:     item, its size; bins, the space left in every bin that the item fits into, in the order in which the bins were
          numbered; empty bins are among them, mostly at the end, so there is always one
  Answer: an array of as many scores; the item goes to the first bin of the highest score
Sizes and capacity are whole numbers, given as floats. An empty bin has the largest space that there is: np.max(bins).
"""

DEFAULT = "best_fit"
