"""How a gradient becomes the next point.

Called once per step.
  In:     g, the gradient at p after `transform` and `precondition`, of p's shape
  Answer: the next point, of p's shape

A rule that asks aux.grad, grads, hvp, hessian, mix or mix_sign is given all parameters as one array; any other rule is
applied to each array of parameters on its own.
"""

DEFAULT = "sgd"
