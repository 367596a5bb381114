"""Which of parent and offspring survives, in the search of a black box.

Called once per generation.
  In:     g, the values of the parent and of its offspring, lower is better, of shape (1 + offspring,);
          p, the parent; aux.parent, 1 at the place of the parent and 0 at its offspring
  Answer: a score for each, of the same shape; the highest becomes the next parent
"""

DEFAULT = "plus"
