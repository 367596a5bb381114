"""What a Python in the sandbox may read: the folders that this Python and slotforge itself are in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import slotforge
from slotforge import core, solvers


def installed() -> list[Path]:
    """List the folders."""
    packages = [path for path in sys.path if path.endswith("-packages")]
    sources = [*slotforge.__path__, *core.__path__, *solvers.__path__]
    places = [sys.prefix, sys.base_prefix, *packages, *(os.path.dirname(path) for path in slotforge.__path__)]
    found = dict.fromkeys([*places, *map(os.path.realpath, sources)])
    return [Path(place) for place in found if os.path.isdir(place)]
