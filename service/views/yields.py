"""What operators and models have brought in a run."""

from slotforge.lineage.reads.yields import Yield, Yields, yields

__all__ = ["Yield", "Yields", "yields"]
