"""Walks through a rule with kinds of values in place of values: what the text tells before anything runs."""
