"""How many samples each node of a network draws for its next gradient.

Called once per step, where there are nodes; elsewhere its answer has no effect.
  In:     g, an estimate of the noise of each node's gradient, of shape (nodes,)
  Answer: the share of each node, of the same shape; the host makes them positive and their mean 1
"""

DEFAULT = "uniform"
