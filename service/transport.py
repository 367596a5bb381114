"""Requests to a server of slotforge: time-outs, retries, problems told as errors, pages and streams."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote
from uuid import uuid4

import httpx
from pydantic import TypeAdapter, ValidationError

from slotforge import __version__
from slotforge.core.errors import Conflict, ModelError, SlotforgeError, StoreError, UnknownId, UsageError
from slotforge.solvers.sat.folder import shown

T = TypeVar("T")

LOOPBACK = ("localhost", "127.0.0.1", "::1")
BUSY = (429, 503)  # answers after which the same request may do
GAVE_UP = 504  # of a proxy that waited for the server no longer
UNDER_WAY = 409  # with Retry-After: the same request is being answered
NOTHING_MORE = 204  # of a stream that was seen to its end, and of what was removed
GONE = 404
ATTEMPTS = 5
PATIENT_ATTEMPTS = 10  # to go on with a stream: a server or a database that starts again takes a minute
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 20.0
LONGEST_ANSWER_S = 400.0  # to wait for one that is under way: what is built takes minutes
MOST = 200  # items of a page
BYTES = "application/octet-stream"
TIMEOUT = httpx.Timeout(60.0, connect=10.0)
STREAM_TIMEOUT = httpx.Timeout(60.0, connect=10.0, read=60.0)  # a stream that is still says so every few seconds
LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")  # of a stream; after a \r that came last there may be a \n


class Away(StoreError):
    """The database of the server, or the server behind a proxy, does not answer for now."""


class TooMuch(UsageError):
    """What was sent is more than the server takes at once, or than the caller may keep there."""


ERRORS: Mapping[int, type[SlotforgeError]] = {
    400: UsageError,
    404: UnknownId,
    409: Conflict,
    413: TooMuch,
    422: UsageError,
    502: ModelError,
    503: Away,
    504: Away,
}
Params = Mapping[str, Any]


class Refused(SlotforgeError):
    """The server does not let this caller do that: no token, another one is needed, or it allows less."""


@dataclass(frozen=True, kw_only=True)
class ServerEvent:
    """One event of a stream. id: to go on after it."""

    id: str
    kind: str
    data: Any


def token_of(token: str | None) -> str | None:
    """Return a token, or that of $SLOTFORGE_TOKEN, or that in the file that $SLOTFORGE_TOKEN_FILE names."""
    if found := token or os.environ.get("SLOTFORGE_TOKEN"):
        return found.strip()
    if not (name := os.environ.get("SLOTFORGE_TOKEN_FILE")):
        return None
    path = Path(name).expanduser()
    try:
        if path.stat().st_mode & 0o077:
            raise UsageError(f"others may read the token in {path}: `chmod 600 {path}` first")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"cannot read the token in {path} ({error.strerror}): see $SLOTFORGE_TOKEN_FILE") from error


class Transport:
    """A connection to one server; safe to share between threads.

    Raises:
        UsageError: the URL is none, or the token would travel in the clear.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        timeout: httpx.Timeout = TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = _checked(url, token)
        self._sleep = sleep
        headers = {"User-Agent": f"slotforge/{__version__}", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        local = httpx.URL(self.url).host in LOOPBACK
        self._http = httpx.Client(
            base_url=self.url, headers=headers, timeout=timeout, trust_env=not local, transport=transport
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def get(self, kind: type[T], path: str, **params: Any) -> T:
        """Ask for a record."""
        return self._read(kind, self.send("GET", path, params=params))

    def post(self, kind: type[T], path: str, body: Any = None, **params: Any) -> T:
        """Ask for something to be made or done, once, however often it has to be sent."""
        answer = self.send("POST", path, params=params, json=body, headers={"Idempotency-Key": uuid4().hex})
        return self._read(kind, answer)

    def put(self, kind: type[T], path: str, body: Any) -> T:
        """Ask for something to be as this says."""
        return self._read(kind, self.send("PUT", path, json=body))

    def upload(self, kind: type[T], path: str, files: Sequence[tuple[str, Path]], **params: Any) -> T:
        """Send files under names of their own; what is kept there is named by its content, so it may be sent again."""

        def parts() -> dict[str, Any]:
            return {"files": [("files", (shown(name), file.open("rb"), BYTES)) for name, file in files]}

        return self._read(kind, self.send("POST", path, params=params, repeatable=True, make=parts))

    def delete(self, kind: type[T], path: str) -> T:
        """Ask for something to be removed; that it is not there is as good where the answer before that was lost."""
        return self._read(kind, self.send("DELETE", path, removes=kind is type(None)))

    def pages(self, kind: type[T], path: str, *, limit: int | None = None, **params: Any) -> Iterator[T]:
        """Yield the items of a long list, page by page, at most so many."""
        left = limit
        cursor: str | None = None
        while left is None or left > 0:
            size = MOST if left is None else min(left, MOST)
            found = self._read(
                dict[str, Any], self.send("GET", path, params={**params, "limit": size, "cursor": cursor})
            )
            items = self._parse(list[kind], found.get("items", []))[:left]  # type: ignore[valid-type]
            yield from items
            cursor = found.get("next")
            left = None if left is None else left - len(items)
            if cursor is None:
                return

    def send(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool = False,
        removes: bool = False,
        make: Callable[[], dict[str, Any]] = dict,
        take: Callable[[Iterator[bytes]], None] | None = None,
        params: Params | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Send a request, again where that is safe and may help; raises the error that the server tells.

        Args:
            repeatable: that it is safe, though it is neither of those that are by nature nor has a key.
            removes: that all it is to do is done where what it names is not there.
            make: what goes into it anew each time, such as files.
            take: takes the content of an answer, anew each time, piece by piece.
        """
        safe = repeatable or method != "POST" or "Idempotency-Key" in (options.get("headers") or {})
        given = {name: value for name, value in (params or {}).items() if value is not None}
        attempt, waited, lost = 0, 0.0, False
        while True:
            last = attempt == ATTEMPTS - 1
            made = make()
            try:
                with self._http.stream(method, path, params=given, **options, **made) as answer:
                    if take and answer.is_success:
                        take(answer.iter_bytes())
                    else:
                        answer.read()
            except httpx.RequestError as error:
                if last or not (safe or isinstance(error, httpx.ConnectError)):
                    raise self._unreachable(error) from None
                lost |= not isinstance(error, httpx.ConnectError)
                self._sleep(_wait(attempt))
                attempt += 1
                continue
            finally:
                for _, (_, file, _) in made.get("files", ()):
                    file.close()
            status, told = answer.status_code, answer.headers.get("Retry-After")
            if removes and lost and status == GONE:
                return httpx.Response(NOTHING_MORE)
            lost |= status == GAVE_UP
            if status == UNDER_WAY and told and waited < LONGEST_ANSWER_S:
                waited += (pause := _wait(attempt, told))
                self._sleep(pause)
                continue
            if last or not (status in BUSY or (safe and status == GAVE_UP)):
                return self._checked(answer)
            self._sleep(_wait(attempt, told))
            attempt += 1

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str] | None = None, **params: Any) -> Iterator[httpx.Response]:
        """Open an answer that is read piece by piece."""
        try:
            with self._http.stream("GET", path, headers=headers, params=params, timeout=STREAM_TIMEOUT) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    self._checked(answer)
                yield answer
        except httpx.RequestError as error:
            raise self._unreachable(error) from None

    def events(
        self, path: str, *, after: str | None = None, ended: Callable[[ServerEvent], bool]
    ) -> Iterator[ServerEvent]:
        """Yield the events of a stream up to the one that ends it; goes on where it was when the connection is lost.

        Raises:
            SlotforgeError: the server stays away.
        """
        failures = 0
        while True:
            headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
            try:
                with self.stream(path, headers) as answer:
                    if answer.status_code == NOTHING_MORE:
                        return
                    for event in _events(_lines(answer.iter_bytes())):
                        failures, after = 0, event.id or after
                        yield event
                        if ended(event):
                            return
            except (Unreachable, Busy, Away, ModelError):  # it, its database or a proxy before it starts again
                failures += 1
                if failures == PATIENT_ATTEMPTS:
                    raise
            self._sleep(_wait(failures))

    def download(self, path: str, out: Path, *, sha256: str = "") -> None:
        """Write an answer into a file of our choice, whole or not at all; a device or a pipe stays one.

        Raises:
            SlotforgeError: it cannot be written, or its content has another hash.
        """
        special = out.is_symlink() or (out.exists() and not out.is_file())
        folder, name = (Path(tempfile.gettempdir()), "slotforge") if special else (out.parent, out.name)
        partial = folder / f".{name}.{os.getpid()}"
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("x+b") as file:

                def take(pieces: Iterator[bytes]) -> None:
                    file.seek(0)
                    file.truncate()
                    file.writelines(pieces)

                self.send("GET", path, take=take)
                file.flush()
                os.fsync(file.fileno())
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if sha256 and digest != sha256:
                raise SlotforgeError(f"{out} did not come as it was sent by {self.url}: try again")
            if special:
                out.write_bytes(partial.read_bytes())
            else:
                partial.replace(out)
        except OSError as error:
            raise SlotforgeError(f"cannot write {out} ({error.strerror}): choose another place") from error
        finally:
            with suppress(OSError):
                partial.unlink()

    def _read(self, kind: type[T], answer: httpx.Response) -> T:
        try:
            value = answer.json() if answer.content else None
        except ValueError:
            raise _strange(self.url) from None
        return self._parse(kind, value)

    def _parse(self, kind: type[T], value: Any) -> T:
        with understood(self.url):
            parsed: T = _adapter(cast(Any, kind)).validate_python(value)
            return parsed

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code < 300:
            return answer
        raise _problem(answer, self.url)

    def _unreachable(self, error: httpx.RequestError) -> SlotforgeError:
        why = str(error) or type(error).__name__
        return Unreachable(f"the server {self.url} does not answer ({why}): check that it runs, and the URL")


class Unreachable(SlotforgeError):
    """The server cannot be reached, or does not answer in time."""


class Busy(SlotforgeError):
    """The server has too much to do, or is about to stop."""


@contextmanager
def understood(url: str) -> Iterator[None]:
    """Read what a server has told; raises SlotforgeError where that is of another kind."""
    try:
        yield
    except ValidationError:
        raise _strange(url) from None


def _strange(url: str) -> SlotforgeError:
    return SlotforgeError(f"{url} gives answers of another kind: is it a slotforge server of this version?")


def _checked(url: str, token: str | None) -> str:
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL:
        found = httpx.URL("")
    if found.scheme not in ("http", "https") or not found.host or found.query or found.userinfo:
        raise UsageError("the server's URL cannot be read: write http://HOST:PORT or https://HOST")
    plain = found.scheme == "http" and found.host not in LOOPBACK
    if token and plain and os.environ.get("SLOTFORGE_PLAIN_HTTP") != "1":
        raise UsageError(
            f"the token would travel to {found.host} in the clear: use https, or set SLOTFORGE_PLAIN_HTTP=1 on a "
            "network that you trust"
        )
    return str(found).rstrip("/")


def _problem(answer: httpx.Response, url: str) -> SlotforgeError:
    """Tell what went wrong in the server's words."""
    try:
        told = answer.json()
        detail = str(told["detail"]) if isinstance(told, dict) else ""
    except (ValueError, KeyError):
        detail = ""
    status = answer.status_code
    line = " ".join((detail or f"{url} answered {status} {answer.reason_phrase}").split())
    if status in (401, 403):
        return Refused(f"{line} (the token is that of $SLOTFORGE_TOKEN or of the file $SLOTFORGE_TOKEN_FILE)")
    if status == 429:
        return Busy(line)
    return ERRORS.get(status, SlotforgeError)(line)


def _wait(attempt: int, told: str | None = None) -> float:
    """Say how long to wait before the next attempt: what the server says, or longer each time, not all at once."""
    usual: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt) * random.uniform(0.5, 1.0)
    return min(LONGEST_WAIT_S, max(usual, float(told))) if told and told.isdigit() else usual


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    """Cut a stream into lines where streams have them end, and nowhere else, for U+2028 and its like are text."""
    rest = b""
    for piece in pieces:
        *lines, rest = LINE_END.split(rest + piece)
        yield from (line.decode(errors="replace") for line in lines)
    if rest:
        yield rest.removesuffix(b"\r").decode(errors="replace")


def _events(lines: Iterator[str]) -> Iterator[ServerEvent]:
    """Read an event stream; what was cut off is no event."""
    fields: dict[str, list[str]] = {}
    id_ = ""
    for line in lines:
        name, _, value = line.partition(":")
        if line and name:
            fields.setdefault(name, []).append(value.removeprefix(" "))
        elif not line and fields:
            id_ = fields.get("id", [id_])[-1]
            if data := "\n".join(fields.get("data", [])):
                yield ServerEvent(id=id_, kind=fields.get("event", ["message"])[-1], data=_data(data))
            fields = {}


def _data(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def segment(text: str) -> str:
    """Write an id or a name as one part of a path; raises UnknownId for a text that can be neither."""
    if not text or "/" in text or not text.strip("."):
        raise UnknownId(f"{text[:80]!a} is no id: see `slotforge runs` and `slotforge best DOMAIN`")
    return quote(text, safe="")
