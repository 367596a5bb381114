"""How the length of a step changes over time.

Called once per step, after `step`.
  In:     g, the number 1
  Answer: a number; the move that `step` proposes is multiplied by it
"""

DEFAULT = "constant"
