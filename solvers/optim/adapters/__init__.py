"""Plug-ins that run a rule as an optimizer of torch, of optax or of SciPy: one file each.

The modules depend on nothing heavy but their host, and on each other by name alone, so that `export` can put them
into one file that stands alone.
"""
