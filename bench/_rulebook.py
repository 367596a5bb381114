"""The tables of docs/rules.md and docs/step-rules.md: every built-in rule, and every family, from what they say.

    python -m slotforge.bench._rulebook > docs/rules.md
    python -m slotforge.bench._rulebook families  # the table for docs/step-rules.md

Names, words and papers are those of the rule files; figures are those of `targets.json` and of the last `bench optim`.
"""

from __future__ import annotations

import ast
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from slotforge.bench._baselines import Row, frozen
from slotforge.bench._claims import CLAIMS
from slotforge.bench._result import shown
from slotforge.core import registry
from slotforge.solvers.optim import builtin, case
from slotforge.solvers.optim.describe import said

RESULT = Path("bench/results/optim.json")
HEAD = """# Rules that ship with slotforge

Every rule is one file in `solvers/optim/rules/SLOT/NAME.py`, and is used by its name:
`slotforge export schedule=cosine,step=adam --as torch --out my_rule.py`. The table is made by
`python -m slotforge.bench._rulebook > docs/rules.md` from the rule files, from the frozen contests of the families
(`solvers/optim/targets.json`) and from `bench/results/optim.json`.

*Claim* is what `slotforge bench optim` holds against our problems, in the direction that the paper claims; a dash is a
rule of which no claim is measured. *Measured here* tells the median of oracle calls to the goal with 48 trials: for a
rule that competed for the cases of a family, those of the first case, and in how many it was the best; for others,
those of a few problems. Then it says whether the claim's direction was reproduced, with the figures; `-` is a goal that
was not reached. Problems are small and trials few: that a claim is not reproduced here says nothing of the problems of
the paper.
"""
SEARCHES = """Searches that see values alone, with numbers that are tuned as those of rules. They are no rules, and
cannot be exported: as `blackbox=NAME` they compete in families of black boxes, where a call is worth d + 1 values."""
FAMILY = ("family", "what", "oracle", "metric", "goal", "knobs", "splits")
COLUMNS = ("rule", "what it does", "paper", "claim", "measured here")


def render(result: Mapping[str, Any] | None = None) -> str:
    """Write the whole document.

    Args:
        result: figures of `bench optim`, where there are any.
    """
    figures = (result or {}).get("figures", {})
    measured = map(_row, figures.get("baselines", {}).get("rows", []))
    contests = [*frozen(), *(row for row in measured if not row.frozen)]  # those that were frozen stand in `frozen`
    claims = figures.get("claims", {})
    parts = [HEAD]
    summaries = {slot: builtin.slots()[slot].summary for slot in builtin.SLOTS}
    for slot, summary in {**summaries, builtin.SEARCH: SEARCHES}.items():
        parts.append(f"## {slot}\n\n{summary}\n")
        parts.append(_line(COLUMNS) + "\n" + _line(["---"] * len(COLUMNS)))
        parts[-1] += "".join(f"\n{_line(row)}" for row in _rules(slot, contests, claims)) + "\n"
    return "\n".join(parts)


def _rules(slot: str, contests: Sequence[Row], claims: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for name, source in (builtin.searches() if slot == builtin.SEARCH else builtin.rules(slot)).items():
        title, does, paper = described(source)
        about = {key: one for key, one in CLAIMS.items() if f"{slot}/{name}" in one.rules}
        says = "; ".join(one.says for one in about.values()) or "-"
        told = [*_standing(slot, name, contests), *(_held(claims[key]) for key in about if key in claims)]
        yield f"`{name}` {title}", does, paper, says, "; ".join(told) or "-"


def described(source: str) -> tuple[str, str, str]:
    """Return the name of a rule, what it does, and its paper, from the docstring."""
    first, *rest = (ast.get_docstring(ast.parse(source)) or "").split("\n\n")
    title, _, does = " ".join(first.split()).partition(": ")
    paper = next((" ".join(part.split()) for part in rest if part.startswith("Source: ")), "Source: -")
    return title, does, paper.removeprefix("Source: ")


def _standing(slot: str, name: str, contests: Sequence[Row]) -> Iterator[str]:
    """Say how a rule did in the contests that it took part in, by family."""
    own = [row for row in contests if f"{slot}={name}" in _parts(row.rule)]
    for family in dict.fromkeys(_family(row) for row in own if row.frozen):
        found = [row for row in own if row.frozen and _family(row) == family]
        best = sum(row is _best(row.spec, contests) for row in found)
        yield f"{family}: {_calls(found[0])} in its first case, the best in {best} of {len(found)} cases"
    for row in own:
        if not row.frozen:
            yield f"{_family(row)}, as `{row.rule}`: {_calls(row)} on {row.reached} of {row.problems} problems"


def _best(spec: str, contests: Sequence[Row]) -> Row:
    rows = [row for row in contests if row.frozen and row.spec == spec]
    return min(rows, key=lambda row: (-row.reached, row.calls))


def _family(row: Row) -> str:
    return row.spec.partition(":")[0]


def _calls(row: Row) -> str:
    return f"{shown(row.calls)} calls" if math.isfinite(row.calls) else "missed"


def _parts(ref: str) -> set[str]:
    return {part if "=" in part else f"step={part}" for part in ref.split(",")}


def _held(claim: Mapping[str, Any]) -> str:
    figures = "; ".join(f"{name} {shown(value)}" for name, value in claim["figures"].items())
    return f"claim {'reproduced' if claim['holds'] else 'not reproduced'} ({figures})"


def families() -> str:
    """Write the table of families: what they are, oracle, metric, goal, knobs and splits."""
    rows = [_line(FAMILY), _line(["---"] * len(FAMILY))]
    for name, what in registry.names(case.PROBLEMS).items():
        one = case.family(name)
        kind = type(one)
        goal = f"{one.goal:g}" + (", or as frozen" if one.learned else "")
        knobs = ", ".join(f"{knob} {value:g}" for knob, value in one.knobs.items())
        splits = "; ".join(
            f"{split}: {' / '.join(case.key(knobs) or 'canonical' for knobs in settings)}"
            for split, settings in one.splits.items()
        )
        rows.append(_line((f"`{name}`", what, said(kind.oracle), said(kind.metric), goal, knobs, splits)))
    return "\n".join(rows) + "\n"


def _row(told: Mapping[str, Any]) -> Row:
    return Row(**{**told, "calls": math.inf if told["calls"] is None else told["calls"]})


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    told = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else None
    print(families() if "families" in sys.argv[1:] else render(told), end="")
