"""Searches that see values alone: what a rule on finite differences has to be compared with.

Each file has one function, minimize(f, d, budget, rng), which returns the best value so far after each evaluation;
points lie in [-5, 5]^d at first, and `f` may be asked beyond.
"""
