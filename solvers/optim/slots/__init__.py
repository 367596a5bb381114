"""The slots of a step, one folder or file each: contract, default, and variants of the literature."""
