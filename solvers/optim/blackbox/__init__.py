"""Searches that see values alone: what a rule on finite differences has to be compared with.

Each file has HP, numbers that are tuned as those of a rule are, and one function, search(f, d, rng, hp, attempt), which
searches until nothing changes any more and makes at least one evaluation: f gives the values of points that stand along
the last axis of an array, and `attempt` counts the searches before this one. A search starts in [-5, 5]^d, and may ask
beyond. On families that offer a box, `blackbox=NAME` competes with rules, in the same oracle calls and trials.
"""
