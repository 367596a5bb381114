"""Runs programs that nobody trusts, under limits and out of reach of everything else.

A small C program, ``slotforge-sandbox`` (``launcher/``), takes away files, network, processes, signals, environment and
privileges, and reports how the program ended. This package is its Python face: `run` for a program with an answer,
`popen` for one that talks through pipes, `level` for what this machine's kernel can give. ``docs/sandbox.md`` says what
each level stops.
"""

from slotforge.solvers.sandbox.installed import installed
from slotforge.solvers.sandbox.launch import Limits, Profile
from slotforge.solvers.sandbox.level import Level, level
from slotforge.solvers.sandbox.outcome import Outcome, Reason
from slotforge.solvers.sandbox.run import run
from slotforge.solvers.sandbox.session import Session, popen

__all__ = ["Level", "Limits", "Outcome", "Profile", "Reason", "Session", "installed", "level", "popen", "run"]
