"""All heuristics that are known, across runs and domains."""

from slotforge.lineage.reads.heuristics import Order, Wanted, heuristics
from slotforge.lineage.records import Best

__all__ = ["Best", "Order", "Wanted", "heuristics"]
