"""Figures, times and texts as pages show them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from markupsafe import Markup

LONGEST = 100_000  # characters of one text on a page
UNITS = (("year", 31_557_600), ("month", 2_629_800), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """Replace what HTML cannot hold, and what turns the direction of text, by a sign for it."""
    return UNSHOWN.sub(_sign, text.replace("\r\n", "\n"))


def _sign(found: re.Match[str]) -> str:
    return chr(0x2400 + ord(found[0])) if ord(found[0]) < 0x20 else "\ufffd"


def printed(value: object) -> object:
    """Make what a template prints fit for a page: nothing for None, and texts clean; markup is so already."""
    if value is None:
        return ""
    return value if hasattr(value, "__html__") else clean(str(value))


def cut(text: str, most: int = LONGEST) -> str:
    """Shorten a text that is too long for a page, and say by how much."""
    return text if len(text) <= most else f"{text[:most]}\n... {len(text) - most:,} more characters"


def ratio(value: float | None) -> str:
    """Write a ratio of costs."""
    return "" if value is None else f"{value:.3f}"


def interval(low: float | None, high: float | None) -> str:
    """Write an interval of ratios."""
    return "" if low is None or high is None else f"{low:.3f} – {high:.3f}"


def side(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Say on which side of 1 a ratio lies, "good" or "bad"; neither when its interval holds 1."""
    if value is None or ((low if low is not None else value) <= 1 <= (high if high is not None else value)):
        return ""
    return "good" if value < 1 else "bad"


def count(value: float | None) -> str:
    """Write a whole number with its thousands set apart."""
    return "" if value is None else f"{value:,.0f}"


def number(value: float | None) -> str:
    """Write a number to three digits."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def share(value: float | None) -> str:
    """Write a share of 1 in per cent."""
    return "" if value is None else f"{100 * value:.0f} %"


def usd(value: float | None) -> str:
    """Write an amount of dollars; small ones to four digits."""
    if value is None:
        return ""
    return f"${value:,.2f}" if value == 0 or value >= 1 else f"${value:.4f}"


def span(seconds: float | None) -> str:
    """Write a length of time in its two largest units."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 or seconds == 0 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size(count_: float | None) -> str:
    """Write a number of bytes."""
    if count_ is None:
        return ""
    for unit in ("B", "KiB", "MiB"):
        if count_ < 1024:
            return f"{count_:.0f} B" if unit == "B" else f"{count_:.1f} {unit}"
        count_ /= 1024
    return f"{count_:.1f} GiB"


def ago(at: datetime | None) -> Markup:
    """Write a time as how long ago it was, with the exact one in its title."""
    if at is None:
        return Markup("")
    past = (datetime.now(UTC) - at).total_seconds()
    said = (
        "just now"
        if abs(past) < 5
        else next(
            f"{n} {unit}{'s' if n > 1 else ''} ago"
            for unit, length in UNITS
            if (n := int(past // length)) or length == 1
        )
    )
    exact = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.isoformat(timespec="seconds"), f"{exact:%Y-%m-%d %H:%M:%S} UTC", said if past > -5 else "soon"
    )


def words(name: object) -> str:
    """Write an identifier as words."""
    return str(name).replace("_", " ")
