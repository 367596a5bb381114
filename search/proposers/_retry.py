"""What went wrong with a call to a model, whether to try again, and when."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from slotforge.search.proposers._endpoint import redact

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
_TRANSIENT = frozenset({408, 409, 425, 429})
_HOPELESS = ("insufficient_quota", "billing_hard_limit_reached")
_ADVICE = {
    401: "the key is refused: check OPENAI_API_KEY, or the key of your provider",
    403: "this key may not use the model",
    404: "no such model or address",
    413: "the prompt is too long for the server",
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One failed try.

    what: one line, without keys.
    status: of HTTP; 0 when there was no answer.
    transient: whether another try makes sense.
    billed: whether the server may bill it all the same: it took the question and gave no answer that can be read.
    pause_s: what the server asks to wait, if it does.
    """

    what: str
    status: int = 0
    transient: bool = True
    billed: bool = False
    pause_s: float | None = None

    def says(self, where: str, model: str, tries: int = 1) -> str:
        """Put it into one line for the user."""
        times = f" ({tries} tries)" if tries > 1 else ""
        about = f" about '{model}'" if model else ""
        return f"{where}{about}: {self.what}{times}"

    def pause(self, tries: int) -> float:
        """Seconds to wait after so many tries: what the server asks for, or doubling from a second to a minute."""
        wanted = FIRST_PAUSE_S * 2 ** (tries - 1) if self.pause_s is None else self.pause_s
        return min(wanted, LONGEST_PAUSE_S)


SILENCE = Fault(what="no answer in time", billed=True)


def fault(error: BaseException) -> Fault:
    """Read an exception of any provider: by its HTTP status if it has one, else by what it is called."""
    status = getattr(error, "status_code", None)
    detail = _line(str(getattr(error, "message", None) or error))
    if isinstance(status, int):
        text = f"{status} {_ADVICE.get(status, '')}".strip()
        transient = (status in _TRANSIENT or status >= 500) and not any(word in str(error) for word in _HOPELESS)
        return Fault(what=f"{text}: {detail}", status=status, transient=transient, pause_s=_wish(error))
    kinds = " ".join(kind.__name__ for kind in type(error).__mro__)
    if "Timeout" in kinds:
        return SILENCE
    if "Connection" in kinds:
        why = f"cannot be reached or broke off ({_line(str(_root(error)))}): is the server running?"
        return Fault(what=why, billed=not _never_connected(error))
    return Fault(what=f"the answer is no chat completion ({type(error).__name__}: {detail})", billed=True)


def _never_connected(error: BaseException | None) -> bool:
    """Whether one of the causes is that no connection came about."""
    while error is not None:
        if type(error).__name__ in ("ConnectError", "ConnectTimeout", "ConnectionRefusedError", "gaierror"):
            return True
        error = error.__cause__ or error.__context__
    return False


def _root(error: BaseException) -> BaseException:
    """Follow the causes down to the last that says something."""
    while error.__cause__ is not None and str(error.__cause__):
        error = error.__cause__
    return error


def _wish(error: BaseException) -> float | None:
    """Read the headers retry-after-ms and retry-after, in seconds or as a date."""
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {})
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        if text := headers.get("retry-after-ms"):
            return max(0.0, float(text) / 1000)
        if text := headers.get("retry-after"):
            seconds = float(text) if text.replace(".", "", 1).isdigit() else _seconds_until(text)
            return max(0.0, seconds)
    return None


def _seconds_until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp() - time.time()


def _line(text: str) -> str:
    return redact(" ".join(text.split()))[:300]
