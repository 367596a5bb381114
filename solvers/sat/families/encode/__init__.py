"""Building blocks that the families share: clauses and cardinality, circuits, cycles, hash functions."""
