"""What is done to a gradient before anything else sees it: clipping, signs, momentum, corrections.

Called once per step, before `precondition`.
  In:     g, the gradient at p, of p's shape
  Answer: what takes its place, of the same shape
"""

DEFAULT = "identity"
