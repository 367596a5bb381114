"""A part of a long list, and where it goes on."""

from slotforge.lineage.reads.listing import Item, Key, Listing

__all__ = ["Item", "Key", "Listing"]
