"""Step rules of the literature, one file each: baselines, and what a search may begin from."""
