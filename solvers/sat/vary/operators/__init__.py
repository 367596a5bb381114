"""Ways to change a policy: a file in this folder is one, with `vary(policy, donors, rng) -> Change | None`."""
