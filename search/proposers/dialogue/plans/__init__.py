"""How the talk about a trial goes, one plan a file: which questions are put before there is code, and after it."""
