"""What domains share whose slot is one function in Python with NumPy.

A domain is a folder with a subclass of `domain.Policies`, the code that applies a policy to an instance, families of
instances, and policies of the literature; `docs/packing-and-tsp.md` says how to add one.
"""
