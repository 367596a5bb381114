"""What is done with a new point before the next gradient: averaging, restarts, projection.

Called once per step, at its end.
  In:     g, the new point, of p's shape; p is the point before the step
  Answer: the point to go on from, of the same shape
"""

DEFAULT = "none"
