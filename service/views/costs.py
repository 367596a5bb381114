"""What the searches of several runs have cost."""

from slotforge.lineage.reads.costs import Cost, costs

__all__ = ["Cost", "costs"]
