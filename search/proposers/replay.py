"""Answers from a recording, without a model: replay:FILE or replay:RUN.

A file holds one JSON object a line: `messages` (or the `key` of them), `answer`, and, where they are known, `model`,
`input_tokens`, `output_tokens`, `usd` and `latency_s`. An answer is found by the prompt, whole and exact; what the
recording says of tokens and dollars is told again, though nothing is spent.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotforge.core.errors import ModelError, SlotforgeError, UsageError
from slotforge.core.ids import content_id
from slotforge.core.types import Completion

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.seams import Proposer
    from slotforge.core.types import Prompt, Request
    from slotforge.search.proposers import Context

MEASURES = ("input_tokens", "output_tokens", "usd", "latency_s")
_ROLES = {"developer": "system"}  # as some models call it


class Replay:
    """Recorded answers by prompt; several to the same prompt are given in their order, the last one for good."""

    def __init__(self, source: str, calls: Iterable[tuple[str, Completion]]) -> None:
        """Take in a recording.

        Args:
            source: its name, for messages.
            calls: id of the prompt, and the answer, in order.
        """
        self.source = source
        self._answers: dict[str, deque[Completion]] = {}
        for key, completion in calls:
            self._answers.setdefault(key, deque()).append(completion)

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:  # noqa: ARG002
        """Give the recorded answer; raises ModelError when there is none."""
        answers = self._answers.get(prompt.id) or self._answers.get(_spaced_key(prompt))
        if not answers:
            words = " ".join(prompt.messages[-1][1].split())
            raise ModelError(f"{self.source} has no answer to this '{prompt.operator}' prompt: ...{words[-80:]}")
        return answers.popleft() if len(answers) > 1 else answers[0]


def proposer(spec: str, context: Context) -> Proposer:
    """Make it from a file or, if there is none of this name, from a run in the store."""
    source = spec.partition(":")[2]
    if Path(source).is_file():
        return Replay(source, read(Path(source)))
    if not source or context.store is None:
        raise UsageError(f"model '{spec}': no such file: use replay:FILE, or replay:RUN with the id of a run")
    try:
        run = context.store.run(source).id
    except SlotforgeError as error:
        raise UsageError(f"model '{spec}': no such file, and {error}") from None
    by_number = context.store.all_calls(run)
    calls = (call for number in sorted(by_number) for call in by_number[number])
    return Replay(f"run {run}", ((call.prompt.id, call.completion) for call in calls))


def read(path: Path) -> Iterator[tuple[str, Completion]]:
    """Read a recording: ids of prompts, and their answers; raises UsageError with the line that is wrong."""
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _call(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if number == len(lines):  # the writer was killed
                return
            raise UsageError(
                f"{path}:{number}: not a recorded answer ({type(error).__name__}: {str(error)[:80]}): "
                "expected a JSON object with 'messages' or 'key', and 'answer'"
            ) from None


def _call(row: Mapping[str, Any]) -> tuple[str, Completion]:
    key = content_id([_message(m) for m in row["messages"]], length=64) if "messages" in row else str(row["key"])
    measures = {name: row[name] for name in MEASURES if row.get(name) is not None}
    return key, Completion(text=row["answer"], model=row.get("model") or "replay", **measures)


def _message(message: Any) -> list[str]:
    """Read a message as [role, text], or as the object with `role` and `content` that chat servers take."""
    role, content = (message["role"], message["content"]) if isinstance(message, dict) else message
    text = content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content or [])
    return [_ROLES.get(str(role), str(role)), text]


def _spaced_key(prompt: Prompt) -> str:
    """The key under which recordings without messages may keep an answer: JSON with spaces, in ASCII."""
    return hashlib.sha256(json.dumps([list(m) for m in prompt.messages]).encode()).hexdigest()
