"""A chat model through LangChain: openai:NAME on any OpenAI-compatible server, or provider:NAME."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slotforge.core.errors import BudgetExhausted, ModelError, UsageError
from slotforge.core.types import Completion
from slotforge.prompts.extract import MAX_ANSWER
from slotforge.search.proposers._endpoint import Endpoint, redact
from slotforge.search.proposers._prices import Price, price
from slotforge.search.proposers._retry import Fault, fault

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from numpy.random import Generator

    from slotforge.core.seams import Proposer
    from slotforge.core.types import Prompt, Request
    from slotforge.search.budget import Ledger
    from slotforge.search.proposers import Context

MESSAGE_TOKENS = 16  # at most, that a message has besides its text
BYTES_PER_TOKEN = 4  # roughly, where a server does not count
TIMEOUT_VARIABLE = "SLOTFORGE_MODEL_TIMEOUT"
FREE = Price(0, 0, 0)

log = logging.getLogger("slotforge.model")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a server is treated.

    timeout_s: for one try.
    tries: of one question.
    at_once: questions under way.
    max_output_tokens: of one answer, thoughts included.
    """

    timeout_s: float = 600.0
    tries: int = 5
    at_once: int = 8
    max_output_tokens: int = 16_000


@dataclass(kw_only=True)
class Chat:
    """Asks a chat model, within the budget.

    spec: of the model, as the user gave it; records carry it.
    where: the server, for messages.
    rate: dollars for tokens.
    sleep: waits between tries.
    """

    spec: str
    where: str
    model: BaseChatModel
    ledger: Ledger
    rate: Price = FREE
    settings: Settings = Settings()
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _slots: asyncio.Semaphore = field(init=False, repr=False)
    _most_written: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.settings.at_once)
        self._most_written = self.settings.max_output_tokens

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:  # noqa: ARG002
        """Ask, and record what it cost; raises ModelError or BudgetExhausted.

        It is tried until there is an answer, it is hopeless, or the tries or the budget are used up.
        """
        async with self._slots:
            for tries in range(1, self.settings.tries + 1):
                answer = await self._try(prompt)
                if not isinstance(answer, Fault):
                    return answer
                failed = answer
                if not failed.transient or tries == self.settings.tries:
                    break
                log.info("%s", failed.says(self.where, self.spec))
                await self.sleep(min(failed.pause(tries), max(0.0, self.ledger.time_left())))
                if self.ledger.time_left() <= 0:
                    raise BudgetExhausted(f"the time is over before {self.where} answered")
            raise ModelError(failed.says(self.where, self.spec, tries))

    async def _try(self, prompt: Prompt) -> Completion | Fault:
        """Ask once, within the budget; a server that refuses bills nothing, one that falls silent may bill all."""
        most_read = sum(len(text.encode()) + MESSAGE_TOKENS for _, text in prompt.messages)
        async with self.ledger.reserve(
            tokens=most_read + self._most_written,
            usd=self.rate.usd(read=most_read, cached=0, written=self._most_written),
        ) as bill:
            begin = time.monotonic()
            try:
                async with asyncio.timeout(min(self.settings.timeout_s, max(0.0, self.ledger.time_left()))):
                    message = await self.model.ainvoke(list(prompt.messages))
            except Exception as error:  # every provider has exceptions of its own
                failed = fault(error)
                if not failed.billed:
                    bill.settle()
                return failed
            completion = self._completion(prompt, message, time.monotonic() - begin)
            bill.settle(tokens=completion.input_tokens + completion.output_tokens, usd=completion.usd)
            self._learn(completion.output_tokens)
            return completion

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

    def _completion(self, prompt: Prompt, message: AIMessage, latency_s: float) -> Completion:
        text = redact(str(message.text)).encode("utf-8", "replace").decode()[:MAX_ANSWER]
        usage: Any = message.usage_metadata or {}
        read = usage.get("input_tokens") or sum(len(t) for _, t in prompt.messages) // BYTES_PER_TOKEN
        written = usage.get("output_tokens") or len(text) // BYTES_PER_TOKEN
        cached = min(read, (usage.get("input_token_details") or {}).get("cache_read") or 0)
        return Completion(
            text=text,
            model=self.spec,
            input_tokens=read,
            output_tokens=written,
            usd=self.rate.usd(read=read, cached=cached, written=written),
            latency_s=latency_s,
        )


def proposer(spec: str, context: Context, settings: Settings | None = None) -> Proposer:
    """Make it for `provider:name`; raises UsageError when LangChain does not know or lack the provider."""
    provider, _, name = spec.partition(":")
    if not name:
        raise UsageError(f"model '{spec}': say which, e.g. {provider}:NAME")
    settings = settings or Settings(timeout_s=_timeout())
    options: dict[str, Any] = {
        "max_tokens": settings.max_output_tokens,
        "timeout": settings.timeout_s,
        "max_retries": 0,  # tries are counted here
    }
    where, local = provider, False
    if provider == "openai":
        endpoint = Endpoint.find(context.base_url)
        where, local = str(endpoint), endpoint.local
        options |= {
            "base_url": endpoint.url,
            "api_key": endpoint.key,
            "http_async_client": endpoint.client(settings.timeout_s),
            "use_responses_api": False,  # other servers know the chat protocol alone
        }
    elif context.base_url:
        options["base_url"] = where = context.base_url
    return Chat(
        spec=spec,
        where=redact(where),
        model=_model(spec, options),
        ledger=context.ledger,
        rate=_rate(spec, name, local=local, ledger=context.ledger),
        settings=settings,
    )


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


def _rate(spec: str, name: str, *, local: bool, ledger: Ledger) -> Price:
    """Look the price up; a limit in dollars cannot be kept with a price that is not known."""
    if known := price(name):
        return known
    if ledger.budget.usd is not None and not local:
        raise UsageError(
            f"the price of '{spec}' is not known, so --usd cannot be kept: add it to prices.toml in $SLOTFORGE_HOME, "
            "or limit --tokens instead"
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
