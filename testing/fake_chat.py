"""A scripted OpenAI-compatible server on this machine, for tests: answers in order, and failures on demand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer of the server.

    text: of the assistant; None for an answer that is no chat completion, whose body is `body`.
    status: of HTTP.
    headers: besides the usual ones.
    wait_s: before it answers.
    cut: bytes of the body that are sent before the connection breaks; None sends all of it.
    chunked: whether the body is sent as a chunk of a stream whose length nobody knows.
    usage: tokens read and written; None leaves them out.
    """

    text: str | None = None
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    cut: int | None = None
    chunked: bool = False
    usage: tuple[int, int] | None = (100, 20)


def failure(status: int, message: str = "try later", **headers: str) -> Reply:
    """An error as OpenAI words it; `retry_after="1"` becomes the header retry-after."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, body=json.dumps({"error": {"message": message}}).encode(), headers=names)


def garbage(body: bytes = b"<html>it works</html>", kind: str = "text/html") -> Reply:
    """A body that is no chat completion, with status 200."""
    return Reply(body=body, headers={"content-type": kind})


def hang(seconds: float) -> Reply:
    """An answer that comes late."""
    return Reply(text="late", wait_s=seconds)


def half(text: str = "never seen in full", *, chunked: bool = False) -> Reply:
    """An answer that breaks off in the middle."""
    return Reply(text=text, cut=40, chunked=chunked)


def huge(characters: int = 10_000_000) -> Reply:
    """An answer that never ends."""
    return Reply(text="x" * characters)


Script = Callable[[Mapping[str, Any]], Reply | str]


class FakeChat:
    """The server: what was asked is in `requests`, with the headers in `headers`; `most_at_once` calls overlapped."""

    def __init__(self, script: Iterable[Reply | str] | Script) -> None:
        """Begin to listen.

        Args:
            script: replies in order, texts for short, the last one again and again; or a function of the request.
        """
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._next = script if callable(script) else _in_order(script)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, request: dict[str, Any], headers: dict[str, str]) -> Reply:
        """Note a request and choose its reply."""
        with self._lock:
            self.requests.append(request)
            self.headers.append(headers)
            answer = self._next(request)
        return Reply(text=answer) if isinstance(answer, str) else answer

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a call as under way."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1


@contextmanager
def serve(script: Iterable[Reply | str] | Script) -> Iterator[FakeChat]:
    """Run a server for the length of a block."""
    server = FakeChat(script)
    try:
        yield server
    finally:
        server.close()


def _in_order(script: Iterable[Reply | str]) -> Script:
    replies = list(script)
    return lambda _: replies.pop(0) if len(replies) > 1 else replies[0]


def _completion(model: str, reply: Reply) -> bytes:
    read, written = reply.usage or (0, 0)
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    choice = {"index": 0, "message": {"role": "assistant", "content": reply.text}, "finish_reason": "stop"}
    answer = {"id": "fake", "object": "chat.completion", "created": 0, "model": model, "choices": [choice]}
    return json.dumps(answer | ({"usage": usage} if reply.usage else {})).encode()


def _handler(server: FakeChat) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            self._send(Reply(body=json.dumps({"object": "list", "data": [{"id": "fake", "object": "model"}]}).encode()))

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with server.counted():
                reply = server.reply(request, {name.lower(): value for name, value in self.headers.items()})
                time.sleep(reply.wait_s)
                self._send(reply, str(request.get("model")))

        def _send(self, reply: Reply, model: str = "") -> None:
            body = reply.body if reply.text is None else _completion(model, reply)
            length = {"transfer-encoding": "chunked"} if reply.chunked else {"content-length": str(len(body))}
            headers = {"content-type": "application/json", **length, **reply.headers}
            try:
                self.send_response(reply.status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                sent = body[: reply.cut]
                end = b"0\r\n\r\n" if reply.cut is None else b""
                self.wfile.write(b"%x\r\n%s\r\n%s" % (len(sent), sent, end) if reply.chunked else sent)
            except OSError:  # the client has gone
                self.close_connection = True
            if reply.cut is not None:
                self.close_connection = True

    return Handler
