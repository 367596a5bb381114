"""Answers from a recording, without a model: replay:FILE or replay:RUN.

A file holds one JSON object a line: `messages` (or the `key` of them), `answer`, and, where they are known, `model`,
`input_tokens`, `output_tokens`, `usd` and `latency_s`. An answer is found by the prompt, whole and exact. Where a file
says of which proposal (`number`) and at which `stage` an answer was given, it is found by these when no prompt is the
same, as when a later version writes prompts in other words; that is said once. What the recording says of tokens and
dollars is told again, though nothing is spent.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotforge.core.errors import NotRecorded, UnknownId, UsageError
from slotforge.core.ids import content_id
from slotforge.core.types import Completion

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.seams import Proposer
    from slotforge.core.types import Prompt, Request
    from slotforge.search.proposers import Context

log = logging.getLogger("slotforge.model")
MEASURES = ("input_tokens", "output_tokens", "usd", "latency_s")
_NUMBER = re.compile(r"Proposal (\d+)\.\s*$")
_ROLES = {"developer": "system"}  # as some models call it


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One recorded answer; place: the number of the proposal and the stage, where they are known."""

    prompt: str
    completion: Completion
    place: tuple[int, str] | None = None


class Replay:
    """Recorded answers by prompt; several to the same prompt are given in their order, the last one for good."""

    def __init__(self, source: str, answers: Iterable[Answer], *, replayed: str = "") -> None:
        """Take in a recording.

        Args:
            source: its name, for messages.
            answers: in their order.
            replayed: id of the run that they are of, where it is in the store.
        """
        self.source = source
        self.replayed = replayed
        self._answers: dict[str, deque[Completion]] = {}
        self._places: dict[tuple[int, str], deque[Completion]] = {}
        self._warned = False
        for answer in answers:
            self._answers.setdefault(answer.prompt, deque()).append(answer.completion)
            if answer.place is not None:
                self._places.setdefault(answer.place, deque()).append(answer.completion)

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:  # noqa: ARG002
        """Give the recorded answer; raises NotRecorded when there is none."""
        exact = self._answers.get(prompt.id) or self._answers.get(_spaced_key(prompt))
        placed = self._places.get(_place(prompt, request))
        if not exact and not placed:
            words = " ".join(prompt.messages[-1][1].split())
            raise NotRecorded(f"{self.source} has no answer to this '{prompt.operator}' prompt: ...{words[-80:]}")
        if not exact and not self._warned:
            log.warning(
                "%s answers prompts in other words: its answers are taken by number of the proposal", self.source
            )
            self._warned = True
        taken = [_next(answers) for answers in (exact, placed) if answers]
        return taken[0]


def _next(answers: deque[Completion]) -> Completion:
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
    except UnknownId as error:
        raise UsageError(f"model '{spec}': no such file, and {error}") from None
    by_number = context.store.all_calls(run)
    calls = (call for number in sorted(by_number) for call in by_number[number])
    answers = (Answer(prompt=call.prompt.id, completion=call.completion) for call in calls)
    return Replay(f"run {run}", answers, replayed=run)


def read(path: Path) -> Iterator[Answer]:
    """Read a recording; raises UsageError with the line that is wrong."""
    lines = path.read_bytes().split(b"\n")
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


def _call(row: Mapping[str, Any]) -> Answer:
    key = content_id([_message(m) for m in row["messages"]], length=64) if "messages" in row else str(row["key"])
    measures = {name: row[name] for name in MEASURES if row.get(name) is not None}
    completion = Completion(text=row["answer"], model=row.get("model") or "replay", **measures)
    place = (int(row["number"]), str(row["stage"])) if "number" in row and "stage" in row else None
    return Answer(prompt=key, completion=completion, place=place)


def _place(prompt: Prompt, request: Request) -> tuple[int, str]:
    """Tell the number of the proposal, which ends every prompt, and the stage at which a prompt stands."""
    number = _NUMBER.search(prompt.messages[-1][1])
    return int(number[1]) if number else 0, "propose" if prompt.operator == request.operator else prompt.operator


def _message(message: Any) -> list[str]:
    """Read a message as [role, text], or as the object with `role` and `content` that chat servers take."""
    role, content = (message["role"], message["content"]) if isinstance(message, dict) else message
    text = content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content or [])
    return [_ROLES.get(str(role), str(role)), text]


def _spaced_key(prompt: Prompt) -> str:
    """The key under which recordings without messages may keep an answer: JSON with spaces, in ASCII."""
    return hashlib.sha256(json.dumps([list(m) for m in prompt.messages]).encode()).hexdigest()
