"""Ways to change a rule: a file is one, with vary(draft, donors, rng) that tells what it did, or None."""
