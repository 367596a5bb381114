"""Every rule that ships can be the first that its process runs: what libraries import on first use is at hand."""

from __future__ import annotations

import subprocess
import sys

from slotforge.solvers.optim import builtin

SLOTS = ("step", "transform", "precondition", "schedule", "restart", "sampling", "selection")
RULES = [f"{slot}={name}" for slot in SLOTS for name in builtin.rules(slot)]
EACH_FIRST = """
import os, sys
from slotforge.solvers.optim import builtin, simulate
from slotforge.solvers.optim.answer import inspect

for ref in sys.argv[1:]:
    if os.fork() == 0:
        try:
            inspect(tuple(sorted(builtin.named(ref).items())))
            print(ref, "runs", flush=True)
        except BaseException as error:
            print(ref, error, flush=True)
        os._exit(0)
    os.wait()
"""


def test_every_rule_that_ships_can_be_the_first_of_its_process() -> None:
    done = subprocess.run([sys.executable, "-c", EACH_FIRST, *RULES], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{ref} runs" for ref in RULES]
