"""A chat model through LangChain: openai:NAME on any OpenAI-compatible server, or provider:NAME."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slotforge.core.errors import ModelError, Unreachable, UsageError
from slotforge.core.types import Completion
from slotforge.prompts.extract import MAX_ANSWER
from slotforge.prompts.render import holds_code
from slotforge.prompts.structured import schema
from slotforge.search.proposers._breaker import StandingIn, Waiting, there
from slotforge.search.proposers._endpoint import Endpoint, address, redact
from slotforge.search.proposers._prices import FREE, Price, price
from slotforge.search.proposers._retry import SILENCE, Fault, fault
from slotforge.search.proposers._server import AT_ONCE, Server, places
from slotforge.search.proposers.offline import Offline

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from numpy.random import Generator

    from slotforge.core.seams import Proposer
    from slotforge.core.types import Prompt, Request
    from slotforge.search.budget import Ledger
    from slotforge.search.proposers import Context

MESSAGE_TOKENS = 16  # at most, that a message has besides its text
BYTES_PER_TOKEN = 4  # roughly
MOST_TOKENS = 10**9  # of one call; a server that tells of more, or of less than none, does not count
TIMEOUT_VARIABLE = "SLOTFORGE_MODEL_TIMEOUT"
REFUSALS = (400, 404, 415, 422)  # of a server that does not know what is asked for

log = logging.getLogger("slotforge.model")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a server is treated.

    timeout_s: for one try.
    tries: of one question.
    at_once: questions under way, of all models there.
    max_output_tokens: of one answer, thoughts included.
    """

    timeout_s: float = 600.0
    tries: int = 5
    at_once: int = AT_ONCE
    max_output_tokens: int = 16_000


@dataclass(kw_only=True)
class Chat:
    """Asks a chat model, within the budget.

    spec: of the model, as the user gave it; records carry it.
    server: as other models there share it.
    rate: dollars for tokens.
    schema: the form of answers that hold code, for slots, where the server is to be held to one.
    alive: looks whether the server is there.
    """

    spec: str
    server: Server
    model: BaseChatModel
    ledger: Ledger
    rate: Price = FREE
    settings: Settings = Settings()
    schema: Callable[[Sequence[str]], Mapping[str, Any]] | None = None
    alive: Callable[[], Awaitable[bool]] = there
    _most_written: int = field(init=False, repr=False)
    _uncounted: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        self._most_written = self.settings.max_output_tokens

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:  # noqa: ARG002
        """Ask, and record what it cost; see `ask`."""
        return await self.ask(prompt, request, tries=self.settings.tries)

    async def ask(self, prompt: Prompt, request: Request, *, tries: int) -> Completion:
        """Ask until there is an answer, it is hopeless, or the tries or the budget are used up.

        What a server that knows no schema says of that is no try.

        Raises:
            Unreachable: no try had an answer, and a later one may.
            ModelError: no try can have one.
            BudgetExhausted: a limit could be passed, or the time is over.
        """
        pause = 0.0
        async with self.server.places:
            for done in range(1, tries + 1):
                await self.server.turn(self.ledger, pause=pause)
                schema = self.schema
                answer = await self._try(prompt, request)
                if schema and isinstance(answer, Fault) and answer.status in REFUSALS:
                    self._ask_freely(answer)
                    await self.server.turn(self.ledger)
                    answer = await self._try(prompt, request)
                if not isinstance(answer, Fault):
                    self.server.trouble = ""
                    return answer
                failed, pause = answer, answer.pause(done)
                self.server.trouble = failed.says(self.where, self.spec, done)
                if not failed.transient:
                    raise ModelError(self.server.trouble)
                if failed.pause_s is not None:
                    self.server.hold(pause)
                log.info("%s", failed.says(self.where, self.spec))
            raise Unreachable(self.server.trouble)

    def _ask_freely(self, refused: Fault) -> None:
        """Ask a server that knows no schema without one from now on."""
        if self.schema:
            log.warning("%s; asking without a schema from now on", refused.says(self.where, self.spec))
            self.schema = None

    @property
    def where(self) -> str:
        """The server, for messages."""
        return self.server.name

    async def _try(self, prompt: Prompt, request: Request) -> Completion | Fault:
        """Ask once, within the budget; a server that refuses bills nothing, one that falls silent may bill all."""
        form = self._form(prompt, request)
        texts = [text for _, text in prompt.messages] + [json.dumps(form)] * bool(form)
        most_read = sum(len(text.encode()) + MESSAGE_TOKENS for text in texts)
        async with self.ledger.reserve(
            tokens=most_read + self._most_written,
            usd=self.rate.usd(read=most_read, cached=0, written=self._most_written),
        ) as bill:
            begin = time.monotonic()
            self.server.trouble = self.server.trouble or SILENCE.says(self.where, self.spec)
            try:
                async with asyncio.timeout(min(self.settings.timeout_s, max(0.0, self.ledger.time_left()))):
                    message = await self.model.ainvoke(list(prompt.messages), **form)
            except Exception as error:  # every provider has exceptions of its own
                failed = fault(error)
                if not failed.billed:
                    bill.settle()
                return failed
            completion = self._completion(message, most_read, time.monotonic() - begin)
            bill.settle(tokens=completion.input_tokens + completion.output_tokens, usd=completion.usd)
            self._learn(completion.output_tokens)
            return completion

    def _form(self, prompt: Prompt, request: Request) -> Mapping[str, Any]:
        """Return the options that hold a server to a form of answers, as the chat protocol has it."""
        if self.schema is None or not holds_code(prompt.operator):
            return {}
        schema = {"name": "answer", "schema": self.schema(request.slots)}
        return {"extra_body": {"response_format": {"type": "json_schema", "json_schema": schema}}}

    def _most(self, size: int) -> int:
        """Return how many tokens an answer of so many bytes may be billed as where the server does not count them.

        That is what was asked for, for thoughts are not seen; but a token for each byte where the server cannot have
        kept to it.
        """
        if not self._uncounted:
            self._uncounted = True
            log.warning("%s does not count tokens: each answer counts as the most that it may have cost", self.where)
        asked = self.settings.max_output_tokens
        return asked if size <= asked * BYTES_PER_TOKEN else size

    def _learn(self, written: int) -> None:
        """Expect of a server that does not keep to the length asked for what it has shown that it writes."""
        if written > self._most_written:
            self._most_written = written
            asked = self.settings.max_output_tokens
            log.warning(
                "%s wrote %d tokens where at most %d were asked for: budgets may be passed by this answer",
                self.where,
                written,
                asked,
            )

    def _completion(self, message: AIMessage, most_read: int, latency_s: float) -> Completion:
        whole = str(message.text).encode("utf-8", "replace")
        text = redact(whole.decode())[:MAX_ANSWER]
        usage: Any = message.usage_metadata or {}
        read, written = _count(usage.get("input_tokens")), _count(usage.get("output_tokens"))
        if not written and (whole or not read):
            written = self._most(len(whole))
        read = read or most_read
        cached = min(read, _count((usage.get("input_token_details") or {}).get("cache_read")))
        return Completion(
            text=text,
            model=self.spec,
            input_tokens=read,
            output_tokens=written,
            usd=self.rate.usd(read=read, cached=cached, written=written),
            latency_s=latency_s,
        )


def _count(told: object) -> int:
    """Read how many tokens a server counts; 0 where that cannot be."""
    return told if isinstance(told, int) and 0 < told <= MOST_TOKENS else 0


def proposer(spec: str, context: Context, settings: Settings | None = None) -> Proposer:
    """Make it for `provider:name`; raises UsageError when LangChain does not know or lack the provider."""
    provider, _, name = spec.partition(":")
    if not name:
        raise UsageError(f"model '{spec}': say which, e.g. {provider}:NAME")
    settings = settings or Settings(timeout_s=_timeout(), at_once=places())
    options: dict[str, Any] = {
        "max_tokens": settings.max_output_tokens,
        "timeout": settings.timeout_s,
        "max_retries": 0,  # tries are counted here
    }
    where, alive = provider, there
    if provider == "openai":
        endpoint = Endpoint.find(context.base_url)
        where, alive = str(endpoint), endpoint.alive
        options |= {
            "base_url": endpoint.url,
            "api_key": endpoint.key,
            "http_async_client": endpoint.client(settings.timeout_s),
            "use_responses_api": False,  # other servers know the chat protocol alone
        }
    elif context.base_url:
        options["base_url"] = where = address(context.base_url)
    made = Chat(
        spec=spec,
        server=context.server(redact(where), settings.at_once),
        model=_model(spec, options),
        ledger=context.ledger,
        rate=_rate(spec, name, context.ledger),
        settings=settings,
        schema=schema if context.answers == "json" and provider == "openai" else None,
        alive=alive,
    )
    if context.when_down == "wait":
        return Waiting(inner=made)
    if context.when_down == "offline":
        return StandingIn(inner=made, offline=Offline(context.domain))
    return made


def _model(spec: str, options: dict[str, Any]) -> BaseChatModel:
    os.environ.setdefault("LANGSMITH_TRACING", "false")  # no prompt leaves for a third party unless asked
    from langchain.chat_models import init_chat_model

    try:
        model: BaseChatModel = init_chat_model(spec, **options)
    except ImportError as error:
        raise UsageError(f"model '{spec}': {redact(str(error))}") from None
    except Exception as error:  # every provider has exceptions of its own, also for a missing key
        raise UsageError(f"model '{spec}': {redact(' '.join(str(error).split()))[:300]}") from None
    return model


def _rate(spec: str, name: str, ledger: Ledger) -> Price:
    """Look the price up; a limit in dollars cannot be kept with a price that is not known."""
    if known := price(name):
        return known
    if ledger.budget.usd is not None:
        raise UsageError(
            f"the price of '{spec}' is not known, so --usd cannot be kept: write \"{name}\" = [INPUT, CACHED, OUTPUT], "
            "0 where it is free, under [models] in $SLOTFORGE_HOME/prices.toml, or limit --tokens instead"
        )
    log.warning("the price of '%s' is not known: its calls count as 0 USD", spec)
    return FREE


def _timeout() -> float:
    text = os.environ.get(TIMEOUT_VARIABLE, "")
    try:
        seconds = float(text) if text else Settings.timeout_s
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise UsageError(f"{TIMEOUT_VARIABLE}='{text}': expected seconds above 0")
    return seconds
