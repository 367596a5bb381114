"""slotforge discovers heuristics for solvers."""

__version__ = "0.1.0"
