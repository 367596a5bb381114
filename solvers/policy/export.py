"""A candidate as one Python file that needs NumPy alone: the policy, and the code that applies it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.core.types import Candidate
from slotforge.solvers.policy.source import parse
from slotforge.solvers.provenance import keep_others, lines, title

KINDS = {"python": "a module with the policy and the function that applies it"}

_MODULE = '''\
"""{title}.

{usage}
"""

{provenance}

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

{policy}

{host}'''


def export(
    candidate: Candidate,
    kind: str,
    out: Path,
    provenance: Mapping[str, Any],
    *,
    source: str,
    host: Callable[..., Any],
    usage: str,
) -> Path:
    """Write the file; one that was exported before is replaced.

    Args:
        candidate: for its name.
        kind: one of KINDS.
        out: file to write.
        provenance: what is known of the candidate, as nested mappings, lists and plain values.
        source: of its policy.
        host: the function that applies a policy, which stands alone but for NumPy.
        usage: how to use the file, in one sentence.

    Raises:
        UsageError: there is no such kind, or what is there already is somebody else's.
        SlotforgeError: the file cannot be written.
    """
    if kind not in KINDS:
        raise UsageError(f"no artefact '{kind}' for {candidate.domain}: choose one of {', '.join(KINDS)}")
    keep_others(out, folders=False)
    text = _MODULE.format(
        title=title(candidate),
        usage=usage,
        provenance="\n".join(f"# {line}" for line in lines(provenance)) or "# Its history is not known.",
        policy=_body(source),
        host="\n\n" + inspect.getsource(host),
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SlotforgeError(f"{error.filename or out}: cannot be written: {error.strerror}") from error
    return out


def _body(source: str) -> str:
    """Take the source from its first constant or function on, so that no docstring stands in the middle of a file."""
    first = parse(source).body[0]
    return "\n".join(source.rstrip().splitlines()[first.lineno - 1 :])
