"""Who answers prompts: a chat model, a recording, or variation without a model; one file each.

A spec names one: `offline`, `openai:NAME`, `provider:NAME` for any provider that LangChain knows, or `replay:FILE`.
Several with commas between them are an ensemble.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from slotforge.core import registry
from slotforge.core.errors import UsageError
from slotforge.core.specs import OFFLINE
from slotforge.search.proposers._ensemble import Ensemble

if TYPE_CHECKING:
    from slotforge.core.seams import Archive, Domain, Proposer
    from slotforge.core.types import Budget, Call, Trial
    from slotforge.search.budget import Ledger
    from slotforge.search.proposers._server import Server


CHOICES: Mapping[str, Sequence[str]] = {"answers": ("fences", "json"), "when_down": ("stop", "wait", "offline")}


class Records(Protocol):
    """Where the calls of earlier runs are found: the store."""

    def run(self, run: str) -> Any:
        """Return the record of a run, by its id or a unique beginning of it."""

    def all_calls(self, run: str) -> Mapping[int, Sequence[Call]]:
        """Return the calls of a run by number of trial."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a proposer may use.

    domain: whose slots are written.
    ledger: the budget that every paid call is reserved in.
    base_url: of the server, for chat models; None is the provider's own.
    store: of earlier runs, for replay.
    answers: the form that answers are asked for in.
    when_down: what a chat model does when its server does not answer: `stop`, `wait`, or let `offline` answer.
    """

    domain: Domain
    ledger: Ledger
    base_url: str | None = None
    store: Records | None = None
    answers: str = "fences"
    when_down: str = "stop"
    _servers: dict[str, Server] = field(default_factory=dict, init=False)

    def server(self, name: str, at_once: int) -> Server:
        """Return what all models on a server share; what the first of them says of it holds."""
        from slotforge.search.proposers._server import Server, rate

        return self._servers.setdefault(name, Server(name=name, at_once=at_once, per_minute=rate()))


def listener(proposer: Proposer) -> Callable[[Archive, Trial], None]:
    """Return what is to be told each trial, in order: an ensemble, for others learn nothing."""
    return proposer.tell if isinstance(proposer, Ensemble) else lambda *_: None


def replayed(proposer: Proposer) -> str:
    """Return the id of the run whose answers a proposer gives again; empty where it does not, or knows none."""
    if isinstance(proposer, Ensemble):
        return next(filter(None, map(replayed, proposer.members)), "")
    run: str = getattr(proposer, "replayed", "")
    return run


def trouble(proposer: Proposer) -> str:
    """Say what the server of a proposer last answered instead of a question; empty where it is not known to be down."""
    if isinstance(proposer, Ensemble):
        return next(filter(None, map(trouble, proposer.members)), "")
    server: Server | None = getattr(proposer, "server", None)
    return server.trouble if server else ""


def make(
    spec: str,
    *,
    domain: Domain,
    budget: Ledger,
    base_url: str | None = None,
    store: Records | None = None,
    options: Mapping[str, Any] | None = None,
) -> Proposer:
    """Make the proposer that a spec names.

    Args:
        spec: one proposer, or several with commas between them.
        domain: whose slots are written.
        budget: that paid calls are reserved in.
        base_url: of an OpenAI-compatible server.
        store: of earlier runs, for `replay:RUN`.
        options: of the run; `answers` and `when_down` are for chat models, see `Context`.

    Raises:
        UsageError: the spec names nothing that is known or installed.
        ModelError: a key is missing.
    """
    own = {name: str(value) for name, value in (options or {}).items() if name in CHOICES}
    for name, value in own.items():
        if value not in CHOICES[name]:
            raise UsageError(f"{name} '{value}': choose from {', '.join(CHOICES[name])}")
    context = Context(domain=domain, ledger=budget, base_url=base_url, store=store, **own)
    members = tuple(one(part, context) for part in _parts(spec))
    if not members:
        raise UsageError("no model given: use offline, openai:NAME, provider:NAME or replay:FILE")
    return members[0] if len(members) == 1 else Ensemble(members)


def refuse_endless(spec: str, budget: Budget) -> None:
    """Raise UsageError where dollars are all that limits a search whose models cost nothing."""
    from slotforge.search.proposers._prices import FREE, price

    named = (part.partition(":") for part in _parts(spec))
    nothing = all(kind == OFFLINE or price(name) == FREE for kind, _, name in named)
    if nothing and budget.model_dump(exclude_none=True).keys() == {"usd"}:
        raise UsageError(f"'{spec}' costs nothing, so --usd would end no search: add --evals, --time or --tokens")


def _parts(spec: str) -> list[str]:
    return [part.strip() for part in spec.split(",") if part.strip()]


def one(spec: str, context: Context) -> Proposer:
    """Make one proposer: the extension that the first word names, or else the chat model of a provider."""
    kind, colon, _ = spec.partition(":")
    if kind in registry.names(__name__):
        module = registry.load(__name__, kind)
    elif colon:
        module = registry.load(__name__, "chat")
    else:
        raise UsageError(f"no model called '{spec}': use offline, openai:{spec}, provider:{spec} or replay:FILE")
    proposer: Proposer = module.proposer(spec, context)
    return proposer
