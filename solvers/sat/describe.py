"""What a prompt tells a model about the solver and the language of a policy."""

from __future__ import annotations

from functools import cache
from pathlib import Path

HEADER = Path(__file__).parent / "engine" / "include" / "slotforge" / "view.hpp"

INTRODUCTION = """\
The solver is a complete CDCL SAT solver in C++20: watched literals, first-UIP learning with minimisation, variables \
by score (EVSIDS heap) in stable mode and by a move-to-front queue in focused mode, target and best phases, glue-based \
restarts with trail reuse, reduction of learned clauses, rephasing. Its mechanism is fixed; its decisions are made by \
policies, one for each slot. Cost is counted in ticks: cache lines touched, by and large, in \
propagation, analysis, the order of variables and reductions.

A policy is one struct. Rules, all checked before it is compiled:
- exactly one struct, default-constructible, with a call operator of the slot's signature (const or not);
- members of arithmetic types, enums, std::array or Random keep state between calls; helper functions are welcome;
- numbers worth tuning are declared SLOT_PARAM(name, default, low, high); they read as doubles; they can be tuned \
without you, so a plausible default will do;
- allowed from std: min, max, clamp, abs, sqrt, log, log2, log10, exp, pow, floor, ceil, array, span, size_t and the \
fixed-width integers; from slotforge: View, Mode, Average, Random, luby, and what the slot's contract names;
- every local variable begins with a value; references are to variables, as arguments and locals only; a span is \
indexed, looped over or handed on, never kept;
- no pointers, heap, globals, statics, templates, includes, macros, casts other than static_cast to arithmetic types, \
exceptions, or backslashes; at most 8 KB of ASCII;
- loops must end; an index must stay in its span; every division must be safe when counters are 0;
- a policy can make the search slow, never wrong: the engine clamps what it answers.

What every policy may read:
"""


@cache
def text() -> str:
    """Return the introduction, the rules and the fields of View as they stand in the engine's header."""
    header = HEADER.read_text(encoding="utf-8")
    body = header[header.index("enum class Mode") : header.rindex("} // namespace")]
    return f"{INTRODUCTION}```cpp\n{body.strip()}\n```"
