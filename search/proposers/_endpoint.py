"""A server that speaks the OpenAI chat protocol: where it is, with which key, and whether it answers."""

from __future__ import annotations

import ipaddress
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from slotforge.core.errors import ModelError, UsageError

if TYPE_CHECKING:
    import httpx2

OPENAI_URL = "https://api.openai.com/v1"
CONNECT_S = 10.0
MOST_BYTES = 64_000_000  # of one answer: more is given up, before the memory is full
SHORTEST_SECRET = 8
HIDDEN = "[hidden]"
SECRET_NAME = re.compile(
    r"(?:(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL)S?|(?<!ASK)(?<!BY)(?<!COM)PASS|(?<!^)(?<!^OLD)PWD)"
    r"(?:$|_(?!(?:\w+_)?(?:FILE|PATH|DIR|URL)$))",
    re.IGNORECASE,
)  # ends a word of the name; also where more follows, as in AWS_BEARER_TOKEN_BEDROCK
KEY = re.compile(r"\bsk-[A-Za-z0-9_-]{8,}|(?<=Bearer )[^\s\"',]+|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where questions are sent."""

    url: str
    key: SecretStr

    @classmethod
    def find(cls, base_url: str | None) -> Endpoint:
        """Take the address given, or OPENAI_BASE_URL, or OpenAI's, and the key from OPENAI_API_KEY.

        Raises:
            UsageError: the address is none.
            ModelError: no key is set, and the server is not on this machine.
        """
        url = address(base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL)
        key = os.environ.get("OPENAI_API_KEY", "")
        endpoint = cls(url=url, key=SecretStr(key or "none"))
        if not key and not endpoint.local:
            raise ModelError(f"no key for {endpoint}: set OPENAI_API_KEY, or use --model offline")
        return endpoint

    @property
    def local(self) -> bool:
        """Whether the server is on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    def __str__(self) -> str:
        """Return the address without a password."""
        return redact(self.url)

    def client(self, timeout_s: float) -> httpx2.AsyncClient:
        """Make an HTTP client: proxies of the environment are not for this machine, and no connection is kept.

        Without connections that are kept, a client may be used by several event loops and needs no closing.
        """
        import httpx2

        return httpx2.AsyncClient(
            trust_env=not self.local,
            timeout=httpx2.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
            limits=httpx2.Limits(max_keepalive_connections=0),
            event_hooks={"response": [_bound]},
        )

    async def alive(self) -> bool:
        """Look, without a key, whether the server answers anything but that it is busy or broken."""
        import httpx2

        try:
            async with self.client(CONNECT_S) as client:
                found = await client.get(f"{self.url.rstrip('/')}/models")
        except (httpx2.HTTPError, OSError, ValueError):
            return False
        return found.status_code < 500 and found.status_code != 429


async def _bound(response: httpx2.Response) -> None:
    """Let an answer break off that does not end."""
    import httpx2

    assert isinstance(response.stream, httpx2.AsyncByteStream)
    whole: httpx2.AsyncByteStream = response.stream

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            read = 0
            async for chunk in whole:
                read += len(chunk)
                if read > MOST_BYTES:
                    raise httpx2.ReadError(f"the answer has more than {MOST_BYTES:,} bytes")
                yield chunk

        async def aclose(self) -> None:
            await whole.aclose()

    response.stream = Bounded()


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a look at a server found; error is empty when it answers."""

    url: str
    models: tuple[str, ...] = ()
    latency_s: float = 0.0
    error: str = ""


async def probe(base_url: str | None, *, timeout_s: float = 10.0) -> Probe:
    """Ask a server for its models; a failure is told, not raised."""
    import openai

    from slotforge.search.proposers._retry import fault

    try:
        endpoint = Endpoint.find(base_url)
    except (UsageError, ModelError) as error:
        return Probe(url=redact(base_url or ""), error=str(error))
    begin = time.monotonic()
    async with endpoint.client(timeout_s) as client:
        api = openai.AsyncOpenAI(
            api_key=endpoint.key.get_secret_value(), base_url=endpoint.url, http_client=client, max_retries=0
        )
        try:
            models = tuple(sorted([model.id async for model in api.models.list()]))
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
            return Probe(url=str(endpoint), error=fault(error).says(str(endpoint), ""))
    return Probe(url=str(endpoint), models=models, latency_s=time.monotonic() - begin)


def address(url: str) -> str:
    """Return an address as it came, for it will be recorded; raises UsageError when it is none or may hold a secret."""
    shown = redact(re.sub(r"(?<=//)[^/?#]*@|[?#].*", "", url))
    with suppress(ValueError):  # of brackets that do not close
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            if "@" in parts.netloc or "?" in url or "#" in url:
                raise UsageError(
                    f"base URL '{shown}' came with a name, a password, a query or a fragment, and addresses are "
                    "recorded: leave these out, and put the key into the environment"
                )
            return url
    raise UsageError(f"base URL '{shown}': expected http://HOST:PORT/v1 or https://HOST/v1")


def secrets() -> tuple[str, ...]:
    """Return the values that the environment keeps secret, longest first, for one may begin another."""
    named = (value for name, value in os.environ.items() if SECRET_NAME.search(name))
    return tuple(sorted((value for value in named if len(value) >= SHORTEST_SECRET), key=len, reverse=True))


def redact(text: str) -> str:
    """Hide keys: whatever looks like one, and the value of every variable of the environment that is named like one."""
    if not text:
        return text
    for value in secrets():
        text = text.replace(value, HIDDEN)
    return KEY.sub(HIDDEN, text)
