"""The numbers of trials that are no proposals: below zero, and downwards from a beginning of its own for each stage.

So a stage of a run that is resumed finds its trials, however many another one made.
"""

BUILTINS = -1
LIBRARY = -1_000
ABLATION = -2_000  # from here on downwards stands what is measured after the search
TUNED_BASELINE = -3_000
