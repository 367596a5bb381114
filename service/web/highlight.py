"""Source and differences as HTML whose colours are classes."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from slotforge.service.web.words import clean, cut

if TYPE_CHECKING:
    from pygments.formatter import Formatter
    from pygments.lexer import Lexer

REMEMBERED = 256  # sources: candidates share most of theirs with their parents
SHORT = 10_000  # characters of one that is remembered
DIFF = (("+++", "file"), ("---", "file"), ("@@", "at"), ("+", "add"), ("-", "del"))


def code(text: str, language: str) -> Markup:
    """Highlight a source; everything in it is escaped.

    Args:
        language: as Pygments names it.
    """
    shown = clean(cut(text.strip("\n")))
    return (_remembered if len(shown) <= SHORT else _code)(shown, language)


def _code(shown: str, language: str) -> Markup:
    from pygments import highlight

    return Markup(highlight(shown, *_tools(language)).removesuffix("\n"))


_remembered = lru_cache(REMEMBERED)(_code)


@cache
def _tools(language: str) -> tuple[Lexer, Formatter[str]]:
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    return get_lexer_by_name(language, stripnl=False, ensurenl=False), HtmlFormatter(nowrap=True)


def diff(text: str) -> Markup:
    """Mark the lines of a unified difference."""
    lines = Markup("").join(map(_line, clean(cut(text)).splitlines()))
    return Markup('<code class="diff">{}</code>').format(lines)


def _line(line: str) -> Markup:
    kind = next((name for mark, name in DIFF if line.startswith(mark)), "")
    return Markup('<span class="{}">{}</span>').format(kind, line)


def plain(text: str) -> Markup:
    """Show a text as it is, escaped and not too long."""
    return escape(clean(cut(text)))
