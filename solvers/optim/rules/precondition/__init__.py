"""How the geometry of the problem reshapes the transformed gradient.

Called once per step, after `transform` and before `step`.
  In:     g, the transformed gradient, of p's shape
  Answer: the direction that `step` takes for the gradient, of the same shape
"""

DEFAULT = "identity"
