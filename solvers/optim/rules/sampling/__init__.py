"""How many samples each node of a network draws for its next gradient.

Called once per step at each node; where there are none, its answer has no effect.
  In:     g, of shape (1,): an estimate of the noise of this node's gradient, as a share of the mean over the nodes;
          0 where it is not known
  Answer: the share of this node, of the same shape; the host makes those of all positive and their mean 1
"""

DEFAULT = "uniform"
