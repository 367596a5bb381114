"""What has broken other services, and what no answer may be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

MARK = "xssm4rk"
SCRIPT = f"<script>{MARK}</script>"
PATTERNS: dict[str, tuple[str, ...]] = {
    "path traversal": (
        "../../../../etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
        "....//....//etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "..\\..\\windows\\win.ini",
        "%252e%252e%252fetc%252fpasswd",
        "models:/../../etc/passwd",
        "replay:/etc/passwd",
        "suite:../../etc/passwd",
    ),
    "SSRF": (
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost:1/",
        "gopher://127.0.0.1:6379/_INFO",
        "openai:x@http://127.0.0.1:1/v1",
        "//evil.example/x",
    ),
    "SQL": (
        "' OR '1'='1",
        "1; DROP TABLE run; --",
        "ratio) UNION SELECT digest FROM api_key --",
        "id DESC, (SELECT sql FROM sqlite_master)",
        "%' ESCAPE '!",
        '"); SELECT pg_sleep(9); --',
    ),
    "XSS": (SCRIPT, f'"><img src=x onerror={MARK}>', f"javascript:{MARK}", f"{{{{7*7}}}}{SCRIPT}", f"'-{SCRIPT}-'"),
    "bytes": ("\x00", "a\x00b", "\r\nX-Evil: 1", "\ud7ff\uffff", "\u202egnp.exe", "%ff%fe", "é" * 50, "\x1b[31m"),
    "size": ("a" * 3000, "9" * 1000, "-1", "1e308", "NaN", "0x10", "9223372036854775808", "[" * 500, "*" * 200),
}
LEAKS = re.compile(r"root:x:0:0|Traceback \(most recent|sqlite3\.|sqlalchemy|/site-packages/|\[fonts\]")

FEW = 2  # values for what is no text: its door refuses each of them for the same reason


def values(pattern: str, turn: int, *, text: bool) -> Iterator[str]:
    """Yield all values of a pattern for a text, and else a few, others at each turn."""
    every = PATTERNS[pattern]
    for k in range(len(every) if text else FEW):
        yield every[(turn * FEW + k) % len(every)]


def check(what: str, value: str, answer: Any, *, known: bool = True) -> None:
    """Hold an answer against what no answer may be. known: that the caller has shown a sound key."""
    said = f"{what} with {value[:60]!r}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500, said
    assert answer.status_code != 401 or not known, said
    assert not LEAKS.search(answer.text), said
    if "html" in answer.headers.get("content-type", ""):
        assert SCRIPT not in answer.text, said
        assert f"<img src=x onerror={MARK}" not in answer.text, said
        assert not re.search(rf"""(href|src|action)=["']?\s*javascript:{MARK}""", answer.text), said
    assert answer.headers["x-content-type-options"] == "nosniff", said
    assert "x-evil" not in answer.headers, said
    where = answer.headers.get("location", "/")
    assert where.startswith("/"), said
    assert not where.startswith("//"), said
